//! The rows of the table: mailboxes, below them their folders where they are unfolded, or all folders in one list.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Utc};

use super::{List, Order, order::Weight};
use crate::{
    fleet::{Fleet, Instance},
    safe::width,
    theme,
};

/// Rows from which on they are put in order less often.
const MANY: usize = 2000;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) source: usize,
    pub(crate) mailbox: Arc<str>,
    pub(crate) folder: Option<Arc<str>>,
}

/// The table and how it is looked at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    pub(crate) list: List,
    pub(crate) order: Order,
    pub(crate) reverse: bool,
    /// All folders in one list, rather than mailboxes.
    pub(crate) folders: bool,
    pub(crate) filter: String,
    /// Mailboxes that pass the filter.
    pub(crate) mailboxes: usize,
    /// The columns of the longest address.
    pub(crate) names: usize,
    /// Whether somebody chose the selected row, so that the selection goes where it goes. Before that it stays at the top, with the worst.
    pub(crate) chosen: bool,
    unfolded: BTreeSet<(usize, Arc<str>)>,
    /// What the rows were made of: the fleet's version, mailboxes that stand still, and when.
    made: Option<(u64, usize, DateTime<Utc>)>,
    /// How often rows were put in order.
    #[cfg(test)]
    pub(crate) sorted: usize,
}

impl Table {
    /// Makes the rows anew with the next drawing.
    pub(crate) fn stale(&mut self) {
        self.made = None;
    }

    pub(crate) fn selected(&self) -> Option<&Row> {
        self.rows.get(self.list.cursor)
    }

    pub(crate) fn unfolded(&self, row: &Row) -> bool {
        self.unfolded.contains(&(row.source, Arc::clone(&row.mailbox)))
    }

    /// Folds or unfolds a mailbox's folders.
    pub(crate) fn fold(&mut self, row: &Row, fold: bool) {
        let mailbox = (row.source, Arc::clone(&row.mailbox));
        let changed = if fold { self.unfolded.remove(&mailbox) } else { self.unfolded.insert(mailbox) };
        if changed {
            self.stale();
        }
    }

    /// Whether the rows are older than what is known.
    pub(crate) fn behind(&self, fleet: &Fleet) -> bool {
        self.made.is_none_or(|(version, ..)| version != fleet.version)
    }

    /// Puts the rows in order, if anything changed, and not more than once a second: rows that jump are not read.
    pub(crate) fn prepare(&mut self, fleet: &Fleet, now: DateTime<Utc>, frozen: bool) {
        let stalls = fleet.stalls(now);
        if let Some((version, still, at)) = self.made {
            let pause = if self.rows.len() > MANY { 3000 } else { 1000 };
            let same = version == fleet.version && still == stalls;
            let early = !self.rows.is_empty() && (0..pause).contains(&(now - at).num_milliseconds());
            if frozen || same || early {
                return;
            }
        }
        let selected = self.selected().cloned().filter(|_| self.chosen);
        self.make(fleet, now);
        self.made = Some((fleet.version, stalls, now));
        // A selection that was chosen stays with its row, or goes to the mailbox of a folder that was folded away.
        let place = |row: &Row| self.rows.iter().position(|other| other == row);
        if let Some(row) = selected {
            let found = place(&row).or_else(|| place(&Row { folder: None, ..row }));
            self.list.cursor = found.unwrap_or(self.list.cursor);
        }
        self.list.step(0, self.rows.len());
    }

    fn make(&mut self, fleet: &Fleet, now: DateTime<Utc>) {
        #[cfg(test)]
        {
            self.sorted += 1;
        }
        let filter = self.filter.to_lowercase();
        let mut weighed: Vec<(Weight, Row)> = Vec::new();
        (self.names, self.mailboxes) = (0, 0);
        for (source, instance) in fleet.instances.iter().enumerate() {
            let clock = instance.clock(now);
            for (address, tracks) in &instance.tracks {
                let Some(mailbox) = instance.status.mailboxes.get(&**address) else { continue };
                let row = Row { source, mailbox: Arc::clone(address), folder: None };
                if self.folders {
                    let rows = tracks.folders.iter().filter_map(|(id, track)| {
                        let folder = mailbox.folders.get(&**id)?;
                        let passes = filter.is_empty()
                            || folder.path.iter().any(|name| name.to_lowercase().contains(&filter))
                            || named(instance, address, &filter)
                            || theme::folder(folder.state).1.contains(&filter);
                        passes.then(|| (self.order.folder(folder, Some(track), clock), Row { folder: Some(Arc::clone(id)), ..row.clone() }))
                    });
                    weighed.extend(rows);
                } else {
                    let text = |text: Option<&str>| text.is_some_and(|text| text.to_lowercase().contains(&filter));
                    let passes = filter.is_empty()
                        || named(instance, address, &filter)
                        || theme::mailbox(mailbox.state).1.contains(&filter)
                        || text(mailbox.reason.as_deref())
                        || text(mailbox.error.as_ref().map(|error| error.words.as_str()));
                    if passes {
                        weighed.push((self.order.mailbox(mailbox, Some(&tracks.stored), clock), row));
                    }
                }
                self.names = self.names.max(width(address));
            }
        }
        // Addresses part what weighs the same.
        weighed.sort_by(|(one, row), (other, next)| {
            let weight = if self.reverse { other.cmp(one) } else { one.cmp(other) };
            let name = (&row.mailbox, &row.folder, row.source).cmp(&(&next.mailbox, &next.folder, next.source));
            weight.then(if self.reverse && self.order == Order::Name { name.reverse() } else { name })
        });
        self.rows.clear();
        for (_, row) in weighed {
            self.mailboxes += usize::from(row.folder.is_none());
            let open = !self.folders && self.unfolded(&row);
            let below = open.then(|| folders(&fleet.instances[row.source], &row));
            self.rows.push(row);
            self.rows.extend(below.into_iter().flatten());
        }
    }
}

fn named(instance: &Instance, address: &str, filter: &str) -> bool {
    address.to_lowercase().contains(filter) || instance.name().to_lowercase().contains(filter)
}

/// A mailbox's folders by their paths, so that each stands below its parent.
fn folders(instance: &Instance, row: &Row) -> Vec<Row> {
    let (Some(tracks), Some(mailbox)) = (instance.tracks.get(&row.mailbox), instance.status.mailboxes.get(&*row.mailbox)) else {
        return Vec::new();
    };
    let mut rows: Vec<_> = tracks.folders.keys().filter_map(|id| Some((&mailbox.folders.get(&**id)?.path, Arc::clone(id)))).collect();
    rows.sort();
    rows.into_iter().map(|(_, id)| Row { folder: Some(id), ..row.clone() }).collect()
}
