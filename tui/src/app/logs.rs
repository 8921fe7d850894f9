//! The log of all sources in one, and which of its lines are shown.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{List, Row};
use crate::{
    fleet::{Fleet, Place},
    status::{Level, LogLine},
};

/// The log and how it is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Logs {
    /// Lines that pass, oldest first: when, of which source, and where in its log.
    pub(crate) lines: Vec<(DateTime<Utc>, usize, Place)>,
    pub(crate) list: List,
    /// The least grave level that is shown.
    pub(crate) level: Level,
    /// Only the log of this one.
    pub(crate) only: Option<(usize, Arc<str>)>,
    pub(crate) filter: String,
    /// Whether the newest line is kept in sight.
    pub(crate) follow: bool,
    /// Whether it is on the screen.
    pub(crate) seen: bool,
    made: Option<u64>,
}

impl Default for Logs {
    fn default() -> Self {
        let list = List::default();
        Self { lines: Vec::new(), list, level: Level::Info, only: None, filter: String::new(), follow: true, seen: false, made: None }
    }
}

impl Logs {
    pub(crate) fn stale(&mut self) {
        self.made = None;
    }

    /// A line that passes, and whose it is.
    pub(crate) fn line<'a>(&self, fleet: &'a Fleet, at: usize) -> Option<(usize, &'a LogLine)> {
        let (_, source, place) = self.lines.get(at)?;
        Some((*source, fleet.instances.get(*source)?.line(*place)?))
    }

    /// Shows the selected mailbox's lines only, or all again.
    pub(crate) fn narrow(&mut self, selected: Option<&Row>) {
        self.only = match self.only {
            Some(_) => None,
            None => selected.map(|row| (row.source, Arc::clone(&row.mailbox))),
        };
        self.stale();
    }

    /// Gathers the lines, if it is on the screen and anything changed.
    pub(super) fn prepare(&mut self, fleet: &Fleet, selected: Option<&Row>) {
        if !self.seen {
            return;
        }
        // The filter goes along with the selection.
        if let (Some((source, only)), Some(row)) = (&self.only, selected)
            && (*source, only) != (row.source, &row.mailbox)
        {
            self.only = Some((row.source, Arc::clone(&row.mailbox)));
            self.made = None;
        }
        if self.made == Some(fleet.version) {
            return;
        }
        self.made = Some(fleet.version);
        let filter = self.filter.to_lowercase();
        let read = self.lines.get(self.list.cursor).copied().filter(|_| !self.follow);
        self.lines.clear();
        for (source, instance) in fleet.instances.iter().enumerate() {
            for (place, line) in instance.log() {
                let mailbox = line.mailbox.as_deref();
                let passes = line.level <= self.level
                    && self.only.as_ref().is_none_or(|(of, only)| *of == source && mailbox == Some(&**only))
                    && (filter.is_empty()
                        || line.text.to_lowercase().contains(&filter)
                        || mailbox.is_some_and(|mailbox| mailbox.to_lowercase().contains(&filter)));
                if passes {
                    self.lines.push((line.at, source, place));
                }
            }
        }
        self.lines.sort();
        if self.follow {
            self.list.cursor = self.lines.len().saturating_sub(1);
        }
        // Who stands still at a line has it before the eyes, whatever comes and goes around it.
        if let Some(read) = read {
            let place = self.lines.partition_point(|line| *line < read).min(self.lines.len().saturating_sub(1));
            self.list.offset = (self.list.offset + place).saturating_sub(self.list.cursor);
            self.list.cursor = place;
        }
    }
}
