//! Addresses of things: written by us below the endpoint's root, or given by the server and followed as they are.

use std::fmt::Write;

use url::Url;

use crate::mail::Address;

/// Where Graph is: `https://graph.microsoft.com/v1.0` or that of another cloud (Graph "National cloud deployments").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    root: String,
    url: Url,
}

impl Endpoint {
    /// The endpoint whose service root is `root`; without a path the version 1.0 is meant. `Err` tells what is wrong with it.
    pub fn new(root: &str) -> Result<Self, String> {
        let url = Url::parse(root.trim()).map_err(|error| format!("not a URL: {error}"))?;
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
            return Err("not an http or https URL".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err("only scheme, host, port and path may be given".to_owned());
        }
        let mut root = url.as_str().trim_end_matches('/').to_owned();
        if url.path() == "/" {
            root.push_str("/v1.0");
        }
        Ok(Self { root, url })
    }

    /// The URL of a path below the root, which begins with a slash and is encoded already.
    pub fn below(&self, path: &str) -> String {
        format!("{}{path}", self.root)
    }

    /// Whether a link of the server's leads to the same scheme, host and port: nowhere else may a token go.
    pub fn owns(&self, link: &str) -> bool {
        Url::parse(link).is_ok_and(|url| url.origin() == self.url.origin() && url.username().is_empty() && url.password().is_none())
    }
}

/// Text as one segment of a path, or as a value in a query: everything but unreserved characters (RFC 3986, 2.3) is percent-encoded.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            // Writing to a string cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}

/// The path of a user's mailbox. A name that begins with `$` would pass for a system query option, so it goes into parentheses, its
/// apostrophes doubled (Graph "Get a user").
pub fn user(address: &Address) -> String {
    match address.as_str() {
        name if name.starts_with('$') => format!("/users('{}')", encode(&name.replace('\'', "''"))),
        name => format!("/users/{}", encode(name)),
    }
}

/// A query, `?name=value&…`; values are encoded here.
pub fn query(options: &[(&str, &str)]) -> String {
    options.iter().enumerate().fold(String::new(), |mut query, (index, (name, value))| {
        query.push(if index == 0 { '?' } else { '&' });
        query.push_str(name);
        query.push('=');
        query.push_str(&encode(value));
        query
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_alone_means_version_one() {
        let below = |root: &str| Endpoint::new(root).map(|endpoint| endpoint.below("/users"));
        assert_eq!(below("https://graph.microsoft.com").as_deref(), Ok("https://graph.microsoft.com/v1.0/users"));
        assert_eq!(below("https://graph.microsoft.com/v1.0/").as_deref(), Ok("https://graph.microsoft.com/v1.0/users"));
        assert_eq!(below("http://127.0.0.1:8080/proxy/v1.0").as_deref(), Ok("http://127.0.0.1:8080/proxy/v1.0/users"));
        for wrong in ["", "graph.microsoft.com", "ftp://g.example.com", "https://u:p@g.example.com", "https://g.example.com/?x=1"] {
            assert!(below(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_links_to_the_same_origin_are_followed() {
        let endpoint = Endpoint::new("https://graph.microsoft.com").unwrap();
        assert!(endpoint.owns("https://graph.microsoft.com/v1.0/users/u/messages/delta?$skiptoken=R0usm'c"));
        assert!(endpoint.owns("https://GRAPH.microsoft.com:443/beta"));
        for foreign in [
            "https://graph.microsoft.com.example.com/v1.0",
            "https://graph.microsoft.com@example.com/",
            "https://x@graph.microsoft.com/",
            "https://graph.microsoft.com:8443/",
            "http://graph.microsoft.com/v1.0",
            "/v1.0/users",
            "",
        ] {
            assert!(!endpoint.owns(foreign), "{foreign}");
        }
    }

    #[test]
    fn names_cannot_leave_their_segment() {
        assert_eq!(user(&Address::new("ann+x@example.com")), "/users/ann%2Bx%40example.com");
        assert_eq!(user(&Address::new("a/b#c?d@example.com")), "/users/a%2Fb%23c%3Fd%40example.com");
        assert_eq!(user(&Address::new("$o'neil@example.com")), "/users('%24o%27%27neil%40example.com')");
        assert_eq!(encode("AAk=ä"), "AAk%3D%C3%A4");
    }

    #[test]
    fn a_query_is_encoded_once() {
        assert_eq!(query(&[]), "");
        assert_eq!(query(&[("$top", "1"), ("$filter", "a ge 'b'")]), "?$top=1&$filter=a%20ge%20%27b%27");
    }
}
