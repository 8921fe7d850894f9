//! Messages tried again, each once, however often the trying is interrupted.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::plan::Wanted;
use crate::{catalog::Entry, mail::Key};

/// Which messages had their turn, and which were begun with.
#[derive(Debug, Default)]
pub struct Again(Mutex<Turns>);

#[derive(Debug, Default)]
struct Turns {
    /// What came of them is in the catalog.
    had: HashSet<Key>,
    /// Handed out since the last beginning.
    open: HashSet<Key>,
    begun: bool,
    /// Whether all there were have been handed out since.
    whole: bool,
}

impl Again {
    /// They are gone through from the first on, once more if they were before.
    pub fn begin(&self) {
        let mut turns = self.turns();
        turns.open.clear();
        (turns.begun, turns.whole) = (true, false);
    }

    /// Whether that was ever begun.
    pub fn has_begun(&self) -> bool {
        self.turns().begun
    }

    /// Hands out those of them whose turn is still to come.
    pub fn left(&self, wanted: &mut Vec<Wanted>) {
        let mut turns = self.turns();
        wanted.retain(|wanted| !turns.had.contains(&wanted.key));
        turns.open.extend(wanted.iter().map(|wanted| wanted.key.clone()));
    }

    /// There are no others.
    pub fn ends(&self) {
        self.turns().whole = true;
    }

    /// Those handed out that these entries are about, whatever came of them. What goes into quarantine at the same time is not tried again at once.
    pub fn among(&self, entries: &[Entry]) -> Vec<Key> {
        let mut turns = self.turns();
        let mut among = Vec::new();
        for entry in entries {
            match entry {
                Entry::Stored { key, .. } | Entry::Quarantined { key, .. } | Entry::Vanished { key, .. } if turns.open.contains(key) => {
                    among.push(key.clone());
                }
                Entry::Quarantined { key, .. } => drop(turns.had.insert(key.clone())),
                _ => {}
            }
        }
        among
    }

    /// These had their turn: what came of it is in the catalog.
    pub fn had(&self, keys: Vec<Key>) {
        let mut turns = self.turns();
        for key in keys {
            turns.open.remove(&key);
            turns.had.insert(key);
        }
    }

    /// How many had their turn.
    pub fn tried(&self) -> u64 {
        self.turns().had.len() as u64
    }

    /// Whether all had their turn.
    pub fn is_done(&self) -> bool {
        let turns = self.turns();
        turns.whole && turns.open.is_empty()
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
