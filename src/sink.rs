//! Where messages go. A sink stores bytes durably under a key and knows nothing of Exchange.

mod blob;
pub(crate) mod durable;
mod fence;
pub mod inspect;
pub mod layout;
mod local;
mod patient;
pub mod reinfer;
mod staging;
#[cfg(test)]
mod testing;
mod write_behind;
mod writes;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream::BoxStream;
use tokio::sync::oneshot;

use crate::{
    mail::{Key, Mailbox, Properties},
    words,
};

pub use blob::BlobSink;
pub use fence::{Fence, Patience};
pub use local::LocalSink;
pub use patient::Patient;
pub use reinfer::ApiSink;
pub use writes::{Turn, Writes};

/// What a sink needs to know to file a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// Whose message it is.
    pub mailbox: Mailbox,
    /// The path of the folder it was found in.
    pub folder: Arc<[String]>,
    /// Its key for life.
    pub key: Key,
    /// When it was received; drafts and notes have no such time.
    pub received: Option<DateTime<Utc>>,
    /// The day it is filed under; absent where Exchange has no date for it.
    pub dated: Option<DateTime<Utc>>,
}

/// A message's bytes, and what is known of it beside them.
pub enum Body {
    /// All of them. Whoever holds a clone of the bytes holds their share of the memory budget, too.
    Whole(Bytes, Arc<Properties>),
    /// As they arrive. An `Err` item means that the transfer broke: the sink stores nothing.
    Stream(BoxStream<'static, Result<Bytes, Broken>>, Later<Properties>),
}

/// What is known only once the last byte is there. Where it never comes the transfer broke.
pub type Later<T> = oneshot::Receiver<Arc<T>>;

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
    /// survives a power failure; when it returns `Err` no part of it is visible. A sink bounds by itself how much it writes at once.
    async fn write(&self, envelope: &Envelope, body: Body) -> Result<Stored, Error>;

    /// Waits until there is a point in fetching messages: while a sink takes none, none are asked for.
    async fn ready(&self) {}
}

/// What is left to do after a write that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The source broke, not the sink.
    Broken,
    /// Passing trouble: the same again later, not before the time that the other side named, if it did.
    Later(Option<Duration>),
    /// The sink will never have this message; it takes others.
    Unacceptable,
    /// Nothing can be stored for this mailbox until a person acts: no permission, no such place.
    Refused,
}

/// A write that failed.
#[derive(Debug)]
pub struct Error {
    /// What was attempted on what.
    pub attempt: String,
    /// The other side's code, such as `HTTP 413`, where it has one.
    pub code: Option<String>,
    /// The cause.
    pub cause: String,
    /// What helps, where known.
    pub hint: Option<String>,
    /// What is left to do.
    pub verdict: Verdict,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        words::failed(f, &self.attempt, self.code.as_deref(), &self.cause, self.hint.as_deref())
    }
}

impl std::error::Error for Error {}
