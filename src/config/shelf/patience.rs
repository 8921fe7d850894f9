//! Passing trouble of a shelf is waited out.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Unread, Verdict};
use crate::http::Backoff;

const BACKOFF: Backoff = Backoff { first: Duration::from_secs(2), cap: Duration::from_secs(60) };

/// No wait is shorter, whatever the jitter: each is told.
const SHORTEST: Duration = Duration::from_millis(500);

/// Tries until it works, or fails for good, or `patience` (none: without end) is over; each wait is told in the log.
pub async fn patiently<T>(patience: Option<Duration>, mut attempt: impl AsyncFnMut() -> Result<T, Unread>) -> Result<T, Unread> {
    let began = Instant::now();
    let mut tries = 0;
    loop {
        let unread = match attempt().await {
            Err(unread @ Unread { verdict: Verdict::Later(_), .. }) => unread,
            end => return end,
        };
        let Verdict::Later(named) = unread.verdict else { return Err(unread) };
        let wait = named.unwrap_or_else(|| BACKOFF.draw(tries).max(SHORTEST));
        if patience.is_some_and(|patience| began.elapsed() + wait > patience) {
            return Err(unread);
        }
        tries += 1;
        tracing::warn!(seconds = wait.as_secs_f64().ceil(), "{unread}; trying again");
        sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Fault;

    fn trouble(verdict: Verdict) -> Unread {
        Unread { verdict, fault: Fault::new("https://example.com", "HTTP 503") }
    }

    /// How long it is tried, and how often, until the troubles have passed.
    async fn tried(patience: Option<Duration>, mut troubles: Vec<Verdict>) -> (Result<(), Unread>, usize, Duration) {
        let (began, mut tries) = (Instant::now(), 0);
        let end = patiently(patience, async || {
            tries += 1;
            troubles.pop().map_or(Ok(()), |verdict| Err(trouble(verdict)))
        })
        .await;
        (end, tries, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn passing_trouble_is_waited_out_and_named_times_are_kept() {
        let (end, tries, _) = tried(None, vec![Verdict::Later(None); 50]).await;
        assert_eq!((end, tries), (Ok(()), 51));
        let (end, tries, took) = tried(None, vec![Verdict::Later(Some(Duration::from_secs(100))); 3]).await;
        assert_eq!((end, tries, took), (Ok(()), 4, Duration::from_secs(300)));
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_and_the_last_trouble_is_told() {
        let minute = Some(Duration::from_secs(60));
        let (end, tries, took) = tried(minute, vec![Verdict::Later(None); 1000]).await;
        assert!(end.is_err() && tries > 2 && took <= Duration::from_secs(60), "{tries} {took:?}");
        assert_eq!(end.unwrap_err().code(), 1);
        let (end, tries, took) = tried(minute, vec![Verdict::Later(Some(Duration::from_secs(900)))]).await;
        assert!(end.is_err());
        assert_eq!((tries, took), (1, Duration::ZERO), "a wait that is known to be too long is not begun");
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_person_must_mend_is_told_at_once() {
        for (verdict, code) in [(Verdict::Refused, 4), (Verdict::Wrong, 2)] {
            let (end, tries, _) = tried(None, vec![verdict]).await;
            assert_eq!((end.unwrap_err().code(), tries), (code, 1));
        }
    }
}
