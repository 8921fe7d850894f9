//! Keys that are decided upon but not yet in the catalog. Without them two items in flight could be given one key, or two copies could both be
//! taken for the same moved message, and one of them would be lost.

use std::collections::{HashMap, HashSet};

use super::{line::tag, row::Name};
use crate::mail::ItemId;

/// How many claims make a generation. The older of two generations is dropped when the younger is full: far more than can be in flight, and a bound
/// for claims that nothing ever comes of, such as those of messages that a filter leaves out. A full pair takes about 1 MiB.
const GENERATION: usize = 16_384;

/// Which item a key is meant for. An item that is tried again finds its own claim, so it gets the same key.
#[derive(Debug, Default)]
pub(super) struct Claims {
    young: HashMap<Name, i64>,
    old: HashMap<Name, i64>,
}

impl Claims {
    /// Whether the key is not meant for another item.
    pub(super) fn free(&self, key: &Name, id: &ItemId) -> bool {
        self.young.get(key).or_else(|| self.old.get(key)).is_none_or(|holder| *holder == tag(id.0.as_bytes()))
    }

    /// Reserves a key for an item.
    pub(super) fn hold(&mut self, key: Name, id: &ItemId) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, tag(id.0.as_bytes()));
    }

    /// A key that is reserved for the item; where there are several, any of them.
    pub(super) fn of(&self, id: &ItemId) -> Option<Name> {
        let tag = tag(id.0.as_bytes());
        self.young.iter().chain(&self.old).find(|(_, holder)| **holder == tag).map(|(key, _)| *key)
    }

    /// Gives back all that is reserved for these items: the catalog knows them now.
    pub(super) fn release<'a>(&mut self, ids: impl Iterator<Item = &'a ItemId>) {
        if self.young.is_empty() && self.old.is_empty() {
            return;
        }
        let tags: HashSet<i64> = ids.map(|id| tag(id.0.as_bytes())).collect();
        self.young.retain(|_, holder| !tags.contains(holder));
        self.old.retain(|_, holder| !tags.contains(holder));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_are_kept_while_they_matter_and_bounded() {
        let mut claims = Claims::default();
        let id = |n: usize| ItemId(n.to_string());
        let name = |n: usize| (n as u128).to_be_bytes();
        for n in 0..3 * GENERATION {
            claims.hold(name(n), &id(n));
        }
        assert!(claims.young.len() + claims.old.len() <= 2 * GENERATION);
        let last = 3 * GENERATION - 1;
        assert!(!claims.free(&name(last), &id(0)) && claims.free(&name(last), &id(last)) && claims.free(&name(0), &id(9)));
        assert_eq!(claims.of(&id(last - GENERATION)), Some(name(last - GENERATION)));
        claims.release([id(last), id(last - GENERATION)].iter());
        assert!(claims.free(&name(last), &id(0)) && claims.of(&id(last - GENERATION)).is_none());
    }
}
