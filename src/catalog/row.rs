//! What the index keeps of a message, and how a line changes it. Commit and rebuilding both go through here, so they cannot differ.

use super::line::{Line, Told, united};
use crate::mail::{IdForm, ItemId, Key, Listed};

/// A key as sixteen bytes.
pub(super) type Name = [u8; 16];

/// A key's sixteen bytes; none for text that is no key of ours.
pub(super) fn name(key: &Key) -> Option<Name> {
    let mut name = Name::default();
    hex::decode_to_slice(&key.0, &mut name).ok()?;
    // One spelling a key, since it is also a file's name.
    (hex::encode(name) == key.0).then_some(name)
}

/// Bytes as a key.
pub(super) fn key(name: &Name) -> Key {
    Key(hex::encode(name))
}

/// How a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// In the mailbox, as far as is known.
    Live = 0,
    /// No longer where it was: deleted, or on its way to another folder.
    Deleted = 1,
    /// The server cannot give it.
    Quarantined = 2,
    /// Gone before it was fetched; nothing was ever stored.
    Vanished = 3,
}

impl State {
    pub(super) fn from_number(number: i64) -> Option<Self> {
        [Self::Live, Self::Deleted, Self::Quarantined, Self::Vanished].into_iter().find(|state| *state as i64 == number)
    }
}

/// A message as the index knows it: one current item, in one folder.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) name: Name,
    pub(super) item: ItemId,
    /// How the item's id is written.
    pub(super) form: IdForm,
    /// The folder's number in the index.
    pub(super) folder: i64,
    /// Seconds since 1970.
    pub(super) received: Option<i64>,
    pub(super) created: Option<i64>,
    pub(super) class: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) search_key: Option<Vec<u8>>,
    pub(super) flags: Option<u32>,
    pub(super) read: Option<bool>,
    pub(super) state: State,
    /// Whether its bytes are in the sink.
    pub(super) stored: bool,
    pub(super) bytes: u64,
    /// A digest of its properties.
    pub(super) digest: Option<i64>,
    /// The last walk that saw it.
    pub(super) seen: i64,
    /// How often it was tried in vain, while it is in quarantine.
    pub(super) attempts: u64,
}

impl Row {
    pub(super) fn new(name: Name, item: ItemId, folder: i64) -> Self {
        Self {
            name,
            item,
            form: IdForm::default(),
            folder,
            received: None,
            created: None,
            class: None,
            size: None,
            search_key: None,
            flags: None,
            read: None,
            state: State::Vanished,
            stored: false,
            bytes: 0,
            digest: None,
            seen: 0,
            attempts: 0,
        }
    }

    /// Whether the item is in the mailbox as far as is known, readable or not.
    pub(super) fn present(&self) -> bool {
        matches!(self.state, State::Live | State::Quarantined)
    }

    /// Whether it was still being written when last listed.
    pub(super) fn draft(&self) -> Option<bool> {
        self.flags.map(|flags| flags & 0x8 != 0)
    }

    /// Whether the mailbox's owner wrote it.
    pub(super) fn authored(&self) -> Option<bool> {
        self.flags.map(|flags| flags & 0x20 != 0)
    }

    /// What a listing told of it.
    pub(super) fn listed(&self) -> Listed {
        let time = |seconds: Option<i64>| seconds.and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0));
        Listed {
            id: self.item.clone(),
            received: time(self.received),
            created: time(self.created),
            modified: None,
            size: self.size,
            class: self.class.clone(),
            search_key: self.search_key.clone(),
            flags: self.flags,
        }
    }

    /// Whether a line would tell nothing new.
    pub(super) fn knows(&self, line: &Line, folder: i64) -> bool {
        let same = self.item == line.item_id && self.folder == folder;
        match line.event {
            Told::Stored => false,
            Told::Moved => same && self.state == State::Live,
            Told::Readdressed => same && self.form == line.form.unwrap_or_default(),
            Told::Read => self.item != line.item_id || self.read == line.read,
            Told::Changed => {
                let read = line.read.is_none() || self.read == line.read;
                self.item != line.item_id || (read && self.digest.is_some() && self.digest == line.digest().ok())
            }
            Told::Deleted => !same || !self.present(),
            // Told again once the attempts have doubled, so that the ledger does not grow with each of them.
            Told::Quarantined => same && self.state == State::Quarantined && !line.attempts.is_some_and(u64::is_power_of_two),
            // Of a message that is stored, only its own item can vanish.
            Told::Vanished if self.item != line.item_id => self.stored,
            Told::Vanished => self.state == State::Vanished || self.stored && !self.present(),
        }
    }

    /// Applies a line. `walk` is the walk that the line's folder is on, 0 for none.
    pub(super) fn apply(&mut self, line: &Line, folder: i64, walk: i64) {
        match line.event {
            Told::Stored => {
                self.place(line, folder, walk);
                self.state = State::Live;
                self.attempts = 0;
                self.stored = true;
                self.bytes = line.bytes.unwrap_or(0);
                self.digest = line.digest().ok();
            }
            Told::Moved => {
                self.place(line, folder, walk);
                self.state = State::Live;
                self.attempts = 0;
            }
            // The same message in the same state under another name: nothing else is new.
            Told::Readdressed => {
                self.item = line.item_id.clone();
                self.form = line.form.unwrap_or_default();
                self.folder = folder;
                self.seen = walk;
            }
            Told::Quarantined => {
                self.place(line, folder, walk);
                self.state = State::Quarantined;
                self.attempts = line.attempts.unwrap_or(1);
            }
            Told::Vanished => {
                self.place(line, folder, walk);
                self.state = if self.stored { State::Deleted } else { State::Vanished };
            }
            Told::Read if self.item == line.item_id => self.read = line.read,
            Told::Changed if self.item == line.item_id => {
                self.facts(line);
                self.digest = line.digest().ok();
            }
            Told::Deleted if self.item == line.item_id => self.state = State::Deleted,
            // About an item that the message no longer is.
            Told::Read | Told::Changed | Told::Deleted => {}
        }
    }

    fn place(&mut self, line: &Line, folder: i64, walk: i64) {
        self.item = line.item_id.clone();
        self.form = line.form.unwrap_or_default();
        self.folder = folder;
        self.seen = walk;
        self.facts(line);
        self.flags = united(line.flags, line.search_key.is_some(), self.flags);
        self.search_key = line.search_key.as_ref().and_then(|key| hex::decode(key).ok()).or(self.search_key.take());
    }

    fn facts(&mut self, line: &Line) {
        self.received = line.received.map(|at| at.timestamp()).or(self.received);
        self.created = line.created.map(|at| at.timestamp()).or(self.created);
        self.class = line.class.clone().or(self.class.take());
        self.size = line.size.or(self.size);
        self.read = line.read.or(self.read);
    }
}
