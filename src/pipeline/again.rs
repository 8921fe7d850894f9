//! Messages tried again, each once, however often the trying is interrupted.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use super::plan::Wanted;
use crate::{catalog::Entry, mail::Key};

/// Those whose turn is still to come; none before it is known which there are.
#[derive(Debug, Default)]
pub struct Again(Mutex<Option<HashSet<Key>>>);

impl Again {
    /// Leaves those whose turn is still to come. The first call tells which there are at all.
    pub fn left(&self, wanted: &mut Vec<Wanted>) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.get_or_insert_with(|| wanted.iter().map(|wanted| wanted.key.clone()).collect());
        wanted.retain(|wanted| open.contains(&wanted.key));
    }

    /// Those of them that these entries are about, whatever came of them.
    pub fn among(&self, entries: &[Entry]) -> Vec<Key> {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = open.as_ref().filter(|open| !open.is_empty()) else { return Vec::new() };
        let keys = entries.iter().filter_map(|entry| match entry {
            Entry::Stored { key, .. } | Entry::Quarantined { key, .. } | Entry::Vanished { key, .. } => Some(key),
            _ => None,
        });
        keys.filter(|key| open.contains(key)).cloned().collect()
    }

    /// These had their turn: what came of it is in the catalog.
    pub fn had(&self, keys: &[Key]) {
        if let Some(open) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            open.retain(|key| !keys.contains(key));
        }
    }

    /// Whether all had their turn.
    pub fn is_done(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(HashSet::is_empty)
    }
}
