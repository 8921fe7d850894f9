//! Passwords are tried with care: a directory locks an account after a few wrong ones, and a thousand mailboxes ask with the same.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Mutex as Turn, MutexGuard as TurnGuard},
    time::Instant,
};

use super::TransportError;
use crate::http::Backoff;

/// After a refusal the password is not tried for a minute, then for two, and so on: slower than any usual lockout threshold counts.
const HOLD: Backoff = Backoff { first: Duration::from_secs(60), cap: Duration::from_secs(30 * 60) };

/// Lets logins through: one at a time until one has worked, and none for a while after a refusal.
#[derive(Default)]
pub struct Guard {
    state: Mutex<State>,
    turn: Turn<()>,
}

#[derive(Default)]
struct State {
    /// Whether the last login worked.
    proven: bool,
    /// Whether one ever did.
    worked: bool,
    refusals: u32,
    refused: Option<(TransportError, Instant)>,
}

/// Permission for one login. To be held until its outcome is told.
pub struct Permission<'a>(#[allow(dead_code, reason = "held for its drop")] Option<TurnGuard<'a, ()>>);

impl Guard {
    /// Waits for permission to log in; `Err` repeats the last refusal while it stands.
    pub async fn permission(&self) -> Result<Permission<'_>, TransportError> {
        self.standing_refusal()?;
        if self.state().proven {
            return Ok(Permission(None));
        }
        let turn = self.turn.lock().await;
        // The one before us may have been refused, or let through.
        self.standing_refusal()?;
        Ok(Permission((!self.state().proven).then_some(turn)))
    }

    /// A login worked.
    pub fn worked(&self) {
        let mut state = self.state();
        (state.proven, state.worked, state.refusals, state.refused) = (true, true, 0, None);
    }

    /// A login was refused. Returns the error for the caller.
    pub fn refused(&self, error: TransportError) -> TransportError {
        let mut state = self.state();
        let hold = HOLD.ceiling(state.refusals);
        state.proven = false;
        state.refusals = state.refusals.saturating_add(1);
        state.refused = Some((error.clone(), Instant::now() + hold));
        TransportError { retry_after: Some(hold), ..error }
    }

    /// Whether the credentials were ever accepted.
    pub fn ever_worked(&self) -> bool {
        self.state().worked
    }

    fn standing_refusal(&self) -> Result<(), TransportError> {
        let state = self.state();
        let Some((error, until)) = &state.refused else { return Ok(()) };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        let cause = format!("{}; it was not asked again, since repeated attempts lock accounts", error.cause);
        Err(TransportError { cause, retry_after: Some(left), ..error.clone() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::exchange::ews::transport::Kind;

    fn refusal() -> TransportError {
        TransportError::new(Kind::Unauthorized { worked: false }, "refused")
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_stands_for_a_minute_and_then_for_two() {
        let guard = Guard::default();
        assert_eq!(guard.refused(refusal()).retry_after, Some(Duration::from_secs(60)));
        assert!(guard.permission().await.is_err());
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(guard.permission().await.is_ok());
        assert_eq!(guard.refused(refusal()).retry_after, Some(Duration::from_secs(120)));
        guard.worked();
        assert!(guard.permission().await.is_ok() && guard.ever_worked());
    }

    #[tokio::test]
    async fn the_first_logins_go_one_at_a_time_and_later_ones_together() {
        let guard = Guard::default();
        let first = guard.permission().await.unwrap();
        assert!(guard.permission().now_or_never().is_none());
        guard.worked();
        drop(first);
        let (_a, _b) = (guard.permission().await.unwrap(), guard.permission().await.unwrap());
    }

    #[tokio::test]
    async fn those_who_waited_for_a_refused_login_do_not_try_themselves() {
        let guard = Guard::default();
        let first = guard.permission().await.unwrap();
        let (second, ()) = tokio::join!(guard.permission(), async {
            guard.refused(refusal());
            drop(first);
        });
        assert!(second.is_err());
    }
}
