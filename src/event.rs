//! Everything worth telling a watcher, as one enum.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::mail::Address;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A mailbox belongs to this run.
    MailboxAdded {
        /// The mailbox.
        mailbox: Address,
    },
    /// A mailbox does not belong to this run any more.
    MailboxRemoved {
        /// The mailbox.
        mailbox: Address,
    },
    /// A mailbox's round began.
    MailboxStarted {
        /// The mailbox.
        mailbox: Address,
    },
    /// Its folders are known.
    FoldersListed {
        /// The mailbox.
        mailbox: Address,
        /// How many are to be read.
        folders: usize,
        /// How many items the server counts in them, where it says.
        items: u64,
    },
    /// A page of changes arrived.
    PageListed {
        /// The mailbox.
        mailbox: Address,
        /// Entries on it.
        changes: usize,
        /// Messages among them that are to be downloaded.
        wanted: usize,
    },
    /// A message is in the sink and in the catalog.
    MessagesStored {
        /// The mailbox.
        mailbox: Address,
        /// How many.
        messages: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// Moves, read flags, deletions and the like were written to the catalog without a download.
    ChangesRecorded {
        /// The mailbox.
        mailbox: Address,
        /// How many.
        changes: u64,
    },
    /// What a mailbox's catalog holds, counted at the end of a round.
    CatalogCounted {
        /// The mailbox.
        mailbox: Address,
        /// Messages in the sink, those that Exchange has deleted since included.
        messages: u64,
        /// Items in quarantine.
        quarantined: u64,
    },
    /// A message could not be read and was put into quarantine.
    MessageQuarantined {
        /// The mailbox.
        mailbox: Address,
        /// The server's code.
        code: String,
    },
    /// Requests of this mailbox wait because the server asked for it.
    RequestThrottled {
        /// The mailbox.
        mailbox: Address,
        /// Why: the policy or code the server named.
        reason: String,
        /// For how long.
        wait: Duration,
    },
    /// A request is tried again after passing trouble.
    RequestRetried {
        /// The mailbox.
        mailbox: Address,
        /// What went wrong.
        reason: String,
    },
    /// A folder's listing starts over, since its cursor is no longer accepted.
    FolderResynced {
        /// The mailbox.
        mailbox: Address,
        /// The folder's path.
        folder: Vec<String>,
    },
    /// A mailbox is read through another interface than before, and what was known of it has been carried over.
    MailboxSwitched {
        /// The mailbox.
        mailbox: Address,
        /// Messages that were known to be in it.
        known: u64,
        /// Those of them that were found again; the others have left, or moved and are found by the listings that follow.
        found: u64,
    },
    /// A folder could not be read in this round.
    FolderFailed {
        /// The mailbox.
        mailbox: Address,
        /// The folder's path.
        folder: Vec<String>,
        /// Why.
        reason: String,
    },
    /// A mailbox could not be read in this round.
    MailboxFailed {
        /// The mailbox.
        mailbox: Address,
        /// Why.
        reason: String,
        /// Whether a person must act first (credentials, permission, configuration).
        refused: bool,
    },
    /// A mailbox's round ended.
    MailboxFinished {
        /// The mailbox.
        mailbox: Address,
        /// Whether every folder was read to its end.
        complete: bool,
    },
    /// The sink takes nothing just now: nothing is written to it, and nothing is fetched for it.
    SinkBlocked {
        /// Why.
        reason: String,
        /// When it is tried again.
        until: DateTime<Utc>,
    },
    /// The sink takes messages again.
    SinkRecovered {
        /// How long it did not.
        after: Duration,
    },
    /// Another configuration is in force.
    ConfigChanged {
        /// Mailboxes that are read from now on.
        added: Vec<Address>,
        /// Mailboxes that are not read any more.
        removed: Vec<Address>,
        /// Mailboxes of which something else is wanted.
        changed: Vec<Address>,
        /// Whether Exchange is reached in another way, or at another pace: then all mailboxes begin a new round.
        everybody: bool,
    },
    /// The configuration that is kept cannot be used, or not be read; the one in force stays in force.
    ConfigRefused {
        /// Why, all of it.
        reason: String,
        /// When it was looked at.
        at: DateTime<Utc>,
    },
    /// The configuration that is kept is the one in force again.
    ConfigRecovered,
}

impl Event {
    /// The mailbox that it is about, where it is about one.
    pub fn mailbox(&self) -> Option<&Address> {
        match self {
            Self::MailboxAdded { mailbox }
            | Self::MailboxRemoved { mailbox }
            | Self::MailboxStarted { mailbox }
            | Self::FoldersListed { mailbox, .. }
            | Self::PageListed { mailbox, .. }
            | Self::MessagesStored { mailbox, .. }
            | Self::ChangesRecorded { mailbox, .. }
            | Self::CatalogCounted { mailbox, .. }
            | Self::MessageQuarantined { mailbox, .. }
            | Self::RequestThrottled { mailbox, .. }
            | Self::RequestRetried { mailbox, .. }
            | Self::FolderResynced { mailbox, .. }
            | Self::MailboxSwitched { mailbox, .. }
            | Self::FolderFailed { mailbox, .. }
            | Self::MailboxFailed { mailbox, .. }
            | Self::MailboxFinished { mailbox, .. } => Some(mailbox),
            Self::SinkBlocked { .. }
            | Self::SinkRecovered { .. }
            | Self::ConfigChanged { .. }
            | Self::ConfigRefused { .. }
            | Self::ConfigRecovered => None,
        }
    }
}
