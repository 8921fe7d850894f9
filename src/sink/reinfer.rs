//! The sink that is the Communications Mining API: messages become emails of a bucket.
//!
//! **An email's id is the message's key**, the same for life, so that an upload that is repeated replaces itself. It is never the Message-ID header:
//! different messages may share one, and of these the bucket would keep only the last. What lies in two mailboxes is two emails.
//!
//! Messages that are written at the same time and belong to one bucket are uploaded together; large ones are spooled to a file without a name
//! and uploaded alone. Passing trouble is outlasted behind the [`Fence`] that all who write share. What the API does not take is found by
//! uploading its batch in parts.

mod content;
mod deliver;
mod describe;
mod gather;
mod spool;
mod upload;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicUsize},
};

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use self::{
    content::Raw,
    deliver::Delivery,
    spool::{Spool, Spooled},
    upload::{Pending, Upload},
};
use super::{Body, Broken, Envelope, Error, Fence, Sink, Stored, Verdict, Writes, durable::advice, write_behind::Interrupted};
use crate::{
    http::Backoff,
    mail::{Bucket, Properties},
    mime::{Survey, Surveyor},
    reinfer::{Client, UpdatedBy},
};

/// Messages that are queued for a bucket; others wait where they are.
const QUEUED: usize = 128;

/// How much is uploaded at once.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Messages in one request (`reinfer_batch_size`), which may change at any time.
    pub batch: Arc<AtomicUsize>,
    /// Bytes in one request of more than one message.
    pub batch_bytes: u64,
    /// Requests at the same time (`max_concurrent_uploads`).
    pub uploads: Writes,
    /// Large messages on the disk at the same time, and the bytes of them beyond which no further one is begun.
    pub spooled: usize,
    /// See there.
    pub spooled_bytes: u64,
    /// Waits of a request that alone meets trouble.
    pub backoff: Backoff,
    /// What is noted with each bucket that is written to.
    pub updated_by: Option<UpdatedBy>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            batch: Arc::new(AtomicUsize::new(80)),
            batch_bytes: 8 << 20,
            uploads: Writes::new(8),
            spooled: 8,
            spooled_bytes: 512 << 20,
            backoff: Backoff { first: std::time::Duration::from_secs(5), cap: std::time::Duration::from_secs(300) },
            updated_by: None,
        }
    }
}

/// Messages as emails of the API's buckets.
pub struct ApiSink {
    delivery: Arc<Delivery>,
    spool: Spool,
    queues: Mutex<HashMap<Bucket, Queue>>,
}

/// The way of one bucket's messages to those who upload them, who stop with it.
struct Queue {
    pending: mpsc::Sender<Pending>,
    _gatherer: AbortOnDropHandle<()>,
}

impl ApiSink {
    /// A sink that spools large messages in the folder `spool`.
    pub fn new(client: Client, settings: Settings, fence: Arc<Fence>, spool: &Path) -> Self {
        let spool = Spool::new(spool, settings.spooled, settings.spooled_bytes);
        Self { delivery: Delivery::new(client, settings, fence), spool, queues: Mutex::default() }
    }

    /// The bucket's queue, begun with its first message.
    fn queue(&self, bucket: &Bucket) -> mpsc::Sender<Pending> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.entry(bucket.clone()).or_insert_with(|| {
            let (pending, queued) = mpsc::channel(QUEUED);
            let gatherer = tokio::spawn(gather::gather(self.delivery.clone(), bucket.clone(), queued));
            Queue { pending, _gatherer: AbortOnDropHandle::new(gatherer) }
        });
        queue.pending.clone()
    }

    async fn write_whole(&self, envelope: &Envelope, bytes: Bytes, properties: &Properties) -> Result<Stored, Error> {
        let mut surveyor = Surveyor::default();
        surveyor.feed(&bytes);
        let stored = stored(envelope, bytes.len() as u64, Sha256::digest(&bytes).as_slice());
        let upload = self.upload(envelope, properties, surveyor.finish(), Raw::Memory(bytes)).await?;
        let (reply, outcome) = oneshot::channel();
        let queue = self.queue(&envelope.mailbox.bucket);
        let _ = queue.send(Pending { upload: Arc::new(upload), reply }).await;
        told(envelope, outcome).await.map(|()| stored)
    }

    async fn write_stream(&self, envelope: &Envelope, spooled: Spooled, properties: &Properties) -> Result<Stored, Error> {
        let Spooled { raw, survey, bytes, sha256 } = spooled;
        let stored = stored(envelope, bytes, &sha256);
        let upload = self.upload(envelope, properties, survey, raw).await?;
        let (reply, outcome) = oneshot::channel();
        let batch = vec![Pending { upload: Arc::new(upload), reply }];
        self.delivery.clone().deliver(envelope.mailbox.bucket.clone(), batch, None).await;
        told(envelope, outcome).await.map(|()| stored)
    }

    async fn upload(&self, envelope: &Envelope, properties: &Properties, survey: Survey, raw: Raw) -> Result<Upload, Error> {
        let email = describe::describe(envelope, properties, &survey, raw.length());
        Upload::new(&email, raw, survey.plan).await.map_err(|error| disk(envelope, &self.spool, &error))
    }
}

#[async_trait]
impl Sink for ApiSink {
    async fn write(&self, envelope: &Envelope, body: Body) -> Result<Stored, Error> {
        match body {
            Body::Whole(bytes, properties) => self.write_whole(envelope, bytes, &properties).await,
            Body::Stream(stream, properties) => {
                let spooled = self.spool.take(stream).await.map_err(|interrupted| match interrupted {
                    Interrupted::Source => broken(envelope),
                    Interrupted::Disk(error) => {
                        let error = disk(envelope, &self.spool, &error);
                        // Others would fill it up again.
                        self.delivery.fence.raise(&error.to_string(), None);
                        error
                    }
                })?;
                let properties = properties.await.map_err(|_| broken(envelope))?;
                self.write_stream(envelope, spooled, &properties).await
            }
        }
    }

    async fn ready(&self) {
        self.delivery.fence.pass().await;
    }
}

fn stored(envelope: &Envelope, bytes: u64, sha256: &[u8]) -> Stored {
    Stored { object: envelope.key.0.clone(), bytes, sha256: hex::encode(sha256) }
}

fn attempt(envelope: &Envelope) -> String {
    let bucket = &envelope.mailbox.bucket;
    format!("uploading message {} of {} to bucket {}/{}", envelope.key, envelope.mailbox.address, bucket.owner, bucket.name)
}

fn broken(envelope: &Envelope) -> Error {
    Error { attempt: attempt(envelope), code: None, cause: Broken.to_string(), hint: None, verdict: Verdict::Broken }
}

fn disk(envelope: &Envelope, spool: &Spool, error: &std::io::Error) -> Error {
    let (cause, _) = advice(error);
    let hint = Some("large messages pass through this folder; TMPDIR names another one".to_owned());
    let attempt = format!("{}, by way of the folder {},", attempt(envelope), spool.folder().display());
    Error { attempt, code: None, cause, hint, verdict: Verdict::Later(None) }
}

/// What became of an upload.
async fn told(envelope: &Envelope, outcome: oneshot::Receiver<Result<(), deliver::Failed>>) -> Result<(), Error> {
    match outcome.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(deliver::Failed { error, verdict })) => {
            let crate::reinfer::Error { code, cause, hint, .. } = error;
            Err(Error { attempt: attempt(envelope), code, cause, hint, verdict })
        }
        // Those who upload are gone, as at a shutdown.
        Err(_) => {
            let cause = "uploading was stopped".to_owned();
            Err(Error { attempt: attempt(envelope), code: None, cause, hint: None, verdict: Verdict::Later(None) })
        }
    }
}

#[cfg(test)]
mod tests;
