//! What keeps everybody from a sink that takes nothing: a wait with a reason and an end, shared by all who write.
//!
//! Who fails raises it, who succeeds takes it down. While it stands nothing is written, and nothing is asked of Exchange either. It stands for the
//! time that the other side named, else for a back-off that grows with every attempt after it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{TimeDelta, Utc};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{event::Event, http::Backoff, watch::Events};

/// How long a sink that takes nothing is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// For ever: whoever runs for months outlives every outage.
    Endless,
    /// So long; then writes fail, for a run that is to end.
    For(Duration),
}

/// The fence before one sink.
pub struct Fence {
    events: Events,
    backoff: Backoff,
    patience: Patience,
    standing: Mutex<Option<Standing>>,
    lowered: Notify,
}

/// A fence that was raised.
#[derive(Clone, Copy)]
struct Standing {
    since: Instant,
    raised: Instant,
    until: Instant,
    attempts: u32,
}

impl Fence {
    /// A fence that is down.
    pub fn new(events: Events, backoff: Backoff, patience: Patience) -> Arc<Self> {
        Arc::new(Self { events, backoff, patience, standing: Mutex::default(), lowered: Notify::new() })
    }

    /// Waits while the fence stands. Where patience is at an end it holds up nobody.
    pub async fn pass(&self) {
        loop {
            let lowered = self.lowered.notified();
            let until = match *self.lock() {
                Some(standing) if standing.until > Instant::now() && !self.weary(&standing) => standing.until,
                _ => return,
            };
            tokio::select! {
                () = sleep_until(until) => {}
                () = lowered => {}
            }
        }
    }

    /// A write failed for `reason`: nobody writes before the time that was `named`, or a back-off of ours. False where patience is at an end.
    pub fn raise(&self, reason: &str, named: Option<Duration>) -> bool {
        let now = Instant::now();
        let (until, waits) = {
            let mut standing = self.lock();
            let (since, attempts) = standing.map_or((now, 0), |standing| (standing.since, standing.attempts));
            // Those who had set out before it was raised fail for the same reason: one outage is one step of the back-off.
            let standing_still = standing.filter(|standing| standing.until > now);
            let (raised, until, attempts) = match standing_still {
                Some(old) => (old.raised, named.map_or(old.until, |wait| old.until.max(now + wait)), attempts),
                None => (now, now + named.unwrap_or_else(|| self.backoff.draw(attempts)), attempts.saturating_add(1)),
            };
            let raised = Standing { since, raised, until, attempts };
            let news = standing_still.is_none_or(|old| old.until != until);
            *standing = Some(raised);
            if self.weary(&raised) {
                return false;
            }
            (until, news)
        };
        if waits {
            let wait = until.saturating_duration_since(now);
            let until = Utc::now() + TimeDelta::from_std(wait).unwrap_or_default();
            self.events.tell(Event::SinkBlocked { reason: reason.to_owned(), until });
        }
        true
    }

    /// A write that began at `begun` succeeded: the sink takes messages. One that began before the fence was raised says nothing of now.
    pub fn lower(&self, begun: Instant) {
        let lowered = self.lock().take_if(|standing| begun >= standing.raised);
        if let Some(standing) = lowered {
            self.lowered.notify_waiters();
            self.events.tell(Event::SinkRecovered { after: standing.since.elapsed() });
        }
    }

    /// Whether what has failed since then, and is no matter of everybody, is still to be waited for.
    pub fn outlasts(&self, since: Instant) -> bool {
        match self.patience {
            Patience::Endless => true,
            Patience::For(patience) => since.elapsed() < patience,
        }
    }

    fn weary(&self, standing: &Standing) -> bool {
        matches!(self.patience, Patience::For(patience) if standing.since.elapsed() >= patience)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Standing>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff { first: Duration::from_secs(5), cap: Duration::from_secs(300) };

    fn fence(patience: Patience) -> (Arc<Fence>, Events) {
        let events = Events::new();
        (Fence::new(events.clone(), BACKOFF, patience), events)
    }

    async fn waited(fence: &Fence) -> Duration {
        let start = Instant::now();
        fence.pass().await;
        start.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn it_stands_for_the_time_that_was_named() {
        let (fence, events) = fence(Patience::Endless);
        assert_eq!(waited(&fence).await, Duration::ZERO);
        assert!(fence.raise("HTTP 429", Some(Duration::from_secs(40))));
        // Another one that had set out before, told less.
        assert!(fence.raise("HTTP 429", Some(Duration::from_secs(1))));
        assert_eq!(events.status().sink_trouble().map(|trouble| trouble.reason.as_str()), Some("HTTP 429"));
        assert_eq!(waited(&fence).await, Duration::from_secs(40));
        fence.lower(Instant::now());
        assert_eq!(events.status().sink_trouble(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn many_failures_at_once_are_one_step_of_the_back_off() {
        let (fence, _) = fence(Patience::Endless);
        for attempt in 0..8 {
            for _ in 0..50 {
                fence.raise("no route", None);
            }
            assert!(waited(&fence).await <= BACKOFF.ceiling(attempt), "attempt {attempt}");
            tokio::time::advance(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_lets_everybody_through_at_once() {
        let (fence, _) = fence(Patience::Endless);
        fence.raise("HTTP 503", Some(Duration::from_secs(900)));
        let waiting = tokio::spawn({
            let fence = fence.clone();
            async move { waited(&fence).await }
        });
        tokio::time::sleep(Duration::from_secs(3)).await;
        fence.lower(Instant::now());
        assert_eq!(waiting.await.unwrap(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_of_what_was_under_way_already_changes_nothing() {
        let (fence, events) = fence(Patience::Endless);
        let begun = Instant::now();
        tokio::time::sleep(Duration::from_secs(1)).await;
        fence.raise("HTTP 429", Some(Duration::from_secs(60)));
        fence.lower(begun);
        assert!(events.status().sink_trouble().is_some());
        assert_eq!(waited(&fence).await, Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn patience_comes_to_its_end() {
        let (fence, _) = fence(Patience::For(Duration::from_secs(60)));
        assert!(fence.raise("no space", Some(Duration::from_secs(30))));
        fence.pass().await;
        assert!(fence.raise("no space", Some(Duration::from_secs(30))));
        fence.pass().await;
        assert!(!fence.raise("no space", Some(Duration::from_secs(30))));
        assert_eq!(waited(&fence).await, Duration::ZERO);
        // One that takes messages again is waited for anew.
        fence.lower(Instant::now());
        assert!(fence.raise("no space", Some(Duration::from_secs(30))));
    }
}
