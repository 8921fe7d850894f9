//! The sink that is a container: one blob a message, which is seen once it is whole.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use object_store::{MultipartUpload, PutPayload, PutPayloadMut};
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::AbortOnDropHandle;

use super::{Body, Broken, Envelope, Error, Sink, Stored, Verdict, layout::object};
use crate::blob::{self, Blobs, ContentKind, Mode};

/// The blocks of a streamed message, as a rule. A message may have 50,000 of them (Scalability and performance targets for Blob storage).
const PART: usize = 4 * 1024 * 1024;

/// What parts are gathered in, and counted by.
const PIECE: usize = 128 * 1024;

/// How many pieces all streams together hold, arriving or on their way: 24 MiB, however many messages are under way. Where others hold them all, a part
/// is sent off before it is full.
const PIECES: usize = 192;

/// Messages under `data/OWNER/BUCKET/MAILBOX/` of a container, named as in a folder. Each mailbox has one writer, which the catalog's lock sees to.
#[derive(Clone, Debug)]
pub struct BlobSink {
    blobs: Blobs,
    pieces: Arc<Semaphore>,
}

impl BlobSink {
    /// Opens a place in a container, which must exist. Proves that it can be written to and read.
    pub async fn open(blobs: Blobs) -> Result<Self, Error> {
        blobs.prove().await.map_err(failed)?;
        Ok(Self { blobs, pieces: Arc::new(Semaphore::new(PIECES)) })
    }
}

#[async_trait]
impl Sink for BlobSink {
    async fn write(&self, envelope: &Envelope, body: Body) -> Result<Stored, Error> {
        let attempt = || format!("storing message {} of {}", envelope.key, envelope.mailbox.address);
        let object = object(&envelope.key, envelope.dated).ok_or_else(|| Error {
            attempt: attempt(),
            code: None,
            cause: "its key is no plain name".into(),
            hint: None,
            verdict: Verdict::Unacceptable,
        })?;
        let path = self.blobs.layout().messages(&envelope.mailbox).join(&object);
        let (bytes, sha256) = match body {
            Body::Whole(bytes, _) => {
                let sha256 = hex::encode(Sha256::digest(&bytes));
                let length = bytes.len() as u64;
                self.blobs.put(&path, ContentKind::Message, bytes.into(), Mode::Replace, attempt).await.map_err(failed)?;
                (length, sha256)
            }
            Body::Stream(stream, _) => self.stream(&path, stream, &attempt).await?,
        };
        Ok(Stored { object, bytes, sha256 })
    }
}

impl BlobSink {
    /// Writes a stream out, a part at a time while the next one arrives. One that fits into a part goes as a whole.
    async fn stream(
        &self,
        path: &Path,
        mut stream: BoxStream<'static, Result<Bytes, Broken>>,
        attempt: &(dyn Fn() -> String + Sync),
    ) -> Result<(u64, String), Error> {
        let mut draft = Draft { upload: None, sending: None, digest: Sha256::new(), bytes: 0 };
        let mut part = Part::new();
        while let Some(chunk) = stream.next().await {
            let Ok(mut chunk) = chunk else {
                draft.abandon().await;
                return Err(Error { attempt: attempt(), code: None, cause: Broken.to_string(), hint: None, verdict: Verdict::Broken });
            };
            draft.digest.update(&chunk);
            draft.bytes += chunk.len() as u64;
            while !chunk.is_empty() {
                let room = part.room();
                if room > 0 {
                    part.gather(&chunk.split_to(chunk.len().min(room)));
                } else if part.length < PART
                    && let Ok(piece) = Arc::clone(&self.pieces).try_acquire_owned()
                {
                    part.held.push(piece);
                } else if part.length > 0 {
                    let full = std::mem::replace(&mut part, Part::new());
                    if let Err(error) = self.send(&mut draft, full, path, attempt).await {
                        draft.abandon().await;
                        return Err(failed(error));
                    }
                } else {
                    // Whoever waits holds nothing but what is on its way, so somebody always gets on. The semaphore is never closed.
                    part.held.extend(Arc::clone(&self.pieces).acquire_owned().await.ok());
                }
            }
        }
        let (bytes, digest) = (draft.bytes, draft.digest.clone());
        match self.finish(draft, part, path, attempt).await {
            Ok(()) => Ok((bytes, hex::encode(digest.finalize()))),
            Err(error) => Err(failed(error)),
        }
    }

    /// Sends a full part on its way, once the one before it has arrived.
    async fn send(&self, draft: &mut Draft, part: Part, path: &Path, attempt: &(dyn Fn() -> String + Sync)) -> Result<(), blob::Error> {
        self.arrived(draft, attempt).await?;
        let upload = match &mut draft.upload {
            Some(upload) => upload,
            none => none.insert(self.blobs.upload(&self.blobs.name(path, attempt)?, ContentKind::Message, attempt).await?),
        };
        let (payload, held) = part.close();
        let sending = upload.put_part(payload);
        draft.sending = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            let sent = sending.await;
            drop(held);
            sent
        })));
        Ok(())
    }

    async fn arrived(&self, draft: &mut Draft, attempt: &(dyn Fn() -> String + Sync)) -> Result<(), blob::Error> {
        let Some(sending) = draft.sending.take() else { return Ok(()) };
        let sent = sending.await.unwrap_or_else(|error| Err(object_store::Error::JoinError { source: error }));
        sent.map_err(|error| self.blobs.failed(attempt(), &error))
    }

    async fn finish(&self, mut draft: Draft, part: Part, path: &Path, attempt: &(dyn Fn() -> String + Sync)) -> Result<(), blob::Error> {
        if draft.upload.is_none() {
            let (payload, _held) = part.close();
            return self.blobs.put(path, ContentKind::Message, payload, Mode::Replace, attempt).await.map(drop);
        }
        let sent = match self.send(&mut draft, part, path, attempt).await {
            Ok(()) => self.arrived(&mut draft, attempt).await,
            failed => failed,
        };
        let completed = match (sent, &mut draft.upload) {
            (Ok(()), Some(upload)) => upload.complete().await.map(drop).map_err(|error| self.blobs.failed(attempt(), &error)),
            (sent, _) => sent,
        };
        if completed.is_err() {
            draft.abandon().await;
        }
        completed
    }
}

/// A message half-way into the container, with its digest so far.
struct Draft {
    /// None before the first block.
    upload: Option<Box<dyn MultipartUpload>>,
    sending: Option<AbortOnDropHandle<object_store::Result<()>>>,
    digest: Sha256,
    bytes: u64,
}

impl Draft {
    /// Blocks without a blob are discarded by the service.
    async fn abandon(&mut self) {
        self.sending = None;
        if let Some(mut upload) = self.upload.take() {
            let _ = upload.abort().await;
        }
    }
}

/// A part being gathered, with its share of the pieces.
struct Part {
    payload: PutPayloadMut,
    length: usize,
    held: Vec<OwnedSemaphorePermit>,
}

impl Part {
    fn new() -> Self {
        Self { payload: PutPayloadMut::new().with_block_size(PIECE), length: 0, held: Vec::new() }
    }

    fn room(&self) -> usize {
        (self.held.len() * PIECE).saturating_sub(self.length)
    }

    fn gather(&mut self, bytes: &[u8]) {
        self.payload.extend_from_slice(bytes);
        self.length += bytes.len();
    }

    fn close(self) -> (PutPayload, Vec<OwnedSemaphorePermit>) {
        (self.payload.freeze(), self.held)
    }
}

pub(super) fn failed(error: blob::Error) -> Error {
    let verdict = match error.kind {
        blob::Kind::Later(named) => Verdict::Later(named),
        // Somebody else writes the same blob at this moment: the next attempt replaces it.
        blob::Kind::Conflict | blob::Kind::Missing => Verdict::Later(None),
        blob::Kind::Unacceptable => Verdict::Unacceptable,
        blob::Kind::Refused => Verdict::Refused,
    };
    Error { attempt: error.attempt, code: error.code, cause: error.cause, hint: error.hint, verdict }
}

#[cfg(test)]
mod tests;
