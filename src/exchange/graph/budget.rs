//! How many requests one mailbox may have made (Graph service-specific throttling limits, "Outlook service limits": 10,000 in 10 minutes for each
//! application and mailbox).

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::event::Granted;

/// The stretch of time in which requests are counted.
const WINDOW: Duration = Duration::from_secs(600);

/// The most requests in any such stretch. A hundred less than granted: tokens renewed in the middle cost a request more.
const CEILING: u32 = 9_900;

/// Up to so many, requests go out as they come: what little there is to ask in a mailbox that is up to date is asked at once. It is no more, so that
/// what is left, evenly spread, stays within a twentieth of the even rate at any time.
const UNPACED: u32 = CEILING / 25;

/// The shortest interval between requests beyond that, half of the even one: what a burst frees all at once does not become the next burst.
const SHORTEST: Duration = Duration::from_millis(30);

/// Requests counted by seconds, and the time before which no other is due. Times count from any fixed point.
#[derive(Debug, Default)]
struct Window {
    seconds: VecDeque<(u64, u32)>,
    used: u32,
    due: Duration,
}

impl Window {
    /// Leaves out what the window holds no more.
    fn forget(&mut self, now: Duration) {
        while let Some((_, count)) = self.seconds.front().copied().filter(|(second, _)| leaves(*second) <= now) {
            self.used -= count;
            self.seconds.pop_front();
        }
    }

    /// Counts `weight` requests as of `now`, or tells how long to wait before asking again.
    fn take(&mut self, now: Duration, weight: u32) -> Result<(), Duration> {
        self.forget(now);
        let oldest = self.seconds.front().map_or(Duration::ZERO, |(second, _)| leaves(*second).saturating_sub(now));
        if now < self.due {
            return Err(self.due - now);
        }
        // More than would ever fit is let through alone rather than never.
        if self.used + weight > CEILING && self.used > 0 {
            return Err(oldest);
        }
        self.used += weight;
        match self.seconds.back_mut() {
            Some((second, count)) if *second == now.as_secs() => *count += weight,
            _ => self.seconds.push_back((now.as_secs(), weight)),
        }
        if self.used > UNPACED {
            // What is left is spread over the time until there is more.
            let left = CEILING.saturating_sub(self.used).max(1);
            self.due = now + ((oldest / left).max(SHORTEST) * weight).min(oldest.max(SHORTEST));
        }
        Ok(())
    }
}

/// When the requests of a second are no longer counted: after the last of them may have left the server's window.
fn leaves(second: u64) -> Duration {
    Duration::from_secs(second + 1) + WINDOW
}

/// One mailbox's budget.
#[derive(Debug)]
pub struct Budget {
    start: Instant,
    window: Mutex<Window>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { start: Instant::now(), window: Mutex::default() }
    }
}

impl Budget {
    /// Counts `weight` requests now, or tells how long to wait before asking again.
    pub fn take(&self, weight: u32) -> Result<(), Duration> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner).take(self.start.elapsed(), weight)
    }

    /// How much of it is used just now.
    pub fn granted(&self) -> Granted {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.forget(self.start.elapsed());
        Granted { used: window.used, limit: CEILING, window: WINDOW }
    }
}

#[cfg(test)]
mod tests;
