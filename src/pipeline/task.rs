//! Work that goes on by itself until whoever wants its result drops it.

use std::future::Future;

use tokio_util::task::AbortOnDropHandle;

/// A running task. Dropping it aborts the work.
pub struct Task<T>(AbortOnDropHandle<T>);

impl<T: Send + 'static> Task<T> {
    /// Starts the work.
    pub fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(AbortOnDropHandle::new(tokio::spawn(work)))
    }

    /// The work's result; its panic goes on here, since a swallowed one would look like progress.
    pub async fn done(self) -> T {
        match self.0.await {
            Ok(value) => value,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Only the owner of the handle can abort the work, and that is `self`: the runtime is going away.
            Err(_) => std::future::pending().await,
        }
    }
}
