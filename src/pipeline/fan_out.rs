//! Works on several items at once and hands out the results as they come.

use std::future::Future;

use futures::{Stream, StreamExt};

use super::task::Task;

/// Adds [`fan_out`](FanOut::fan_out) to streams.
pub trait FanOut: Stream + Sized {
    /// Runs `work` on up to `limit` items at once, each as a task of its own, and yields results in the order in which they are ready.
    /// Dropping the stream aborts the tasks.
    fn fan_out<F, Fut>(self, limit: usize, mut work: F) -> impl Stream<Item = Fut::Output>
    where
        F: FnMut(Self::Item) -> Fut,
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        self.map(move |item| Task::spawn(work(item)).done()).buffer_unordered(limit.max(1))
    }
}

impl<S: Stream> FanOut for S {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::{StreamExt, stream};
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_quick_do_not_wait_for_the_slow() {
        let results = stream::iter([30u64, 10, 20])
            .fan_out(3, |ms| async move {
                sleep(Duration::from_millis(ms)).await;
                ms
            })
            .collect::<Vec<_>>()
            .await;
        assert_eq!(results, [10, 20, 30]);
    }
}
