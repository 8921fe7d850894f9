//! What a folder's listing tells, page by page.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ItemId, Listed};

/// Where to resume a listing: an EWS SyncState, or a Graph link with what belongs to it. Opaque; only the exchange room looks inside.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cursor({} bytes)", self.0.len())
    }
}

/// One entry of a page. Exchange reports the net result since the cursor, not a log, and may report an item twice.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The item is in the folder: new, moved in, or listed again.
    Created(Listed),
    /// Something of the item changed.
    Updated(Listed),
    /// Only its read flag changed.
    ReadChanged {
        /// The item.
        id: ItemId,
        /// Whether it is read now.
        read: bool,
    },
    /// The item left the folder: deleted or moved, Exchange does not say which.
    Deleted(ItemId),
}

/// What one listing request returned.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The changes, in the server's order.
    pub changes: Vec<Change>,
    /// Covers this page and all before it.
    pub cursor: Cursor,
    /// Whether the server says nothing is left.
    pub last: bool,
    /// Whether that word can be relied on. Some EWS servers say so too early, so there a walk ends on a last page without changes.
    pub certain: bool,
}

impl Page {
    /// Whether the listing is at its end.
    pub fn ends(&self) -> bool {
        self.last && (self.certain || self.changes.is_empty())
    }
}
