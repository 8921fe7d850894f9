//! One line of a segment, as written. The format is described for its readers in `docs/catalog.md`.

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Entry;
use crate::mail::{Folder, FolderId, IdForm, ItemId, Key, Listed, Origin, Properties};

/// What a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Told {
    Stored,
    Moved,
    Readdressed,
    Read,
    Changed,
    Deleted,
    Quarantined,
    Vanished,
}

/// A line. What an event does not tell is left out of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) event: Told,
    pub(super) at: DateTime<Utc>,
    pub(super) key: Key,
    pub(super) item_id: ItemId,
    /// How the item id is written; absent means EWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) form: Option<IdForm>,
    pub(super) folder_path: Vec<String>,
    pub(super) folder_id: FolderId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) received: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sent: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) modified: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sender: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cc: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bcc: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) conversation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) class: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sha256: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) object: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) origin: Option<Origin>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) read: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) importance: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sensitivity: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) categories: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) has_attachments: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) flags: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) search_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attempts: Option<u64>,
}

impl Line {
    /// The line of an entry, under the key that the index knows the message by; `form` is that of the entry's item id.
    pub(super) fn of(entry: &Entry, key: Key, folder: &Folder, at: DateTime<Utc>, form: IdForm) -> Self {
        let (event, id) = match entry {
            Entry::Stored { listed, .. } => (Told::Stored, &listed.id),
            Entry::Moved { listed, .. } => (Told::Moved, &listed.id),
            Entry::Readdressed { id, .. } => (Told::Readdressed, id),
            Entry::Read { id, .. } => (Told::Read, id),
            Entry::Changed { id, .. } => (Told::Changed, id),
            Entry::Deleted { id, .. } => (Told::Deleted, id),
            Entry::Quarantined { listed, .. } => (Told::Quarantined, &listed.id),
            Entry::Vanished { listed, .. } => (Told::Vanished, &listed.id),
        };
        let mut line = Self::bare(event, at, key, id, folder);
        line.form = Some(form).filter(|form| *form != IdForm::Ews);
        match entry {
            Entry::Stored { listed, properties, origin, stored, .. } => {
                line.properties(properties);
                line.listed(listed);
                // The properties were read after the listing.
                line.read = properties.read.or(line.read);
                line.origin = Some(*origin);
                line.bytes = Some(stored.bytes);
                line.sha256 = Some(stored.sha256.clone());
                line.object = Some(stored.object.clone());
            }
            Entry::Moved { listed, .. } | Entry::Vanished { listed, .. } => line.listed(listed),
            Entry::Read { read, .. } => line.read = Some(*read),
            Entry::Changed { properties, .. } => line.properties(properties),
            Entry::Readdressed { .. } | Entry::Deleted { .. } => {}
            Entry::Quarantined { listed, failure, .. } => {
                line.listed(listed);
                line.code = Some(failure.code.clone());
                line.text = Some(failure.text.clone());
            }
        }
        line
    }

    fn bare(event: Told, at: DateTime<Utc>, key: Key, id: &ItemId, folder: &Folder) -> Self {
        Self {
            event,
            at,
            key,
            item_id: id.clone(),
            form: None,
            folder_path: folder.path.clone(),
            folder_id: folder.id.clone(),
            received: None,
            sent: None,
            created: None,
            modified: None,
            subject: None,
            from: None,
            sender: None,
            to: None,
            cc: None,
            bcc: None,
            message_id: None,
            conversation: None,
            class: None,
            size: None,
            bytes: None,
            sha256: None,
            object: None,
            origin: None,
            read: None,
            importance: None,
            sensitivity: None,
            categories: None,
            has_attachments: None,
            flags: None,
            search_key: None,
            code: None,
            text: None,
            attempts: None,
        }
    }

    fn properties(&mut self, from: &Properties) {
        self.received = writable(from.received);
        self.sent = writable(from.sent);
        self.created = writable(from.created);
        self.modified = writable(from.modified);
        self.subject = from.subject.clone();
        self.from = from.from.clone();
        self.sender = from.sender.clone();
        self.to = Some(from.to.clone());
        self.cc = Some(from.cc.clone());
        self.bcc = (!from.bcc.is_empty()).then(|| from.bcc.clone());
        self.message_id = from.message_id.clone();
        self.conversation = from.conversation.clone();
        self.class = from.class.clone();
        self.size = from.size;
        self.read = from.read;
        self.importance = from.importance.clone();
        self.sensitivity = from.sensitivity.clone();
        self.categories = Some(from.categories.clone());
        self.has_attachments = from.has_attachments;
        self.flags = from.flags;
        self.search_key = from.search_key.as_ref().map(hex::encode);
    }

    /// What the listing told stands over the properties: later listings are compared with it.
    fn listed(&mut self, from: &Listed) {
        self.received = writable(from.received).or(self.received);
        self.created = writable(from.created).or(self.created);
        self.class = from.class.clone().or(self.class.take());
        self.size = from.size.or(self.size);
        self.read = from.read().or(self.read);
        self.flags = united(from.flags, from.search_key.is_some(), self.flags);
        self.search_key = from.search_key.as_ref().map(hex::encode).or(self.search_key.take());
    }

    /// A digest of the properties, by which a look that found nothing new is told. The time of modification is no part of it, nor is the read
    /// flag, which has its own event.
    pub(super) fn digest(&self) -> serde_json::Result<i64> {
        let people = (&self.from, &self.sender, &self.to, &self.cc, &self.bcc);
        let marks = (&self.importance, &self.sensitivity, &self.categories, self.has_attachments);
        let rest = (&self.subject, &self.message_id, &self.conversation, &self.class, self.size, self.received, self.sent);
        Ok(tag(&serde_json::to_vec(&(people, marks, rest))?))
    }
}

/// What a listing tells of the flags, laid over what is known. Graph lists neither search keys nor flags, only whether a message is read and whether
/// it is a draft (1 and 8): the other bits of such a listing are unknown, not unset.
pub(super) fn united(listed: Option<u32>, whole: bool, known: Option<u32>) -> Option<u32> {
    const LISTED: u32 = 0x1 | 0x8;
    match (listed, known) {
        (Some(listed), Some(known)) if !whole => Some(known & !LISTED | listed & LISTED),
        _ => listed.or(known),
    }
}

/// The first eight bytes of a text's SHA-256: short enough to index, and checked against the whole text wherever equality matters.
pub(super) fn tag(bytes: &[u8]) -> i64 {
    let digest = Sha256::digest(bytes);
    digest.iter().take(8).fold(0_i64, |tag, byte| (tag << 8) | i64::from(*byte))
}

/// A time with a four-digit year: others have no form that every reader of the catalog accepts.
fn writable(time: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    time.filter(|time| (1..=9999).contains(&time.year()))
}
