//! Addresses hidden from a screen, so that a screenshot may be shared.

use std::{
    borrow::Cow,
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use sha2::{Digest, Sha256};

use crate::Status;

/// Whether addresses are hidden just now. Clones are one and the same switch, so that who shows something when the dashboard has gone does as it did.
#[derive(Clone, Debug, Default)]
pub struct Mask(Arc<AtomicBool>);

impl Mask {
    /// Whether they are hidden.
    pub fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Hides them from now on.
    pub fn turn_on(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn toggle(&self) {
        self.0.fetch_xor(true, Ordering::Relaxed);
    }
}

/// The text as it may be seen: unchanged, or with each mail address in it replaced by a pseudonym that is the same wherever the address stands.
pub fn shown(text: &str, mask: bool) -> Cow<'_, str> {
    if !mask || !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let local =
            rest[..at].rfind(|c| !of_address(c)).map_or(0, |before| before + rest[before..].chars().next().map_or(1, char::len_utf8));
        // The letter that ends a colour does not begin the address.
        let local = rest[..local].rfind('\u{1b}').map_or(local, |escape| local.max(escape + colour(&rest[escape..])));
        // What a log writes before a value (`mailbox=`) is no part of the address, though an address may hold that sign.
        let field = |before: &str| {
            let name = before.rsplit(['?', '&']).next().unwrap_or(before);
            FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field))
        };
        let local = rest[local..at].rfind('=').filter(|sign| field(&rest[local..local + sign])).map_or(local, |sign| local + sign + 1);
        // Nor are quotes around it, though one may stand in it.
        let local = at - rest[local..at].trim_start_matches(QUOTES).len();
        let domain = rest[at + 1..].find(|c| !of_domain(c)).map_or(rest.len(), |end| at + 1 + end);
        let address = rest[local..domain].trim_end_matches(['.', '-']);
        if local == at || address.len() <= at + 1 - local {
            out.push_str(&rest[..=at]);
            rest = &rest[at + 1..];
            continue;
        }
        out.push_str(&rest[..local]);
        out.push_str(&pseudonym(address));
        rest = &rest[local + address.len()..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The length of the colour at the beginning of the text (SGR, ECMA-48 8.3.117); 0 where there is none.
fn colour(text: &str) -> usize {
    let parameters = text.strip_prefix("\u{1b}[").map(|text| text.trim_start_matches(|c: char| c.is_ascii_digit() || ";:".contains(c)));
    parameters.and_then(|end| end.strip_prefix('m')).map_or(0, |behind| text.len() - behind.len())
}

/// A slash may stand in an address (RFC 5322, atext), but none has one; where one stands the address is part of a path.
fn of_address(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-=?^_`{|}~.".contains(c)
}

fn of_domain(c: char) -> bool {
    c.is_alphanumeric() || "-._".contains(c)
}

/// Names of fields whose value is an address. Of another name one cannot tell whether it is a part of the address.
const FIELDS: [&str; 12] = ["mailbox", "address", "user", "account", "owner", "upn", "login", "email", "mail", "from", "to", "recipient"];

/// What words put around an address, though some of it might begin one (RFC 5322, atext).
const QUOTES: [char; 5] = ['\'', '`', '{', '|', '='];

/// A status as it may be seen: unchanged, or without addresses. They are hidden before anything is cut to fit a column: of half an address nobody would know that it is one.
pub fn masked(mut status: Status, mask: bool) -> Status {
    if !mask {
        return status;
    }
    let hide = |words: &mut String| *words = shown(words, true).into_owned();
    let trouble = status.head.sink_trouble.iter_mut().map(|trouble| &mut trouble.reason);
    trouble.chain(status.head.config_trouble.iter_mut().map(|trouble| &mut trouble.reason)).for_each(hide);
    let mailboxes = std::mem::take(&mut status.mailboxes).into_iter().map(|(address, mut mailbox)| {
        mailbox.reason.iter_mut().for_each(hide);
        mailbox.error.iter_mut().map(|error| &mut error.words).for_each(hide);
        mailbox.verified.iter_mut().filter_map(|verified| verified.verdict.as_mut()).for_each(hide);
        (shown(&address, true).into_owned(), mailbox)
    });
    status.mailboxes = mailboxes.collect();
    status
}

/// What a person types to look for, which may be any part of a name: nothing of it is seen but how long it is.
pub(crate) fn typed(word: &str, mask: bool) -> Cow<'_, str> {
    if mask { Cow::Owned("•".repeat(word.chars().count())) } else { Cow::Borrowed(word) }
}

/// Ten hexadecimal digits of the address's digest: the same address is recognised again, and nobody reads it.
fn pseudonym(address: &str) -> String {
    let mut out = String::from("masked-");
    for byte in &Sha256::digest(address.to_lowercase())[..5] {
        // Writing into a String does not fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_replaced_and_nothing_else() {
        let masked = shown("listing folders of Ann.O'Neil@example.com. failed (see <jürgen@müller.example>), @ 5, a@", true);
        assert!(!masked.contains("Neil") && !masked.contains("jürgen") && !masked.contains("example"), "{masked}");
        assert!(masked.starts_with("listing folders of masked-") && masked.ends_with(">), @ 5, a@"), "{masked}");
    }

    #[test]
    fn a_field_of_a_log_line_keeps_its_name() {
        let masked = shown("WARN waiting mailbox=a@example.com seconds=3", true);
        assert_eq!(masked, format!("WARN waiting mailbox={} seconds=3", shown("a@example.com", true)));
    }

    #[test]
    fn a_colour_before_an_address_is_no_part_of_it() {
        let ann = shown("ann@example.com", true);
        for before in ["\u{1b}[3mmailbox\u{1b}[0m\u{1b}[2m=\u{1b}[0m", "\u{1b}[m", "\u{1b}[38;5;9m", "\u{1b}[0m mailbox=", "\u{1b}[32m"] {
            assert_eq!(shown(&format!("{before}ann@example.com\u{1b}[0m"), true), format!("{before}{ann}\u{1b}[0m"));
        }
        assert_eq!(shown("\u{1b}[3mailbox", true), "\u{1b}[3mailbox");
        assert!(shown("\u{1b}[0K[m@example.com", true).ends_with(&*shown("m@example.com", true)));
    }

    #[test]
    fn quotes_around_an_address_are_no_part_of_it() {
        let ann = shown("ann@example.com", true);
        for (before, after) in [
            ("'", "'"),
            ("`", "`"),
            ("{", "}"),
            ("<", ">?"),
            ("|", "|"),
            ("=", "!"),
            ("", "'s"),
            ("user='", "'"),
            ("?user=", ""),
            ("/x?a=1&User=", "&b"),
        ] {
            assert_eq!(shown(&format!("{before}ann@example.com{after}"), true), format!("{before}{ann}{after}"));
        }
        let bounced = shown("to bounce+ann=contoso.com@example.org", true);
        assert!(bounced.starts_with("to masked-") && !bounced.contains("ann"), "{bounced}");
        assert!(!shown("ann.smith=contoso.com@example.org", true).contains("ann"));
    }

    #[test]
    fn an_address_in_a_path_is_known_again() {
        let ann = shown("ann@example.com", true);
        assert_eq!(shown("Shared/ann@example.com/Inbox", true), format!("Shared/{ann}/Inbox"));
    }

    #[test]
    fn one_address_has_one_pseudonym() {
        assert_eq!(shown("a@example.com", true), shown("A@EXAMPLE.COM", true));
        assert_ne!(shown("a@example.com", true), shown("b@example.com", true));
    }
}
