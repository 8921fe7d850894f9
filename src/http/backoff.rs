//! How long to wait before the next attempt when the other side named no time.

use std::time::Duration;

/// Exponential back-off with full jitter: a random share of a ceiling that doubles with every attempt, up to a cap. The jitter spreads clients
/// that failed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The ceiling of the first wait.
    pub first: Duration,
    /// The highest ceiling.
    pub cap: Duration,
}

impl Backoff {
    /// The ceiling before retry number `attempt`, counted from 0.
    pub fn ceiling(&self, attempt: u32) -> Duration {
        let factor = 1u32.checked_shl(attempt).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.cap)
    }

    /// The wait before retry number `attempt`, counted from 0; `random` is from 0 to 1.
    pub fn delay(&self, attempt: u32, random: f64) -> Duration {
        let share = if random.is_finite() { random.clamp(0.0, 1.0) } else { 1.0 };
        self.ceiling(attempt).mul_f64(share)
    }

    /// [`Backoff::delay`] with a random share.
    pub fn draw(&self, attempt: u32) -> Duration {
        // Without randomness the whole ceiling is waited: late, but safe.
        self.delay(attempt, getrandom::u32().map_or(1.0, |n| f64::from(n) / f64::from(u32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(60) };

    #[test]
    fn the_ceiling_doubles_up_to_the_cap_and_never_overflows() {
        let ceilings: Vec<u64> = [0, 1, 5, 6, 31, 32, u32::MAX].map(|n| BACKOFF.ceiling(n).as_secs()).to_vec();
        assert_eq!(ceilings, [1, 2, 32, 60, 60, 60, 60]);
    }

    #[test]
    fn the_delay_is_a_share_of_the_ceiling() {
        assert_eq!(BACKOFF.delay(2, 0.5), Duration::from_secs(2));
        assert_eq!(BACKOFF.delay(2, 7.0), Duration::from_secs(4));
        assert_eq!(BACKOFF.delay(2, f64::NAN), Duration::from_secs(4));
        assert!(BACKOFF.draw(3) <= Duration::from_secs(8));
    }
}
