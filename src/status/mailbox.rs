//! A mailbox as a watcher sees it, folded from events: a small state machine with its reason, the end of its wait and its last error.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use exchange_sync_tui::{
    frame::Change,
    status::{Budget, Figures, FolderState, Mailbox, MailboxState, Mishap, REQUESTS, Request, Verified},
};

use super::folder::{FolderRow, Page};
use crate::{event::Event, mail::FolderId};

/// So many removed folders are remembered, for whoever knew them.
const GONE: usize = 1000;

/// A mailbox, its folders and its requests, each with the revision of its last change.
#[derive(Debug, Default)]
pub struct Row {
    /// Its address, as it may be shown.
    pub shown: String,
    /// What is seen of it, without folders and requests.
    pub mailbox: Mailbox,
    /// Its folders.
    pub folders: BTreeMap<FolderId, FolderRow>,
    /// Its last requests.
    pub requests: VecDeque<(u64, Request)>,
    /// The revision of the last change.
    pub changed: u64,
    gone: VecDeque<(u64, String)>,
    /// The sum of its folders' figures.
    sum: Figures,
    /// Messages found in this round that are neither stored nor given up.
    pending: u64,
    /// Before that time nothing that comes in means that the server's wait is over.
    held: Option<DateTime<Utc>>,
    /// What it rests in while it is paused.
    rests: Option<Rest>,
    /// How long the waits are that the server asked for, and when the last of them ends.
    asked: Option<(TimeDelta, DateTime<Utc>)>,
    /// Whether its folders were ever listed.
    pub met: bool,
    /// Requests that were made again in this round.
    pub again: u64,
}

/// A rest that goes on although it is paused.
#[derive(Debug)]
struct Rest {
    state: MailboxState,
    reason: Option<String>,
    until: Option<DateTime<Utc>>,
    held: Option<DateTime<Utc>>,
}

impl Row {
    /// A mailbox of which nothing is known yet.
    pub fn new(shown: String) -> Self {
        Self { shown, ..Self::default() }
    }

    /// Takes an event of this mailbox in. `words` makes text fit to be shown.
    pub fn fold(&mut self, at: DateTime<Utc>, revision: u64, event: &Event, words: &dyn Fn(&str) -> String) {
        self.changed = revision;
        self.mailbox.waited = self.waited(at);
        match event {
            // It was paused at the last moment.
            Event::MailboxQueued { .. } | Event::MailboxStarted { .. } if self.mailbox.state == MailboxState::Paused => {}
            Event::MailboxQueued { .. } => self.turn(at, MailboxState::Queued),
            Event::MailboxStarted { .. } => {
                (self.mailbox.failed_folders, self.pending, self.again) = (0, 0, 0);
                self.turn(at, MailboxState::Listing);
            }
            Event::FoldersListed { folders, .. } => self.folders_listed(folders, revision),
            Event::FolderDue { folder, whole, .. } => {
                let mut again = Page::default();
                self.folder(folder, revision, |row| again = row.due(*whole));
                let figures = &mut self.mailbox.figures;
                figures.listed = figures.listed.saturating_sub(again.changes);
                figures.wanted = figures.wanted.saturating_sub(again.wanted).max(figures.stored);
            }
            Event::FolderStarted { folder, .. } => self.folder(folder, revision, |row| row.folder.state = FolderState::Listing),
            Event::PageListed { folder, changes, wanted, passed_over, known, kept, .. } => {
                let [changes, wanted, passed_over, known] = [changes, wanted, passed_over, known].map(|n| *n as u64);
                self.pending += wanted;
                self.mailbox.figures.listed += changes;
                self.mailbox.figures.wanted += wanted;
                self.folder(folder, revision, |row| row.listed(Page { changes, wanted, passed_over, known }, *kept));
                self.progress(at);
            }
            Event::PageDone { folder, .. } => {
                let mut page = Page::default();
                self.folder(folder, revision, |row| page = row.page_done());
                self.mailbox.figures.passed_over += page.passed_over;
                self.mailbox.figures.known += page.known;
            }
            Event::MessagesStored { folder, messages, bytes, newest, .. } => {
                self.pending = self.pending.saturating_sub(*messages);
                self.mailbox.figures.stored += messages;
                self.mailbox.figures.bytes += bytes;
                // Counted again at the end of the round: a draft that is stored anew takes the place of what was there.
                self.mailbox.in_sink = self.mailbox.in_sink.map(|before| before + messages);
                self.folder(folder, revision, |row| {
                    row.folder.figures.stored += messages;
                    row.folder.figures.bytes += bytes;
                    row.folder.lag = newest.map(|newest| u64::try_from((at - newest).num_seconds()).unwrap_or(0)).or(row.folder.lag);
                    row.estimate();
                });
                self.progress(at);
            }
            Event::ChangesRecorded { folder, changes, .. } => {
                self.mailbox.figures.changes += changes;
                if let Some(folder) = folder {
                    self.folder(folder, revision, |row| row.folder.figures.changes += changes);
                }
            }
            Event::FolderFinished { folder, drained, .. } => {
                self.folder(folder, revision, |row| {
                    row.finished(*drained);
                    row.folder.cursor = Some(at);
                });
                self.progress(at);
            }
            Event::FolderResynced { folder, .. } => self.folder(folder, revision, FolderRow::resync),
            Event::FolderFailed { folder, path, reason, .. } => {
                let mishap = Mishap { at, words: words(reason) };
                self.folder(folder, revision, |row| {
                    row.folder.state = FolderState::Failed;
                    row.folder.error = Some(mishap);
                });
                self.mailbox.failed_folders += 1;
                self.mailbox.error = Some(Mishap { at, words: words(&format!("{}: {reason}", path.join("/"))) });
            }
            Event::CatalogCounted { messages, quarantined, .. } => {
                self.mailbox.in_sink = Some(*messages);
                self.mailbox.quarantined = *quarantined;
            }
            Event::MessageQuarantined { .. } => {
                self.pending = self.pending.saturating_sub(1);
                self.mailbox.quarantined += 1;
            }
            Event::RequestThrottled { reason, wait, .. } => {
                self.mailbox.throttled += 1;
                self.asked(at, later(at, *wait));
                self.wait(at, words(reason), later(at, *wait));
                match &mut self.rests {
                    Some(rest) if self.mailbox.state == MailboxState::Paused => rest.held = rest.until,
                    _ => self.held = self.mailbox.until,
                }
            }
            Event::RequestRetried { reason, wait, .. } => {
                self.mailbox.retried += 1;
                self.again += 1;
                self.mailbox.attempts += 1;
                if !wait.is_zero() && !self.held(at) {
                    self.wait(at, words(reason), later(at, *wait));
                }
            }
            Event::RequestAnswered { what, status, code, took, budget, .. } => {
                let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
                let code = code.as_deref().map(words);
                if code.is_none() && self.mailbox.state == MailboxState::Waiting {
                    self.resume(at);
                }
                self.requests.push_back((revision, Request { at, what: (*what).to_owned(), status: *status, code, millis }));
                self.requests.drain(..self.requests.len().saturating_sub(REQUESTS));
                self.mailbox.requests_answered += 1;
                if let Some(budget) = budget {
                    self.mailbox.budget =
                        Some(Budget { used: budget.used.into(), limit: budget.limit.into(), window: budget.window.as_secs() });
                }
            }
            Event::MailboxFailed { reason, refused, .. } => {
                self.mailbox.error = Some(Mishap { at, words: words(reason) });
                self.mailbox.refused = *refused;
                self.mailbox.complete = false;
                if self.mailbox.state == MailboxState::Paused {
                    self.rests = Some(Rest { state: MailboxState::Degraded, reason: Some(words(reason)), until: None, held: None });
                } else {
                    self.turn(at, MailboxState::Degraded);
                    self.mailbox.reason = Some(words(reason));
                }
            }
            Event::MailboxFinished { complete, .. } => {
                self.mailbox.complete = *complete;
                self.mailbox.last_progress = Some(at);
                if *complete {
                    self.mailbox.last_complete = Some(at);
                    (self.mailbox.error, self.mailbox.refused, self.mailbox.attempts) = (None, false, 0);
                }
            }
            Event::MailboxRests { wait, asked, .. } => self.rest(at, *wait, *asked),
            Event::MailboxHeld { reason, wait, .. } => self.wait(at, words(reason), later(at, *wait)),
            // What has come to its end is neither held nor let go.
            Event::MailboxPaused { .. } | Event::MailboxResumed { .. }
                if matches!(self.mailbox.state, MailboxState::Done | MailboxState::Stopped) => {}
            Event::MailboxPaused { .. } if self.mailbox.state == MailboxState::Paused => {}
            Event::MailboxPaused { .. } => {
                let Mailbox { state, reason, until, .. } = &self.mailbox;
                self.rests = Some(Rest { state: *state, reason: reason.clone(), until: *until, held: self.held });
                self.turn(at, MailboxState::Paused);
            }
            Event::MailboxResumed { .. } => {
                // A wait is waited out, and the next round comes when it is due.
                let rest = self.rests.take().filter(|rest| rest.until.is_some_and(|until| until > at));
                self.turn(at, rest.as_ref().map_or(MailboxState::Queued, |rest| rest.state));
                if let Some(rest) = rest {
                    (self.mailbox.reason, self.mailbox.until, self.held) = (rest.reason, rest.until, rest.held);
                }
            }
            Event::MailboxVerified { gaps, troubled, verdict, .. } => {
                self.mailbox.verified = Some(Verified { at, gaps: *gaps, troubled: *troubled, verdict: verdict.as_deref().map(words) });
            }
            Event::MailboxAdded { .. } => self.turn(at, MailboxState::Queued),
            // Those are of no mailbox, or of one that is no more.
            _ => {}
        }
    }

    /// Whether its server asked for the wait that it is in.
    pub fn was_asked(&self) -> bool {
        self.held.is_some()
    }

    /// What changed since `revision`.
    pub fn since(&self, revision: u64) -> Change {
        let mut mailbox = self.mailbox.clone();
        let changed = self.folders.values().filter(|row| row.changed > revision);
        mailbox.folders = changed.map(|row| (row.key.clone(), row.folder.clone())).collect();
        mailbox.requests = self.requests.iter().filter(|(at, _)| *at > revision).map(|(_, request)| request.clone()).collect();
        Change { mailbox, removed: self.gone.iter().filter(|(at, _)| *at > revision).map(|(_, key)| key.clone()).collect() }
    }

    /// Whether what changed since `revision` is known whole.
    pub fn knows(&self, revision: u64) -> bool {
        self.gone.len() < GONE || self.gone.front().is_none_or(|(first, _)| *first <= revision)
    }

    fn folders_listed(&mut self, folders: &[crate::event::Seen], revision: u64) {
        self.met = true;
        self.mailbox.folder_count = folders.len() as u64;
        let mut before = std::mem::take(&mut self.folders);
        for seen in folders {
            let row = match before.remove(&seen.id) {
                Some(mut row) => {
                    if row.see(seen) {
                        row.changed = revision;
                    }
                    row
                }
                None => FolderRow::new(key(&seen.id), seen, revision),
            };
            self.folders.insert(seen.id.clone(), row);
        }
        self.gone.extend(before.into_values().map(|row| (revision, row.key)));
        self.gone.drain(..self.gone.len().saturating_sub(GONE));
        self.sum = Figures::default();
        for row in self.folders.values() {
            self.sum += row.folder.figures;
        }
        self.tell_sum();
    }

    fn folder(&mut self, id: &FolderId, revision: u64, act: impl FnOnce(&mut FolderRow)) {
        if let Some(row) = self.folders.get_mut(id) {
            // A mailbox may have thousands of folders, and each tells several times a round: they are not added up anew.
            self.sum -= row.folder.figures;
            act(row);
            self.sum += row.folder.figures;
            row.changed = revision;
            self.tell_sum();
        }
    }

    /// What is told of its folders as they are now; what was counted of folders that are no more stays counted.
    fn tell_sum(&mut self) {
        let figures = &mut self.mailbox.figures;
        figures.items = self.sum.items;
        figures.expected = self.sum.expected + figures.stored.saturating_sub(self.sum.stored);
    }

    /// Goes over to another state, without a reason.
    fn turn(&mut self, at: DateTime<Utc>, state: MailboxState) {
        if self.mailbox.state != state {
            self.mailbox.since = Some(at);
        }
        self.mailbox.state = state;
        (self.mailbox.reason, self.mailbox.until, self.held) = (None, None, None);
        if state != MailboxState::Paused {
            self.rests = None;
        }
    }

    fn wait(&mut self, at: DateTime<Utc>, reason: String, until: DateTime<Utc>) {
        if self.mailbox.state == MailboxState::Paused {
            // The longer wait counts, with its own reason.
            let before = self.rests.take().filter(|rest| rest.state == MailboxState::Waiting && rest.until >= Some(until));
            let new = || Rest { state: MailboxState::Waiting, reason: Some(reason), until: Some(until), held: None };
            self.rests = Some(before.unwrap_or_else(new));
            return;
        }
        // The longest of several waits counts.
        let until = self.mailbox.until.filter(|_| self.mailbox.state == MailboxState::Waiting).map_or(until, |before| before.max(until));
        self.turn(at, MailboxState::Waiting);
        (self.mailbox.reason, self.mailbox.until) = (Some(reason), Some(until));
    }

    /// The server asked for a wait: what goes beyond those that it asked for before is added to them.
    fn asked(&mut self, at: DateTime<Utc>, until: DateTime<Utc>) {
        let (all, before) = self.asked.unwrap_or((TimeDelta::zero(), at));
        let from = before.max(at);
        let all = all + (until - from).max(TimeDelta::zero());
        self.asked = Some((all, from.max(until)));
    }

    /// How many seconds of the waits that the server asked for are over.
    pub fn waited(&self, at: DateTime<Utc>) -> u64 {
        let over = self.asked.map(|(all, until)| all - (until - at).max(TimeDelta::zero()));
        over.map_or(0, |over| u64::try_from(over.num_seconds()).unwrap_or(0))
    }

    fn held(&self, at: DateTime<Utc>) -> bool {
        let held = self.held.or_else(|| self.rests.as_ref().and_then(|rest| rest.held));
        held.is_some_and(|until| at < until)
    }

    /// Something came of it.
    fn progress(&mut self, at: DateTime<Utc>) {
        self.mailbox.last_progress = Some(at);
        self.mailbox.attempts = 0;
        self.resume(at);
    }

    /// What was waited for may be over. What was under way when a wait began proves nothing.
    fn resume(&mut self, at: DateTime<Utc>) {
        let working = matches!(self.mailbox.state, MailboxState::Waiting | MailboxState::Listing | MailboxState::Syncing);
        if working && !self.held(at) {
            self.turn(at, if self.pending > 0 { MailboxState::Syncing } else { MailboxState::Listing });
        }
    }

    fn rest(&mut self, at: DateTime<Utc>, wait: Option<std::time::Duration>, asked: bool) {
        let until = wait.map(|wait| later(at, wait));
        let paused = self.mailbox.state == MailboxState::Paused && wait.is_some();
        // The reason stays while it is the same matter.
        let reason = if paused { self.rests.take().and_then(|rest| rest.reason) } else { self.mailbox.reason.take() };
        let troubled = !self.mailbox.complete || self.mailbox.failed_folders > 0;
        let state = match (until, asked) {
            (None, _) if self.mailbox.complete => MailboxState::Done,
            (None, _) => MailboxState::Stopped,
            (Some(_), true) => MailboxState::Waiting,
            (Some(_), false) if troubled => MailboxState::Degraded,
            (Some(_), false) => MailboxState::Idle,
        };
        let reason = match state {
            MailboxState::Idle | MailboxState::Done => None,
            _ => reason.or_else(|| self.mailbox.error.as_ref().map(|error| error.words.clone())),
        };
        if paused {
            self.rests = Some(Rest { state, reason, until, held: until.filter(|_| asked) });
            return;
        }
        self.turn(at, state);
        (self.mailbox.until, self.mailbox.reason) = (until, reason);
        if asked {
            self.held = until;
        }
    }
}

fn later(at: DateTime<Utc>, wait: std::time::Duration) -> DateTime<Utc> {
    TimeDelta::from_std(wait).ok().and_then(|wait| at.checked_add_signed(wait)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// A folder's name in the JSON: Exchange's ids have more than a hundred characters.
fn key(id: &FolderId) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
