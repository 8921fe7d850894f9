//! What stands over everything and takes the keys: help, a question, a word to filter by.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEventKind};

use super::{App, Effect, Tab, Whole};
use crate::{
    Left,
    keymap::{Command, Meaning},
};

/// Lines that a page and the wheel move what is read.
const PAGE: usize = 10;
const WHEEL: usize = 3;

/// What stands over everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dialog {
    /// All keys, from this line on.
    Help(usize),
    /// Something to be read whole, from a line on.
    Text { text: Whole, line: usize },
    /// A question.
    Confirm(Confirm),
    /// A word to filter by, and the one before.
    Filter { before: String },
}

/// What is asked before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirm {
    /// The work is to stop.
    Stop,
    /// Everything is to pause, or to go on.
    PauseAll { resume: bool },
    /// All that is in quarantine is to be tried again.
    RetryAll,
}

/// The first line after a key; none where the key closes what is read.
fn scrolled(line: usize, command: Option<Command>) -> Option<usize> {
    match command? {
        Command::Down => Some(line.saturating_add(1)),
        Command::PageDown | Command::HalfDown => Some(line.saturating_add(PAGE)),
        Command::Up => Some(line.saturating_sub(1)),
        Command::PageUp | Command::HalfUp => Some(line.saturating_sub(PAGE)),
        Command::Top => Some(0),
        Command::Bottom => Some(usize::MAX),
        _ => None,
    }
}

impl Dialog {
    /// The wheel moves what is read.
    pub(super) fn wheel(&mut self, kind: MouseEventKind) {
        let (Self::Help(line) | Self::Text { line, .. }) = self else { return };
        match kind {
            MouseEventKind::ScrollUp => *line = line.saturating_sub(WHEEL),
            MouseEventKind::ScrollDown => *line = line.saturating_add(WHEEL),
            _ => {}
        }
    }
}

impl App {
    /// A key while something stands over everything.
    pub(super) fn answer(&mut self, key: KeyEvent) -> Vec<Effect> {
        let mut command = match self.settings.keymap.meaning(&[key.into()]) {
            Meaning::Command(command) => Some(command),
            _ => None,
        };
        if command == Some(Command::Interrupt) {
            return self.command(Command::Interrupt);
        }
        if matches!(self.dialog, Some(Dialog::Help(_) | Dialog::Text { .. })) {
            self.begun.push(key.into());
            match self.settings.keymap.meaning(&self.begun) {
                Meaning::Begun => return Vec::new(),
                Meaning::Command(found) => command = Some(found),
                Meaning::Nothing => {}
            }
            self.begun.clear();
        }
        match self.dialog.clone() {
            Some(Dialog::Help(line)) => self.dialog = scrolled(line, command).map(Dialog::Help),
            Some(Dialog::Text { text, line }) => self.dialog = scrolled(line, command).map(|line| Dialog::Text { text, line }),
            Some(Dialog::Confirm(confirm)) => return self.decide(confirm, key.code),
            Some(Dialog::Filter { before }) => self.edit(before, key),
            None => {}
        }
        Vec::new()
    }

    /// Enter and y agree, d detaches where that is offered, everything else goes back.
    fn decide(&mut self, confirm: Confirm, code: KeyCode) -> Vec<Effect> {
        self.dialog = None;
        let agreed = matches!(code, KeyCode::Enter | KeyCode::Char('y' | 'Y'));
        match confirm {
            Confirm::Stop if agreed => vec![Effect::Leave(Left::Stop)],
            Confirm::Stop if code == KeyCode::Char('d') => vec![Effect::Leave(Left::Detach)],
            Confirm::PauseAll { resume } if agreed => self.pause_all(resume),
            Confirm::RetryAll if agreed => self.retry_all(),
            _ => Vec::new(),
        }
    }

    /// The word that is being edited.
    pub(super) fn word(&mut self) -> &mut String {
        if self.tab == Tab::Logs { &mut self.logs.filter } else { &mut self.table.filter }
    }

    fn edit(&mut self, before: String, key: KeyEvent) {
        let held = key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match key.code {
            KeyCode::Enter => self.dialog = None,
            KeyCode::Esc => {
                *self.word() = before;
                self.dialog = None;
            }
            KeyCode::Backspace => drop(self.word().pop()),
            KeyCode::Char('u') if held => self.word().clear(),
            // As long as an address may be.
            KeyCode::Char(character) if !held && self.word().chars().count() < 254 => self.word().push(character),
            _ => return,
        }
        self.refilter();
    }

    pub(super) fn refilter(&mut self) {
        self.table.stale();
        self.logs.stale();
    }
}
