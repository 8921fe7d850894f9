//! Throttling as Outlook does it behind Graph (documentation page "Microsoft Graph service-specific throttling limits", Outlook service
//! limits): each application has a budget for each mailbox.

use super::error::GraphError;
use crate::limits::Limits;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Budgets remembered before idle ones are forgotten.
const REMEMBERED: usize = 20_000;

/// How requests are counted: in slots of ten seconds.
const SLOT: u64 = 10;

/// All budgets.
#[derive(Debug)]
pub(crate) struct Throttle {
    start: Instant,
    budgets: Mutex<HashMap<String, Arc<Mutex<Budget>>>>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { start: Instant::now(), budgets: Mutex::default() }
    }
}

#[derive(Debug, Default)]
struct Budget {
    open: u32,
    /// Ten minutes.
    requests: Window<60>,
    /// Bytes sent in five minutes.
    uploads: Window<30>,
    fence: Option<Fence>,
}

/// A wait that a client was told.
#[derive(Clone, Copy, Debug)]
struct Fence {
    since: Instant,
    until: Instant,
}

/// So long an answer may take to reach the client; what it sends before then, it sends without knowing.
const ON_ITS_WAY: Duration = Duration::from_millis(250);

/// Amounts of the last so many slots.
#[derive(Debug)]
struct Window<const N: usize> {
    slots: [u64; N],
    sum: u64,
    now: u64,
}

impl<const N: usize> Default for Window<N> {
    fn default() -> Self {
        Self { slots: [0; N], sum: 0, now: 0 }
    }
}

impl<const N: usize> Window<N> {
    /// Forgets what is too old at this slot.
    fn turn(&mut self, now: u64) {
        let steps = now.saturating_sub(self.now);
        if steps >= N as u64 {
            *self = Self { now, ..Self::default() };
            return;
        }
        for step in 1..=steps {
            if let Some(slot) = usize::try_from((self.now + step) % N as u64).ok().and_then(|at| self.slots.get_mut(at)) {
                self.sum -= *slot;
                *slot = 0;
            }
        }
        self.now = now.max(self.now);
    }

    fn add(&mut self, amount: u64) {
        if let Some(slot) = usize::try_from(self.now % N as u64).ok().and_then(|at| self.slots.get_mut(at)) {
            *slot = slot.saturating_add(amount);
            self.sum = self.sum.saturating_add(amount);
        }
    }

    /// Slots until the sum is below `limit` if nothing more comes.
    fn relief(&self, limit: u64) -> u64 {
        let mut left = self.sum;
        for step in 1..=N as u64 {
            let at = usize::try_from((self.now + step) % N as u64).unwrap_or_default();
            left -= self.slots.get(at).copied().unwrap_or_default();
            if left < limit {
                return step;
            }
        }
        N as u64
    }
}

/// Leave to work on one request. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Mutex<Budget>>);

impl Drop for Permit {
    fn drop(&mut self) {
        let mut own = lock(&self.0);
        own.open = own.open.saturating_sub(1);
    }
}

/// What became of a request at the budget.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Leave, or the refusal.
    pub(crate) leave: Result<Permit, GraphError>,
    /// It came before a wait the client was told had ended.
    pub(crate) early: bool,
    /// It is the first one after a wait the client was told: how long that was to be, and how much longer it was.
    pub(crate) waited: Option<(Duration, Duration)>,
    /// Requests of this budget in flight, this one among them if it was let in.
    pub(crate) in_flight: u32,
}

impl Throttle {
    /// Asks to work on a request of so many bytes sent. Refused requests count too.
    pub(crate) fn enter(&self, app: &str, mailbox: &str, sent: u64, limits: &Limits) -> Entry {
        let budget = self.budget(app, mailbox);
        let now = Instant::now();
        let seconds = now.saturating_duration_since(self.start).as_secs();
        let mut own = lock(&budget);
        let early = own.fence.is_some_and(|fence| fence.since + ON_ITS_WAY < now && now < fence.until);
        let over = own.fence.take_if(|fence| fence.until <= now);
        let waited = over.map(|fence| (fence.until - fence.since, now - fence.until));
        own.requests.turn(seconds / SLOT);
        own.uploads.turn(seconds / SLOT);
        own.requests.add(1);
        own.uploads.add(sent);
        let full = |limit: u64, sum: u64| limit > 0 && sum > limit;
        // A slot ends on its border, not a whole slot from now.
        let until = |slots: u64| (slots * SLOT).saturating_sub(seconds % SLOT).max(1);
        let refusal = if limits.graph_concurrency > 0 && own.open >= limits.graph_concurrency {
            Some(("MailboxConcurrency", limits.graph_retry_after_s))
        } else if full(limits.graph_requests, own.requests.sum) {
            Some(("Request", until(own.requests.relief(limits.graph_requests))))
        } else if full(limits.graph_upload_bytes, own.uploads.sum) {
            Some(("IncomingBytes", until(own.uploads.relief(limits.graph_upload_bytes))))
        } else {
            None
        };
        if let Some((limit, wait)) = refusal {
            let error = GraphError::new(429, "ApplicationThrottled", format!("Application is over its {limit} limit."));
            return Entry { leave: Err(error.header("Retry-After", wait.to_string())), early, waited, in_flight: own.open };
        }
        own.open += 1;
        let in_flight = own.open;
        drop(own);
        Entry { leave: Ok(Permit(budget)), early, waited, in_flight }
    }

    /// A client is told now to leave the mailbox alone for so many seconds.
    pub(crate) fn told(&self, app: &str, mailbox: &str, wait: u64) {
        let now = Instant::now();
        // A wait beyond reason is part of a fault; a year is as good as for ever.
        let until = now + Duration::from_secs(wait.min(365 * 24 * 3600));
        let budget = self.budget(app, mailbox);
        let mut own = lock(&budget);
        // Told again while it waits, a client has to wait until the later of both.
        let fence = own.fence.get_or_insert(Fence { since: now, until });
        fence.until = fence.until.max(until);
    }

    fn budget(&self, app: &str, mailbox: &str) -> Arc<Mutex<Budget>> {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = String::with_capacity(app.len() + mailbox.len() + 1);
        key.push_str(app);
        key.push(' ');
        key.push_str(mailbox);
        key.make_ascii_lowercase();
        if let Some(known) = budgets.get(&key) {
            return known.clone();
        }
        if budgets.len() >= REMEMBERED {
            let now = self.start.elapsed().as_secs() / SLOT;
            budgets.retain(|_, budget| {
                let mut own = lock(budget);
                own.requests.turn(now);
                own.open > 0 || own.requests.sum > 0
            });
        }
        budgets.entry(key).or_default().clone()
    }
}

fn lock(budget: &Mutex<Budget>) -> MutexGuard<'_, Budget> {
    budget.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { graph_requests: 20, graph_upload_bytes: 1000, ..Limits::default() }
    }

    fn wait(entry: &Entry) -> Option<u64> {
        entry.leave.as_ref().err().and_then(|error| error.headers.value("retry-after")).and_then(|value| value.parse().ok())
    }

    #[tokio::test(start_paused = true)]
    async fn the_fifth_at_once_is_refused_and_who_comes_early_is_known() {
        let (throttle, limits) = (Throttle::default(), limits());
        let held: Vec<_> = (0..4).map(|_| throttle.enter("app", "A@example.com", 0, &limits)).collect();
        assert!(held.iter().all(|entry| entry.leave.is_ok() && !entry.early) && held[3].in_flight == 4);
        let fifth = throttle.enter("app", "a@example.com", 0, &limits);
        assert_eq!(wait(&fifth), Some(limits.graph_retry_after_s));
        assert!(fifth.leave.unwrap_err().message.contains("MailboxConcurrency"));
        assert!(throttle.enter("app", "b@example.com", 0, &limits).leave.is_ok());
        assert!(throttle.enter("other", "a@example.com", 0, &limits).leave.is_ok());
        drop(held);
        throttle.told("app", "a@example.com", limits.graph_retry_after_s);
        assert!(!throttle.enter("app", "a@example.com", 0, &limits).early, "the answer is still on its way");
        tokio::time::advance(Duration::from_secs(1)).await;
        let next = throttle.enter("app", "a@example.com", 0, &limits);
        assert!(next.leave.is_ok() && next.early);
        tokio::time::advance(Duration::from_secs(limits.graph_retry_after_s)).await;
        assert!(!throttle.enter("app", "a@example.com", 0, &limits).early);
    }

    #[tokio::test(start_paused = true)]
    async fn ten_minutes_hold_so_many_requests() {
        let (throttle, limits) = (Throttle::default(), limits());
        for _ in 0..20 {
            assert!(throttle.enter("app", "a", 0, &limits).leave.is_ok());
        }
        tokio::time::advance(Duration::from_secs(305)).await;
        let refused = throttle.enter("app", "a", 0, &limits);
        assert_eq!(wait(&refused), Some(295), "the first twenty came in the slot that ends ten minutes after it began");
        tokio::time::advance(Duration::from_secs(295)).await;
        assert!(throttle.enter("app", "a", 0, &limits).leave.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn five_minutes_hold_so_many_bytes() {
        let (throttle, limits) = (Throttle::default(), limits());
        assert!(throttle.enter("app", "a", 1000, &limits).leave.is_ok());
        assert_eq!(wait(&throttle.enter("app", "a", 1, &limits)), Some(300));
        assert!(throttle.enter("app", "a", 0, &Limits { graph_upload_bytes: 0, ..limits }).leave.is_ok());
        tokio::time::advance(Duration::from_secs(300)).await;
        assert!(throttle.enter("app", "a", 1, &Limits { graph_upload_bytes: 1000, ..Limits::default() }).leave.is_ok());
    }
}
