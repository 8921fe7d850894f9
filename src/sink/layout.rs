//! Names of files and folders, shared by all that is kept under one prefix.
//!
//! ```text
//! data/OWNER/BUCKET/MAILBOX/YYYY/MM/DD/KEY.eml      a message, by the UTC day it was received
//! data/OWNER/BUCKET/MAILBOX/0000/00/00/KEY.eml      one without a date
//! data/OWNER/BUCKET/MAILBOX/catalog/NNNNNNNN.jsonl  the catalog's segments
//! state/OWNER/BUCKET/MAILBOX/folders/HASH.json      a folder's checkpoint
//! state/OWNER/BUCKET/MAILBOX/hierarchy.json         the folders as last listed
//! state/OWNER/BUCKET/MAILBOX/index.sqlite           the catalog's index, which can be rebuilt
//! state/OWNER/BUCKET/MAILBOX/lock                   held by the one writer
//! ```

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Datelike, Utc};
use sha2::{Digest, Sha256};

use crate::mail::{FolderId, Key, Mailbox};

/// The longest readable part of a component; with its suffix it stays far below the 255 bytes that file systems allow.
const READABLE: usize = 120;

/// Device names that Windows shares refuse, whatever follows a dot.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// The places of everything under one prefix.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Under this folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The prefix itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where all messages and catalogs are.
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// A mailbox's messages.
    pub fn messages(&self, mailbox: &Mailbox) -> PathBuf {
        self.data().join(place(mailbox))
    }

    /// A mailbox's catalog segments.
    pub fn catalog(&self, mailbox: &Mailbox) -> PathBuf {
        self.messages(mailbox).join("catalog")
    }

    /// A mailbox's state.
    pub fn state(&self, mailbox: &Mailbox) -> PathBuf {
        self.root.join("state").join(place(mailbox))
    }

    /// A folder's checkpoint. Folder ids are case-sensitive and long, so their digest names the file.
    pub fn checkpoint(&self, mailbox: &Mailbox, folder: &FolderId) -> PathBuf {
        let digest = hex::encode(&Sha256::digest(folder.0.as_bytes())[..16]);
        self.state(mailbox).join("folders").join(format!("{digest}.json"))
    }

    /// The folders as last listed.
    pub fn hierarchy(&self, mailbox: &Mailbox) -> PathBuf {
        self.state(mailbox).join("hierarchy.json")
    }
}

/// A message's place below its mailbox, with `/` between the components; the day is `0000/00/00` where the date is unknown or has no four-digit
/// year. None for a key that is no plain name.
pub fn object(key: &Key, dated: Option<DateTime<Utc>>) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    if key.0.is_empty() || key.0.len() > 64 || !key.0.bytes().all(plain) {
        return None;
    }
    let day = dated.map(|at| at.date_naive()).filter(|day| (1..=9999).contains(&day.year()));
    Some(match day {
        Some(day) => format!("{:04}/{:02}/{:02}/{key}.eml", day.year(), day.month(), day.day()),
        None => format!("0000/00/00/{key}.eml"),
    })
}

fn place(mailbox: &Mailbox) -> PathBuf {
    let parts = [mailbox.bucket.owner.as_str(), mailbox.bucket.name.as_str(), mailbox.address.as_str()];
    parts.into_iter().map(component).collect()
}

/// A text as one component of a path: itself where it is short and of lower-case letters, digits and `-_.@+=,`; other bytes become `%xx`. Capitals
/// stay readable, but the name then ends in `~` and a digest, since some disks do not tell `A` from `a`; so does a name cut for its length, and the
/// empty one. Distinct texts have distinct names, none is `.` or `..`, begins with a dot, or is refused by Windows.
pub fn component(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    let mut cut = false;
    for (at, byte) in text.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"-_@+=,".contains(&byte) || (byte == b'.' && at > 0 && at + 1 < text.len());
        let plain = plain && !(at == 0 && device(text));
        if name.len() + 3 > READABLE {
            cut = true;
            break;
        }
        if plain {
            name.push(char::from(byte));
        } else {
            // Writing into a String does not fail.
            let _ = write!(name, "%{byte:02x}");
        }
    }
    if cut || text.is_empty() || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let digest = Sha256::digest(text.as_bytes());
        name.push('~');
        name.push_str(&hex::encode(&digest[..if cut { 16 } else { 4 }]));
    }
    name
}

fn device(text: &str) -> bool {
    let stem = text.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let port = |kind: &str| stem.strip_prefix(kind).is_some_and(|n| n.len() == 1 && n.bytes().all(|byte| byte.is_ascii_digit()));
    DEVICES.contains(&stem.as_str()) || port("com") || port("lpt")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mail::{Address, Bucket};

    #[test]
    fn plain_names_stay_as_they_are() {
        let mailbox = Mailbox {
            address: Address::new("Ann.Lee+x@Example.com"),
            bucket: Bucket { owner: "acme".into(), name: "mail-2026".into() },
            archive: false,
        };
        let layout = Layout::new("/p");
        assert_eq!(layout.catalog(&mailbox), Path::new("/p/data/acme/mail-2026/ann.lee+x@example.com/catalog"));
        assert_eq!(layout.hierarchy(&mailbox), Path::new("/p/state/acme/mail-2026/ann.lee+x@example.com/hierarchy.json"));
    }

    #[test]
    fn hostile_names_are_tamed() {
        for (text, name) in [
            ("..", "%2e%2e"),
            (".", "%2e"),
            ("../x", "%2e.%2fx"),
            ("a/b", "a%2fb"),
            ("ü", "%c3%bc"),
            ("nul.txt", "%6eul.txt"),
            ("com1", "%63om1"),
            ("combat", "combat"),
            ("a%2fb", "a%252fb"),
            ("a~", "a%7e"),
            ("", "~e3b0c442"),
        ] {
            assert_eq!(component(text), name, "{text}");
        }
        assert!(component("Acme").starts_with("Acme~"));
        assert!(component(&"x".repeat(100_000)).len() < 200);
    }

    #[test]
    fn a_message_is_filed_by_its_utc_day() {
        let key = Key("0a".into());
        let at = DateTime::parse_from_rfc3339("2026-03-09T23:30:00-02:00").unwrap().to_utc();
        assert_eq!(object(&key, Some(at)).unwrap(), "2026/03/10/0a.eml");
        assert_eq!(object(&key, None).unwrap(), "0000/00/00/0a.eml");
        assert_eq!(object(&key, Some(DateTime::<Utc>::MAX_UTC)).unwrap(), "0000/00/00/0a.eml");
        for bad in ["", "../x", "A", "a b", &"a".repeat(65)] {
            assert_eq!(object(&Key(bad.into()), None), None, "{bad}");
        }
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![any::<String>(), "[aA./%~_\\\\-]{0,6}", "[a-cA-C]{110,200}", "(con|NUL|com1)(\\.[a-z]{0,3})?"]
    }

    proptest! {
        #[test]
        fn names_stay_in_place(text in texts()) {
            let name = component(&text);
            prop_assert!(!name.is_empty() && name.len() <= 160);
            prop_assert!(!name.starts_with('.') && !name.ends_with('.'));
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && !b"/\\:*?\"<>|".contains(&byte)));
            prop_assert!(!device(&name));
        }

        #[test]
        fn distinct_texts_have_distinct_names(a in texts(), b in texts()) {
            prop_assume!(a != b);
            prop_assert_ne!(component(&a).to_lowercase(), component(&b).to_lowercase());
        }

        #[test]
        fn texts_that_differ_by_case_alone_have_distinct_names(a in "[a-zA-Z]{1,8}") {
            let b = a.to_uppercase();
            prop_assume!(a != b);
            prop_assert_ne!(component(&a).to_lowercase(), component(&b).to_lowercase());
        }
    }
}
