//! What a watcher needs to know, folded from events.

use std::collections::BTreeMap;

use crate::{event::Event, mail::Address};

/// The state of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// One entry a mailbox.
    pub mailboxes: BTreeMap<Address, MailboxStatus>,
}

/// Where a mailbox stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not begun.
    #[default]
    Waiting,
    /// Being read.
    Syncing,
    /// Read to its end.
    Done,
    /// Read, but a folder failed.
    Incomplete,
    /// Not readable.
    Failed,
}

/// The figures of one mailbox, counted since the process started.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MailboxStatus {
    /// Where it stands.
    pub phase: Phase,
    /// Folders to be read.
    pub folders: usize,
    /// Items the server counts in them.
    pub items: u64,
    /// Entries listed.
    pub listed: u64,
    /// Messages found that need a download.
    pub wanted: u64,
    /// Messages stored.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Changes recorded without a download.
    pub changes: u64,
    /// Messages in the sink altogether, as of the last round's end.
    pub catalogued: u64,
    /// Items in quarantine.
    pub quarantined: u64,
    /// Requests that had to wait because the server asked for it.
    pub throttled: u64,
    /// Requests tried again.
    pub retried: u64,
    /// Folders that failed in the present round.
    pub failed_folders: u64,
    /// The last error.
    pub error: Option<String>,
    /// Whether a person must act before this mailbox can be read.
    pub refused: bool,
}

impl MailboxStatus {
    /// Whether it was read to its end.
    pub fn complete(&self) -> bool {
        self.phase == Phase::Done
    }
}

/// The figures of all mailboxes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Mailboxes.
    pub mailboxes: usize,
    /// Those read to their end.
    pub complete: usize,
    /// Those that could not be read, or not whole.
    pub failed: usize,
    /// Folders to be read.
    pub folders: usize,
    /// Items the server counts in them.
    pub items: u64,
    /// Entries listed.
    pub listed: u64,
    /// Messages found that need a download.
    pub wanted: u64,
    /// Messages stored.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Changes recorded without a download.
    pub changes: u64,
    /// Messages in the sink altogether.
    pub catalogued: u64,
    /// Items in quarantine.
    pub quarantined: u64,
    /// Requests that had to wait.
    pub throttled: u64,
    /// Requests tried again.
    pub retried: u64,
}

impl Status {
    /// All mailboxes together.
    pub fn sum(&self) -> Sum {
        self.mailboxes.values().fold(Sum::default(), |sum, one| Sum {
            mailboxes: sum.mailboxes + 1,
            complete: sum.complete + usize::from(one.complete()),
            failed: sum.failed + usize::from(matches!(one.phase, Phase::Failed | Phase::Incomplete)),
            folders: sum.folders + one.folders,
            items: sum.items + one.items,
            listed: sum.listed + one.listed,
            wanted: sum.wanted + one.wanted,
            messages: sum.messages + one.messages,
            bytes: sum.bytes + one.bytes,
            changes: sum.changes + one.changes,
            catalogued: sum.catalogued + one.catalogued,
            quarantined: sum.quarantined + one.quarantined,
            throttled: sum.throttled + one.throttled,
            retried: sum.retried + one.retried,
        })
    }

    /// Takes one event in.
    pub fn fold(&mut self, event: &Event) {
        match event {
            Event::MailboxAdded { mailbox } => {
                self.entry(mailbox);
            }
            Event::MailboxStarted { mailbox } => {
                let entry = self.entry(mailbox);
                entry.phase = Phase::Syncing;
                entry.failed_folders = 0;
            }
            Event::FoldersListed { mailbox, folders, items } => {
                let entry = self.entry(mailbox);
                entry.folders = *folders;
                entry.items = *items;
            }
            Event::PageListed { mailbox, changes, wanted } => {
                let entry = self.entry(mailbox);
                entry.listed += *changes as u64;
                entry.wanted += *wanted as u64;
            }
            Event::MessagesStored { mailbox, messages, bytes } => {
                let entry = self.entry(mailbox);
                entry.messages += messages;
                entry.bytes += bytes;
            }
            Event::ChangesRecorded { mailbox, changes } => self.entry(mailbox).changes += changes,
            Event::CatalogCounted { mailbox, messages, quarantined } => {
                let entry = self.entry(mailbox);
                entry.catalogued = *messages;
                entry.quarantined = *quarantined;
            }
            Event::MessageQuarantined { mailbox, .. } => self.entry(mailbox).quarantined += 1,
            Event::RequestThrottled { mailbox, .. } => self.entry(mailbox).throttled += 1,
            Event::RequestRetried { mailbox, .. } => self.entry(mailbox).retried += 1,
            Event::FolderResynced { .. } => {}
            Event::FolderFailed { mailbox, folder, reason } => {
                let entry = self.entry(mailbox);
                entry.failed_folders += 1;
                entry.error = Some(format!("{}: {reason}", folder.join("/")));
            }
            Event::MailboxFailed { mailbox, reason, refused } => {
                let entry = self.entry(mailbox);
                entry.phase = Phase::Failed;
                entry.error = Some(reason.clone());
                entry.refused = *refused;
            }
            Event::MailboxFinished { mailbox, complete } => {
                let entry = self.entry(mailbox);
                entry.phase = if *complete { Phase::Done } else { Phase::Incomplete };
                if *complete {
                    entry.error = None;
                    entry.refused = false;
                }
            }
        }
    }

    fn entry(&mut self, mailbox: &Address) -> &mut MailboxStatus {
        self.mailboxes.entry(mailbox.clone()).or_default()
    }
}
