//! A rate limit: so much time between two messages.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Spaces the messages of one mailbox (`poll_message_sleep`). Clones share one clock.
#[derive(Clone)]
pub struct Pace {
    interval: Duration,
    given: Arc<Mutex<Option<Given>>>,
}

/// The last turn that was given.
#[derive(Clone, Copy)]
struct Given {
    starts: Instant,
    /// When its messages have used up their time.
    ends: Instant,
}

impl Pace {
    /// One message an interval; zero for no limit.
    pub fn new(interval: Duration) -> Self {
        Self { interval, given: Arc::default() }
    }

    /// Gives the next `messages`, fetched together, their turn, and is ready when it has come: when those before them have used up their time. Turns are given
    /// in the order of the calls, whichever is waited for first. No message at all starts with those before.
    pub fn turn(&self, messages: usize) -> impl Future<Output = ()> + Send + use<> {
        let starts = (!self.interval.is_zero()).then(|| self.give(messages)).flatten();
        async move {
            if let Some(starts) = starts {
                sleep_until(starts).await;
            }
        }
    }

    fn give(&self, messages: usize) -> Option<Instant> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if messages == 0 {
            return given.map(|given| given.starts);
        }
        let starts = given.map_or_else(Instant::now, |given| given.ends.max(Instant::now()));
        let messages = u32::try_from(messages).unwrap_or(u32::MAX);
        *given = Some(Given { starts, ends: starts + self.interval.saturating_mul(messages) });
        Some(starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_mean_rate_is_kept() {
        let (pace, began) = (Pace::new(Duration::from_millis(100)), Instant::now());
        for _ in 0..5 {
            pace.turn(20).await;
        }
        assert_eq!(began.elapsed(), Duration::from_secs(8));
        pace.turn(1).await;
        assert_eq!(began.elapsed(), Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_given_in_order_whichever_is_waited_for_first() {
        let (pace, began) = (Pace::new(Duration::from_millis(100)), Instant::now());
        let (first, second, nothing) = (pace.turn(80), pace.turn(80), pace.turn(0));
        second.await;
        assert_eq!(began.elapsed(), Duration::from_secs(8));
        first.await;
        nothing.await;
        assert_eq!(began.elapsed(), Duration::from_secs(8), "the first was due at once, and nothing goes with the second");
    }

    #[tokio::test(start_paused = true)]
    async fn idle_time_is_not_saved_up() {
        let pace = Pace::new(Duration::from_secs(1));
        pace.turn(1).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        let began = Instant::now();
        pace.turn(1).await;
        pace.turn(1).await;
        assert_eq!(began.elapsed(), Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn zero_is_no_limit() {
        let began = Instant::now();
        Pace::new(Duration::ZERO).turn(1_000_000).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }
}
