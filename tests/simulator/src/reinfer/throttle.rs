//! How many requests of a token are in flight, and who comes back before a wait it was told has ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// So long an answer may take to reach the client; what it sends before then, it sends without knowing.
const ON_ITS_WAY: Duration = Duration::from_millis(250);

/// Requests under way, and waits that clients were told.
#[derive(Clone, Debug, Default)]
pub(super) struct Throttle(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    open: HashMap<String, u32>,
    fences: HashMap<(String, &'static str), Fence>,
}

/// A wait that a client was told.
#[derive(Clone, Copy, Debug)]
struct Fence {
    since: Instant,
    until: Instant,
}

/// A request under way. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    throttle: Throttle,
    token: String,
    /// Requests of the token in flight when this one came, this one among them.
    pub(super) in_flight: u32,
}

impl Throttle {
    /// A request of a token begins.
    pub(super) fn enter(&self, token: &str) -> Ticket {
        let mut book = self.book();
        let open = book.open.entry(token.to_owned()).or_default();
        *open += 1;
        Ticket { throttle: self.clone(), token: token.to_owned(), in_flight: *open }
    }

    /// Whether a token's client was told to wait with an operation, and knows it, and has not waited.
    pub(super) fn is_early(&self, token: &str, operation: &'static str) -> bool {
        let now = Instant::now();
        let fence = self.book().fences.get(&(token.to_owned(), operation)).copied();
        fence.is_some_and(|fence| fence.since + ON_ITS_WAY < now && now < fence.until)
    }

    /// A token's client is told now to wait with an operation for so many seconds.
    pub(super) fn told(&self, token: &str, operation: &'static str, wait: u64) {
        let now = Instant::now();
        // A wait beyond reason is part of a fault; a year is as good as for ever.
        let until = now + Duration::from_secs(wait.min(365 * 24 * 3600));
        let mut book = self.book();
        book.fences.retain(|_, fence| fence.until > now);
        book.fences.insert((token.to_owned(), operation), Fence { since: now, until });
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut book = self.throttle.book();
        if let Some(open) = book.open.get_mut(&self.token) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                book.open.remove(&self.token);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_open_is_counted_by_token() {
        let throttle = Throttle::default();
        let first = throttle.enter("a");
        assert_eq!((first.in_flight, throttle.enter("a").in_flight, throttle.enter("b").in_flight), (1, 2, 1));
        drop(first);
        assert!(throttle.book().open.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_early_knowingly_is_known() {
        let throttle = Throttle::default();
        throttle.told("a", "reinfer.PutEmails", 5);
        assert!(!throttle.is_early("a", "reinfer.PutEmails"), "the answer is still on its way");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(throttle.is_early("a", "reinfer.PutEmails"));
        assert!(!throttle.is_early("a", "reinfer.StoreSyncState") && !throttle.is_early("b", "reinfer.PutEmails"));
        tokio::time::advance(Duration::from_secs(4)).await;
        assert!(!throttle.is_early("a", "reinfer.PutEmails"));
    }
}
