//! Throttling as Exchange does it (documentation page "EWS throttling in Exchange"; MS documentation of `New-ThrottlingPolicy`).
//!
//! A budget belongs to a mailbox that is impersonated, or else to the account that calls. It bounds how many requests, streaming connections
//! and synchronising calls are open at a time, and if asked for how many come in a second.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Budgets remembered before idle ones are forgotten.
const REMEMBERED: usize = 10_000;

/// What one budget allows. 0 means no limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Requests open at a time, streaming ones apart (EWSMaxConcurrency).
    pub max_concurrency: u32,
    /// Streaming connections open at a time (HangingConnectionLimit).
    pub hanging: u32,
    /// SyncFolderItems and SyncFolderHierarchy requests open at a time (ConcurrentSyncCalls).
    pub sync_calls: u32,
    /// Requests a second in the long run; absent for no limit.
    pub requests_per_second: f64,
    /// Requests that may come at once before that rate counts.
    pub burst: u32,
    /// Milliseconds a refused client is told to wait where Exchange names a time.
    pub back_off_ms: u64,
    /// Graph: requests of one application to one mailbox in flight at a time.
    pub graph_concurrency: u32,
    /// Graph: requests of one application to one mailbox in ten minutes.
    pub graph_requests: u64,
    /// Graph: bytes one application may send to one mailbox in five minutes (POST, PATCH and PUT).
    pub graph_upload_bytes: u64,
    /// Graph: seconds a client is told to wait when too many of its requests are in flight.
    pub graph_retry_after_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_concurrency: 27,
            hanging: 10,
            sync_calls: 5,
            requests_per_second: 0.0,
            burst: 300,
            back_off_ms: 5000,
            graph_concurrency: 4,
            graph_requests: 10_000,
            graph_upload_bytes: 150 << 20,
            graph_retry_after_s: 10,
        }
    }
}

/// All budgets.
#[derive(Debug)]
pub struct Budgets {
    limits: Limits,
    budgets: Mutex<HashMap<String, Arc<Mutex<Budget>>>>,
}

#[derive(Debug, Default)]
struct Budget {
    open: [u32; 3],
    spent: f64,
    settled: Option<Instant>,
    wait_until: Option<Instant>,
}

/// What a request is to a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain = 0,
    Sync = 1,
    Hanging = 2,
}

/// Leave to work on one request. It ends when this is dropped.
#[derive(Debug)]
pub struct Permit {
    budget: Arc<Mutex<Budget>>,
    kind: Kind,
}

/// A budget is used up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Busy {
    /// The policy that refuses, by Exchange's name.
    pub policy: &'static str,
    /// What the policy allows.
    pub limit: u32,
    /// How long the client is told to wait; absent where Exchange names no time.
    pub back_off: Option<Duration>,
}

impl Budgets {
    /// Budgets with these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, budgets: Mutex::default() }
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Asks to work on a request. The second value says whether the client comes before a wait it was told has ended.
    ///
    /// # Errors
    /// Which policy refuses.
    pub fn enter(&self, owner: &str, operation: &str) -> (Result<Permit, Busy>, bool) {
        let budget = self.budget(owner);
        let now = Instant::now();
        let mut own = lock(&budget);
        let early = own.wait_until.is_some_and(|until| until > now);
        let kind = match operation {
            "GetStreamingEvents" => Kind::Hanging,
            "SyncFolderItems" | "SyncFolderHierarchy" => Kind::Sync,
            _ => Kind::Plain,
        };
        if let Some(busy) = own.refuses(kind, &self.limits, now) {
            if let Some(back_off) = busy.back_off {
                own.wait_until = Some(now + back_off);
            }
            return (Err(busy), early);
        }
        if let Some(open) = own.open.get_mut(kind as usize) {
            *open += 1;
        }
        drop(own);
        (Ok(Permit { budget, kind }), early)
    }

    fn budget(&self, owner: &str) -> Arc<Mutex<Budget>> {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        if budgets.len() >= REMEMBERED {
            let now = Instant::now();
            budgets.retain(|_, budget| !lock(budget).is_idle(now));
        }
        budgets.entry(owner.to_lowercase()).or_default().clone()
    }
}

impl Budget {
    fn refuses(&mut self, kind: Kind, limits: &Limits, now: Instant) -> Option<Busy> {
        let [plain, sync, hanging] = self.open;
        let full = |limit: u32, open: u32| limit > 0 && open >= limit;
        let told = Some(Duration::from_millis(limits.back_off_ms));
        if kind == Kind::Hanging && full(limits.hanging, hanging) {
            return Some(Busy { policy: "HangingConnectionLimit", limit: limits.hanging, back_off: None });
        }
        if kind == Kind::Sync && full(limits.sync_calls, sync) {
            return Some(Busy { policy: "ConcurrentSyncCalls", limit: limits.sync_calls, back_off: told });
        }
        if kind != Kind::Hanging && full(limits.max_concurrency, plain + sync) {
            return Some(Busy { policy: "MaxConcurrency", limit: limits.max_concurrency, back_off: None });
        }
        if limits.requests_per_second > 0.0 {
            let passed = self.settled.map_or(0.0, |then| (now - then).as_secs_f64());
            self.settled = Some(now);
            self.spent = (self.spent - passed * limits.requests_per_second).max(0.0);
            let room = f64::from(limits.burst.max(1));
            if self.spent + 1.0 > room {
                let seconds = (self.spent + 1.0 - room) / limits.requests_per_second;
                let wait = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(300));
                return Some(Busy { policy: "EwsRechargeRate", limit: limits.burst, back_off: Some(wait.max(Duration::from_millis(1))) });
            }
            self.spent += 1.0;
        }
        None
    }

    fn is_idle(&self, now: Instant) -> bool {
        let quiet = self.settled.is_none_or(|then| now - then > Duration::from_secs(600));
        self.open == [0; 3] && quiet && self.wait_until.is_none_or(|until| until <= now)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(open) = lock(&self.budget).open.get_mut(self.kind as usize) {
            *open = open.saturating_sub(1);
        }
    }
}

fn lock(budget: &Mutex<Budget>) -> MutexGuard<'_, Budget> {
    budget.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { max_concurrency: 3, hanging: 1, sync_calls: 2, back_off_ms: 1000, ..Limits::default() }
    }

    fn refusal(budgets: &Budgets, owner: &str, operation: &str) -> Option<Busy> {
        budgets.enter(owner, operation).0.err()
    }

    #[tokio::test(start_paused = true)]
    async fn each_mailbox_has_its_own_budget_and_gets_it_back() {
        let budgets = Budgets::new(limits());
        let held: Vec<_> = (0..3).map(|_| budgets.enter("A@example.com", "GetItem").0.unwrap()).collect();
        let busy = refusal(&budgets, "a@example.com", "GetItem").unwrap();
        assert_eq!((busy.policy, busy.limit, busy.back_off), ("MaxConcurrency", 3, None));
        assert_eq!(refusal(&budgets, "b@example.com", "GetItem"), None);
        drop(held);
        assert_eq!(refusal(&budgets, "a@example.com", "GetItem"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn streams_count_apart_and_sync_calls_twice() {
        let budgets = Budgets::new(limits());
        let _stream = budgets.enter("a", "GetStreamingEvents").0.unwrap();
        assert_eq!(refusal(&budgets, "a", "GetStreamingEvents").unwrap().policy, "HangingConnectionLimit");
        let _sync = (budgets.enter("a", "SyncFolderItems").0.unwrap(), budgets.enter("a", "SyncFolderHierarchy").0.unwrap());
        assert_eq!(refusal(&budgets, "a", "SyncFolderItems").unwrap().policy, "ConcurrentSyncCalls");
        let _plain = budgets.enter("a", "GetItem").0.unwrap();
        assert_eq!(refusal(&budgets, "a", "GetItem").unwrap().policy, "MaxConcurrency");
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_back_too_early_is_known() {
        let budgets = Budgets::new(limits());
        let held = [(); 2].map(|()| budgets.enter("a", "SyncFolderItems").0.unwrap());
        assert_eq!(refusal(&budgets, "a", "SyncFolderItems").unwrap().back_off, Some(Duration::from_secs(1)));
        drop(held);
        assert!(budgets.enter("a", "GetItem").1);
        tokio::time::advance(Duration::from_millis(1001)).await;
        assert!(!budgets.enter("a", "GetItem").1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_allows_its_burst_and_then_its_pace() {
        let budgets = Budgets::new(Limits { requests_per_second: 2.0, burst: 3, ..Limits::default() });
        for _ in 0..3 {
            assert_eq!(refusal(&budgets, "a", "GetItem"), None);
        }
        let busy = refusal(&budgets, "a", "GetItem").unwrap();
        assert_eq!((busy.policy, busy.back_off), ("EwsRechargeRate", Some(Duration::from_millis(500))));
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(refusal(&budgets, "a", "GetItem"), None);
        assert!(refusal(&budgets, "a", "GetItem").is_some());
    }
}
