//! What watchers see, folded from events.
//!
//! A [`Board`] keeps the newest state, and for each part of it the revision of its last change: whoever watches asks for what changed since it last did.

mod folder;
mod head;
mod log;
mod mailbox;
mod meter;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};
use exchange_sync_tui::status::{LOG_LINES, Level};
pub use exchange_sync_tui::{
    Frame, Update,
    status::{ConfigTrouble, Head, LogLine, Mailbox, MailboxState, Shard, SinkTrouble, State, Status, Totals},
};

use self::{mailbox::Row, meter::Meter};
use crate::{event::Event, mail::Address, words};

/// So many removed mailboxes are remembered, for whoever knew them.
const REMOVED: usize = 1000;

/// The state of a run.
#[derive(Debug, Default)]
pub struct Board {
    /// What is known of the run from its beginning; the rest of the head is computed when it is asked for.
    identity: Head,
    mask: bool,
    rows: BTreeMap<Address, Row>,
    removed: VecDeque<(u64, String)>,
    log: VecDeque<(u64, LogLine)>,
    meter: Meter,
    errors: u64,
    revision: u64,
    /// Watchers who know less than this revision are told everything.
    floor: u64,
}

impl Board {
    /// Says who this is. With `mask` no address is shown, wherever it stands.
    pub fn introduce(&mut self, identity: Head, mask: bool) {
        let shown = |text: &str| words::shown(text, mask).into_owned();
        self.identity = Head { sink: shown(&identity.sink), instance: shown(&identity.instance), ..identity };
        self.mask = mask;
        self.revision += 1;
        self.floor = self.revision;
    }

    /// Whether actions are taken from now on.
    pub fn takes_actions(&mut self, takes: bool) {
        self.identity.actions = takes;
        self.revision += 1;
    }

    /// A mailbox, without its folders and requests.
    pub fn mailbox(&self, address: &Address) -> Option<&Mailbox> {
        self.rows.get(address).map(|row| &row.mailbox)
    }

    /// All mailboxes, without folders and requests.
    pub fn mailboxes(&self) -> impl Iterator<Item = (&Address, &Mailbox)> {
        self.rows.iter().map(|(address, row)| (address, &row.mailbox))
    }

    /// The mailbox that is shown by this name.
    pub fn named(&self, shown: &str) -> Option<&Address> {
        self.rows.iter().find(|(address, row)| row.shown == shown || address.as_str() == shown).map(|(address, _)| address)
    }

    /// All mailboxes together, as of `at`.
    pub fn totals(&self, at: DateTime<Utc>) -> Totals {
        Totals { errors: self.errors, ..head::totals(self.rows.values(), at) }
    }

    /// What keeps the sink from taking messages, while it takes none.
    pub fn sink_trouble(&self) -> Option<&SinkTrouble> {
        self.identity.sink_trouble.as_ref()
    }

    /// What is wrong with the configuration that is kept, while another one is in force.
    pub fn config_trouble(&self) -> Option<&ConfigTrouble> {
        self.identity.config_trouble.as_ref()
    }

    /// The run as a whole, as of `at`.
    pub fn head(&self, at: DateTime<Utc>) -> Head {
        let (last_minute, last_quarter) = self.meter.rates(at);
        let state = match self.identity.state {
            ending @ (State::Stopping | State::Ended) => ending,
            _ => match head::state(self.rows.values(), self.identity.sink_trouble.is_some()) {
                // Between two batches nothing may be under way for a moment.
                State::Listing | State::Throttled if self.meter.flows(at) => State::Syncing,
                state => state,
            },
        };
        // What stands still or is being ended comes to no end of its own.
        let goes_on = !matches!(state, State::Paused | State::Stopping | State::Ended);
        let eta = goes_on.then(|| head::eta(at, self.rows.values(), [last_minute, last_quarter])).flatten();
        Head { at, state, totals: self.totals(at), last_minute, last_quarter, eta, ..self.identity.clone() }
    }

    /// The run and its mailboxes, without folders, requests, log and history.
    pub fn overview(&self, at: DateTime<Utc>) -> Status {
        let mailboxes = self.rows.values().map(|row| (row.shown.clone(), row.mailbox.clone())).collect();
        Status { head: self.head(at), mailboxes, ..Status::default() }
    }

    /// All that there is to be seen.
    pub fn whole(&mut self, at: DateTime<Utc>) -> Status {
        self.meter.advance(at);
        let mailboxes = self.rows.values().map(|row| (row.shown.clone(), row.since(0).mailbox)).collect();
        let log = self.log.iter().map(|(_, line)| line.clone()).collect();
        Status { head: self.head(at), mailboxes, log, history: self.meter.samples().0.to_vec() }
    }

    /// What changed since a frame of `since`, which is brought up to date. Everything at first, and where what changed is no longer known.
    pub fn frame(&mut self, since: &mut Seen, at: DateTime<Utc>) -> Frame {
        self.meter.advance(at);
        let (samples, turns) = self.meter.samples();
        let before = std::mem::replace(since, Seen { revision: Some(self.revision), turns });
        let known = before
            .revision
            .filter(|revision| (self.floor..=self.revision).contains(revision) && self.rows.values().all(|row| row.knows(*revision)));
        let Some(revision) = known else { return Frame::Status(Box::new(self.whole(at))) };
        Frame::Update(Box::new(Update {
            head: self.head(at),
            mailboxes: self
                .rows
                .values()
                .filter(|row| row.changed > revision)
                .map(|row| (row.shown.clone(), row.since(revision)))
                .collect(),
            removed: self.removed.iter().filter(|(at, _)| *at > revision).map(|(_, shown)| shown.clone()).collect(),
            log: self.log.iter().filter(|(at, _)| *at > revision).map(|(_, line)| line.clone()).collect(),
            history: (before.turns != turns).then(|| samples.to_vec()),
        }))
    }

    /// Whether anything happened since a frame of `since`.
    pub fn has_news(&self, since: &Seen) -> bool {
        since.revision != Some(self.revision)
    }

    /// The run came to its end.
    pub fn end(&mut self) {
        self.identity.state = State::Ended;
        self.revision += 1;
    }

    /// Takes one event in, which happened just now. How much it matters to whoever watches, where it is worth a line.
    pub fn fold(&mut self, at: DateTime<Utc>, event: &Event) -> Option<Level> {
        let mask = self.mask;
        let shown = move |text: &str| words::shown(text, mask).into_owned();
        // Of a mailbox that was removed, what was under way may still be told of.
        let begins = matches!(event, Event::MailboxAdded { .. } | Event::MailboxStarted { .. });
        if !begins && event.mailbox().is_some_and(|mailbox| !self.rows.contains_key(mailbox)) {
            return None;
        }
        self.revision += 1;
        let revision = self.revision;
        let again = event.mailbox().and_then(|mailbox| self.rows.get(mailbox)).map_or(0, |row| row.again);
        let line = log::line(event, again);
        let level = line.as_ref().map(|(level, _)| *level);
        if let Some((level, text)) = line {
            let mailbox = event.mailbox().map(|mailbox| shown(mailbox.as_str()));
            self.log.push_back((revision, LogLine { at, level, mailbox, text: shown(&text) }));
            self.log.drain(..self.log.len().saturating_sub(LOG_LINES));
        }
        match event {
            Event::MailboxRemoved { mailbox } => {
                if let Some(row) = self.rows.remove(mailbox) {
                    self.removed.push_back((revision, row.shown));
                    if self.removed.len() > REMOVED {
                        self.floor = self.removed.pop_front().map_or(self.floor, |(before, _)| before);
                    }
                }
                return level;
            }
            Event::MessagesStored { messages, bytes, .. } => self.meter.stored(at, *messages, *bytes),
            Event::RequestAnswered { took, .. } => self.meter.answered(at, u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            Event::RequestThrottled { .. } => self.meter.throttled(at),
            Event::FolderFailed { .. } | Event::MailboxFailed { .. } => self.errors += 1,
            Event::TokenIssued { expires } => self.identity.token_expires = Some(*expires),
            Event::SinkBlocked { reason, until } => {
                let attempts = self.identity.sink_trouble.as_ref().map_or(1, |trouble| trouble.attempts + 1);
                self.identity.sink_trouble = Some(SinkTrouble { reason: shown(reason), until: *until, attempts });
            }
            Event::SinkRecovered { .. } => self.identity.sink_trouble = None,
            Event::ConfigRefused { reason, at } => {
                self.identity.config_trouble = Some(ConfigTrouble { reason: shown(reason), since: *at });
            }
            Event::ConfigChanged { .. } | Event::ConfigRecovered => self.identity.config_trouble = None,
            Event::StopBegun => self.identity.state = State::Stopping,
            _ => {}
        }
        if let Some(mailbox) = event.mailbox() {
            let row = self.rows.entry(mailbox.clone()).or_insert_with(|| Row::new(shown(mailbox.as_str())));
            row.fold(at, revision, event, &shown);
        }
        level
    }
}

/// How much a watcher has seen of a board.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    revision: Option<u64>,
    turns: u64,
}

impl Seen {
    /// The revision, 0 before the first frame, and the count of samples, for a watcher that comes back with them.
    pub fn mark(&self) -> (u64, u64) {
        (self.revision.unwrap_or(0), self.turns)
    }

    /// What was seen by such a mark.
    pub fn marked(revision: u64, turns: u64) -> Self {
        Self { revision: Some(revision), turns }
    }
}
