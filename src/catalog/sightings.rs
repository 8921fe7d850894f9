//! In which folder an item was listed last. Ids that outlast a move let two folders list the same item, the one that it left a moment before the one
//! that it went to; and downloads end in any order. Without this the slower of the two would have the last word on where the message is.

use super::{generations::Generations, line::tag};
use crate::mail::{FolderId, ItemId};

/// The last listings, by item.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    folders: Generations<i64>,
}

impl Sightings {
    /// A folder lists items.
    pub(super) fn note<'a>(&mut self, folder: &FolderId, ids: impl Iterator<Item = &'a ItemId>) {
        let folder = tag(folder.0.as_bytes());
        for id in ids {
            self.folders.put(tag(id.0.as_bytes()), folder);
        }
    }

    /// Which of these items another folder than this has listed since this one did, in order.
    pub(super) fn left<'a>(&self, folder: &FolderId, ids: impl Iterator<Item = &'a ItemId>) -> Vec<bool> {
        let folder = tag(folder.0.as_bytes());
        ids.map(|id| self.folders.tag(&tag(id.0.as_bytes())).is_some_and(|last| last != folder)).collect()
    }
}
