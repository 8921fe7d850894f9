//! The time before which nothing is sent, shared by everybody whose requests a server charges to the same budget: it counts what it refuses too,
//! so whoever is throttled stops them all.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::http::Backoff;

/// Bounds of a wait that the server names, and the shortest of those that are drawn.
pub const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// The most that is waited on top of a time that was named.
const SPREAD: Duration = Duration::from_secs(3);

/// Waits up to this long are sat out where they are met. For longer ones the work is put down, so that its place and its memory serve other
/// mailboxes.
pub const PATIENT: Duration = Duration::from_secs(30);

/// A fence. It stands for as long as the server named, or else for a random share of a ceiling that doubles with every refusal in a row: the refusals
/// are counted here and not with the requests, so that they add up whichever request meets them, in one round or the next.
#[derive(Debug)]
pub struct Fence {
    /// How long it stands where the server names no time.
    unnamed: Backoff,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    until: Option<Instant>,
    /// How often it was put up.
    raised: u64,
    /// How often in a row it was put up without a time named.
    strikes: u32,
}

/// Where a request went through: before or after the fence was last put up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent(u64);

/// What a refusal came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Struck {
    /// How long the fence stands from now on; zero where it came down before an old refusal arrived.
    pub wait: Duration,
    /// How often the fence has been put up by now: the same for all who were refused together.
    pub raised: u64,
}

impl Fence {
    /// One that is down.
    pub fn new(unnamed: Backoff) -> Self {
        Self { unnamed, state: Mutex::default() }
    }

    /// Waits until it is down, which a request must do as the last thing before it is sent. `Err` tells at once for how long it still stands, where
    /// that is longer than [`PATIENT`]; that is judged anew before each wait, since it may be put up again meanwhile.
    pub async fn pass(&self) -> Result<Sent, Duration> {
        loop {
            let left = {
                let state = self.state();
                let Some(left) = state.left() else { return Ok(Sent(state.raised)) };
                left
            };
            if left > PATIENT {
                return Err(left);
            }
            sleep(left).await;
        }
    }

    /// Whether it was not put up since a request went through.
    pub fn stays_down(&self, sent: Sent) -> bool {
        sent == Sent(self.state().raised)
    }

    /// A request was refused: puts the fence up for as long as was named, between a second and a quarter of an hour, or for a random share, of a second
    /// at least, of twice as much as the last time. It never comes down earlier than told before.
    pub fn strike(&self, sent: Sent, named: Option<Duration>) -> Struck {
        let mut state = self.state();
        let wait = match named {
            // Up to a twentieth on top, at random, so that many who wait do not come back together.
            Some(named) => {
                let wait = named.clamp(SHORTEST, LONGEST);
                wait + Backoff { first: wait / 20, cap: SPREAD }.draw(0)
            }
            // It was on its way already when the fence went up, and says nothing that is not known.
            None if sent != Sent(state.raised) => {
                return Struck { wait: state.left().unwrap_or_default(), raised: state.raised };
            }
            None => {
                let wait = self.unnamed.draw(state.strikes).max(SHORTEST);
                state.strikes = state.strikes.saturating_add(1);
                wait
            }
        };
        let until = Instant::now() + wait;
        state.until = Some(state.until.map_or(until, |before| before.max(until)));
        state.raised += 1;
        Struck { wait: state.left().unwrap_or(wait), raised: state.raised }
    }

    /// A request was answered well: past strikes are forgotten. Not by one that had been on its way when the fence went up, which proves nothing; returns
    /// whether it proved something.
    pub fn calm(&self, sent: Sent) -> bool {
        let mut state = self.state();
        let proves = sent == Sent(state.raised);
        if proves {
            state.strikes = 0;
        }
        proves
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn left(&self) -> Option<Duration> {
        self.until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests;
