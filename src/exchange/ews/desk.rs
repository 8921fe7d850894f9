//! What is remembered about one mailbox between requests.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    envelope::{Dialect, VERSIONS},
    gate::Gate,
    trouble::Trouble,
};
use crate::{event::Event, mail::Address, watch::Events};

/// One mailbox's desk: its gate, and what its server turned out to understand.
pub struct Desk {
    /// The mailbox.
    pub mailbox: Address,
    /// Its gate.
    pub gate: Gate,
    /// Where trouble is told.
    pub events: Events,
    learned: Mutex<Learned>,
    answered: AtomicBool,
    archiveless: AtomicBool,
}

/// What was learned by refusals.
#[derive(Clone, Debug)]
struct Learned {
    dialect: Dialect,
    folder_level: usize,
    item_level: usize,
    message_level: usize,
}

/// Which set of properties a level belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Those of folders.
    Folders,
    /// Those of listed items.
    Items,
    /// Those of messages.
    Messages,
}

impl Desk {
    /// A desk for `mailbox`, to be spoken to in `dialect` until it refuses.
    pub fn new(mailbox: Address, gate: Gate, events: Events, dialect: Dialect) -> Self {
        let learned = Learned { dialect, folder_level: 0, item_level: 0, message_level: 0 };
        Self { mailbox, gate, events, learned: Mutex::new(learned), answered: AtomicBool::new(false), archiveless: AtomicBool::new(false) }
    }

    /// Notes that there is no archive; whether that is news.
    pub fn lacks_archive(&self) -> bool {
        !self.archiveless.swap(true, Ordering::Relaxed)
    }

    /// How to speak to this mailbox's server.
    pub fn dialect(&self) -> Dialect {
        self.with(|learned| learned.dialect.clone())
    }

    /// How many properties are left out, 0 being none.
    pub fn level(&self, set: Set) -> usize {
        self.with(|learned| *learned.level(set))
    }

    /// Remembers that only `level` was understood.
    pub fn learn(&self, set: Set, level: usize) {
        self.with(|learned| *learned.level(set) = level);
    }

    /// Speaks an older schema version from now on; false when there is none.
    pub fn step_down(&self) -> bool {
        self.with(|learned| {
            let at = VERSIONS.iter().position(|version| *version == learned.dialect.version);
            let older = at.map_or(VERSIONS.first(), |at| VERSIONS.get(at + 1));
            if let Some(older) = older {
                learned.dialect.version = older;
            }
            older.is_some()
        })
    }

    /// Uses the first other address that `text` names from now on; false when it names none, or one was adopted already.
    pub fn adopt_address(&self, text: &str) -> bool {
        let trimmed = text.split(|c: char| c.is_whitespace() || "<>()[]'\",;:".contains(c)).map(|word| word.trim_end_matches('.'));
        let named = trimmed.filter(|word| word.split_once('@').is_some_and(|(user, domain)| !user.is_empty() && !domain.is_empty()));
        let other = named.map(Address::new).find(|address| *address != self.mailbox);
        self.with(|learned| match other {
            Some(other) if learned.dialect.address == self.mailbox.as_str() => {
                learned.dialect.address = other.as_str().to_owned();
                true
            }
            _ => false,
        })
    }

    /// Remembers that an EWS server answered.
    pub fn heard(&self) {
        self.answered.store(true, Ordering::Relaxed);
    }

    /// Whether one ever did.
    pub fn answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// Tells that a request is made again after a wait, since it went wrong so many times in a row.
    pub fn tell_retry(&self, trouble: &Trouble, times: u32, wait: Duration) {
        self.events.tell(Event::RequestRetried { mailbox: self.mailbox.clone(), reason: trouble.reason(), times, wait });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Learned) -> T) -> T {
        act(&mut self.learned.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Learned {
    fn level(&mut self, set: Set) -> &mut usize {
        match set {
            Set::Folders => &mut self.folder_level,
            Set::Items => &mut self.item_level,
            Set::Messages => &mut self.message_level,
        }
    }
}
