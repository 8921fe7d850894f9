//! The time before which a mailbox wants no request at all.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{exchange::gate::Clock, http::Backoff};

/// Bounds of one wait, and the back-off where the server names none.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15 * 60);
const UNNAMED: Backoff = Backoff { first: Duration::from_secs(4), cap: Duration::from_secs(5 * 60) };

/// A fence around all requests of one mailbox. Graph counts throttled requests too, so whoever is throttled stops everybody.
#[derive(Debug, Default)]
pub struct Fence {
    clock: Arc<Clock>,
    /// How often in a row it was put up without a time named.
    strikes: Mutex<u32>,
}

impl Fence {
    /// A fence on this clock.
    pub fn new(clock: Arc<Clock>) -> Self {
        Self { clock, strikes: Mutex::default() }
    }

    /// Puts it up for as long as was named, or for a random share of twice as much as the last time; returns for how long from now.
    pub fn strike(&self, named: Option<Duration>) -> Duration {
        let standing = self.clock.closed_for();
        let mut strikes = self.strikes.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = match (named, standing) {
            // Up to a twentieth on top, at random, so that many who wait do not come back together.
            (Some(named), _) => {
                let wait = named.clamp(SHORTEST, LONGEST);
                wait + Backoff { first: wait / 20, cap: LONGEST }.draw(0)
            }
            // It was on its way already when the fence went up: no new strike.
            (None, Some(left)) => return left,
            (None, None) => {
                let wait = UNNAMED.draw(*strikes).max(SHORTEST);
                *strikes = strikes.saturating_add(1);
                wait
            }
        };
        self.clock.hold(wait);
        self.clock.closed_for().unwrap_or(wait)
    }

    /// A request was answered well: past strikes are forgotten, unless it had been on its way when the fence went up.
    pub fn calm(&self) {
        if self.clock.closed_for().is_none() {
            *self.strikes.lock().unwrap_or_else(PoisonError::into_inner) = 0;
        }
    }

    /// How long it still stands.
    pub fn standing(&self) -> Option<Duration> {
        self.clock.closed_for()
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn about(wait: Duration, seconds: u64) -> bool {
        (Duration::from_secs(seconds)..=Duration::from_millis(seconds * 1100)).contains(&wait)
    }

    #[tokio::test(start_paused = true)]
    async fn a_named_time_stands_and_is_bounded() {
        let fence = Fence::default();
        assert!(about(fence.strike(Some(Duration::from_secs(10))), 10));
        assert!(fence.standing().is_some());
        advance(Duration::from_secs(12)).await;
        assert_eq!(fence.standing(), None);
        assert!(about(fence.strike(Some(Duration::from_secs(90_000))), 900));
    }

    #[tokio::test(start_paused = true)]
    async fn unnamed_times_are_a_share_of_what_doubles_until_something_works() {
        let (fences, mut sum) = ((0..200).map(|_| Fence::default()).collect::<Vec<_>>(), Duration::ZERO);
        for seconds in [4, 8, 16, 32, 64, 128, 256, 300, 300] {
            let waits: Vec<Duration> = fences.iter().map(|fence| fence.strike(None)).collect();
            assert!(waits.iter().all(|wait| *wait >= SHORTEST && *wait <= Duration::from_secs(seconds)), "{waits:?}");
            sum = waits.iter().sum();
            advance(Duration::from_secs(301)).await;
        }
        assert!((120..180).contains(&(sum / 200).as_secs()), "about half on the average, not {:?}", sum / 200);
        fences[0].calm();
        assert!(fences[0].strike(None) <= Duration::from_secs(4));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_refused_together_count_as_one() {
        let fence = Fence::default();
        let first = fence.strike(None);
        advance(Duration::from_millis(500)).await;
        assert_eq!(fence.strike(None), first - Duration::from_millis(500));
        // An answer to an earlier request proves nothing.
        fence.calm();
        assert_eq!(*fence.strikes.lock().unwrap(), 1);
        advance(first).await;
        fence.calm();
        assert_eq!(*fence.strikes.lock().unwrap(), 0);
    }
}
