//! One visit to one folder.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures::StreamExt;

use super::{Filters, Pace, Pipeline, Trouble, again::Again, levers::Lever, oldest_first::OldestFirst, reconcile, turns::Turn};
use crate::{
    catalog::{Entry, Ledger, Reach, Span},
    checkpoint::{Checkpoint, Delivered},
    event::Event,
    exchange::Verdict,
    mail::{Address, Cursor, Folder, FolderId, IdForm, Mailbox},
};

/// Everything that is known when a folder is visited.
pub struct Visit {
    /// The rooms and limits.
    pub pipeline: Arc<Pipeline>,
    /// Whose folder.
    pub mailbox: Mailbox,
    /// The folder, as just listed.
    pub folder: Folder,
    /// The folder's path, as sinks are told it with each message.
    pub path: Arc<[String]>,
    /// The mailbox's ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Which messages are wanted.
    pub filters: Arc<Filters>,
    /// The mailbox's rate.
    pub pace: Pace,
    /// What a person may do to the mailbox.
    pub(super) lever: Arc<Lever>,
    /// Where the listing begins.
    pub start: Start,
    /// Lines about the folder that the cursor did not cover when this visit began.
    pub uncovered: Vec<Span>,
    /// The mailbox's folders that are not read.
    pub unread: Arc<HashSet<FolderId>>,
    /// The filters' digest, kept with the cursor.
    pub digest: String,
    /// How ids of items are written.
    pub form: IdForm,
    /// When the mailbox came to be read by ids of this form, if it was read by others before.
    pub switched: Option<DateTime<Utc>>,
    /// Items in quarantine that are tried again, if they are.
    pub again: Option<Arc<Again>>,
    /// The folder's messages by their age, where they are fetched so.
    pub oldest_first: Option<Arc<OldestFirst>>,
    /// When this visit began.
    pub asked: DateTime<Utc>,
    /// When no batch begins any more, where somebody else waits for the ledger.
    pub turn: Option<Turn>,
    /// What the sink had of the folder when this visit began.
    pub delivered: Delivered,
    /// What was stored since.
    pub news: Mutex<Delivered>,
}

/// Where a folder's listing begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// From the start: nothing is known, or what is known is not to be relied on.
    Beginning,
    /// From the saved cursor.
    Resumed(Box<Checkpoint>),
}

impl Start {
    /// Decides by what was saved, and by `period`, after which a folder is listed whole again. A folder that was never listed whole needs a new listing, and
    /// so do other filters than those in force when the cursor was taken, since the old one passed
    /// over messages that may be wanted now; so does a catalog that lost lines since, as when somebody took it away or brought an older one back.
    /// Whatever the catalog still knows is not downloaded again.
    pub fn decide(saved: Option<Checkpoint>, digest: &str, from_start: bool, reach: Reach, period: Option<Duration>) -> Self {
        let overdue = |saved: &Checkpoint| {
            !saved.walking && period.is_some_and(|period| reconcile::due(period, &saved.folder.id, saved.listed, Utc::now()))
        };
        match saved {
            Some(checkpoint)
                if !from_start
                    && !checkpoint.begins_anew()
                    && checkpoint.filters == digest
                    && checkpoint.reach <= reach
                    && !overdue(&checkpoint) =>
            {
                Self::Resumed(Box::new(checkpoint))
            }
            _ => Self::Beginning,
        }
    }

    /// The cursor to resume from.
    pub fn cursor(&self) -> Option<Cursor> {
        match self {
            Self::Beginning => None,
            Self::Resumed(checkpoint) => Some(checkpoint.cursor.clone()),
        }
    }

    /// When the last listing from the start had come to its end.
    pub fn listed(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Beginning => None,
            Self::Resumed(checkpoint) => checkpoint.listed,
        }
    }

    /// Whether a listing from the start begins or goes on here.
    pub fn walking(&self) -> bool {
        match self {
            Self::Beginning => true,
            Self::Resumed(checkpoint) => checkpoint.walking,
        }
    }

    /// Whether saving `checkpoint` would tell anything new.
    pub fn differs(&self, checkpoint: &Checkpoint) -> bool {
        match self {
            Self::Beginning => true,
            Self::Resumed(saved) => **saved != Checkpoint { reach: saved.reach, ..checkpoint.clone() },
        }
    }
}

impl Visit {
    /// What is stored counts for what the sink is known to have.
    pub fn note_stored(&self, entries: &[Entry]) {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            if let Entry::Stored { listed, .. } = entry {
                news.note(listed);
            }
        }
    }

    /// What the sink is known to have now; `oldest` is the oldest message in quarantine, told with a folder that was read to its end as it was at `drained`.
    pub fn delivered(&self, drained: Option<DateTime<Utc>>, oldest: Option<DateTime<Utc>>) -> Delivered {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        match drained {
            Some(asked) => news.drain(asked, oldest),
            None => news.drained = false,
        }
        news.clone()
    }

    /// What the sink is known to have while messages are fetched by their age: all that is older than `left`, the oldest that is left, and than
    /// `quarantined`.
    pub fn delivered_until(&self, left: Option<DateTime<Utc>>, quarantined: Option<DateTime<Utc>>) -> Delivered {
        let news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        news.reached(left.map(|left| left.min(self.asked)), quarantined)
    }

    /// The stamp by which the folder may be passed over from now on, if any. A stamp may be as coarse as a second, so it is trusted only once it
    /// stood unchanged in two visits: mail that came within the same second is seen by the second one.
    pub fn settling(&self) -> Option<String> {
        match &self.start {
            Start::Resumed(saved) if saved.folder.stamp == self.folder.stamp => self.folder.stamp.clone(),
            _ => None,
        }
    }
}

/// How a visit ended.
#[derive(Debug, Default)]
pub struct FolderEnd {
    /// Messages stored.
    pub messages: u64,
    /// Whether the folder was read to its end; if not and there was no trouble, it had its share of this round.
    pub drained: bool,
    /// The stamp by which it may be passed over next time.
    pub settled: Option<String>,
    /// What stopped it.
    pub trouble: Option<Trouble>,
}

impl Visit {
    /// Reads the folder: until it is drained, has had its share, or meets trouble.
    pub async fn read(self: Arc<Self>) -> FolderEnd {
        let mut end = FolderEnd::default();
        let (mailbox, folder) = self.named();
        self.pipeline.events.tell(Event::FolderStarted { mailbox, folder });
        if let Err(trouble) = self.begin_walk().await {
            end.trouble = Some(trouble);
            return end;
        }
        {
            let mut batches = std::pin::pin!(super::folder(&self));
            while let Some(batch) = batches.next().await {
                match batch {
                    Ok(committed) => {
                        end.messages += committed.messages;
                        end.drained |= committed.drained;
                    }
                    Err(trouble) => end.trouble = Some(trouble),
                }
            }
        }
        match &end.trouble {
            // Whether it is really gone, a new listing of folders will tell; and to wait is not to fail.
            Some(trouble) if matches!(trouble.verdict(), Verdict::FolderGone | Verdict::WaitFor(_)) => {}
            Some(trouble) => self.tell_failure(trouble),
            None => {
                if end.drained {
                    end.settled = self.settling();
                }
                let (mailbox, folder) = self.named();
                self.pipeline.events.tell(Event::FolderFinished { mailbox, folder, drained: end.drained });
            }
        }
        end
    }

    fn named(&self) -> (Address, FolderId) {
        (self.mailbox.address.clone(), self.folder.id.clone())
    }

    /// Tells that the folder's listing starts over.
    pub fn tell_resync(&self) {
        self.pipeline.events.tell(Event::FolderResynced {
            mailbox: self.mailbox.address.clone(),
            folder: self.folder.id.clone(),
            path: self.folder.path.clone(),
        });
    }

    /// Tells that the folder could not be read.
    pub fn tell_failure(&self, trouble: &Trouble) {
        self.pipeline.events.tell(Event::FolderFailed {
            mailbox: self.mailbox.address.clone(),
            folder: self.folder.id.clone(),
            path: self.folder.path.clone(),
            reason: trouble.to_string(),
        });
    }

    async fn begin_walk(&self) -> Result<(), Trouble> {
        match self.start {
            Start::Beginning => {
                let goes_on = match &self.oldest_first {
                    Some(oldest_first) => oldest_first.begun().await,
                    None => false,
                };
                self.ledger.walk_begins(&self.folder.id, goes_on).await?;
            }
            Start::Resumed(ref saved) if saved.walking => self.ledger.walk_begins(&self.folder.id, true).await?,
            Start::Resumed(_) => {}
        }
        Ok(())
    }
}
