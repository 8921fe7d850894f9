//! Where messages go. A sink stores bytes durably under a key and knows nothing of Exchange.

pub(crate) mod durable;
pub mod layout;
mod local;
mod staging;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;

use crate::mail::{Key, Mailbox};

pub use local::LocalSink;

/// What a sink needs to know to file a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Whose message it is.
    pub mailbox: Mailbox,
    /// Its key for life.
    pub key: Key,
    /// The day it is filed under; absent where Exchange has no date for it.
    pub dated: Option<DateTime<Utc>>,
}

/// A message's bytes.
pub enum Body {
    /// All of them.
    Whole(Bytes),
    /// As they arrive. An `Err` item means that the transfer broke: the sink stores nothing.
    Stream(BoxStream<'static, Result<Bytes, Broken>>),
}

/// The source of a [`Body::Stream`] broke off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the download broke off")]
pub struct Broken;

/// A message that is durably stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Where, relative to the mailbox's place in the sink: `YYYY/MM/DD/KEY.eml`.
    pub object: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes, lower-case hexadecimal.
    pub sha256: String,
}

/// A place that keeps messages.
#[async_trait]
pub trait Sink: Send + Sync + 'static {
    /// Stores a message under its key, replacing what an earlier, unfinished attempt may have left there. When this returns `Ok` the message
    /// survives a power failure; when it returns `Err` no part of it is visible.
    async fn write(&self, envelope: &Envelope, body: Body) -> Result<Stored, Error>;
}

/// A write that failed.
#[derive(Debug)]
pub struct Error {
    /// What was attempted on what.
    pub attempt: String,
    /// The cause.
    pub cause: String,
    /// What helps, where known.
    pub hint: Option<String>,
    /// Whether the source broke, not the sink.
    pub broken: bool,
    /// Whether nothing can be stored until a person acts (no permission, read-only).
    pub refused: bool,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.attempt, self.cause)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
