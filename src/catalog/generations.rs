//! What is worth remembering for a while, in bounded memory.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

/// How many entries make a generation. The older of two generations is dropped when the younger is full: far more than can be in flight, and a bound
/// for what nothing ever comes of. A full pair takes about 1 MiB.
pub(super) const GENERATION: usize = 16_384;

/// Keys with the tag that each was given last.
#[derive(Debug)]
pub(super) struct Generations<K> {
    young: HashMap<K, i64>,
    old: HashMap<K, i64>,
}

impl<K> Default for Generations<K> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: Eq + Hash> Generations<K> {
    /// Gives a key its tag.
    pub(super) fn put(&mut self, key: K, tag: i64) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, tag);
    }

    /// A key's tag.
    pub(super) fn tag(&self, key: &K) -> Option<i64> {
        self.young.get(key).or_else(|| self.old.get(key)).copied()
    }

    /// A key with this tag; where there are several, any of them.
    pub(super) fn key(&self, tag: i64) -> Option<&K> {
        self.young.iter().chain(&self.old).find(|(_, given)| **given == tag).map(|(key, _)| key)
    }

    /// Forgets all keys with one of these tags.
    pub(super) fn forget(&mut self, tags: &HashSet<i64>) {
        self.young.retain(|_, tag| !tags.contains(tag));
        self.old.retain(|_, tag| !tags.contains(tag));
    }

    /// Whether nothing is remembered.
    pub(super) fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_youngest_are_remembered_and_there_is_a_bound() {
        let mut generations = Generations::default();
        for n in 0..3 * GENERATION {
            generations.put(n, 7);
        }
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
        let last = 3 * GENERATION - 1;
        assert_eq!([0, last - GENERATION, last].map(|n| generations.tag(&n)), [None, Some(7), Some(7)]);
        generations.put(last, 8);
        assert_eq!((generations.tag(&last), generations.key(8)), (Some(8), Some(&last)));
        generations.forget(&HashSet::from([7, 8]));
        assert!(generations.is_empty());
    }
}
