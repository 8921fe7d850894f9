//! Which container, and where in it: `az://ACCOUNT/CONTAINER[/PREFIX]`.

use std::fmt;

/// The form, for those who wrote another one.
const FORM: &str = "it looks like az://ACCOUNT/CONTAINER[/PREFIX]";

/// The longest prefix: with the longest name below it a blob's name stays within 1,024 characters (Naming and referencing containers, blobs, and
/// metadata).
const LONGEST_PREFIX: usize = 256;

/// A place in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The storage account's name.
    pub account: String,
    /// The container's.
    pub container: String,
    /// What all names begin with, without slashes at its ends; empty for the container itself.
    pub prefix: String,
}

impl Location {
    /// Reads `az://ACCOUNT/CONTAINER[/PREFIX]`. `Err` tells what is wrong with it, and quotes nothing that may be a secret.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.trim().split_once("://").ok_or_else(|| format!("is no address of a container: {FORM}"))?;
        if !scheme.eq_ignore_ascii_case("az") {
            return Err(format!("begins with another scheme than az: {FORM}"));
        }
        if rest.contains('?') {
            return Err(format!("holds a query: {FORM}; a SAS token belongs into AZURE_STORAGE_SAS_TOKEN"));
        }
        let (account, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let (container, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let location = Self { account: account.to_owned(), container: container.to_owned(), prefix: prefix.trim_matches('/').to_owned() };
        check_account(account)?;
        check_container(container)?;
        check_prefix(&location.prefix)?;
        Ok(location)
    }
}

/// Names of storage accounts (Storage account overview).
fn check_account(account: &str) -> Result<(), String> {
    if account.is_empty() {
        return Err(format!("names no storage account: {FORM}"));
    }
    if account.contains('@') {
        return Err(format!("holds an @: {FORM}, and no other address of Azure"));
    }
    if let Some((name, _)) = account.split_once('.') {
        return Err(format!(
            "names a host, not an account: write the account's name alone, az://{name}/...; other clouds follow from AZURE_AUTHORITY_HOST or AZURE_STORAGE_ENDPOINT_SUFFIX"
        ));
    }
    let plain = account.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if !plain || !(3..=24).contains(&account.len()) {
        return Err(format!("{account:?} is no name of a storage account: those have 3 to 24 lower-case letters and digits"));
    }
    Ok(())
}

/// Names of containers (Naming and referencing containers, blobs, and metadata).
fn check_container(container: &str) -> Result<(), String> {
    if container.is_empty() {
        return Err(format!("names no container: {FORM}"));
    }
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = container.bytes().next().is_some_and(plain) && container.bytes().last().is_some_and(plain);
    let good = ends && container.bytes().all(|byte| plain(byte) || byte == b'-') && !container.contains("--");
    if !good || !(3..=63).contains(&container.len()) {
        return Err(format!(
            "{container:?} is no name of a container: those have 3 to 63 lower-case letters, digits and single hyphens, \
            and begin and end with a letter or digit"
        ));
    }
    Ok(())
}

fn check_prefix(prefix: &str) -> Result<(), String> {
    if prefix.len() > LONGEST_PREFIX {
        return Err(format!("has a prefix of {} bytes: at most {LONGEST_PREFIX} leave room for the names below it", prefix.len()));
    }
    if prefix.is_empty() {
        return Ok(());
    }
    for part in prefix.split('/') {
        let wrong = match part {
            "" => "two slashes in a row",
            "." | ".." => "a part that is . or ..",
            _ if part.ends_with('.') => "a part that ends in a dot",
            _ if part.contains(|c: char| c.is_control() || "\\#".contains(c)) => "a control character, backslash or #",
            _ => continue,
        };
        return Err(format!("has {wrong} in its prefix, which blobs' names cannot hold safely"));
    }
    Ok(())
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "az://{}/{}", self.account, self.container)?;
        if self.prefix.is_empty() { Ok(()) } else { write!(f, "/{}", self.prefix) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_as_it_was_read() {
        for text in ["az://contosomail/archive", "az://contosomail/archive/mail", "az://abc/a-1/mail 2026/über"] {
            assert_eq!(Location::parse(text).unwrap().to_string(), text);
        }
        let slashes = Location::parse(" AZ://contosomail/archive//mail/ ").unwrap();
        assert_eq!(slashes.to_string(), "az://contosomail/archive/mail");
        assert_eq!(Location::parse("az://contosomail/archive/").unwrap().prefix, "");
    }

    #[test]
    fn what_is_no_place_is_told_why() {
        for (text, why) in [
            ("contosomail/archive", "az://ACCOUNT/CONTAINER"),
            ("https://contosomail.blob.core.windows.net/archive", "another scheme"),
            ("az://", "no storage account"),
            ("az:///archive", "no storage account"),
            ("az://contosomail", "no container"),
            ("az://contosomail/", "no container"),
            ("az://contosomail.blob.core.windows.net/archive", "az://contosomail/"),
            ("az://archive@contosomail/x", "an @"),
            ("az://Contoso/archive", "24 lower-case"),
            ("az://co/archive", "24 lower-case"),
            ("az://contosomail/Archive", "63 lower-case"),
            ("az://contosomail/a--b", "63 lower-case"),
            ("az://contosomail/-ab", "63 lower-case"),
            ("az://contosomail/$web", "63 lower-case"),
            ("az://contosomail/archive/a//b", "two slashes"),
            ("az://contosomail/archive/../b", ". or .."),
            ("az://contosomail/archive/b.", "ends in a dot"),
            ("az://contosomail/archive/a\\b", "backslash"),
            ("az://contosomail/archive?sv=2024&sig=c2VjcmV0", "AZURE_STORAGE_SAS_TOKEN"),
        ] {
            let error = Location::parse(text).unwrap_err();
            assert!(error.contains(why) && !error.contains("c2VjcmV0"), "{text}: {error}");
        }
        assert!(Location::parse(&format!("az://contosomail/archive/{}", "x".repeat(300))).unwrap_err().contains("300 bytes"));
    }
}
