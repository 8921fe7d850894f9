//! A rate limit: so much time between two messages.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep_until};

/// Spaces the messages of one mailbox (`poll_message_sleep`). Clones share one clock.
#[derive(Clone)]
pub struct Pace {
    interval: Duration,
    next: Arc<Mutex<Option<Instant>>>,
}

impl Pace {
    /// One message an interval; zero for no limit.
    pub fn new(interval: Duration) -> Self {
        Self { interval, next: Arc::default() }
    }

    /// Waits for the turn of the next `messages`, fetched together: they start when those before them have used up their time.
    pub async fn turn(&self, messages: usize) {
        if self.interval.is_zero() || messages == 0 {
            return;
        }
        let start = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let start = next.map_or_else(Instant::now, |next| next.max(Instant::now()));
            let messages = u32::try_from(messages).unwrap_or(u32::MAX);
            *next = Some(start + self.interval.saturating_mul(messages));
            start
        };
        sleep_until(start).await;
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
