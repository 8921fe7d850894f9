//! What happens in a mailbox, as told to subscribers.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::broadcast;

use super::ids::{FolderId, ItemId};

/// Events a subscriber may fall behind before it loses some (and learns of it as `Lagged`).
pub const QUEUE: usize = 1024;

/// A subscriber's bounded queue.
pub type Events = broadcast::Receiver<Arc<Event>>;

/// What an event is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// An item.
    Item(ItemId),
    /// A folder.
    Folder(FolderId),
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventKind {
    /// Made, by other means than delivery.
    Created,
    /// Delivered. A `Created` of the same item goes before it.
    NewMail,
    /// Removed for good, or to the recoverable items.
    Deleted,
    /// Written. For a folder `unread` says its unread count.
    Modified {
        /// Unread items now, where the target is a folder whose contents changed.
        unread: Option<u64>,
    },
    /// Moved: the target is the new identity.
    Moved {
        /// What it was.
        old: Target,
        /// Where it lay.
        old_parent: FolderId,
    },
    /// Copied: the target is the copy.
    Copied {
        /// The original.
        old: Target,
        /// Where the original lies.
        old_parent: FolderId,
    },
}

/// One event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Grows by one with every event of the mailbox.
    pub number: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// What about.
    pub target: Target,
    /// The folder the target lies in (lay in, when deleted).
    pub parent: FolderId,
    /// What.
    pub kind: EventKind,
}
