//! Works on several items at once and hands out the results in order.

use std::future::Future;

use futures::{Stream, StreamExt, TryStream, future::Either};

use super::task::Task;

/// Adds [`in_flight`](InFlight::in_flight) to streams of results.
pub trait InFlight<T, E>: Stream<Item = Result<T, E>> + TryStream<Ok = T, Error = E> + Sized {
    /// Runs `work` on up to `limit` items at once, each as a task of its own, so that it goes on while the consumer is busy with an earlier
    /// result (a plain `buffered` future stands still then). Results keep the order of the items; dropping the stream aborts the tasks.
    fn in_flight<F, Fut, U>(self, limit: usize, mut work: F) -> impl Stream<Item = Result<U, E>>
    where
        F: FnMut(T) -> Fut,
        Fut: Future<Output = Result<U, E>> + Send + 'static,
        U: Send + 'static,
        E: Send + 'static,
    {
        self.map(move |item| match item {
            Ok(item) => Either::Left(Task::spawn(work(item)).done()),
            Err(error) => Either::Right(std::future::ready(Err(error))),
        })
        .buffered(limit.max(1))
    }
}

impl<T, E, S: Stream<Item = Result<T, E>>> InFlight<T, E> for S {}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use futures::{StreamExt, stream};
    use tokio::{sync::Semaphore, time::sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn results_keep_the_order_of_the_items() {
        let results = stream::iter([Ok::<_, ()>(30), Ok(10), Ok(20)])
            .in_flight(3, |ms| async move {
                sleep(Duration::from_millis(ms)).await;
                Ok(ms)
            })
            .collect::<Vec<_>>()
            .await;
        assert_eq!(results, [Ok(30), Ok(10), Ok(20)]);
    }

    #[tokio::test(start_paused = true)]
    async fn work_goes_on_while_the_consumer_is_busy() {
        let started = tokio::time::Instant::now();
        let mut stream = std::pin::pin!(stream::iter((0..6).map(Ok::<_, ()>)).in_flight(3, |n| async move {
            sleep(Duration::from_secs(1)).await;
            Ok(n)
        }));
        while stream.next().await.is_some() {
            sleep(Duration::from_secs(1)).await;
        }
        // Six seconds of consuming; a stream polled only between them would add its own waits.
        assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    }

    #[tokio::test]
    async fn never_more_than_the_limit_at_once() {
        let seats = Arc::new(Semaphore::new(2));
        let results = stream::iter((0..50).map(Ok::<_, ()>))
            .in_flight(2, |n| {
                let seats = seats.clone();
                async move {
                    let _seat = seats.try_acquire().expect("a third task at once");
                    tokio::task::yield_now().await;
                    Ok(n)
                }
            })
            .count()
            .await;
        assert_eq!(results, 50);
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_stream_aborts_the_tasks() {
        let (sender, mut receiver) = tokio::sync::mpsc::channel::<()>(1);
        let mut stream = Box::pin(stream::iter([Ok::<_, ()>(sender)]).in_flight(1, |sender| async move {
            sleep(Duration::from_secs(3600)).await;
            drop(sender);
            Ok(())
        }));
        assert!(futures::poll!(stream.next()).is_pending());
        drop(stream);
        assert_eq!(tokio::time::timeout(Duration::from_secs(1), receiver.recv()).await, Ok(None));
    }
}
