//! The whole flow on a page:
//!
//! mailboxes → folders → changes (pages of ids, from the last cursor) → transfer (MIME as a byte stream into the sink) → catalog → cursor
//!
//! One natural way, top to bottom. A folder's stream ends at its first error, so a cursor never passes what is not durably stored; the other
//! folders and mailboxes go on. This room sees the traits [`Exchange`], [`Sink`], [`Catalog`] and [`Checkpoints`] and nothing behind them.

mod afresh;
mod again;
mod batches;
mod budget;
mod changes;
mod commit;
mod describe;
mod difference;
mod drain;
mod fan_out;
mod filters;
mod folder_round;
mod home;
mod in_flight;
mod levers;
mod mailbox_round;
mod mend;
mod oldest_first;
mod pace;
mod plan;
mod reconcile;
mod resolve;
mod roster;
mod rounds;
mod standstill;
mod survey;
mod task;
mod transfer;
mod trouble;
mod turns;
mod uncovered;
mod until_error;

#[cfg(test)]
pub(crate) mod tests;

use std::{future::ready, sync::Arc, time::Duration};

use futures::{Stream, StreamExt, TryStreamExt, stream};

pub use afresh::Afresh;
pub use budget::Budget;
pub use changes::{PAGE, standing_still};
pub use difference::Difference;
pub use drain::Drain;
pub use fan_out::FanOut;
pub use filters::{FilterSet, Filters, FolderName, Participants};
pub use in_flight::InFlight;
pub use levers::Levers;
pub use mailbox_round::Round;
pub use mend::{Errand, Mended, Sought};
pub use pace::Pace;
pub use reconcile::Reconcile;
pub use roster::{Assignment, roster};
pub use rounds::{Mode, Schedule};
pub use standstill::Standstill;
pub use trouble::Trouble;
pub use until_error::UntilError;

use self::{
    batches::batches,
    changes::changes,
    commit::{Committed, commit, in_turn},
    folder_round::Visit,
    plan::Plan,
    transfer::transfer,
    turns::Turn,
};

use crate::{
    catalog::Catalog,
    checkpoint::Checkpoints,
    exchange::Exchange,
    mail::{Folder, Mailbox},
    sink::Sink,
    watch::Events,
};

/// How much is under way at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Mailboxes being read at the same time.
    pub mailboxes: usize,
    /// Folders of one mailbox being read at the same time.
    pub folders: usize,
    /// Batches of one folder being downloaded at the same time.
    pub batches: usize,
    /// Messages fetched together (`reinfer_batch_size`).
    pub batch_size: usize,
    /// Messages of one folder in one round (`emails_per_folder`), so that one huge folder does not starve the rest.
    pub messages_per_folder: usize,
    /// Time between two messages of one mailbox (`poll_message_sleep`).
    pub message_interval: Duration,
    /// Bytes of messages held in memory at the same time (`--memory-budget`).
    pub memory: usize,
}

/// A mailbox with what is wanted of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// Which of its messages.
    pub filters: Filters,
    /// Whether saved cursors are ignored in the first round (`start_from: "config"`).
    pub from_start: bool,
}

impl Subscription {
    /// Whether a folder, one of `all` of the mailbox, is read.
    pub fn reads(&self, folder: &Folder, all: &[Folder]) -> bool {
        self.filters.folders.admits(folder, all) && (self.mailbox.archive || !folder.archive)
    }
}

/// The rooms that the chain joins, and its limits.
pub struct Pipeline {
    exchange: Arc<dyn Exchange>,
    sink: Arc<dyn Sink>,
    catalog: Arc<dyn Catalog>,
    checkpoints: Arc<dyn Checkpoints>,
    events: Events,
    limits: Limits,
    budget: Budget,
    drain: Arc<Drain>,
    levers: Arc<Levers>,
}

impl Pipeline {
    /// Joins the rooms.
    pub fn new(
        exchange: Arc<dyn Exchange>,
        sink: Arc<dyn Sink>,
        catalog: Arc<dyn Catalog>,
        checkpoints: Arc<dyn Checkpoints>,
        events: Events,
        limits: Limits,
    ) -> Arc<Self> {
        let budget = Budget::new(limits.memory);
        Arc::new(Self { exchange, sink, catalog, checkpoints, events, limits, budget, drain: Arc::default(), levers: Arc::default() })
    }

    /// The same chain into the same sink, catalog and checkpoints, within other limits, and out of another Exchange where there is one. What is held in
    /// memory is bounded for both together.
    pub fn with(&self, exchange: Option<Arc<dyn Exchange>>, limits: Limits) -> Arc<Self> {
        let exchange = exchange.unwrap_or_else(|| self.exchange.clone());
        let (sink, catalog, checkpoints) = (self.sink.clone(), self.catalog.clone(), self.checkpoints.clone());
        let (events, budget) = (self.events.clone(), self.budget.clone());
        let (drain, levers) = (self.drain.clone(), self.levers.clone());
        Arc::new(Self { exchange, sink, catalog, checkpoints, events, limits, budget, drain, levers })
    }

    /// How much is under way at once.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The Exchange at its beginning.
    pub fn exchange(&self) -> Arc<dyn Exchange> {
        self.exchange.clone()
    }

    /// The way to an end without haste, for this chain and for those made of it.
    pub fn end(&self) -> Arc<Drain> {
        self.drain.clone()
    }

    /// What a person may do to its mailboxes, and to those of chains made of it.
    pub fn levers(&self) -> Arc<Levers> {
        self.levers.clone()
    }

    /// Reads all mailboxes by the schedule; each item is the end of one mailbox's work, which in [`Mode::Continuous`] comes only with
    /// an end to the program. Dropping the stream stops all that is under way.
    pub fn run(self: &Arc<Self>, subscriptions: Vec<Subscription>, schedule: Schedule) -> impl Stream<Item = Round> + use<> {
        roster(stream::iter([Assignment { pipeline: self.clone(), subscriptions, schedule }]))
    }
}

/// One folder from its last cursor towards its end. Each item is a committed batch.
fn folder(visit: &Arc<Visit>) -> impl Stream<Item = Result<Committed, Trouble>> + use<> {
    carry(visit, changes(visit.clone())) // pages of ids from the last cursor, each change decided on
}

/// What plans ask for, out of Exchange and into the sink.
fn carry<P>(visit: &Arc<Visit>, plans: P) -> impl Stream<Item = Result<Committed, Trouble>> + use<P>
where
    P: Stream<Item = Result<Plan, Trouble>>,
{
    let limits = visit.pipeline.limits;
    let batches = plans.map_ok(move |plan| batches(plan, limits.batch_size)).try_flatten();
    let batches = visit.lever.until(batches); // none begins while the mailbox is paused
    let turn = visit.clone();
    let batches = batches.take_while(move |_| ready(turn.turn.as_ref().is_none_or(Turn::admits))); // nor once the ledger is somebody else's turn
    visit
        .pipeline
        .drain
        .until(batches) // nor once the end has begun
        .in_flight(limits.batches, on(visit, transfer)) // downloads run ahead of commits; results in order
        .and_then(on(visit, commit)) // catalog, then cursor: only after the sink
        .flat_map(in_turn) // what came before trouble, then the trouble
        .until_error() // this folder stops, the others go on
}

/// Binds a step of the chain to the visit it belongs to.
fn on<T, F, S: Fn(Arc<Visit>, T) -> F>(visit: &Arc<Visit>, step: S) -> impl FnMut(T) -> F + use<T, F, S> {
    let visit = visit.clone();
    move |item| step(visit.clone(), item)
}
