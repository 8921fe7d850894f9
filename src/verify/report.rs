//! What was found.

use serde::Serialize;

use crate::{
    catalog::{Kept, SetAside},
    mail::{Address, Folder, Listed},
};

/// So many gaps of a mailbox are named.
const NAMED: usize = 10_000;

/// One folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FolderReport {
    /// Its path.
    pub path: Vec<String>,
    /// Items that Exchange lists and the filters admit.
    pub server: u64,
    /// Messages that are in it as far as the ledger knows.
    pub catalog: u64,
    /// Items of which nothing is stored.
    pub missing: u64,
    /// Items in quarantine.
    pub quarantined: u64,
    /// Items whose message is stored, and which moved here since the last round.
    pub moved: u64,
    /// Messages that left it since the last round.
    pub departed: u64,
}

/// The sink, as far as one mailbox is concerned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SinkReport {
    /// Messages that the ledger says are stored.
    pub stored: u64,
    /// Messages looked at.
    pub looked: u64,
    /// Those of them that were read back whole.
    pub read: u64,
    /// Messages that are not there.
    pub missing: u64,
    /// Messages that are something else.
    pub differs: u64,
}

/// One mailbox.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MailboxReport {
    /// Which.
    pub mailbox: Address,
    /// Its folders.
    pub folders: Vec<FolderReport>,
    /// What is in the sink.
    pub sink: SinkReport,
    /// Messages in quarantine.
    pub quarantined: u64,
    /// Each gap that was found, as far as they are named.
    pub gaps: Vec<Gap>,
    /// How many more there are.
    pub unnamed: u64,
    /// Why it could not be looked at, or not whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Whether a person must act first (credentials, permission, configuration).
    pub refused: bool,
}

impl MailboxReport {
    pub(super) fn new(mailbox: Address) -> Self {
        Self {
            mailbox,
            folders: Vec::new(),
            sink: SinkReport::default(),
            quarantined: 0,
            gaps: Vec::new(),
            unnamed: 0,
            trouble: None,
            refused: false,
        }
    }

    /// Whether another gap will be named.
    pub(super) fn names_more(&self) -> bool {
        self.gaps.len() < NAMED
    }

    /// Another gap.
    pub(super) fn gap(&mut self, gap: Gap) {
        match self.names_more() {
            true => self.gaps.push(gap),
            false => self.unnamed += 1,
        }
    }
}

/// One message that is not there, or not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "gap", rename_all = "snake_case")]
pub enum Gap {
    /// Exchange has it, and nothing is stored of it.
    Missing {
        /// The folder's path.
        folder: Vec<String>,
        /// The item.
        item_id: String,
        /// When it was received, or else created.
        #[serde(skip_serializing_if = "Option::is_none")]
        dated: Option<chrono::DateTime<chrono::Utc>>,
        /// What Exchange says of it, where it cannot be read.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// It is in quarantine.
    Quarantined {
        /// The folder's path.
        folder: Vec<String>,
        /// The key it would have.
        key: String,
        /// The item.
        item_id: String,
        /// Why: the code and the words of whoever refused it.
        reason: String,
    },
    /// It was stored, and is not there as it was.
    Lost {
        /// The path of the folder it is, or was last, in.
        folder: Vec<String>,
        /// Its key.
        key: String,
        /// Its place in the sink.
        object: String,
        /// What is there instead.
        reason: String,
        /// Whether Exchange still has an item of the id that is known.
        in_mailbox: bool,
        /// Whether that item is in a folder that is read: only then is it fetched again.
        folder_read: bool,
    },
}

impl Gap {
    pub(super) fn missing(folder: &Folder, listed: &Listed, reason: Option<String>) -> Self {
        Self::Missing { folder: folder.path.clone(), item_id: listed.id.0.clone(), dated: listed.dated(), reason }
    }

    pub(super) fn quarantined(one: &SetAside) -> Self {
        Self::Quarantined {
            folder: one.path.clone(),
            key: one.key.0.clone(),
            item_id: one.listed.id.0.clone(),
            reason: format!("{}: {}", one.failure.code, one.failure.text),
        }
    }

    pub(super) fn lost(kept: &Kept, reason: String, in_mailbox: bool, folder_read: bool) -> Self {
        let (folder, key, object) = (kept.path.clone(), kept.key.0.clone(), kept.stored.object.clone());
        Self::Lost { folder, key, object, reason, in_mailbox, folder_read }
    }
}

/// All mailboxes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// Mailboxes looked at.
    pub mailboxes: usize,
    /// Those that could not be looked at, or not whole.
    pub troubled: usize,
    /// Those of them where a person must act first.
    pub refused: usize,
    /// Folders.
    pub folders: usize,
    /// Items that Exchange lists.
    pub server: u64,
    /// Items of which nothing is stored.
    pub missing: u64,
    /// Items in quarantine.
    pub quarantined: u64,
    /// Messages that are not in the sink, or not as they were stored.
    pub lost: u64,
    /// Messages that are stored.
    pub stored: u64,
    /// Messages looked at in the sink.
    pub looked: u64,
    /// Messages read back whole.
    pub read: u64,
}

impl Sum {
    /// Takes one mailbox in.
    pub fn add(&mut self, report: &MailboxReport) {
        self.mailboxes += 1;
        self.troubled += usize::from(report.trouble.is_some());
        self.refused += usize::from(report.refused);
        self.folders += report.folders.len();
        for folder in &report.folders {
            self.server += folder.server;
            self.missing += folder.missing;
        }
        self.quarantined += report.quarantined;
        self.lost += report.sink.missing + report.sink.differs;
        self.stored += report.sink.stored;
        self.looked += report.sink.looked;
        self.read += report.sink.read;
    }

    /// Takes others in.
    pub fn join(&mut self, other: &Self) {
        self.mailboxes += other.mailboxes;
        self.troubled += other.troubled;
        self.refused += other.refused;
        self.folders += other.folders;
        self.server += other.server;
        self.missing += other.missing;
        self.quarantined += other.quarantined;
        self.lost += other.lost;
        self.stored += other.stored;
        self.looked += other.looked;
        self.read += other.read;
    }

    /// Whether something is missing.
    pub fn has_gaps(&self) -> bool {
        self.missing + self.quarantined + self.lost > 0
    }
}
