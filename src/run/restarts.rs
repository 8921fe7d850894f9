//! How long a service that ended waits before it begins anew (`--restart-on-unrecoverable-errors`).

use std::time::Duration;

use crate::http::Backoff;

/// What was refused waits for a person, and a login that is tried too often locks an account.
const REFUSED: Backoff = Backoff { first: Duration::from_secs(300), cap: Duration::from_secs(900) };

/// A folder that is not mounted yet, a configuration that is being written.
const OTHERWISE: Backoff = Backoff { first: Duration::from_secs(10), cap: Duration::from_secs(300) };

/// A service that worked for so long begins to count anew.
const WORKED: Duration = Duration::from_secs(1800);

/// The restarts so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Restarts(u32);

impl Restarts {
    /// The pause after a service that worked for a while and ended, refused or otherwise.
    pub fn pause(&mut self, refused: bool, worked: Duration) -> Duration {
        if worked >= WORKED {
            self.0 = 0;
        }
        let backoff = if refused { REFUSED } else { OTHERWISE };
        let attempt = self.0;
        self.0 = self.0.saturating_add(1);
        // Half of it at least: several instances do not begin at the same moment, and none begins at once.
        let ceiling = backoff.ceiling(attempt);
        ceiling / 2 + backoff.draw(attempt) / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_a_refused_login_is_spared() {
        let mut restarts = Restarts::default();
        let seconds = |from, to| Duration::from_secs(from)..=Duration::from_secs(to);
        for range in [seconds(5, 10), seconds(10, 20), seconds(20, 40)] {
            let pause = restarts.pause(false, Duration::from_secs(1));
            assert!(range.contains(&pause), "{pause:?}");
        }
        for _ in 0..9 {
            assert!(seconds(450, 900).contains(&restarts.pause(true, Duration::ZERO)));
        }
        assert!(seconds(150, 300).contains(&restarts.pause(true, WORKED)));
        assert!(seconds(10, 20).contains(&restarts.pause(false, Duration::ZERO)));
    }
}
