//! Keys that are decided upon but not yet in the catalog. Without them two items in flight could be given one key, or two copies could both be
//! taken for the same moved message, and one of them would be lost.

use std::collections::{HashMap, HashSet};

use super::{line::tag, row::Name};
use crate::mail::ItemId;

/// Which item a key is meant for. An item that is tried again finds its own claim, so it gets the same key. 24 bytes a claim.
#[derive(Debug, Default)]
pub(super) struct Claims {
    held: HashMap<Name, i64>,
}

impl Claims {
    /// Whether the key is not meant for another item.
    pub(super) fn free(&self, key: &Name, id: &ItemId) -> bool {
        self.held.get(key).is_none_or(|holder| *holder == tag(id.0.as_bytes()))
    }

    /// Reserves a key for an item.
    pub(super) fn hold(&mut self, key: Name, id: &ItemId) {
        self.held.insert(key, tag(id.0.as_bytes()));
    }

    /// A key that is reserved for the item; where there are several, any of them.
    pub(super) fn of(&self, id: &ItemId) -> Option<Name> {
        let tag = tag(id.0.as_bytes());
        self.held.iter().find(|(_, holder)| **holder == tag).map(|(key, _)| *key)
    }

    /// Gives back all that is reserved for these items: the catalog knows them now.
    pub(super) fn release<'a>(&mut self, ids: impl Iterator<Item = &'a ItemId>) {
        let tags: HashSet<i64> = ids.map(|id| tag(id.0.as_bytes())).collect();
        self.held.retain(|_, holder| !tags.contains(holder));
    }
}
