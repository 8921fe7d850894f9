//! What tests of sinks write.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::sync::oneshot;

use super::{Body, Broken, Envelope};
use crate::mail::{Address, Bucket, Key, Mailbox, Properties};

/// A message of 14 November 2023 in the inbox of `a@example.com`.
pub(super) fn envelope(key: &str) -> Envelope {
    let bucket = Bucket { owner: "acme".into(), name: "mail".into() };
    Envelope {
        mailbox: Mailbox { address: Address::new("a@example.com"), bucket, archive: false },
        folder: ["Inbox".to_owned()].into(),
        key: Key(key.into()),
        received: None,
        dated: chrono::DateTime::from_timestamp(1_700_000_000, 0),
    }
}

/// Its bytes, all at once.
pub(super) fn whole(bytes: impl Into<Bytes>) -> Body {
    Body::Whole(bytes.into(), Arc::new(Properties::default()))
}

/// Its bytes as they come; of its properties nothing comes.
pub(super) fn chunks(items: Vec<Result<Bytes, Broken>>) -> Body {
    Body::Stream(stream::iter(items).boxed(), oneshot::channel().1)
}
