//! One appliance: its status, the connection to it, and how its counters grew.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::Track;
use crate::{
    Frame, Signal, Status, Update,
    status::{Level, LogLine, Mailbox, MailboxState, State},
};

/// Seconds without progress after which a mailbox under work stands still.
const STALL: i64 = 60;

/// Seconds for which a restart is told.
const RESTART: i64 = 30;

/// What a restart means for whoever looks.
pub(crate) const RESTARTED: &str = "restarted; its counts began anew";

/// Lines on the connection that are kept.
const NOTES: usize = 100;

/// How an appliance is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Nothing came yet.
    Awaited,
    /// It tells of itself.
    Live,
    /// The connection is lost.
    Lost { reason: String, again: DateTime<Utc> },
    /// Nothing more will come.
    Closed { reason: Option<String> },
}

/// Which line of an appliance's log: its number among all that there ever were, of which the last are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Among those that it told.
    Told(usize),
    /// Among those on the connection to it.
    Noted(usize),
}

/// One appliance that is watched.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    /// As it was named by whoever watches.
    given: String,
    /// As it is shown.
    name: String,
    pub(crate) status: Status,
    /// What was seen of it and it cannot tell itself, oldest first.
    notes: VecDeque<LogLine>,
    /// Lines of its log, and of these, that are not kept any more.
    forgotten: (usize, usize),
    pub(crate) link: Link,
    /// How many times its pace a recording is played.
    pub(crate) replay: Option<f64>,
    /// When it was seen to have been restarted.
    restarted: Option<DateTime<Utc>>,
    heard: DateTime<Utc>,
    /// Whether it ever told of itself.
    met: bool,
    /// The time here at which it was `clock` there.
    seen: (DateTime<Utc>, DateTime<Utc>),
    pub(crate) tracks: BTreeMap<Arc<str>, Tracks>,
}

/// How the counters of one mailbox grew.
#[derive(Clone, Debug)]
pub(crate) struct Tracks {
    pub(crate) stored: Track,
    pub(crate) requests: Track,
    pub(crate) folders: BTreeMap<Arc<str>, Track>,
}

impl Instance {
    pub(crate) fn new(name: String, now: DateTime<Utc>) -> Self {
        let status = Status::default();
        Self {
            given: name.clone(),
            name,
            status,
            notes: VecDeque::new(),
            forgotten: (0, 0),
            link: Link::Awaited,
            replay: None,
            restarted: None,
            heard: now,
            met: false,
            seen: (now, now),
            tracks: BTreeMap::new(),
        }
    }

    /// As it calls itself, or as it was named where it does not, or another one has the same name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// As it calls itself, where it does.
    pub(super) fn own_name(&self) -> &str {
        if self.status.head.instance.is_empty() { &self.given } else { &self.status.head.instance }
    }

    /// Has it shown from now on by its own name, or where that is not its alone by the one it was given.
    pub(super) fn call(&mut self, alone: bool) {
        self.name = if alone { self.own_name() } else { &self.given }.to_owned();
    }

    /// All lines of its log, with their places: what it told, and what was seen of it.
    pub(crate) fn log(&self) -> impl Iterator<Item = (Place, &LogLine)> {
        let (told, noted) = self.forgotten;
        let lines = self.status.log.iter().zip(told..).map(|(line, place)| (Place::Told(place), line));
        lines.chain(self.notes.iter().zip(noted..).map(|(line, place)| (Place::Noted(place), line)))
    }

    pub(crate) fn line(&self, place: Place) -> Option<&LogLine> {
        let (told, noted) = self.forgotten;
        match place {
            Place::Told(place) => self.status.log.get(place.checked_sub(told)?),
            Place::Noted(place) => self.notes.get(place.checked_sub(noted)?),
        }
    }

    fn note(&mut self, at: DateTime<Utc>, level: Level, text: String) {
        self.notes.push_back(LogLine { at, level, mailbox: None, text });
        if self.notes.len() > NOTES {
            self.notes.pop_front();
            self.forgotten.1 += 1;
        }
    }

    /// What time it is there. It stands still where nothing is heard any more, and at the end.
    pub(crate) fn clock(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let (here, there) = self.seen;
        if self.link != Link::Live || self.over() {
            return there;
        }
        let passed = (now - here).num_milliseconds().max(0) as f64 * self.replay.unwrap_or(1.0);
        there.checked_add_signed(TimeDelta::milliseconds(passed as i64)).unwrap_or(there)
    }

    /// Whether nothing of it changes with time alone.
    pub(crate) fn still(&self) -> bool {
        match self.link {
            Link::Closed { .. } => true,
            Link::Live => self.over(),
            Link::Awaited | Link::Lost { .. } => false,
        }
    }

    /// Whether its rows are from before.
    pub(crate) fn gone(&self) -> bool {
        matches!(self.link, Link::Lost { .. } | Link::Closed { reason: Some(_) })
    }

    /// Whether nobody knows what it does now. One that is at its end does nothing, though the connection went with it.
    pub(crate) fn lost(&self) -> bool {
        self.gone() && !self.over()
    }

    /// Whether it came to its end.
    pub(crate) fn over(&self) -> bool {
        self.status.head.state == State::Ended
    }

    /// Whether it ever told of itself.
    pub(crate) fn met(&self) -> bool {
        self.met
    }

    /// When it was last heard of.
    pub(crate) fn heard(&self) -> DateTime<Utc> {
        self.heard
    }

    /// Whether it was restarted a short while ago.
    pub(crate) fn restarted(&self, now: DateTime<Utc>) -> bool {
        self.restarted.is_some_and(|at| (now - at).num_seconds() < RESTART)
    }

    /// Takes a signal in and says how many folders that concerned.
    pub(super) fn take(&mut self, signal: Signal, now: DateTime<Utc>) -> u64 {
        match signal {
            Signal::Frame(frame) => self.frame(frame, now),
            Signal::Replay { speed } => {
                self.replay = Some(speed);
                0
            }
            Signal::Lost { reason, again } => {
                let clock = self.clock(now);
                if self.link == Link::Live {
                    let (level, text) = match self.over() {
                        true => (Level::Info, "has ended".to_owned()),
                        false => (Level::Warn, format!("connection lost: {reason}")),
                    };
                    self.note(clock, level, text);
                }
                self.seen = (now, clock);
                self.link = Link::Lost { reason, again };
                0
            }
            Signal::Closed { reason } => {
                self.seen = (now, self.clock(now));
                // The end of what comes follows a reason that was told before, and does not take it back.
                self.link = match &self.link {
                    Link::Closed { .. } => return 0,
                    Link::Lost { reason: before, .. } => Link::Closed { reason: reason.or_else(|| Some(before.clone())) },
                    Link::Live | Link::Awaited => Link::Closed { reason },
                };
                0
            }
        }
    }

    fn frame(&mut self, frame: Frame, now: DateTime<Utc>) -> u64 {
        // Who comes back as the same is told only what changed meanwhile.
        let back = matches!(self.link, Link::Lost { .. }) && self.met && self.status.head.run == frame.head().run;
        if back {
            self.note(frame.head().at, Level::Info, "connected again".to_owned());
        }
        let since = self.status.head.at;
        let work = match &frame {
            Frame::Status(status) => {
                let (before, at) = (&self.status.head.run, status.head.at);
                if !before.is_empty() && *before != status.head.run {
                    self.restarted = Some(now);
                    self.tracks.clear();
                    self.note(at, Level::Warn, RESTARTED.to_owned());
                }
                self.tracks.retain(|address, _| status.mailboxes.contains_key(&**address));
                status.mailboxes.iter().map(|(address, mailbox)| follow(&mut self.tracks, address, mailbox, &[], (since, at))).sum()
            }
            Frame::Update(update) => self.update(update, since),
        };
        let kept = match &frame {
            Frame::Status(_) => 0,
            Frame::Update(update) => self.status.log.len() + update.log.len(),
        };
        self.forgotten.0 += if kept == 0 { self.status.log.len() } else { 0 };
        self.status.take(frame);
        self.forgotten.0 += kept.saturating_sub(self.status.log.len());
        self.seen = (now, self.status.head.at);
        self.heard = now;
        self.met = true;
        self.link = Link::Live;
        work
    }

    fn update(&mut self, update: &Update, since: DateTime<Utc>) -> u64 {
        for address in &update.removed {
            self.tracks.remove(&**address);
        }
        let changes = update.mailboxes.iter();
        changes.map(|(address, change)| follow(&mut self.tracks, address, &change.mailbox, &change.removed, (since, update.head.at))).sum()
    }
}

/// Follows the counters that a frame names, and no others, from the time of the frame before to its own.
fn follow(
    tracks: &mut BTreeMap<Arc<str>, Tracks>,
    address: &str,
    mailbox: &Mailbox,
    removed: &[String],
    (since, at): (DateTime<Utc>, DateTime<Utc>),
) -> u64 {
    if !tracks.contains_key(address) {
        let new = |counter| Track::new(counter, at);
        let (stored, requests) = (new(mailbox.figures.stored), new(mailbox.requests_answered));
        tracks.insert(address.into(), Tracks { stored, requests, folders: BTreeMap::new() });
    }
    let Some(known) = tracks.get_mut(address) else { return 0 };
    known.stored.take(mailbox.figures.stored, since, at);
    known.requests.take(mailbox.requests_answered, since, at);
    for id in removed {
        known.folders.remove(&**id);
    }
    for (id, folder) in &mailbox.folders {
        match known.folders.get_mut(&**id) {
            Some(track) => track.take(folder.figures.stored, since, at),
            None => drop(known.folders.insert(id.as_str().into(), Track::new(folder.figures.stored, at))),
        }
    }
    mailbox.folders.len() as u64
}

/// Whether a mailbox is under work, and nothing has come of it for a minute.
pub(crate) fn stalled(mailbox: &Mailbox, clock: DateTime<Utc>) -> bool {
    let under_work = matches!(mailbox.state, MailboxState::Listing | MailboxState::Syncing);
    let last = mailbox.last_progress.max(mailbox.since);
    under_work && last.is_some_and(|last| (clock - last).num_seconds() >= STALL)
}
