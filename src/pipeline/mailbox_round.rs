//! One round of one mailbox: a visit to each of its folders.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::Utc;
use futures::{StreamExt, stream};
use tokio::time::Instant;

use super::{
    Afresh, FanOut, Pace, Pipeline, Subscription, Trouble,
    again::Again,
    folder_round::{FolderEnd, Start, Visit},
    home::{Homecoming, keep_unshown},
    oldest_first::OldestFirst,
    uncovered::uncovered,
};
use crate::{
    catalog::{Ledger, Totals},
    checkpoint::{Checkpoint, Delivered},
    event::{Event, Seen},
    exchange::Verdict,
    mail::{Address, Folder, FolderId, Hierarchy, IdForm},
};

/// How a mailbox's round ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// The mailbox.
    pub mailbox: Address,
    /// Whether some folder had its share but not its end.
    pub more: bool,
    /// The gravest verdict met; none for a round without trouble.
    pub verdict: Option<Verdict>,
    /// Messages stored.
    pub messages: u64,
    /// Why it did not begin, where somebody else holds the mailbox.
    pub held: Option<String>,
}

/// What is remembered of a mailbox between its rounds.
pub struct Memory {
    pub(super) pace: Pace,
    /// The stamps by which folders may be passed over.
    settled: HashMap<FolderId, String>,
    /// The stamps that folders had when they were last visited.
    met: HashMap<FolderId, Met>,
    /// Folders not yet listed from the start, where `start_from` is `config`.
    afresh: Afresh,
    /// Folders that were listed but could not be found when they were visited.
    missing: HashSet<FolderId>,
    /// Folders whose messages are being fetched by their age.
    by_age: HashMap<FolderId, Arc<OldestFirst>>,
    /// How often folders are listed from the start; none for never.
    reconcile: Option<Duration>,
    /// When each folder was last read whatever its stamp said, and what was in its quarantine was tried again.
    looked: HashMap<FolderId, Instant>,
    /// Quarantines that are being tried again.
    again: HashMap<FolderId, Arc<Again>>,
}

impl Memory {
    /// Nothing is remembered yet.
    pub fn new(pace: Pace, reconcile: Option<Duration>, afresh: Afresh) -> Self {
        Self {
            pace,
            reconcile,
            afresh,
            settled: HashMap::new(),
            met: HashMap::new(),
            missing: HashSet::new(),
            by_age: HashMap::new(),
            looked: HashMap::new(),
            again: HashMap::new(),
        }
    }
}

/// A folder's stamp, and since when it is known.
struct Met {
    stamp: Option<String>,
    first: Instant,
    /// Whether it had stood for a while when the folder was last visited.
    stood: bool,
}

/// Stamps may be as coarse as a second: one that is younger does not tell of all that came within its second.
const STANDS: Duration = Duration::from_secs(2);

/// So often each folder is read whatever its stamp says, and what is in its quarantine is tried again.
const FULL: Duration = Duration::from_secs(3600);

impl Pipeline {
    /// Visits every folder that may have changed. `thorough` passes over none.
    pub(super) async fn round(self: Arc<Self>, subscription: &Subscription, memory: &mut Memory, thorough: bool) -> Round {
        let mailbox = &subscription.mailbox.address;
        self.events.tell(Event::MailboxStarted { mailbox: mailbox.clone() });
        let outcome = self.clone().folders_round(subscription, memory, thorough).await;
        let (round, refusal) = match outcome {
            Ok(ends) => {
                let troubles = || ends.iter().filter_map(|end| end.trouble.as_ref());
                let refusal = troubles().find(|trouble| trouble.stops_mailbox() && trouble.refused()).map(ToString::to_string);
                let round = Round {
                    mailbox: mailbox.clone(),
                    more: ends.iter().any(|end| end.trouble.is_none() && !end.drained),
                    verdict: troubles().map(Trouble::verdict).max_by_key(gravity),
                    messages: ends.iter().map(|end| end.messages).sum(),
                    held: None,
                };
                (round, refusal)
            }
            Err(trouble) => {
                let verdict = trouble.verdict();
                let held = trouble.locked().then(|| trouble.to_string());
                // To wait is not to fail.
                if held.is_none() && !matches!(verdict, Verdict::WaitFor(_)) {
                    let refused = trouble.refused();
                    self.events.tell(Event::MailboxFailed { mailbox: mailbox.clone(), reason: trouble.to_string(), refused });
                }
                return Round { mailbox: mailbox.clone(), more: false, verdict: Some(verdict), messages: 0, held };
            }
        };
        if let Some(reason) = refusal {
            self.events.tell(Event::MailboxFailed { mailbox: mailbox.clone(), reason, refused: true });
        } else if !round.more && !matches!(round.verdict, Some(Verdict::WaitFor(_))) {
            self.events.tell(Event::MailboxFinished { mailbox: mailbox.clone(), complete: round.verdict.is_none() });
        }
        round
    }

    async fn folders_round(
        self: Arc<Self>,
        subscription: &Subscription,
        memory: &mut Memory,
        thorough: bool,
    ) -> Result<Vec<FolderEnd>, Trouble> {
        let mailbox = &subscription.mailbox;
        let known = self.checkpoints.hierarchy(mailbox).await?;
        let mut hierarchy = self.exchange.folders(mailbox, &known).await?;
        hierarchy.home = hierarchy.home.or_else(|| known.home.clone());
        hierarchy.switch = known.switch;
        let listed = keep_unshown(&known, &mut hierarchy);
        let read = |folder: &&Folder| subscription.reads(folder, &hierarchy.folders);
        let wanted: Vec<Folder> = hierarchy.folders.iter().take(listed).filter(read).cloned().collect();
        self.events.tell(Event::FoldersListed {
            mailbox: mailbox.address.clone(),
            folders: wanted.iter().map(|folder| Seen { id: folder.id.clone(), path: folder.path.clone(), items: folder.total }).collect(),
        });
        let may_have_changed = |folder: &&Folder| {
            let unchanged = folder.stamp.is_some() && memory.settled.get(&folder.id) == folder.stamp.as_ref();
            thorough || !unchanged || memory.is_overdue(&folder.id)
        };
        let mut due: Vec<Folder> = wanted.iter().filter(may_have_changed).cloned().collect();
        let settled = known.switch.is_none_or(|switch| switch.over);
        if due.is_empty() && settled && hierarchy == known {
            return Ok(Vec::new());
        }
        // From here on this process is the mailbox's only writer.
        let ledger: Arc<dyn Ledger> = Arc::from(self.catalog.open(mailbox).await?);
        let homecoming =
            Homecoming { pipeline: &self, mailbox, ledger: ledger.as_ref(), known: &known, now: &hierarchy, listed, wanted: &wanted };
        match homecoming.settle().await? {
            // Folders are lost by name only: what was in them was carried over or given up message by message.
            Some(switch) => {
                hierarchy.switch = Some(switch);
                memory.settled.clear();
                due = wanted;
            }
            None => self.account_for_lost_folders(subscription, ledger.as_ref(), &known, &hierarchy).await?,
        }
        self.tell_totals(&mailbox.address, ledger.as_ref()).await?;
        if hierarchy != known {
            self.checkpoints.save_hierarchy(mailbox, &hierarchy).await?;
        }
        memory.keep(&hierarchy.folders);
        let mut visits = Vec::with_capacity(due.len());
        let digest = subscription.filters.digest();
        let reach = ledger.reach().await?;
        let filters = Arc::new(subscription.filters.clone());
        let unread = hierarchy.folders.iter().filter(|folder| !subscription.reads(folder, &hierarchy.folders));
        let unread: Arc<HashSet<FolderId>> = Arc::new(unread.map(|folder| folder.id.clone()).collect());
        for folder in due {
            let from_start = subscription.from_start && memory.afresh.is_due(&folder.id, &hierarchy.folders);
            if from_start {
                // Forgotten rather than ignored: should this visit fail early, the next one must not go on from the old cursor.
                self.checkpoints.forget(mailbox, &folder.id).await?;
                memory.afresh.done(&folder.id);
            }
            memory.meet(&folder);
            let saved = self.checkpoints.load(mailbox, &folder.id).await?;
            let delivered = self.delivered(subscription, &folder.id, saved.as_ref(), &digest).await?;
            let start = Start::decide(saved.clone(), &digest, from_start, reach, memory.reconcile);
            if let (Start::Beginning, Some(saved)) = (&start, saved) {
                self.checkpoints.save_to_begin_anew(mailbox, saved).await?;
            }
            self.events.tell(Event::FolderDue { mailbox: mailbox.address.clone(), folder: folder.id.clone(), whole: start.walking() });
            visits.push(Arc::new(Visit {
                oldest_first: self.checkpoints.by_time_alone().then(|| memory.oldest_first(&folder.id, &start)).flatten(),
                pipeline: self.clone(),
                mailbox: mailbox.clone(),
                ledger: ledger.clone(),
                filters: filters.clone(),
                unread: unread.clone(),
                pace: memory.pace.clone(),
                lever: self.levers.of(&mailbox.address),
                uncovered: match &start {
                    // What it does not list is taken for deleted.
                    Start::Beginning => Vec::new(),
                    Start::Resumed(saved) => uncovered(ledger.as_ref(), saved, reach).await?,
                },
                start,
                form: hierarchy.home.as_ref().map_or_else(IdForm::default, |home| home.form),
                switched: hierarchy.switch.map(|switch| switch.at),
                digest: digest.clone(),
                again: memory.again(&folder.id),
                path: folder.path.as_slice().into(),
                folder,
                asked: Utc::now(),
                turn: None,
                news: Mutex::new(delivered.clone()),
                delivered,
            }));
        }
        let mut ends = Vec::with_capacity(visits.len());
        let mut visited = std::pin::pin!(
            stream::iter(visits).fan_out(self.limits.folders, |visit| { async move { (visit.clone(), visit.read().await) } })
        );
        while let Some((visit, end)) = visited.next().await {
            memory.note(&visit, &end);
            let stop = end.trouble.as_ref().is_some_and(Trouble::stops_mailbox);
            ends.push(end);
            if stop {
                break; // what else is under way for this mailbox is dropped, uncommitted
            }
        }
        self.tell_totals(&mailbox.address, ledger.as_ref()).await?;
        Ok(ends)
    }

    /// Tells what a mailbox's catalog holds.
    pub(super) async fn tell_totals(&self, mailbox: &Address, ledger: &dyn Ledger) -> Result<(), Trouble> {
        let Totals { messages, quarantined, .. } = ledger.totals().await?;
        self.events.tell(Event::CatalogCounted { mailbox: mailbox.clone(), messages, quarantined });
        Ok(())
    }

    /// What the sink has of a folder. What was passed over for that is passed over again for as long as the filters stay the same, also where the folder
    /// is listed anew; whoever asks for a start of his own gets it.
    async fn delivered(
        &self,
        subscription: &Subscription,
        folder: &FolderId,
        saved: Option<&Checkpoint>,
        digest: &str,
    ) -> Result<Delivered, Trouble> {
        Ok(match saved {
            Some(saved) if saved.filters == digest => saved.delivered.clone(),
            None if !subscription.from_start => {
                Delivered::before(self.checkpoints.delivered_until(&subscription.mailbox, folder, digest).await?)
            }
            _ => Delivered::default(),
        })
    }

    /// Writes down that the messages of folders that are no more have gone, unless they were seen elsewhere.
    async fn account_for_lost_folders(
        &self,
        subscription: &Subscription,
        ledger: &dyn Ledger,
        known: &Hierarchy,
        now: &Hierarchy,
    ) -> Result<(), Trouble> {
        let present: HashSet<&FolderId> = now.folders.iter().map(|folder| &folder.id).collect();
        for folder in known.folders.iter().filter(|folder| !present.contains(&folder.id)) {
            loop {
                let entries = ledger.folder_gone(&folder.id).await?;
                if entries.is_empty() {
                    break;
                }
                let changes = ledger.commit(folder, entries).await? as u64;
                self.events.tell(Event::ChangesRecorded { mailbox: subscription.mailbox.address.clone(), folder: None, changes });
            }
            self.checkpoints.forget(&subscription.mailbox, &folder.id).await?;
        }
        Ok(())
    }
}

impl Memory {
    /// Whether a folder is to be read whatever its stamp says. Folders whose listing from the start is due are found so, and then it is the more often.
    fn is_overdue(&self, folder: &FolderId) -> bool {
        let every = self.reconcile.map_or(FULL, |period| FULL.min(period / 2));
        self.looked.get(folder).is_none_or(|last| last.elapsed() >= every)
    }

    /// What is tried again of a folder's quarantine, if that is due: each message once, though several rounds be needed.
    fn again(&mut self, folder: &FolderId) -> Option<Arc<Again>> {
        let again = self.is_overdue(folder).then(|| self.again.entry(folder.clone()).or_default().clone())?;
        again.rest();
        Some(again)
    }

    /// Forgets folders that are no more.
    fn keep(&mut self, folders: &[Folder]) {
        let present: HashSet<&FolderId> = folders.iter().map(|folder| &folder.id).collect();
        self.by_age.retain(|id, _| present.contains(id));
        self.looked.retain(|id, _| present.contains(id));
        self.again.retain(|id, _| present.contains(id));
    }

    /// Remembers the stamp with which a folder is about to be visited.
    fn meet(&mut self, folder: &Folder) {
        let new = || Met { stamp: folder.stamp.clone(), first: Instant::now(), stood: false };
        let met = self.met.entry(folder.id.clone()).or_insert_with(new);
        if met.stamp == folder.stamp {
            met.stood = met.first.elapsed() >= STANDS;
        } else {
            *met = new();
        }
    }

    /// A listing from the start by age, which may have begun in an earlier visit.
    fn oldest_first(&mut self, folder: &FolderId, start: &Start) -> Option<Arc<OldestFirst>> {
        match start {
            Start::Beginning => Some(self.by_age.entry(folder.clone()).or_default().clone()),
            Start::Resumed(_) => None,
        }
    }

    /// Remembers how a visit ended.
    fn note(&mut self, visit: &Visit, end: &FolderEnd) {
        let id = visit.folder.id.clone();
        if end.drained && end.trouble.is_none() {
            self.by_age.remove(&id);
        }
        // Where the server or a person interrupts, the rest is tried next time; where something always meets passing trouble, all but that.
        if let Some(again) = visit.again.as_ref().filter(|_| end.trouble.as_ref().is_some_and(|trouble| !trouble.stops_mailbox())) {
            again.pass_over();
        }
        if visit.again.as_ref().is_some_and(|again| again.is_done()) {
            self.again.remove(&id);
            self.looked.insert(id.clone(), Instant::now());
        }
        match &end.settled {
            Some(stamp) if self.met.get(&id).is_some_and(|met| met.stood) => self.settled.insert(id.clone(), stamp.clone()),
            _ => self.settled.remove(&id),
        };
        match &end.trouble {
            // Deleted since it was listed, in all likelihood: the next round will not list it. If it does, the server keeps it from us.
            Some(trouble) if trouble.verdict() == Verdict::FolderGone => {
                if !self.missing.insert(id) {
                    visit.tell_failure(trouble);
                }
            }
            _ => {
                self.missing.remove(&id);
            }
        }
    }
}

/// Orders verdicts by how much they stop.
fn gravity(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::FolderGone => 0,
        Verdict::Resync => 1,
        Verdict::SkipFolder => 2,
        Verdict::Later => 3,
        Verdict::WaitFor(_) => 4,
        Verdict::StopMailbox => 5,
        Verdict::Refused => 6,
    }
}
