//! A mailbox's ledger held for a while at a time, beside a copy that wants it, too.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};

use super::{Pipeline, Subscription, Trouble};
use crate::{
    catalog::Ledger,
    mail::{Home, IdForm},
};

/// Whoever copies the mailbox lets go of its ledger after each round, and the first rounds of a large mailbox are long.
const PATIENCE: Duration = Duration::from_secs(3600);

/// How often it is tried: between two rounds that follow each other at once there is little time.
const AGAIN: Duration = Duration::from_millis(50);

/// How often it is told that somebody else is waited for.
const TOLD: Duration = Duration::from_secs(60);

/// After so long the ledger is let go.
const HOLD: Duration = Duration::from_secs(60);

/// For so long it is left to others then: who meets a lock comes again within half a minute.
pub(super) const PAUSE: Duration = Duration::from_secs(35);

/// Turns at one mailbox's ledger.
pub struct Turns<'a> {
    pub(super) pipeline: Arc<Pipeline>,
    pub(super) subscription: &'a Subscription,
    home: Option<Home>,
    held: Option<Held>,
    /// Places of those who fetch out of turn, where they are bounded. One is had with the ledger, and never in a rest.
    places: Option<Arc<Semaphore>>,
}

/// The ledger in hand.
struct Held {
    ledger: Arc<dyn Ledger>,
    since: Instant,
    _place: Option<OwnedSemaphorePermit>,
}

/// A time in which batches begin: one at least, so that something comes of it.
pub struct Turn {
    ends: Instant,
    begun: AtomicBool,
    cut: AtomicBool,
}

impl Turn {
    /// Whether another batch may begin.
    pub fn admits(&self) -> bool {
        let over = self.begun.swap(true, Ordering::Relaxed) && self.ends <= Instant::now();
        self.cut.fetch_or(over, Ordering::Relaxed);
        !over
    }

    /// Whether one was not admitted.
    pub fn was_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }
}

impl<'a> Turns<'a> {
    /// None was had yet. `home` is whose mailbox it is.
    pub fn new(pipeline: Arc<Pipeline>, subscription: &'a Subscription, home: Option<Home>, places: Option<Arc<Semaphore>>) -> Self {
        Self { pipeline, subscription, home, held: None, places }
    }

    /// How the ids of items are written.
    pub fn form(&self) -> IdForm {
        self.home.as_ref().map_or_else(IdForm::default, |home| home.form)
    }

    /// The ledger, for what is to be done next. Nobody else may hold what this returned before.
    pub async fn ledger(&mut self) -> Result<Arc<dyn Ledger>, Trouble> {
        match &self.held {
            Some(held) if held.since.elapsed() < HOLD => return Ok(held.ledger.clone()),
            Some(_) => {
                self.held = None;
                sleep(PAUSE).await;
            }
            None => {}
        }
        let (ledger, place) = self.open().await?;
        // Behind the lock: meanwhile a round may have found another mailbox, or the same through another interface.
        self.pipeline.at_home(self.subscription, self.home.as_ref()).await?;
        ledger.speaks(self.form()).await?;
        self.held = Some(Held { ledger: ledger.clone(), since: Instant::now(), _place: place });
        Ok(ledger)
    }

    /// The present turn.
    pub fn turn(&self) -> Turn {
        let ends = self.held.as_ref().map_or_else(Instant::now, |held| held.since + HOLD);
        Turn { ends, begun: AtomicBool::new(false), cut: AtomicBool::new(false) }
    }

    /// Lets go of the ledger, and waits.
    pub async fn rest(&mut self, wait: impl Future<Output = ()>) {
        self.held = None;
        wait.await;
    }

    async fn open(&self) -> Result<(Arc<dyn Ledger>, Option<OwnedSemaphorePermit>), Trouble> {
        let start = Instant::now();
        let mut told: Option<Instant> = None;
        loop {
            let place = match &self.places {
                // Never closed.
                Some(places) => places.clone().acquire_owned().await.ok(),
                None => None,
            };
            match self.pipeline.catalog.open(&self.subscription.mailbox).await {
                Err(error) if error.locked && start.elapsed() < PATIENCE => {
                    if told.is_none_or(|told| told.elapsed() >= TOLD) {
                        let mailbox = &self.subscription.mailbox.address;
                        tracing::warn!(%mailbox, held = %error.cause, "waiting until whoever reads this mailbox is done with its round");
                        told = Some(Instant::now());
                    }
                    drop(place);
                    sleep(AGAIN).await;
                }
                opened => return Ok((Arc::from(opened?), place)),
            }
        }
    }
}
