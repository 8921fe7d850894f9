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
    /// Those that are in quarantine still, or passed over.
    had: HashSet<Key>,
    /// Handed out since the last beginning, in order.
    open: Vec<Key>,
    tried: u64,
    begun: bool,
    /// Whether all there were have been handed out since.
    whole: bool,
}

impl Again {
    /// Nothing of what was handed out comes any more.
    pub fn rest(&self) {
        let mut turns = self.turns();
        turns.open.clear();
        turns.whole = false;
    }

    /// They are gone through from the first on, once more if they were before.
    pub fn begin(&self) {
        self.rest();
        self.turns().begun = true;
    }

    /// Trouble ended it: the first of those handed out met it, in all likelihood, and is to keep nobody else from being tried.
    pub fn pass_over(&self) {
        let mut turns = self.turns();
        if !turns.open.is_empty() {
            let first = turns.open.remove(0);
            turns.had.insert(first);
        }
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
        turns.tried += keys.len() as u64;
        turns.open.retain(|open| !keys.contains(open));
        turns.had.extend(keys);
    }

    /// How many had their turn and something came of it.
    pub fn tried(&self) -> u64 {
        self.turns().tried
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
