//! One appliance: its status, the connection to it, and how its counters grew.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{DateTime, TimeDelta, Utc};

use super::Track;
use crate::{
    Frame, Signal, Status, Update,
    status::{Mailbox, MailboxState, State},
};

/// Seconds without progress after which a mailbox under work stands still.
const STALL: i64 = 60;

/// Seconds for which a restart is told.
const RESTART: i64 = 30;

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

/// One appliance that is watched.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    name: String,
    pub(crate) status: Status,
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
            name,
            status,
            link: Link::Awaited,
            replay: None,
            restarted: None,
            heard: now,
            met: false,
            seen: (now, now),
            tracks: BTreeMap::new(),
        }
    }

    /// As it calls itself, or as it was named.
    pub(crate) fn name(&self) -> &str {
        if self.status.head.instance.is_empty() { &self.name } else { &self.status.head.instance }
    }

    /// What time it is there. It stands still where nothing is heard any more, and at the end.
    pub(crate) fn clock(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let (here, there) = self.seen;
        if self.link != Link::Live || self.status.head.state == State::Ended {
            return there;
        }
        let passed = (now - here).num_milliseconds().max(0) as f64 * self.replay.unwrap_or(1.0);
        there.checked_add_signed(TimeDelta::milliseconds(passed as i64)).unwrap_or(there)
    }

    /// Whether nothing of it changes with time alone.
    pub(crate) fn still(&self) -> bool {
        match self.link {
            Link::Closed { .. } => true,
            Link::Live => self.status.head.state == State::Ended,
            Link::Awaited | Link::Lost { .. } => false,
        }
    }

    /// Whether its rows are from before.
    pub(crate) fn gone(&self) -> bool {
        matches!(self.link, Link::Lost { .. } | Link::Closed { reason: Some(_) })
    }

    /// Whether nobody knows what it does now. One that is at its end does nothing, though the connection went with it.
    pub(crate) fn lost(&self) -> bool {
        self.gone() && self.status.head.state != State::Ended
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
                self.seen = (now, self.clock(now));
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
        let work = match &frame {
            Frame::Status(status) => {
                let before = &self.status.head.run;
                if !before.is_empty() && *before != status.head.run {
                    self.restarted = Some(now);
                    self.tracks.clear();
                }
                self.tracks.retain(|address, _| status.mailboxes.contains_key(&**address));
                let at = status.head.at;
                status.mailboxes.iter().map(|(address, mailbox)| follow(&mut self.tracks, address, mailbox, &[], at)).sum()
            }
            Frame::Update(update) => self.update(update),
        };
        self.status.take(frame);
        self.seen = (now, self.status.head.at);
        self.heard = now;
        self.met = true;
        self.link = Link::Live;
        work
    }

    fn update(&mut self, update: &Update) -> u64 {
        for address in &update.removed {
            self.tracks.remove(&**address);
        }
        let changes = update.mailboxes.iter();
        changes.map(|(address, change)| follow(&mut self.tracks, address, &change.mailbox, &change.removed, update.head.at)).sum()
    }
}

/// Follows the counters that a frame names, and no others.
fn follow(tracks: &mut BTreeMap<Arc<str>, Tracks>, address: &str, mailbox: &Mailbox, removed: &[String], at: DateTime<Utc>) -> u64 {
    if !tracks.contains_key(address) {
        let new = |counter| Track::new(counter, at);
        let (stored, requests) = (new(mailbox.figures.stored), new(mailbox.requests_answered));
        tracks.insert(address.into(), Tracks { stored, requests, folders: BTreeMap::new() });
    }
    let Some(known) = tracks.get_mut(address) else { return 0 };
    known.stored.take(mailbox.figures.stored, at);
    known.requests.take(mailbox.requests_answered, at);
    for id in removed {
        known.folders.remove(&**id);
    }
    for (id, folder) in &mailbox.folders {
        match known.folders.get_mut(&**id) {
            Some(track) => track.take(folder.figures.stored, at),
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
