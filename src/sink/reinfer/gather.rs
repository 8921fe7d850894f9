//! Makes batches of one bucket's messages: what is queued goes out as soon as there is a place for a request.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

use super::{
    deliver::Delivery,
    upload::{Pending, around},
};
use crate::mail::Bucket;

/// A batch waits so long for its next message, and so long in all. Under load the next one is there already; a single message is not held up
/// noticeably.
const NEXT: Duration = Duration::from_millis(20);
const IN_ALL: Duration = Duration::from_millis(200);

/// Attempts to note with a bucket who feeds it.
const NOTES: u32 = 5;

/// Works until the sink is gone. What is under way ends with it.
pub(super) async fn gather(delivery: Arc<Delivery>, bucket: Bucket, mut queued: mpsc::Receiver<Pending>) {
    let mut under_way = JoinSet::new();
    under_way.spawn(note(delivery.clone(), bucket.clone()));
    let mut next = None;
    loop {
        let first = match next.take() {
            Some(first) => first,
            None => match queued.recv().await {
                Some(first) => first,
                None => break,
            },
        };
        let place = delivery.place().await;
        let batch;
        (batch, next) = fill(first, &mut queued, delivery.settings.batch.load(Ordering::Relaxed), delivery.settings.batch_bytes).await;
        under_way.spawn(delivery.clone().deliver(bucket.clone(), batch, Some(place)));
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}

/// A batch, and the message that found no room in it.
async fn fill(first: Pending, queued: &mut mpsc::Receiver<Pending>, messages: usize, bytes: u64) -> (Vec<Pending>, Option<Pending>) {
    let latest = Instant::now() + IN_ALL;
    let mut length = around(1) + first.upload.length();
    let mut batch = vec![first];
    while batch.len() < messages && length < bytes {
        match timeout_at(latest.min(Instant::now() + NEXT), queued.recv()).await {
            Ok(Some(pending)) if length + 1 + pending.upload.length() > bytes => return (batch, Some(pending)),
            Ok(Some(pending)) => {
                length += 1 + pending.upload.length();
                batch.push(pending);
            }
            Ok(None) | Err(_) => break,
        }
    }
    (batch, None)
}

/// Notes with the bucket which configuration feeds it. For people only, so it may fail.
async fn note(delivery: Arc<Delivery>, bucket: Bucket) {
    let Some(by) = &delivery.settings.updated_by else { return };
    for attempt in 0..NOTES {
        match delivery.client.updated_by(&bucket, by).await {
            Ok(()) => return,
            Err(error) if error.passing() && attempt + 1 < NOTES => {
                sleep(error.retry_after.unwrap_or_else(|| delivery.settings.backoff.draw(attempt))).await;
            }
            Err(error) => {
                tracing::info!(%error, "the bucket could not be marked as fed by this configuration; its messages are uploaded all the same");
                return;
            }
        }
    }
}
