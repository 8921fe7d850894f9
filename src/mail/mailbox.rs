//! A mailbox, and the bucket its messages are kept under.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A mailbox's primary SMTP address, compared and stored in lower case: Exchange does not tell `A@x` from `a@x`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

impl Address {
    /// An address as the configuration or the server wrote it; surrounding blanks do not count.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_lowercase())
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the last `@`; empty where there is none.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// Where a mailbox's messages belong: a project and a bucket of the Communications Mining API, two folder names elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bucket {
    /// The project.
    pub owner: String,
    /// The bucket's name within it.
    pub name: String,
}

/// One mailbox to copy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Mailbox {
    /// Its primary SMTP address.
    pub address: Address,
    /// Where its messages are kept.
    pub bucket: Bucket,
    /// Whether its online archive is copied too.
    pub archive: bool,
}
