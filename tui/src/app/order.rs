//! In which order rows stand: by default what needs a person first.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use crate::{
    fleet::{Track, stalled},
    status::{Figures, Folder, FolderState, Mailbox, MailboxState, Verified},
};

/// By what rows are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Order {
    #[default]
    Worst,
    Name,
    State,
    Stored,
    Progress,
    Rate,
    Bytes,
    Lag,
    Quarantine,
}

impl Order {
    const ALL: [Self; 9] =
        [Self::Worst, Self::Name, Self::State, Self::Stored, Self::Progress, Self::Rate, Self::Bytes, Self::Lag, Self::Quarantine];

    pub(crate) fn step(self, by: usize) -> Self {
        Self::ALL[(self as usize + by) % Self::ALL.len()]
    }

    pub(crate) fn back(self) -> Self {
        self.step(Self::ALL.len() - 1)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Worst => "worst first",
            Self::Name => "by name",
            Self::State => "by state",
            Self::Stored => "by messages",
            Self::Progress => "by progress",
            Self::Rate => "by rate",
            Self::Bytes => "by bytes",
            Self::Lag => "by lag",
            Self::Quarantine => "by quarantine",
        }
    }

    /// What a mailbox is sorted by, the first in order the least.
    pub(crate) fn mailbox(self, mailbox: &Mailbox, track: Option<&Track>, clock: DateTime<Utc>) -> Weight {
        match self {
            Self::Worst => Weight(f64::from(severity(mailbox, clock))),
            Self::Name => Weight(0.0),
            Self::State => Weight(f64::from(mailbox.state as u8)),
            Self::Stored | Self::Progress | Self::Bytes => self.figures(&mailbox.figures),
            Self::Rate => Weight(-track.map_or(0.0, |track| track.rate(clock))),
            Self::Lag => Weight(-mailbox.last_complete.map_or(f64::MAX, |at| (clock - at).num_seconds() as f64)),
            Self::Quarantine => Weight(-(mailbox.quarantined as f64)),
        }
    }

    /// What a folder is sorted by.
    pub(crate) fn folder(self, folder: &Folder, track: Option<&Track>, clock: DateTime<Utc>) -> Weight {
        match self {
            Self::Worst => Weight(f64::from(match folder.state {
                FolderState::Failed => 0,
                FolderState::Syncing => 1,
                FolderState::Listing => 2,
                FolderState::More => 3,
                FolderState::Queued => 4,
                FolderState::Done => 5,
            })),
            Self::Name | Self::Quarantine => Weight(0.0),
            Self::State => Weight(f64::from(folder.state as u8)),
            Self::Stored | Self::Progress | Self::Bytes => self.figures(&folder.figures),
            Self::Rate => Weight(-track.map_or(0.0, |track| track.rate(clock))),
            Self::Lag => Weight(-folder.lag.map_or(0.0, |seconds| seconds as f64)),
        }
    }

    fn figures(self, figures: &Figures) -> Weight {
        Weight(match self {
            Self::Stored => -(figures.stored as f64),
            Self::Bytes => -(figures.bytes as f64),
            // What has the longest way to go.
            _ => figures.stored as f64 / figures.goal().max(1) as f64,
        })
    }
}

/// A figure to sort by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Weight(f64);

impl Eq for Weight {}

impl Ord for Weight {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Weight {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// How much a mailbox needs a person, 0 the most.
pub(crate) fn severity(mailbox: &Mailbox, clock: DateTime<Utc>) -> u8 {
    let gaps = mailbox.failed_folders > 0 || mailbox.quarantined > 0 || mailbox.verified.as_ref().is_some_and(Verified::bad);
    match mailbox.state {
        _ if mailbox.refused => 0,
        MailboxState::Stopped => 0,
        MailboxState::Degraded => 1,
        _ if stalled(mailbox, clock) => 2,
        MailboxState::Waiting => 3,
        _ if gaps => 4,
        MailboxState::Syncing => 5,
        MailboxState::Listing => 6,
        MailboxState::Paused => 7,
        MailboxState::Queued => 8,
        MailboxState::Idle => 9,
        MailboxState::Done => 10,
    }
}
