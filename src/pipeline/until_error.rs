//! Ends a stream at its first error.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{Stream, stream::FusedStream};

/// What [`UntilError::until_error`] returns.
pub struct UntilErrorStream<S> {
    inner: Option<Pin<Box<S>>>,
}

/// Adds [`until_error`](UntilError::until_error) to streams of results.
pub trait UntilError<T, E>: Stream<Item = Result<T, E>> + Sized {
    /// Yields items up to and including the first error, then drops the inner stream and ends. An error alone does not end a stream: what
    /// was already under way behind it would still come out and be committed, past the gap.
    fn until_error(self) -> UntilErrorStream<Self> {
        UntilErrorStream { inner: Some(Box::pin(self)) }
    }
}

impl<T, E, S: Stream<Item = Result<T, E>>> UntilError<T, E> for S {}

impl<T, E, S: Stream<Item = Result<T, E>>> Stream for UntilErrorStream<S> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        let item = ready!(inner.as_mut().poll_next(cx));
        if !matches!(item, Some(Ok(_))) {
            self.inner = None;
        }
        Poll::Ready(item)
    }
}

impl<T, E, S: Stream<Item = Result<T, E>>> FusedStream for UntilErrorStream<S> {
    fn is_terminated(&self) -> bool {
        self.inner.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::{StreamExt, stream};

    use super::*;

    #[tokio::test]
    async fn nothing_passes_behind_an_error() {
        let items = stream::iter([Ok(1), Err("two"), Ok(3)]).until_error().collect::<Vec<_>>().await;
        assert_eq!(items, [Ok(1), Err("two")]);
    }

    #[tokio::test]
    async fn the_inner_stream_is_dropped_at_the_error() {
        struct Dropped<'a>(&'a AtomicUsize);
        impl Drop for Dropped<'_> {
            fn drop(&mut self) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let drops = AtomicUsize::new(0);
        let guard = Dropped(&drops);
        let mut stream = stream::iter([Err::<(), _>("broken"), Ok(())])
            .inspect(move |_| {
                let _ = &guard;
            })
            .until_error();
        assert_eq!(stream.next().await, Some(Err("broken")));
        assert_eq!(drops.load(Ordering::Relaxed), 1);
        assert_eq!(stream.next().await, None);
    }
}
