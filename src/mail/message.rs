//! Messages: what a listing, a lookup and a download tell of them.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::FolderId;

/// Exchange's id of an item: opaque, case-sensitive, and but for Graph's immutable ids new after every move.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemId(pub String);

/// The name a message keeps for life in sink and catalog: lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub String);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a listing tells of a message before it is fetched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// The item.
    pub id: ItemId,
    /// When it was received; drafts and notes have no such time.
    pub received: Option<DateTime<Utc>>,
    /// When the item was created in this mailbox.
    pub created: Option<DateTime<Utc>>,
    /// When it was last changed, which a move into another folder is, too.
    pub modified: Option<DateTime<Utc>>,
    /// The store's size in bytes: neither the MIME length nor a bound of it.
    pub size: Option<u64>,
    /// Its class, such as `IPM.Note`.
    pub class: Option<String>,
    /// PidTagSearchKey (MS-OXPROPS 2.1009): survives moves, and is shared by copies.
    pub search_key: Option<Vec<u8>>,
    /// PidTagMessageFlags (MS-OXCMSG 2.2.1.6).
    pub flags: Option<u32>,
}

impl Listed {
    /// A listing that tells the id alone.
    pub fn bare(id: ItemId) -> Self {
        Self { id, received: None, created: None, modified: None, size: None, class: None, search_key: None, flags: None }
    }

    /// Whether it has been read (mfRead, 0x1).
    pub fn read(&self) -> Option<bool> {
        self.flags.map(|flags| flags & 0x1 != 0)
    }

    /// Whether it is still being written (mfUnsent, 0x8): such a message's content may change.
    pub fn draft(&self) -> Option<bool> {
        self.flags.map(|flags| flags & 0x8 != 0)
    }

    /// Whether the mailbox's owner wrote it (mfFromMe, 0x20): tells a sent copy from a received one that shares its search key.
    pub fn from_me(&self) -> Option<bool> {
        self.flags.map(|flags| flags & 0x20 != 0)
    }

    /// The latest of its times: since then it has been in its folder as it is.
    pub fn came(&self) -> Option<DateTime<Utc>> {
        self.received.max(self.created).max(self.modified)
    }

    /// The day it is filed under: received, else created, else unknown.
    pub fn dated(&self) -> Option<DateTime<Utc>> {
        self.received.or(self.created)
    }
}

/// The properties kept in the catalog.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Properties {
    /// Item class.
    pub class: Option<String>,
    /// Subject, as Exchange holds it.
    pub subject: Option<String>,
    /// The From address.
    pub from: Option<String>,
    /// The Sender address, where it differs.
    pub sender: Option<String>,
    /// To addresses.
    pub to: Vec<String>,
    /// Cc addresses.
    pub cc: Vec<String>,
    /// Bcc addresses, known for the mailbox's own mail only.
    pub bcc: Vec<String>,
    /// The Message-ID header with its angle brackets: neither unique nor always there.
    pub message_id: Option<String>,
    /// Conversation id.
    pub conversation: Option<String>,
    /// Received.
    pub received: Option<DateTime<Utc>>,
    /// Sent.
    pub sent: Option<DateTime<Utc>>,
    /// Created in this mailbox.
    pub created: Option<DateTime<Utc>>,
    /// Last modified.
    pub modified: Option<DateTime<Utc>>,
    /// The store's size in bytes.
    pub size: Option<u64>,
    /// Read flag.
    pub read: Option<bool>,
    /// `Low`, `Normal` or `High`.
    pub importance: Option<String>,
    /// `Normal`, `Personal`, `Private` or `Confidential`.
    pub sensitivity: Option<String>,
    /// Categories.
    pub categories: Vec<String>,
    /// Whether it has attachments.
    pub has_attachments: Option<bool>,
    /// PidTagSearchKey, where the listing could not tell it.
    #[serde(skip)]
    pub search_key: Option<Vec<u8>>,
    /// PidTagMessageFlags, where the listing could not tell them.
    #[serde(skip)]
    pub flags: Option<u32>,
    /// The folder that it is in, where the interface finds an item wherever it is.
    #[serde(skip)]
    pub folder: Option<FolderId>,
}

impl Properties {
    /// Everyone who takes part in the message: sender and recipients.
    pub fn participants(&self) -> impl Iterator<Item = &str> {
        let senders = self.from.iter().chain(&self.sender);
        let recipients = self.to.iter().chain(&self.cc).chain(&self.bcc);
        senders.chain(recipients).map(String::as_str)
    }
}

/// Where a stored message's bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// MIME exactly as Exchange gave it.
    Mime,
    /// The server could not give MIME; the message was written from its properties.
    Properties,
}

/// Why an item could not be read: the server's own code and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The response code, such as `ErrorItemCorrupt`.
    pub code: String,
    /// The server's message.
    pub text: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.text)
    }
}

/// A piece of a fetched batch. Pieces of one message follow each other; each message of the batch ends in exactly one of
/// [`Part::Read`], [`Part::Unreadable`] and [`Part::Gone`]. `index` is its place in the batch asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Some more bytes of the message.
    Mime {
        /// Place in the batch.
        index: usize,
        /// The bytes, never empty.
        chunk: Bytes,
    },
    /// The transfer broke: forget this message's bytes so far, they will come again from the start.
    Restarted {
        /// Place in the batch.
        index: usize,
    },
    /// The message is complete.
    Read {
        /// Place in the batch.
        index: usize,
        /// Its properties.
        properties: Box<Properties>,
        /// What its bytes are.
        origin: Origin,
    },
    /// The server cannot give this item, neither as MIME nor by its properties.
    Unreadable {
        /// Place in the batch.
        index: usize,
        /// Why.
        failure: Failure,
    },
    /// The item left between listing and fetch.
    Gone {
        /// Place in the batch.
        index: usize,
    },
}

/// What looking up one item's properties gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    /// Its properties.
    Found(Box<Properties>),
    /// No such item any more.
    Gone,
    /// The server refuses this item.
    Unreadable(Failure),
}
