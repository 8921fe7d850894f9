//! Keys that are decided upon but not yet in the catalog. Without them two items in flight could be given one key, or two copies could both be
//! taken for the same moved message, and one of them would be lost.

use std::collections::HashSet;

use super::{generations::Generations, line::tag, row::Name};
use crate::mail::ItemId;

/// Which item a key is meant for. An item that is tried again finds its own claim, so it gets the same key. Some claims nothing ever comes of, such as
/// those of messages that a filter leaves out: these are forgotten in time.
#[derive(Debug, Default)]
pub(super) struct Claims {
    holders: Generations<Name>,
}

impl Claims {
    /// Whether the key is not meant for another item.
    pub(super) fn free(&self, key: &Name, id: &ItemId) -> bool {
        self.holders.tag(key).is_none_or(|holder| holder == tag(id.0.as_bytes()))
    }

    /// Reserves a key for an item.
    pub(super) fn hold(&mut self, key: Name, id: &ItemId) {
        self.holders.put(key, tag(id.0.as_bytes()));
    }

    /// A key that is reserved for the item; where there are several, any of them.
    pub(super) fn of(&self, id: &ItemId) -> Option<Name> {
        self.holders.key(tag(id.0.as_bytes())).copied()
    }

    /// Gives back all that is reserved for these items: the catalog knows them now.
    pub(super) fn release<'a>(&mut self, ids: impl Iterator<Item = &'a ItemId>) {
        if !self.holders.is_empty() {
            self.holders.forget(&ids.map(|id| tag(id.0.as_bytes())).collect::<HashSet<_>>());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::generations::GENERATION;

    #[test]
    fn claims_are_kept_while_they_matter() {
        let mut claims = Claims::default();
        let id = |n: usize| ItemId(n.to_string());
        let name = |n: usize| (n as u128).to_be_bytes();
        for n in 0..3 * GENERATION {
            claims.hold(name(n), &id(n));
        }
        let last = 3 * GENERATION - 1;
        assert!(!claims.free(&name(last), &id(0)) && claims.free(&name(last), &id(last)) && claims.free(&name(0), &id(9)));
        assert_eq!(claims.of(&id(last - GENERATION)), Some(name(last - GENERATION)));
        claims.release([id(last), id(last - GENERATION)].iter());
        assert!(claims.free(&name(last), &id(0)) && claims.of(&id(last - GENERATION)).is_none());
    }
}
