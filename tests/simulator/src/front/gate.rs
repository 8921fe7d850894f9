//! What the door remembers between requests.

use crate::auth::Logins;
use crate::limits::{Budgets, Limits};
use crate::oauth::{Replays, Tokens};
use crate::record::Recorder;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What the door remembers between requests: tokens, logins, budgets, the record, and how long an answer is made to take.
#[derive(Debug)]
pub struct Gate {
    /// Access tokens given out.
    pub tokens: Tokens,
    /// Assertions already used.
    pub replays: Replays,
    /// Revocations and locked accounts.
    pub logins: Logins,
    /// Who has how many requests open.
    pub budgets: Budgets,
    /// Where traffic is written.
    pub recorder: Option<Recorder>,
    latency: [AtomicU64; 2],
    turn: AtomicU64,
}

impl Gate {
    /// A gate with these limits, writing traffic to `record` if given.
    ///
    /// # Errors
    /// When the folder for the record cannot be made.
    pub fn new(limits: Limits, record: Option<&Path>) -> io::Result<Self> {
        Ok(Self {
            tokens: Tokens::default(),
            replays: Replays::default(),
            logins: Logins::default(),
            budgets: Budgets::new(limits),
            recorder: record.map(Recorder::new).transpose()?,
            latency: Default::default(),
            turn: AtomicU64::new(0),
        })
    }

    /// Makes every answer of Exchange take this long, between the two, before it begins.
    pub fn delay_answers(&self, least: Duration, most: Duration) {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let [low, high] = &self.latency;
        low.store(millis(least), Ordering::Relaxed);
        high.store(millis(most.max(least)), Ordering::Relaxed);
    }

    /// How long the next answer is to take. Successive answers walk through the range in steps of the golden ratio, so that a run can be
    /// repeated.
    pub fn next_delay(&self) -> Duration {
        let [low, high] = &self.latency;
        let (low, high) = (low.load(Ordering::Relaxed), high.load(Ordering::Relaxed));
        if high <= low {
            return Duration::from_millis(low);
        }
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let share = turn.wrapping_mul(618_034) % 1_000_000;
        Duration::from_millis(low + (high - low).saturating_mul(share) / 1_000_000)
    }
}
