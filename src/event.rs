//! Everything worth telling a watcher, as one enum.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};

use crate::mail::{Address, Failure, FolderId, Key};

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
    /// A mailbox's turn has come, but so many others are being read that it waits for a seat.
    MailboxQueued {
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
        /// Those that are to be read.
        folders: Arc<[Seen]>,
    },
    /// A folder is to be visited in this round.
    FolderDue {
        /// The mailbox.
        mailbox: Address,
        /// The folder.
        folder: FolderId,
        /// Whether it is listed from the start, rather than from where it was left.
        whole: bool,
    },
    /// A folder's visit began.
    FolderStarted {
        /// The mailbox.
        mailbox: Address,
        /// The folder.
        folder: FolderId,
    },
    /// A page of changes arrived.
    PageListed {
        /// The mailbox.
        mailbox: Address,
        /// The folder.
        folder: FolderId,
        /// Entries on it.
        changes: usize,
        /// Messages among them that are to be downloaded.
        wanted: usize,
        /// Messages among them that filters leave out.
        passed_over: usize,
        /// Messages among them that are stored already, and nothing new is told of them.
        known: usize,
        /// Whether it is remembered beyond this visit, so that it is not listed again where that is broken off.
        kept: bool,
    },
    /// All that the first page that was listed and is not kept asked for is done, and what is listed next comes behind it.
    PageDone {
        /// The mailbox.
        mailbox: Address,
        /// The folder.
        folder: FolderId,
    },
    /// A message is in the sink and in the catalog.
    MessagesStored {
        /// The mailbox.
        mailbox: Address,
        /// The folder.
        folder: FolderId,
        /// When the newest of them was received.
        newest: Option<DateTime<Utc>>,
        /// How many.
        messages: u64,
        /// Their bytes.
        bytes: u64,
    },
    /// Moves, read flags, deletions, new ids and the like were written to the catalog without a download.
    ChangesRecorded {
        /// The mailbox.
        mailbox: Address,
        /// The folder, where they are of one.
        folder: Option<FolderId>,
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
        /// The folder's path.
        path: Arc<[String]>,
        /// The key it would have.
        key: Key,
        /// The code and the words of whoever refused it.
        failure: Failure,
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
        /// How many times in a row it went wrong.
        times: u32,
        /// For how long nothing of it is asked; zero where it is made again at once.
        wait: Duration,
    },
    /// A request was answered, or came to nothing.
    RequestAnswered {
        /// The mailbox.
        mailbox: Address,
        /// What was asked.
        what: &'static str,
        /// The answer's HTTP status; none where there was no answer.
        status: Option<u16>,
        /// The server's code, where it was not a good answer.
        code: Option<String>,
        /// Until the answer's head.
        took: Duration,
        /// What is used of the rate that the server grants the mailbox, where it grants one.
        budget: Option<Granted>,
    },
    /// A token for Exchange was issued.
    TokenIssued {
        /// When it ends.
        expires: DateTime<Utc>,
    },
    /// A folder's listing starts over, since its cursor is no longer accepted.
    FolderResynced {
        /// The mailbox.
        mailbox: Address,
        /// The folder.
        folder: FolderId,
        /// The folder's path.
        path: Vec<String>,
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
        /// The folder.
        folder: FolderId,
        /// The folder's path.
        path: Vec<String>,
        /// Why.
        reason: String,
    },
    /// A folder's visit ended without trouble.
    FolderFinished {
        /// The mailbox.
        mailbox: Address,
        /// The folder.
        folder: FolderId,
        /// Whether it was read to its end; if not, it had its share of the round.
        drained: bool,
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
    /// What follows a mailbox's round.
    MailboxRests {
        /// The mailbox.
        mailbox: Address,
        /// Until its next round; none where there is to be none.
        wait: Option<Duration>,
        /// Whether the server asked for the wait.
        asked: bool,
    },
    /// A mailbox's round did not begin, since another process, or another task of this one, holds it.
    MailboxHeld {
        /// The mailbox.
        mailbox: Address,
        /// What tells so.
        reason: String,
        /// Until the next attempt.
        wait: Duration,
    },
    /// A mailbox is left alone because a person wants it so.
    MailboxPaused {
        /// The mailbox.
        mailbox: Address,
    },
    /// A mailbox is no longer paused.
    MailboxResumed {
        /// The mailbox.
        mailbox: Address,
    },
    /// A comparison of a mailbox with what was copied of it began, or came to its end.
    MailboxVerified {
        /// The mailbox.
        mailbox: Address,
        /// Gaps found.
        gaps: u64,
        /// Whether it could not look at everything.
        troubled: bool,
        /// One line; none at the beginning.
        verdict: Option<String>,
    },
    /// Somebody asked something of this program.
    ActionTaken {
        /// What was asked.
        action: String,
        /// What came of it, or why nothing did.
        answer: Result<String, String>,
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
    /// The program was told to stop, and stores what is under way.
    StopBegun,
}

/// A folder, as it was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: FolderId,
    /// Its names, from the top.
    pub path: Vec<String>,
    /// How many items the server counts in it, where it says.
    pub items: Option<u64>,
}

/// What a mailbox may ask of its server in a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Requests made within the stretch that ends now.
    pub used: u32,
    /// Requests allowed.
    pub limit: u32,
    /// Its length.
    pub window: Duration,
}

impl Event {
    /// The mailbox that it is about, where it is about one.
    pub fn mailbox(&self) -> Option<&Address> {
        match self {
            Self::MailboxAdded { mailbox }
            | Self::MailboxRemoved { mailbox }
            | Self::MailboxQueued { mailbox }
            | Self::MailboxStarted { mailbox }
            | Self::FolderDue { mailbox, .. }
            | Self::FolderStarted { mailbox, .. }
            | Self::FolderFinished { mailbox, .. }
            | Self::RequestAnswered { mailbox, .. }
            | Self::MailboxRests { mailbox, .. }
            | Self::MailboxHeld { mailbox, .. }
            | Self::MailboxPaused { mailbox }
            | Self::MailboxResumed { mailbox }
            | Self::MailboxVerified { mailbox, .. }
            | Self::FoldersListed { mailbox, .. }
            | Self::PageListed { mailbox, .. }
            | Self::PageDone { mailbox, .. }
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
            | Self::ConfigRecovered
            | Self::TokenIssued { .. }
            | Self::ActionTaken { .. }
            | Self::StopBegun => None,
        }
    }
}
