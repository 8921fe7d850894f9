//! An end without haste: batches under way are stored and committed, and no others begin.

use futures::{Stream, StreamExt};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Shared by all that is read.
pub struct Drain {
    begun: CancellationToken,
    under_way: watch::Sender<usize>,
}

impl Default for Drain {
    fn default() -> Self {
        Self { begun: CancellationToken::new(), under_way: watch::Sender::new(0) }
    }
}

/// A batch that is under way; dropped once it is committed, or given up.
#[derive(Debug)]
pub struct UnderWay(watch::Sender<usize>);

impl Drain {
    /// From now on no batch begins. Ready once none is under way.
    pub async fn drain(&self) {
        self.begun.cancel();
        // The sender is ours.
        let _ = self.under_way.subscribe().wait_for(|batches| *batches == 0).await;
    }

    /// How many batches are under way.
    pub fn under_way(&self) -> usize {
        *self.under_way.borrow()
    }

    /// Whether the end has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// What is still to begin never does once the end has begun.
    pub(super) async fn unless_begun(&self) {
        if self.has_begun() {
            std::future::pending().await
        }
    }

    /// The batches, until the end begins.
    pub(super) fn until<S: Stream>(&self, batches: S) -> impl Stream<Item = S::Item> + use<S> {
        batches.take_until(self.begun.clone().cancelled_owned())
    }

    /// A batch begins.
    pub(super) fn begin(&self) -> UnderWay {
        self.under_way.send_modify(|batches| *batches += 1);
        UnderWay(self.under_way.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|batches| *batches -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::{FutureExt, stream};
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_is_waited_for_and_nothing_new_begins() {
        let drain = Drain::default();
        let mut batches = std::pin::pin!(drain.until(stream::iter(0..9).chain(stream::pending())));
        assert_eq!(batches.next().await, Some(0));
        let batch = drain.begin();
        tokio::spawn(async move {
            sleep(Duration::from_secs(3)).await;
            drop(batch);
        });
        let start = Instant::now();
        assert!(drain.drain().now_or_never().is_none());
        assert_eq!((batches.next().await, drain.under_way()), (None, 1));
        drain.drain().await;
        assert_eq!(start.elapsed(), Duration::from_secs(3));
    }
}
