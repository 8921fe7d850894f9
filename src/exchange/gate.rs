//! The gate that every request of one mailbox passes: how many may be under way, and not before when.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    fence::{Fence, Sent},
    width::{Lane, Through},
};
use crate::mail::Address;

/// What kind of request wants through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Folders and lists of changes, of which Exchange allows fewer at a time (policy ConcurrentSyncCalls).
    Sync,
    /// Small questions.
    Question,
    /// A download.
    Fetch,
}

/// How many requests of one budget may be under way. Some places are always left to requests other than downloads: a download stands still
/// while its taker does, and whoever waits for an answer to a small question must not wait for that.
#[derive(Clone, Debug)]
pub struct Places {
    all: Arc<Semaphore>,
    syncs: Arc<Semaphore>,
    fetches: Arc<Semaphore>,
}

impl Places {
    /// Room for `requests` (at least 2) at a time, of these `syncs` (at least 1) listings; one place in five, at least one, is not for downloads.
    pub fn new(requests: usize, syncs: usize) -> Self {
        let requests = requests.clamp(2, 1000);
        let semaphore = |places| Arc::new(Semaphore::new(places));
        let fetches = requests - requests.div_ceil(5);
        Self { all: semaphore(requests), syncs: semaphore(syncs.clamp(1, requests)), fetches: semaphore(fetches) }
    }

    async fn take(&self, kind: Kind) -> [Option<OwnedSemaphorePermit>; 2] {
        let narrow = match kind {
            Kind::Sync => take(&self.syncs).await,
            Kind::Fetch => take(&self.fetches).await,
            Kind::Question => None,
        };
        [narrow, take(&self.all).await]
    }
}

/// The gate: places of the mailbox's own and, where its requests are charged to an account, of the account; and the fence of whichever is charged.
#[derive(Debug)]
pub struct Gate {
    lane: Lane,
    own: Places,
    account: Option<Places>,
    fence: Arc<Fence>,
    /// The last of the fence's raisings for which the lane became narrower.
    narrowed: AtomicU64,
}

/// Leave to be under way; ends when dropped.
#[derive(Debug)]
pub struct Pass {
    _through: Option<Through>,
    _own: [Option<OwnedSemaphorePermit>; 2],
    _account: Option<[Option<OwnedSemaphorePermit>; 2]>,
}

impl Gate {
    /// Lets through whatever finds a place in `own` and then, where there is one, in `account`.
    pub fn new(own: Places, account: Option<Places>, fence: Arc<Fence>) -> Self {
        Self { lane: Lane::new(own.all.available_permits()), own, account, fence, narrowed: AtomicU64::new(0) }
    }

    /// Waits for a place. Places are given in the order in which they were asked for, so of several downloads the one asked for first never
    /// waits for a later one.
    pub async fn pass(&self, kind: Kind) -> Pass {
        // First, so that whoever waits here keeps no place from a question.
        let through = match kind {
            Kind::Sync | Kind::Fetch => Some(self.lane.pass().await),
            Kind::Question => None,
        };
        let own = self.own.take(kind).await;
        let account = match &self.account {
            Some(account) => Some(account.take(kind).await),
            None => None,
        };
        Pass { _through: through, _own: own, _account: account }
    }

    /// Whatever places of the mailbox's own are free at this moment, at most `most`: for one request that makes the server do several things at
    /// a time. Does not wait, so that it cannot wait for a download whose taker waits for it.
    pub fn spare(&self, most: usize) -> Vec<OwnedSemaphorePermit> {
        // Also no more than are wanted at a time, of which the request itself is one.
        (0..most.min(self.lane.width() - 1)).map_while(|_| self.own.all.clone().try_acquire_owned().ok()).collect()
    }

    /// The server said that the requests are too many. Puts up the fence for the time named; without one, fewer downloads and listings go at a time from
    /// then on. What was refused together counts once. Returns for how long nothing goes, and how many may be under way then, where that is news.
    fn strike(&self, sent: Sent, named: Option<Duration>) -> (Duration, Option<usize>) {
        let struck = self.fence.strike(sent, named);
        // Of several mailboxes that are charged together each was refused, and each becomes narrower once.
        let news = named.is_none() && self.narrowed.fetch_max(struck.raised, Ordering::Relaxed) < struck.raised;
        (struck.wait, news.then(|| self.lane.narrow()))
    }

    /// How many downloads and listings may be under way.
    #[cfg(test)]
    pub fn width(&self) -> usize {
        self.lane.width()
    }

    /// A request was answered well. Returns how many may be under way, where that is more than before.
    fn calm(&self, sent: Sent) -> Option<usize> {
        // What was on its way when the fence went up proves nothing.
        if self.fence.calm(sent) { self.lane.widen() } else { None }
    }

    /// Forgets past throttles and lets more requests of the mailbox go at a time again, since one was answered well.
    pub fn well(&self, mailbox: &Address, sent: Sent) {
        if let Some(most) = self.calm(sent) {
            tracing::debug!(%mailbox, most, "more requests at a time");
        }
    }

    /// Lets nothing go for the time named; without one, for longer each time, and fewer requests of the mailbox at a time from then on. Returns for how long.
    pub fn throttled(&self, mailbox: &Address, sent: Sent, named: Option<Duration>) -> Duration {
        let (wait, narrowed) = self.strike(sent, named);
        if let Some(most) = narrowed {
            tracing::debug!(%mailbox, most, "fewer requests at a time");
        }
        wait
    }

    /// The fence to pass before each request.
    pub fn fence(&self) -> &Fence {
        &self.fence
    }
}

async fn take(semaphore: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    // Never closed, so there is always a permit to come.
    semaphore.clone().acquire_owned().await.ok()
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::http::Backoff;

    fn fence() -> Arc<Fence> {
        let second = Duration::from_secs(1);
        Arc::new(Fence::new(Backoff { first: second, cap: second }))
    }

    #[tokio::test(start_paused = true)]
    async fn each_mailbox_of_an_account_that_is_refused_becomes_narrower_once() {
        let (fence, account) = (fence(), Places::new(9, 4));
        let gates = [(); 3].map(|()| Gate::new(Places::new(4, 2), Some(account.clone()), fence.clone()));
        let sent = fence.pass().await.unwrap();
        for _ in 0..3 {
            for gate in gates.iter().take(2) {
                gate.strike(sent, None);
            }
        }
        assert_eq!(gates.each_ref().map(Gate::width), [2, 2, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn downloads_leave_one_place() {
        let gate = Gate::new(Places::new(3, 2), None, fence());
        let _held = [gate.pass(Kind::Fetch).await, gate.pass(Kind::Fetch).await];
        assert!(gate.pass(Kind::Fetch).now_or_never().is_none());
        let question = gate.pass(Kind::Question).now_or_never();
        assert!(question.is_some());
        assert!(gate.pass(Kind::Sync).now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn spare_places_are_taken_without_waiting() {
        let gate = Gate::new(Places::new(4, 2), None, fence());
        let _held = gate.pass(Kind::Question).await;
        let spare = gate.spare(9);
        assert_eq!(spare.len(), 3);
        assert!(gate.spare(1).is_empty());
        drop(spare);
        assert_eq!(gate.spare(2).len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_narrow_gate_lets_questions_through() {
        let gate = Gate::new(Places::new(4, 2), None, fence());
        for width in [2, 1] {
            let sent = gate.fence().pass().await.unwrap();
            assert_eq!(gate.strike(sent, None).1, Some(width));
            assert_eq!(gate.strike(sent, None).1, None, "refused together");
            assert_eq!(gate.calm(sent), None, "it proves nothing");
        }
        let sent = gate.fence().pass().await.unwrap();
        let download = gate.pass(Kind::Fetch).await;
        // These wait, and keep no place meanwhile.
        let mut waiting = [gate.pass(Kind::Fetch).boxed(), gate.pass(Kind::Sync).boxed(), gate.pass(Kind::Fetch).boxed()];
        assert!(waiting.iter_mut().all(|pass| pass.now_or_never().is_none()));
        let question = gate.pass(Kind::Question).now_or_never();
        assert!(question.is_some());
        assert!(gate.spare(3).is_empty(), "nor does the server do several things at a time");
        drop(download);
        let next = waiting.iter_mut().find_map(|pass| pass.now_or_never());
        assert!(next.is_some());
        assert!(waiting[1..].iter_mut().all(|pass| pass.now_or_never().is_none()), "one at a time");
        assert_eq!(gate.calm(sent), Some(2));
        assert!(waiting[1].as_mut().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn mailboxes_of_one_account_share_its_places() {
        let account = Places::new(5, 1);
        let gate = |own| Gate::new(own, Some(account.clone()), fence());
        let (ann, bob) = (gate(Places::new(4, 2)), gate(Places::new(4, 2)));
        let listing = ann.pass(Kind::Sync).await;
        assert!(bob.pass(Kind::Sync).now_or_never().is_none());
        drop(listing);
        let _held = [ann.pass(Kind::Fetch).await, ann.pass(Kind::Fetch).await, bob.pass(Kind::Fetch).await, bob.pass(Kind::Fetch).await];
        assert!(bob.pass(Kind::Fetch).now_or_never().is_none());
        assert!(bob.pass(Kind::Question).now_or_never().is_some());
    }
}
