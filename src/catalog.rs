//! The ledger: one line a message in append-only segments, and an index of them that can be rebuilt. Identity is decided here: which listed
//! item is which known message.

mod blob;
mod book;
mod census;
mod claims;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod generations;
mod identity;
mod index;
mod ledger;
mod line;
mod local;
mod lock;
mod row;
mod segments;
mod sightings;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    mail::{Change, Failure, Folder, FolderId, IdForm, ItemId, Key, Listed, Mailbox, Origin, Properties},
    sink::Stored,
    words,
};

pub use blob::BlobCatalog;
pub use census::{Census, Kept, Mark, Records, SetAside, Standing};
pub use local::LocalCatalog;

/// What a change means, seen from what is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// A message to be downloaded and stored under `key`: one never seen, or a draft whose content changed.
    Fetch {
        /// What the listing told.
        listed: Listed,
        /// Its key: minted now, or its own where it is known.
        key: Key,
    },
    /// It looks like a known message whose old item may still exist. If `old` is gone this is a move: record [`Entry::Moved`]. If it still exists
    /// this is a copy: fetch it under `fresh`.
    Resembles {
        /// What the listing told.
        listed: Listed,
        /// The known message's key.
        key: Key,
        /// The item it was last seen as.
        old: ItemId,
        /// The key to use if it is another message after all.
        fresh: Key,
    },
    /// Something to write down without a download.
    Record(Entry),
    /// The properties may have changed: look them up and record [`Entry::Changed`].
    Refresh {
        /// What the listing told.
        listed: Listed,
        /// The message's key.
        key: Key,
    },
    /// Stored already, and nothing new about it.
    Known,
    /// Of no concern, or seen to already.
    Nothing,
}

/// One line of the catalog.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// A message is stored.
    Stored {
        /// Its key.
        key: Key,
        /// What the listing told of it.
        listed: Listed,
        /// Its properties.
        properties: Arc<Properties>,
        /// What its bytes are.
        origin: Origin,
        /// Where they are.
        stored: Stored,
    },
    /// It is in this folder now, under a new item id; also written for one that came back after a deletion.
    Moved {
        /// Its key.
        key: Key,
        /// What the listing told of the new item.
        listed: Listed,
    },
    /// Its item is now known by an id of another form: the mailbox is read through another interface. Nothing else of it changed. Left out where
    /// another message is that item already.
    Readdressed {
        /// Its key.
        key: Key,
        /// The item, in the form that [`Ledger::speaks`] told.
        id: ItemId,
    },
    /// Its read flag changed.
    Read {
        /// Its key.
        key: Key,
        /// The item.
        id: ItemId,
        /// Whether it is read now.
        read: bool,
    },
    /// Its properties changed.
    Changed {
        /// Its key.
        key: Key,
        /// The item.
        id: ItemId,
        /// As they are now.
        properties: Box<Properties>,
    },
    /// It left the mailbox, or is on its way to another folder: a later [`Entry::Moved`] tells.
    Deleted {
        /// Its key.
        key: Key,
        /// The item.
        id: ItemId,
    },
    /// It could not be read, for the server's reason. Nothing is in the sink.
    Quarantined {
        /// The key it would have.
        key: Key,
        /// What the listing told.
        listed: Listed,
        /// Why.
        failure: Failure,
    },
    /// It was listed but gone when it was to be fetched.
    Vanished {
        /// The key it would have had.
        key: Key,
        /// What the listing told.
        listed: Listed,
    },
}

/// The most entries that [`Ledger::walk_ended`] and [`Ledger::folder_gone`] return at once.
pub const SWEEP: usize = 4096;

/// A message that is in the mailbox as far as is known, readable or not.
#[derive(Clone, Debug, PartialEq)]
pub struct Resident {
    /// Its key.
    pub key: Key,
    /// What is known of its item.
    pub listed: Listed,
    /// The folder it is in.
    pub folder: FolderId,
    /// How the item's id is written.
    pub form: IdForm,
    /// Where it stands in the ledger.
    pub place: Place,
}

/// How a message stands in a ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Stand {
    /// Its key.
    pub key: Key,
    /// The folder it is, or was last, in.
    pub folder: FolderId,
    /// Whether its bytes are in the sink, as far as the ledger tells.
    pub stored: bool,
    /// Whether it is in quarantine.
    pub quarantined: bool,
}

/// A message's place in a ledger. Only the order has meaning; the default is before them all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(i64);

/// How many messages are in the mailbox as far as is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Residents {
    /// Those whose item ids are of the form that is spoken now.
    pub own: u64,
    /// The others.
    pub foreign: u64,
}

/// Figures of a mailbox's ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Messages stored, deleted ones included: nothing is ever deleted from the sink.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Items in quarantine.
    pub quarantined: u64,
}

/// How far a ledger's durable lines reach: segment and offset. Only the order has meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reach(pub u64, pub u64);

/// Lines of a ledger: those behind one place, up to and with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// How far the ledger reached before them.
    pub after: Reach,
    /// How far it reached with them.
    pub until: Reach,
}

/// What a listing from the start did not show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unseen {
    /// What is to be written down.
    pub gone: Vec<Entry>,
    /// Whether the listing was marked from its beginning to its end.
    pub whole: bool,
}

/// A message as its last line tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Where that line is: in it, or at its end.
    pub place: Reach,
    /// Its key.
    pub key: Key,
    /// What is known of its item.
    pub listed: Listed,
    /// Whether it is in the folder, readable or not.
    pub present: bool,
    /// Whether its bytes are in the sink, and it is not in quarantine.
    pub stored: bool,
}

/// All ledgers.
#[async_trait]
pub trait Catalog: Send + Sync + 'static {
    /// Opens a mailbox's ledger, repairing what a crash left, and locks it: one writer a mailbox.
    async fn open(&self, mailbox: &Mailbox) -> Result<Box<dyn Ledger>, Error>;

    /// Waits for what is still done for ledgers that were dropped, for a moment: giving back a lock over a network takes time, and until then the next
    /// process waits for it.
    async fn close(&self) {}
}

/// One mailbox's ledger. Dropping it gives the lock back.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Item ids are of this form from now on, EWS ids until told otherwise; lines written carry it.
    async fn speaks(&self, form: IdForm) -> Result<(), Error>;

    /// How many messages are in the mailbox, by the form of their item ids. Looks at every message once.
    async fn residents(&self) -> Result<Residents, Error>;

    /// At most `limit` messages that are in the mailbox, spread evenly over the ledger: those known in the form spoken now, or with `foreign` the
    /// others.
    async fn sample(&self, foreign: bool, limit: usize) -> Result<Vec<Resident>, Error>;

    /// The next messages behind a place whose item ids are of another form than that spoken now, at most `limit` and [`SWEEP`].
    async fn foreign(&self, after: Place, limit: usize) -> Result<Vec<Resident>, Error>;

    /// Whether items are known, in order: also those of messages that have left.
    async fn knows(&self, ids: &[ItemId]) -> Result<Vec<bool>, Error>;

    /// How the messages that are, or were last, these items stand, in order; none for an item that is not known.
    async fn stands(&self, ids: &[ItemId]) -> Result<Vec<Option<Stand>>, Error>;

    /// Decides what a page's changes mean, one decision a change, in order. An item that appears twice on the page is fetched once.
    /// Keys handed out for [`Decision::Fetch`] are remembered until committed, so that two items in flight never share one.
    async fn identify(&self, folder: &Folder, changes: &[Change]) -> Result<Vec<Decision>, Error>;

    /// Appends entries of one folder and makes them durable before it returns. Entries that change nothing are left out; returns how many were written.
    async fn commit(&self, folder: &Folder, entries: Vec<Entry>) -> Result<usize, Error>;

    /// Begins a listing from the start: from now on `identify` marks what it sees in this folder. Call again after a restart in the middle only with `resumed`,
    /// which keeps the marks made so far.
    async fn walk_begins(&self, folder: &FolderId, resumed: bool) -> Result<(), Error>;

    /// The listing reached its end: what is known in this folder and was not seen is returned as [`Entry::Deleted`] for `commit`, at most
    /// [`SWEEP`] entries at a time so that memory stays bounded. Commit them and call again until none come; then the walk is over. Where the marks were lost
    /// under way, nothing is told of what was not seen, and the listing is not whole.
    async fn walk_ended(&self, folder: &FolderId) -> Result<Unseen, Error>;

    /// A folder is no more: its messages that are not known elsewhere, as [`Entry::Deleted`], at most [`SWEEP`] at a time. Commit them and call
    /// again until none come.
    async fn folder_gone(&self, folder: &FolderId) -> Result<Vec<Entry>, Error>;

    /// Items of this folder in quarantine, the next behind a place, at most `limit` and [`SWEEP`].
    async fn quarantined(&self, folder: &FolderId, after: Place, limit: usize) -> Result<Vec<(Place, Key, Listed)>, Error>;

    /// When the oldest of these came: the later of the times at which it was received and created. To the second, and none where no time is known.
    async fn oldest_quarantined(&self, folder: &FolderId) -> Result<Option<DateTime<Utc>>, Error>;

    /// Messages that are, or were last, in this folder, whose last line lies within the span and whose item ids are of the form spoken now: the first of
    /// them in the order of these lines, at most `limit` and [`SWEEP`].
    async fn told(&self, folder: &FolderId, span: Span, limit: usize) -> Result<Vec<Told>, Error>;

    /// How far the durable lines reach. A cursor saved when they reached further belongs to lines that were lost since.
    async fn reach(&self) -> Result<Reach, Error>;

    /// Figures as of now.
    async fn totals(&self) -> Result<Totals, Error>;
}

/// A catalog operation that failed.
#[derive(Debug)]
pub struct Error {
    /// What was attempted on what.
    pub attempt: String,
    /// The cause.
    pub cause: String,
    /// What helps, where known.
    pub hint: Option<String>,
    /// Whether another process holds the mailbox.
    pub locked: bool,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        words::failed(f, &self.attempt, None, &self.cause, self.hint.as_deref())
    }
}

impl std::error::Error for Error {}
