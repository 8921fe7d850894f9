//! The gate that every request of one mailbox passes: how many may be under way, and not before when.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

use super::width::{Lane, Through};

/// The time before which a budget wants no request. Shared by all that are throttled together.
#[derive(Debug, Default)]
pub struct Clock(Mutex<Option<Instant>>);

impl Clock {
    /// Closes for `wait` from now on; never opens earlier than told before.
    pub fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some(held.map_or(until, |before| before.max(until)));
    }

    /// How long it stays closed, where it is.
    pub fn closed_for(&self) -> Option<Duration> {
        let until = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// Waits until it is open.
    pub async fn open(&self) {
        loop {
            let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match until {
                Some(until) if until > Instant::now() => sleep_until(until).await,
                _ => return,
            }
        }
    }
}

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

/// The gate: places of the mailbox's own and, where its requests are charged to an account, of the account.
#[derive(Debug)]
pub struct Gate {
    lane: Lane,
    own: Places,
    account: Option<Places>,
    clock: Arc<Clock>,
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
    pub fn new(own: Places, account: Option<Places>, clock: Arc<Clock>) -> Self {
        Self { lane: Lane::new(own.all.available_permits()), own, account, clock }
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

    /// The server said that the requests are too many, and named no time. Returns how many downloads and listings may be under way from now on.
    pub fn narrow(&self) -> usize {
        self.lane.narrow()
    }

    /// How many downloads and listings may be under way.
    #[cfg(test)]
    pub fn width(&self) -> usize {
        self.lane.width()
    }

    /// A request was answered well. Returns how many may be under way, where that is more than before.
    pub fn widen(&self) -> Option<usize> {
        self.lane.widen()
    }

    /// The clock to wait for before each request.
    pub fn clock(&self) -> &Clock {
        &self.clock
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

    #[tokio::test(start_paused = true)]
    async fn downloads_leave_one_place() {
        let gate = Gate::new(Places::new(3, 2), None, Arc::default());
        let _held = [gate.pass(Kind::Fetch).await, gate.pass(Kind::Fetch).await];
        assert!(gate.pass(Kind::Fetch).now_or_never().is_none());
        let question = gate.pass(Kind::Question).now_or_never();
        assert!(question.is_some());
        assert!(gate.pass(Kind::Sync).now_or_never().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn spare_places_are_taken_without_waiting() {
        let gate = Gate::new(Places::new(4, 2), None, Arc::default());
        let _held = gate.pass(Kind::Question).await;
        let spare = gate.spare(9);
        assert_eq!(spare.len(), 3);
        assert!(gate.spare(1).is_empty());
        drop(spare);
        assert_eq!(gate.spare(2).len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_narrow_gate_lets_questions_through() {
        let gate = Gate::new(Places::new(4, 2), None, Arc::default());
        assert_eq!([gate.narrow(), gate.narrow()], [2, 1]);
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
        assert_eq!(gate.widen(), Some(2));
        assert!(waiting[1].as_mut().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn mailboxes_of_one_account_share_its_places() {
        let account = Places::new(5, 1);
        let gate = |own| Gate::new(own, Some(account.clone()), Arc::default());
        let (ann, bob) = (gate(Places::new(4, 2)), gate(Places::new(4, 2)));
        let listing = ann.pass(Kind::Sync).await;
        assert!(bob.pass(Kind::Sync).now_or_never().is_none());
        drop(listing);
        let _held = [ann.pass(Kind::Fetch).await, ann.pass(Kind::Fetch).await, bob.pass(Kind::Fetch).await, bob.pass(Kind::Fetch).await];
        assert!(bob.pass(Kind::Fetch).now_or_never().is_none());
        assert!(bob.pass(Kind::Question).now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_clock_never_opens_early() {
        let clock = Clock::default();
        let start = Instant::now();
        clock.hold(Duration::from_secs(10));
        clock.hold(Duration::from_secs(5));
        assert_eq!(clock.closed_for(), Some(Duration::from_secs(10)));
        clock.open().await;
        assert_eq!(clock.closed_for(), None);
        assert_eq!(start.elapsed().as_secs(), 10);
        clock.open().await;
        assert_eq!(start.elapsed().as_secs(), 10);
    }
}
