//! What a watcher needs to know, folded from events.

use std::{collections::BTreeMap, ops::AddAssign};

use chrono::{DateTime, Utc};

use crate::{event::Event, mail::Address};

/// The state of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// One entry a mailbox.
    pub mailboxes: BTreeMap<Address, MailboxStatus>,
    /// What keeps the sink from taking messages, while it takes none.
    pub sink: Option<SinkTrouble>,
    /// What is wrong with the configuration that is kept, while another one is in force.
    pub config: Option<ConfigTrouble>,
}

/// Why the configuration that is kept is not the one in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigTrouble {
    /// Why.
    pub reason: String,
    /// When that was noticed.
    pub since: DateTime<Utc>,
}

/// Why the sink takes nothing, and until when it is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkTrouble {
    /// Why.
    pub reason: String,
    /// When it is tried again.
    pub until: DateTime<Utc>,
    /// How often it was tried in vain.
    pub attempts: u64,
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

/// What is counted, for one mailbox or for all, since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
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
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.folders += other.folders;
        self.items += other.items;
        self.listed += other.listed;
        self.wanted += other.wanted;
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.changes += other.changes;
        self.catalogued += other.catalogued;
        self.quarantined += other.quarantined;
        self.throttled += other.throttled;
        self.retried += other.retried;
    }
}

/// One mailbox.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MailboxStatus {
    /// Where it stands.
    pub phase: Phase,
    /// Its figures.
    pub figures: Figures,
    /// Folders that failed in the present round.
    pub failed_folders: u64,
    /// The last error.
    pub error: Option<String>,
    /// Passing trouble that is being waited for or tried again just now.
    pub trouble: Option<String>,
    /// Whether its catalog was counted in this run.
    pub counted: bool,
    /// Whether a person must act before this mailbox can be read.
    pub refused: bool,
}

impl MailboxStatus {
    /// Whether it was read to its end.
    pub fn complete(&self) -> bool {
        self.phase == Phase::Done
    }
}

/// All mailboxes together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Mailboxes.
    pub mailboxes: usize,
    /// Those read to their end.
    pub complete: usize,
    /// Those that could not be read, or not whole.
    pub failed: usize,
    /// Those whose catalog was counted in this run.
    pub counted: usize,
    /// Their figures.
    pub figures: Figures,
}

impl Status {
    /// All mailboxes together.
    pub fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        for one in self.mailboxes.values() {
            sum.mailboxes += 1;
            sum.complete += usize::from(one.complete());
            sum.failed += usize::from(matches!(one.phase, Phase::Failed | Phase::Incomplete));
            sum.counted += usize::from(one.counted);
            sum.figures += one.figures;
        }
        sum
    }

    /// Takes one event in.
    pub fn fold(&mut self, event: &Event) {
        // Of a mailbox that was removed, what was under way may still be told of.
        let begins = matches!(event, Event::MailboxAdded { .. } | Event::MailboxStarted { .. });
        if !begins && event.mailbox().is_some_and(|mailbox| !self.mailboxes.contains_key(mailbox)) {
            return;
        }
        match event {
            Event::MailboxAdded { mailbox } => {
                self.entry(mailbox);
            }
            Event::MailboxRemoved { mailbox } => {
                self.mailboxes.remove(mailbox);
            }
            Event::MailboxStarted { mailbox } => {
                let entry = self.entry(mailbox);
                entry.phase = Phase::Syncing;
                entry.trouble = None;
                entry.failed_folders = 0;
            }
            Event::FoldersListed { mailbox, folders, items } => {
                let entry = self.entry(mailbox);
                entry.figures.folders = *folders;
                entry.figures.items = *items;
            }
            Event::PageListed { mailbox, changes, wanted } => {
                let entry = self.entry(mailbox);
                entry.trouble = None;
                entry.figures.listed += *changes as u64;
                entry.figures.wanted += *wanted as u64;
            }
            Event::MessagesStored { mailbox, messages, bytes } => {
                let entry = self.entry(mailbox);
                entry.figures.messages += messages;
                entry.figures.bytes += bytes;
            }
            Event::ChangesRecorded { mailbox, changes } => self.entry(mailbox).figures.changes += changes,
            Event::CatalogCounted { mailbox, messages, quarantined } => {
                let entry = self.entry(mailbox);
                entry.counted = true;
                entry.figures.catalogued = *messages;
                entry.figures.quarantined = *quarantined;
            }
            Event::MessageQuarantined { mailbox, .. } => self.entry(mailbox).figures.quarantined += 1,
            Event::RequestThrottled { mailbox, reason, .. } => {
                let entry = self.entry(mailbox);
                entry.figures.throttled += 1;
                entry.trouble = Some(reason.clone());
            }
            Event::RequestRetried { mailbox, reason } => {
                let entry = self.entry(mailbox);
                entry.figures.retried += 1;
                entry.trouble = Some(reason.clone());
            }
            Event::FolderResynced { .. } | Event::MailboxSwitched { .. } => {}
            Event::SinkBlocked { reason, until } => {
                let attempts = self.sink.as_ref().map_or(1, |trouble| trouble.attempts + 1);
                self.sink = Some(SinkTrouble { reason: reason.clone(), until: *until, attempts });
            }
            Event::SinkRecovered { .. } => self.sink = None,
            Event::ConfigRefused { reason, at } => self.config = Some(ConfigTrouble { reason: reason.clone(), since: *at }),
            Event::ConfigChanged { .. } | Event::ConfigRecovered => self.config = None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_mailbox_leaves_and_does_not_come_back_by_what_was_under_way() {
        let mailbox = Address::new("a@example.com");
        let mut status = Status::default();
        status.fold(&Event::MailboxAdded { mailbox: mailbox.clone() });
        status.fold(&Event::MessagesStored { mailbox: mailbox.clone(), messages: 3, bytes: 9 });
        assert_eq!(status.sum().figures.messages, 3);
        status.fold(&Event::MailboxRemoved { mailbox: mailbox.clone() });
        status.fold(&Event::RequestRetried { mailbox: mailbox.clone(), reason: "HTTP 503".into() });
        assert_eq!(status, Status::default());
        status.fold(&Event::MailboxStarted { mailbox });
        assert_eq!(status.sum().mailboxes, 1);
    }

    #[test]
    fn a_refused_configuration_is_seen_until_a_good_one_comes() {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let mut status = Status::default();
        for good in
            [Event::ConfigRecovered, Event::ConfigChanged { added: Vec::new(), removed: Vec::new(), changed: Vec::new(), everybody: true }]
        {
            status.fold(&Event::ConfigRefused { reason: "$.port: no".into(), at });
            assert_eq!(status.config, Some(ConfigTrouble { reason: "$.port: no".into(), since: at }));
            status.fold(&good);
            assert_eq!(status.config, None);
        }
    }
}
