//! In which folder an item was listed last. Ids that outlast a move let two folders list the same item, the one that it left a moment before the one
//! that it went to; and downloads end in any order. Without this the slower of the two would have the last word on where the message is.

use std::collections::HashMap;

use super::line::tag;
use crate::mail::{FolderId, ItemId};

/// How many items make a generation, as with claims: far more than can be in flight.
const GENERATION: usize = 16_384;

/// The last listings, by item.
#[derive(Debug, Default)]
pub(super) struct Sightings {
    young: HashMap<i64, i64>,
    old: HashMap<i64, i64>,
}

impl Sightings {
    /// A folder lists an item.
    pub(super) fn note(&mut self, id: &ItemId, folder: &FolderId) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(tag(id.0.as_bytes()), tag(folder.0.as_bytes()));
    }

    /// Whether another folder than this has listed the item since this one did.
    pub(super) fn left(&self, id: &ItemId, folder: &FolderId) -> bool {
        let item = tag(id.0.as_bytes());
        self.young.get(&item).or_else(|| self.old.get(&item)).is_some_and(|last| *last != tag(folder.0.as_bytes()))
    }
}
