//! Whether what a ledger says of a sink is true.

mod container;
mod emails;
mod files;

use async_trait::async_trait;

use super::{Error, Stored};
use crate::mail::{Key, Mailbox};

pub use container::Container;
pub use emails::Emails;
pub use files::Files;

/// What was found of a message that should be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is there, as far as was looked.
    Sound,
    /// It is not there.
    Missing,
    /// What is there is something else.
    Differs(String),
}

/// A look at what a sink has.
#[async_trait]
pub trait Inspect: Send + Sync + 'static {
    /// Looks whether a message is there in its length; with `whole` its bytes are read and their digest is compared.
    async fn inspect(&self, mailbox: &Mailbox, key: &Key, stored: &Stored, whole: bool) -> Result<Found, Error>;

    /// Whether each look reads the message anyway, so that not all of them are looked at unless that is asked for.
    fn reads_whole(&self) -> bool {
        false
    }
}

/// What lengths tell.
fn of_length(found: u64, stored: &Stored) -> Found {
    match found == stored.bytes {
        true => Found::Sound,
        false => Found::Differs(format!("it has {found} bytes, and {} were stored", stored.bytes)),
    }
}

/// What a digest tells.
fn of_digest(found: &str, stored: &Stored) -> Found {
    match found == stored.sha256 {
        true => Found::Sound,
        false => Found::Differs(format!("its SHA-256 is {found}, and was {} when it was stored", stored.sha256)),
    }
}
