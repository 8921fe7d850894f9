//! Passing trouble outlasted, where whoever waits is nobody's sink: a catalog or a checkpoint.

use std::{future::Future, time::Duration};

use tokio::time::{Instant, sleep};

use super::{Error, Kind};
use crate::http::Backoff;

const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(15) };

/// A round that fails is begun again, so there is no need to wait for ever.
const LONGEST: Duration = Duration::from_secs(60);

/// The same again while its trouble may pass, for a minute.
pub(crate) async fn patiently<T, F: Future<Output = Result<T, Error>>>(mut attempt: impl FnMut() -> F) -> Result<T, Error> {
    let start = Instant::now();
    let mut attempts = 0;
    loop {
        let error = match attempt().await {
            Err(error) if matches!(error.kind, Kind::Later(_)) => error,
            end => return end,
        };
        let Some(wait) = next_wait(&error, attempts, start.elapsed()) else { return Err(error) };
        tracing::debug!(%error, ?wait, "trying again");
        sleep(wait).await;
        attempts += 1;
    }
}

/// How long to wait before the next attempt; none where there is no point in one.
pub(crate) fn next_wait(error: &Error, attempts: u32, elapsed: Duration) -> Option<Duration> {
    let Kind::Later(named) = error.kind else { return None };
    let wait = named.unwrap_or_else(|| BACKOFF.draw(attempts).max(Duration::from_millis(200)));
    (elapsed + wait <= LONGEST).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: Kind) -> Error {
        Error { attempt: "x".into(), code: None, cause: "y".into(), hint: None, kind }
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_waited_for_but_not_for_ever() {
        let mut left = 3;
        let done = patiently(|| {
            left -= 1;
            std::future::ready(if left > 0 { Err(error(Kind::Later(Some(Duration::from_secs(10))))) } else { Ok(()) })
        });
        let start = Instant::now();
        done.await.unwrap();
        assert_eq!(start.elapsed(), Duration::from_secs(20));
        let start = Instant::now();
        patiently(|| std::future::ready(Err::<(), _>(error(Kind::Later(None))))).await.unwrap_err();
        assert!(start.elapsed() <= LONGEST && start.elapsed() > Duration::from_secs(20));
        let start = Instant::now();
        patiently(|| std::future::ready(Err::<(), _>(error(Kind::Refused)))).await.unwrap_err();
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
