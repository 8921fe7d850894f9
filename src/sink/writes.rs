//! How many writes may be under way at once: a bound that can be moved while they are.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bound of writes under way. Clones share it.
#[derive(Clone, Debug)]
pub struct Writes(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    turns: Arc<Semaphore>,
    bound: Mutex<Bound>,
}

#[derive(Debug)]
struct Bound {
    limit: usize,
    /// Turns that were to be taken away while they were in use; whoever gives one back gives it back to nobody.
    owed: usize,
}

/// A write's turn; over when dropped.
#[derive(Debug)]
pub struct Turn {
    writes: Writes,
    permit: Option<OwnedSemaphorePermit>,
}

impl Writes {
    /// At most `limit` at once, and at least one.
    pub fn new(limit: usize) -> Self {
        let limit = limit.max(1);
        Self(Arc::new(Shared { turns: Arc::new(Semaphore::new(limit)), bound: Mutex::new(Bound { limit, owed: 0 }) }))
    }

    /// At most `limit` at once from now on, and at least one; those under way beyond that come to their end.
    pub fn resize(&self, limit: usize) {
        let limit = limit.max(1);
        let mut bound = self.bound();
        if limit >= bound.limit {
            let more = limit - bound.limit;
            let kept = more.min(bound.owed);
            bound.owed -= kept;
            self.0.turns.add_permits(more - kept);
        } else {
            let fewer = bound.limit - limit;
            bound.owed += fewer - self.0.turns.forget_permits(fewer);
        }
        bound.limit = limit;
    }

    /// Waits for a turn.
    pub async fn turn(&self) -> Turn {
        // Never closed.
        let Ok(permit) = self.0.turns.clone().acquire_owned().await else { std::future::pending().await };
        Turn { writes: self.clone(), permit: Some(permit) }
    }

    fn bound(&self) -> MutexGuard<'_, Bound> {
        self.0.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<usize> for Writes {
    fn from(limit: usize) -> Self {
        Self::new(limit)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut bound = self.writes.bound();
        if bound.owed > 0
            && let Some(permit) = self.permit.take()
        {
            permit.forget();
            bound.owed -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many turns can be had at once just now.
    async fn free(writes: &Writes) -> usize {
        let mut turns = Vec::new();
        while let std::task::Poll::Ready(turn) = futures::poll!(std::pin::pin!(writes.turn())) {
            turns.push(turn);
        }
        turns.len()
    }

    #[tokio::test]
    async fn the_bound_moves_both_ways() {
        let writes = Writes::new(0);
        assert_eq!(free(&writes).await, 1);
        for limit in [4, 2, 2, 32, 1] {
            writes.resize(limit);
            assert_eq!(free(&writes).await, limit);
        }
    }

    #[tokio::test]
    async fn turns_in_use_are_taken_away_when_they_end() {
        let writes = Writes::new(5);
        let mut turns = Vec::new();
        for _ in 0..5 {
            turns.push(writes.turn().await);
        }
        writes.resize(2);
        turns.truncate(3);
        assert_eq!(free(&writes).await, 0, "three are still under way");
        // What is owed and not yet paid is set off against what comes.
        writes.resize(4);
        assert_eq!(free(&writes).await, 1);
        writes.resize(2);
        turns.clear();
        assert_eq!(free(&writes).await, 2);
    }
}
