//! Messages that are blobs.

use async_trait::async_trait;
use futures::StreamExt;
use sha2::{Digest, Sha256};

use super::{Found, Inspect, of_digest, of_length};
use crate::{
    blob::{Blobs, patiently},
    mail::{Key, Mailbox},
    sink::{Error, Stored, blob::failed},
};

/// A container that messages were copied into. It is only read.
#[derive(Clone, Debug)]
pub struct Container {
    blobs: Blobs,
}

impl Container {
    /// The messages of this container.
    pub fn new(blobs: Blobs) -> Self {
        Self { blobs }
    }
}

#[async_trait]
impl Inspect for Container {
    async fn inspect(&self, mailbox: &Mailbox, key: &Key, stored: &Stored, whole: bool) -> Result<Found, Error> {
        let path = self.blobs.layout().messages(mailbox).join(&stored.object);
        let attempt = || format!("looking at message {key} of {}", mailbox.address);
        let found = patiently(|| async {
            let Some(length) = self.blobs.length(&path, attempt).await? else { return Ok(Found::Missing) };
            let length = of_length(length, stored);
            if !whole || length != Found::Sound {
                return Ok(length);
            }
            let Some(opened) = self.blobs.open(&path, None, attempt).await? else { return Ok(Found::Missing) };
            let (mut bytes, mut digest) = (opened.into_stream(), Sha256::new());
            while let Some(chunk) = bytes.next().await {
                digest.update(chunk.map_err(|error| self.blobs.failed(attempt(), &error))?);
            }
            Ok(of_digest(&hex::encode(digest.finalize()), stored))
        });
        found.await.map_err(failed)
    }
}
