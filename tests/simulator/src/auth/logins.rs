//! What is remembered of logins: revocations, and accounts locked after wrong passwords.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Wrong passwords after which an account is locked, where that habit is on.
const TRIES: u32 = 5;
/// How long it stays locked.
const LOCKED: Duration = Duration::from_secs(60);

/// Revocations and locks, by account address or client id. Only names the directory knows are ever noted.
#[derive(Debug, Default)]
pub struct Logins {
    notes: Mutex<HashMap<String, Note>>,
}

#[derive(Debug, Default)]
struct Note {
    generation: u64,
    wrong: u32,
    locked: Option<Instant>,
}

impl Logins {
    /// Ends everything proven so far by this account or application: its tokens, and its authenticated connections.
    pub fn revoke(&self, name: &str) {
        self.notes().entry(name.to_lowercase()).or_default().generation += 1;
    }

    /// How often this name was revoked. What was proven under an older number no longer holds.
    pub fn generation(&self, name: &str) -> u64 {
        self.notes().get(&name.to_lowercase()).map_or(0, |note| note.generation)
    }

    /// Whether the account is locked just now.
    pub(super) fn is_locked(&self, name: &str) -> bool {
        let mut notes = self.notes();
        let Some(note) = notes.get_mut(&name.to_lowercase()) else {
            return false;
        };
        match note.locked {
            Some(until) if until > Instant::now() => true,
            Some(_) => {
                note.locked = None;
                note.wrong = 0;
                false
            }
            None => false,
        }
    }

    /// Notes a wrong password.
    pub(super) fn wrong(&self, name: &str) {
        let mut notes = self.notes();
        let note = notes.entry(name.to_lowercase()).or_default();
        note.wrong += 1;
        if note.wrong >= TRIES {
            note.locked = Some(Instant::now() + LOCKED);
        }
    }

    /// Notes a right password.
    pub(super) fn right(&self, name: &str) {
        if let Some(note) = self.notes().get_mut(&name.to_lowercase()) {
            note.wrong = 0;
        }
    }

    fn notes(&self) -> MutexGuard<'_, HashMap<String, Note>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
