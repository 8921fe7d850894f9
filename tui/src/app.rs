//! The dashboard's state: what is known, and how it is looked at. Keys change it, screens draw it, neither waits for anything.

mod asks;
mod commands;
mod dialog;
mod list;
mod logs;
mod order;
mod quarantine;
mod round;
mod rows;
mod whole;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use crossterm::event::{KeyEvent, KeyEventKind};

pub(crate) use dialog::{Confirm, Dialog};
pub(crate) use list::{List, Window};
pub(crate) use logs::Logs;
pub(crate) use order::{Order, severity};
pub(crate) use quarantine::Quarantine;
use round::Round;
pub(crate) use rows::{Row, Table};
pub(crate) use whole::Whole;

use crate::{
    Action, Left, Settings, Signal,
    fleet::{Fleet, Scale},
    keymap::{Key, Keymap, Meaning},
    status::State,
    theme::Theme,
};

/// Seconds for which a notice stays.
const NOTICE: i64 = 6;

/// What fills the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    #[default]
    Mailboxes,
    Logs,
    Quarantine,
    Charts,
}

/// What stands beside or below the table of mailboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pane {
    Details,
    Logs,
}

/// A short word on what came of something.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) text: String,
    pub(crate) good: bool,
    at: DateTime<Utc>,
}

/// What is to be done outside of the state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    Act(usize, Action),
    List(usize),
    Copy(String),
    Bell,
    Redraw,
    Suspend,
    Leave(Left),
}

/// All of it.
#[derive(Debug)]
pub(crate) struct App {
    fleet: Fleet,
    /// What is shown while the picture is held still.
    frozen: Option<Box<(Fleet, DateTime<Utc>)>>,
    now: DateTime<Utc>,
    pub(crate) settings: Settings,
    pub(crate) theme: Theme,
    pub(crate) tab: Tab,
    pub(crate) pane: Option<Pane>,
    pub(crate) expanded: bool,
    pub(crate) details: Window,
    /// The mailbox that details are of.
    subject: Option<(usize, Arc<str>)>,
    pub(crate) table: Table,
    pub(crate) logs: Logs,
    pub(crate) quarantine: Quarantine,
    pub(crate) scale: Scale,
    /// The stretch of the charts; none for the whole run.
    pub(crate) span: Option<i64>,
    pub(crate) dialog: Option<Dialog>,
    pub(crate) notice: Option<Notice>,
    /// What was last asked of several at once.
    round: Option<Round>,
    /// Keys that are the beginning of something.
    begun: Vec<Key>,
    /// Whether the bell has rung for an error, and for the end.
    rung: (bool, bool),
}

impl App {
    pub(crate) fn new(names: Vec<String>, settings: Settings, theme: Theme, now: DateTime<Utc>) -> Self {
        let quarantine = Quarantine::new(names.len());
        Self {
            fleet: Fleet::new(names, now),
            frozen: None,
            now,
            settings,
            theme,
            tab: Tab::default(),
            pane: None,
            expanded: false,
            details: Window::default(),
            subject: None,
            table: Table::default(),
            logs: Logs::default(),
            quarantine,
            scale: Scale::default(),
            span: None,
            dialog: None,
            notice: None,
            round: None,
            begun: Vec::new(),
            rung: (false, false),
        }
    }

    /// What is shown.
    pub(crate) fn fleet(&self) -> &Fleet {
        self.frozen.as_ref().map_or(&self.fleet, |frozen| &frozen.0)
    }

    /// The time for which it is shown.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.frozen.as_ref().map_or(self.now, |frozen| frozen.1)
    }

    pub(crate) fn frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// Whether addresses are hidden.
    pub(crate) fn mask(&self) -> bool {
        self.settings.mask.is_on()
    }

    pub(crate) fn keymap(&self) -> &Keymap {
        &self.settings.keymap
    }

    /// Takes in what comes from a source. A picture that is held still does not change with it.
    pub(crate) fn signal(&mut self, source: usize, signal: Signal, now: DateTime<Utc>) -> (bool, Vec<Effect>) {
        self.now = now;
        self.fleet.take(source, signal, now);
        let effects = if self.rings() { vec![Effect::Bell] } else { Vec::new() };
        (!self.frozen(), effects)
    }

    /// Whether the bell is due: at the first error, and at the end.
    fn rings(&mut self) -> bool {
        if !self.settings.bell {
            return false;
        }
        let head = self.fleet.head(self.now);
        let troubled = head.state == State::Degraded || head.totals.errors > 0 || head.totals.troubled > 0;
        let ended = head.state == State::Ended;
        let (before, over) = self.rung;
        self.rung = (before || troubled, ended);
        (troubled && !before) || (ended && !over)
    }

    /// A second has passed. Whether anything on the screen changes with it.
    pub(crate) fn tick(&mut self, now: DateTime<Utc>) -> bool {
        self.now = now;
        let noticed = self.notice.take_if(|notice| (now - notice.at).num_seconds() >= NOTICE).is_some();
        noticed || !self.frozen() && (!self.fleet.still() || self.table.behind(&self.fleet))
    }

    pub(crate) fn key(&mut self, key: KeyEvent, now: DateTime<Utc>) -> Vec<Effect> {
        self.now = now;
        if key.kind == KeyEventKind::Release {
            return Vec::new();
        }
        if self.dialog.is_some() {
            return self.answer(key);
        }
        self.begun.push(key.into());
        let mut meaning = self.settings.keymap.meaning(&self.begun);
        if meaning == Meaning::Nothing && self.begun.len() > 1 {
            // What was begun came to nothing; the last key may be one by itself.
            self.begun.drain(..self.begun.len() - 1);
            meaning = self.settings.keymap.meaning(&self.begun);
        }
        match meaning {
            Meaning::Begun => return Vec::new(),
            Meaning::Nothing => self.begun.clear(),
            Meaning::Command(command) => {
                self.begun.clear();
                return self.command(command);
            }
        }
        Vec::new()
    }

    pub(crate) fn say(&mut self, text: impl Into<String>, good: bool) {
        self.notice = Some(Notice { text: text.into(), good, at: self.now });
    }

    /// Brings rows up to date before they are drawn.
    pub(crate) fn prepare(&mut self) {
        let (fleet, now) = match &self.frozen {
            Some(frozen) => (&frozen.0, frozen.1),
            None => (&self.fleet, self.now),
        };
        self.table.prepare(fleet, now, self.frozen.is_some());
        self.logs.prepare(fleet, self.table.selected());
        let subject = self.table.selected().map(|row| (row.source, Arc::clone(&row.mailbox)));
        if subject != self.subject {
            // Another one is read from its beginning.
            (self.details, self.subject) = (Window::default(), subject);
        }
    }
}
