//! What each command does.

use crossterm::event::{MouseEvent, MouseEventKind};

use super::{App, Confirm, Dialog, Effect, Order, Pane, Row, Tab, Whole, Window};
use crate::{Left, fleet::Instance, keymap::Command, mask, screen::Spot, status::Level};

/// Levels of the log, from the gravest on.
const LEVELS: [Level; 4] = [Level::Error, Level::Warn, Level::Info, Level::Debug];

/// Stretches of the charts in seconds, after that of the whole run.
const SPANS: [i64; 3] = [12 * 3600, 3600, 900];

/// Rows that the wheel moves.
const WHEEL: isize = 3;

impl App {
    pub(crate) fn command(&mut self, command: Command) -> Vec<Effect> {
        let page = if self.in_details() { self.details.page() } else { self.list().page() };
        let half = (page / 2).max(1);
        if matches!(command, Command::Mailboxes | Command::Logs | Command::Quarantine | Command::Charts) {
            // What is said of one view is not said of another.
            self.notice = None;
        }
        match command {
            Command::Up => self.step(-1),
            Command::Down => self.step(1),
            Command::PageUp => self.leap(-page),
            Command::PageDown => self.leap(page),
            Command::HalfUp => self.leap(-half),
            Command::HalfDown => self.leap(half),
            Command::Top => self.leap(isize::MIN),
            Command::Bottom => self.leap(isize::MAX),
            Command::Left => self.fold(true),
            Command::Right => self.fold(false),
            Command::Open => self.open(),
            Command::Mailboxes => self.tab = Tab::Mailboxes,
            Command::Logs => self.tab = Tab::Logs,
            Command::Charts => self.tab = Tab::Charts,
            Command::Quarantine => {
                self.tab = Tab::Quarantine;
                return self.reload();
            }
            Command::Details => self.toggle(Pane::Details),
            Command::LogPane => self.toggle(Pane::Logs),
            Command::Expand if self.tab == Tab::Mailboxes => {
                self.table.chosen = true;
                self.expanded = !self.expanded || self.pane.is_none();
                self.pane.get_or_insert(Pane::Details);
            }
            Command::Filter if matches!(self.tab, Tab::Mailboxes | Tab::Logs) => {
                let before = self.word().clone();
                self.dialog = Some(Dialog::Filter { before });
            }
            Command::Sort => self.sort(self.table.order.step(1)),
            Command::SortBack => self.sort(self.table.order.back()),
            Command::Reverse => {
                self.table.reverse = !self.table.reverse;
                self.table.stale();
            }
            Command::Group => {
                self.table.folders = !self.table.folders;
                self.table.stale();
            }
            Command::Freeze => self.freeze(),
            Command::Mask => self.settings.mask.toggle(),
            Command::Scale if self.tab == Tab::Charts => {
                let place = SPANS.iter().position(|span| Some(*span) == self.span);
                self.span = SPANS.get(place.map_or(0, |place| place + 1)).copied();
            }
            Command::Scale => self.scale = self.scale.next(),
            Command::Pause => return self.with_selected(Self::pause),
            Command::Verify => return self.with_selected(Self::verify),
            Command::PauseAll => return self.ask_pause_all(),
            Command::Retry => return self.retry(),
            Command::RetryAll if self.tab == Tab::Quarantine => self.dialog = Some(Dialog::Confirm(Confirm::RetryAll)),
            Command::Copy => return self.copy(),
            Command::Reload => return self.reload(),
            Command::Follow => self.logs.follow = !self.logs.follow,
            Command::MoreLog => self.level(1),
            Command::LessLog => self.level(-1),
            Command::OneMailbox => {
                // Its log is read, not that of whichever is the worst.
                self.table.chosen = true;
                self.logs.narrow(self.table.selected());
            }
            Command::Help => self.dialog = Some(Dialog::Help(0)),
            Command::Back => self.back(),
            Command::Redraw => return vec![Effect::Redraw],
            Command::Suspend => return vec![Effect::Suspend],
            Command::Detach if self.settings.own => return vec![Effect::Leave(Left::Detach)],
            Command::Quit if self.settings.own => self.dialog = Some(Dialog::Confirm(Confirm::Stop)),
            Command::Quit | Command::Detach => return vec![Effect::Leave(Left::Detach)],
            Command::Interrupt => return vec![Effect::Leave(if self.settings.own { Left::Stop } else { Left::Detach })],
            Command::Expand | Command::Filter | Command::RetryAll => {}
        }
        Vec::new()
    }

    /// A click or the wheel, on what is drawn there.
    pub(crate) fn mouse(&mut self, event: MouseEvent, spot: Spot) -> Vec<Effect> {
        if let Some(dialog) = &mut self.dialog {
            dialog.wheel(event.kind);
            return Vec::new();
        }
        match (event.kind, spot) {
            (MouseEventKind::ScrollUp, _) => self.leap(-WHEEL),
            (MouseEventKind::ScrollDown, _) => self.leap(WHEEL),
            (MouseEventKind::Down(_), Spot::Tab(command)) => return self.command(command),
            (MouseEventKind::Down(_), Spot::Row(row)) => {
                let (cursor, length) = (self.cursor(), self.length());
                match row {
                    row if row == cursor => self.open(),
                    row if row < length => self.step(row as isize - cursor as isize),
                    _ => {}
                }
            }
            _ => {}
        }
        Vec::new()
    }

    /// Whether keys move through the log.
    pub(crate) fn in_log(&self) -> bool {
        self.tab == Tab::Logs || (self.tab == Tab::Mailboxes && self.expanded && self.pane == Some(Pane::Logs))
    }

    /// Whether details have all of the body.
    pub(crate) fn in_details(&self) -> bool {
        self.tab == Tab::Mailboxes && self.expanded && self.pane == Some(Pane::Details)
    }

    fn length(&self) -> usize {
        match self.tab {
            _ if self.in_log() => self.logs.lines.len(),
            Tab::Quarantine => self.quarantine.items.len(),
            _ => self.table.rows.len(),
        }
    }

    fn list(&mut self) -> &mut super::List {
        match self.tab {
            _ if self.in_log() => &mut self.logs.list,
            Tab::Quarantine => &mut self.quarantine.list,
            _ => &mut self.table.list,
        }
    }

    fn cursor(&mut self) -> usize {
        self.list().cursor
    }

    fn step(&mut self, by: isize) {
        let length = self.length();
        if self.in_table() {
            self.table.chosen = by != isize::MIN;
        }
        self.list().step(by, length);
        if self.in_log() {
            // Who goes back to read wants the lines to stay; at the end one wants the newest.
            self.logs.follow = self.logs.list.cursor + 1 >= length;
        }
    }

    /// Several rows at once; where details have all of the body, so many of their lines.
    fn leap(&mut self, by: isize) {
        if self.in_details() { self.details.step(by) } else { self.step(by) }
    }

    /// Whether keys move through the table.
    fn in_table(&self) -> bool {
        self.tab == Tab::Mailboxes && !self.in_log()
    }

    pub(super) fn with_selected(&mut self, action: fn(&mut Self, &Row) -> Vec<Effect>) -> Vec<Effect> {
        self.table.chosen |= self.in_table();
        match self.table.selected().cloned() {
            Some(row) if self.tab == Tab::Mailboxes => action(self, &row),
            _ => Vec::new(),
        }
    }

    fn fold(&mut self, fold: bool) {
        let Some(row) = self.table.selected().cloned().filter(|_| self.tab == Tab::Mailboxes && !self.table.folders) else { return };
        if fold && row.folder.is_some() {
            let mailbox = Row { folder: None, ..row };
            self.table.list.cursor = self.table.rows.iter().position(|row| *row == mailbox).unwrap_or(0);
        } else if row.folder.is_none() {
            self.table.chosen = true;
            self.table.fold(&row, fold);
        }
    }

    fn open(&mut self) {
        if self.in_log() || self.tab == Tab::Quarantine {
            return self.read();
        }
        match self.table.selected().cloned() {
            Some(row) if self.tab == Tab::Mailboxes && row.folder.is_none() => self.fold(self.table.unfolded(&row)),
            Some(_) if self.tab == Tab::Mailboxes => self.toggle(Pane::Details),
            _ => {}
        }
    }

    /// Shows the selected line whole.
    fn read(&mut self) {
        let zone = self.settings.zone;
        let named = |source: usize| self.fleet().instances.get(source).filter(|_| self.fleet().instances.len() > 1).map(Instance::name);
        let text = match self.tab {
            Tab::Quarantine => self.quarantine.selected().map(|(source, item)| Whole::quarantined(item, named(*source), zone)),
            _ => {
                let line = self.logs.line(self.fleet(), self.logs.list.cursor);
                line.map(|(source, line)| Whole::line(line, named(source), zone))
            }
        };
        self.dialog = text.map(|text| Dialog::Text { text, line: 0 });
    }

    fn toggle(&mut self, pane: Pane) {
        self.details = Window::default();
        self.table.chosen = true;
        self.tab = Tab::Mailboxes;
        self.pane = (self.pane != Some(pane)).then_some(pane);
        self.expanded &= self.pane.is_some();
    }

    fn sort(&mut self, order: Order) {
        self.table.order = order;
        self.table.stale();
    }

    fn freeze(&mut self) {
        self.frozen = match self.frozen.take() {
            Some(_) => None,
            None => Some(Box::new((self.fleet.clone(), self.now))),
        };
        self.refilter();
    }

    fn level(&mut self, by: isize) {
        let place = LEVELS.iter().position(|level| *level == self.logs.level).unwrap_or(0);
        self.logs.level = LEVELS[place.saturating_add_signed(by).min(LEVELS.len() - 1)];
        self.logs.stale();
    }

    /// Out of the innermost thing that one is in.
    fn back(&mut self) {
        let filtered = !self.word().is_empty();
        if self.notice.take().is_some() {
        } else if filtered {
            self.word().clear();
            self.refilter();
        } else if self.expanded {
            self.expanded = false;
        } else if self.tab != Tab::Mailboxes {
            self.tab = Tab::Mailboxes;
        } else if self.pane.take().is_none() && self.frozen() {
            self.freeze();
        }
    }

    fn copy(&mut self) -> Vec<Effect> {
        let text = match self.tab {
            Tab::Quarantine => self.quarantine.selected().map(|(_, item)| item.key.clone()),
            Tab::Mailboxes => self.table.selected().map(|row| row.folder.as_ref().unwrap_or(&row.mailbox).to_string()),
            Tab::Logs | Tab::Charts => None,
        };
        let Some(text) = text else { return Vec::new() };
        // Of half an address nobody would know that it is one.
        let shown = mask::shown(&text, self.mask()).into_owned();
        self.say(format!("copied {}", crate::safe::clip(&shown, 40)), true);
        vec![Effect::Copy(text)]
    }
}
