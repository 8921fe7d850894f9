//! Uploads a batch until it is taken, or until it is known which of its messages are not.
//!
//! | answer | what is done |
//! |---|---|
//! | 400, 422 | each message alone; one that is refused alone is unacceptable |
//! | 413 | in halves; one that is too large alone without its attachments; then it is unacceptable |
//! | 401, 403, 404 | nothing is stored until a person acts |
//! | anything else | again and again |
//!
//! Trouble that everybody meets raises the fence. Trouble that one batch meets while others are taken is its own: it waits by itself and holds up nobody,
//! and after some attempts it is uploaded in halves, so that its other messages are stored.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use tokio::time::{Instant, sleep};

use super::{
    Settings,
    upload::{Pending, payload},
};
use crate::{
    mail::Bucket,
    reinfer::{Client, Error, Kind},
    sink::{Fence, Turn, Verdict},
};

/// Attempts that a batch fails while others are taken, before it is halved.
const ALONE: u32 = 3;

/// What all uploads share.
pub(super) struct Delivery {
    pub client: Client,
    pub settings: Settings,
    pub fence: Arc<Fence>,
    taken: AtomicU64,
}

/// An upload that failed for good, or for now.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub error: Error,
    pub verdict: Verdict,
}

/// What a batch has met on its own.
struct Own {
    failures: u32,
    since: Option<Instant>,
}

impl Delivery {
    pub(super) fn new(client: Client, settings: Settings, fence: Arc<Fence>) -> Arc<Self> {
        Arc::new(Self { client, settings, fence, taken: AtomicU64::new(0) })
    }

    /// A place for one request, once there is a point in sending it.
    pub(super) async fn place(&self) -> Turn {
        self.fence.pass().await;
        let place = self.settings.uploads.turn().await;
        // The fence may have been raised while others were before us.
        self.fence.pass().await;
        place
    }

    /// Uploads a batch and tells each message's end to whoever waits for it. Nobody's message is dropped.
    pub(super) fn deliver(self: Arc<Self>, bucket: Bucket, batch: Vec<Pending>, place: Option<Turn>) -> BoxFuture<'static, ()> {
        async move { self.attempts(bucket, batch, place).await }.boxed()
    }

    async fn attempts(self: Arc<Self>, bucket: Bucket, mut batch: Vec<Pending>, mut place: Option<Turn>) {
        let mut own = Own { failures: 0, since: None };
        let mut shortened = false;
        loop {
            let turn = match place.take() {
                Some(turn) => turn,
                None => self.place().await,
            };
            batch.retain(|pending| !pending.reply.is_closed());
            if batch.is_empty() {
                return;
            }
            let before = self.taken.load(Ordering::Relaxed);
            let begun = Instant::now();
            let answer = self.client.put_emails(&bucket, payload(&batch)).await;
            drop(turn);
            let Err(error) = answer else {
                self.taken.fetch_add(1, Ordering::Relaxed);
                self.fence.lower(begun);
                batch.into_iter().for_each(|pending| pending.end(Ok(())));
                return;
            };
            match error.kind {
                Kind::Token | Kind::Forbidden | Kind::Missing => return fail(batch, &error, Verdict::Refused),
                Kind::Unprocessable | Kind::TooLarge => {
                    // Who judges a message answers.
                    self.fence.lower(begun);
                    if batch.len() > 1 {
                        let size = if error.kind == Kind::TooLarge { batch.len().div_ceil(2) } else { 1 };
                        return self.in_parts(&bucket, batch, size).await;
                    }
                    if error.kind == Kind::TooLarge && !std::mem::replace(&mut shortened, true) && shorten(&mut batch).await {
                        tracing::warn!(%error, "a message is uploaded without its attachments, since it is too large");
                        continue;
                    }
                    return fail(batch, &error, Verdict::Unacceptable);
                }
                Kind::Passing => {}
            }
            if !self.outlast(&error, before, &mut own).await {
                return fail(batch, &error, Verdict::Later(error.retry_after));
            }
            if own.failures >= ALONE && batch.len() > 1 {
                let size = batch.len().div_ceil(2);
                return self.in_parts(&bucket, batch, size).await;
            }
        }
    }

    /// Waits after passing trouble. False where patience is at an end.
    async fn outlast(&self, error: &Error, before: u64, own: &mut Own) -> bool {
        // A rest that the server asks for is meant for everybody.
        let everybodys = self.taken.load(Ordering::Relaxed) == before && own.failures == 0;
        if everybodys || error.retry_after.is_some() {
            return self.fence.raise(&error.to_string(), error.retry_after);
        }
        if !self.fence.outlasts(*own.since.get_or_insert_with(Instant::now)) {
            return false;
        }
        let wait = self.settings.backoff.draw(own.failures);
        own.failures = own.failures.saturating_add(1);
        tracing::warn!(%error, ?wait, attempts = own.failures, "an upload is tried again; others are taken meanwhile");
        sleep(wait).await;
        true
    }

    async fn in_parts(self: &Arc<Self>, bucket: &Bucket, batch: Vec<Pending>, size: usize) {
        let mut batch = batch.into_iter().peekable();
        let mut parts = Vec::new();
        while batch.peek().is_some() {
            parts.push(self.clone().deliver(bucket.clone(), batch.by_ref().take(size).collect(), None));
        }
        join_all(parts).await;
    }
}

/// Exchanges the only message of a batch for its short form, if it has one.
async fn shorten(batch: &mut [Pending]) -> bool {
    let [pending] = batch else { return false };
    match pending.upload.shortened().await {
        Ok(Some(short)) => {
            pending.upload = Arc::new(short);
            true
        }
        Ok(None) => false,
        Err(error) => {
            tracing::warn!(%error, "a spooled message cannot be read to be shortened");
            false
        }
    }
}

fn fail(batch: Vec<Pending>, error: &Error, verdict: Verdict) {
    for pending in batch {
        pending.end(Err(Failed { error: error.clone(), verdict }));
    }
}
