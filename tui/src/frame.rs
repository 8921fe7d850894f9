//! A status on its way to a watcher: whole at first, then what changed.

use std::collections::{BTreeMap, btree_map::Entry};

use serde::{Deserialize, Serialize};

use crate::status::{Head, LOG_LINES, LogLine, Mailbox, REQUESTS, Sample, Status};

/// One item of a stream of a status, in a recording one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    /// All of it; whatever was known before is forgotten.
    Status(Box<Status>),
    /// What changed.
    Update(Box<Update>),
}

impl Frame {
    /// The appliance as a whole.
    pub fn head(&self) -> &Head {
        match self {
            Self::Status(status) => &status.head,
            Self::Update(update) => &update.head,
        }
    }

    /// The same, to be changed.
    pub fn head_mut(&mut self) -> &mut Head {
        match self {
            Self::Status(status) => &mut status.head,
            Self::Update(update) => &mut update.head,
        }
    }
}

/// What changed since the frame before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Update {
    /// The appliance as a whole.
    pub head: Head,
    /// Mailboxes of which something changed, each with those of its folders that changed and with its new requests only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mailboxes: BTreeMap<String, Change>,
    /// Mailboxes that are not read any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
    /// New lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<LogLine>,
    /// The samples, whole, where there is another one than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<Sample>>,
}

/// What changed of a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The mailbox; of its folders those that changed, of its requests the new ones.
    pub mailbox: Mailbox,
    /// Folders that are no more, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

impl Update {
    /// Takes in what changed after it, so that it is both at once.
    pub fn absorb(&mut self, later: Update) {
        self.head = later.head;
        for address in later.removed {
            self.mailboxes.remove(&address);
            if !self.removed.contains(&address) {
                self.removed.push(address);
            }
        }
        for (address, change) in later.mailboxes {
            match self.mailboxes.entry(address) {
                Entry::Vacant(entry) => drop(entry.insert(change)),
                Entry::Occupied(mut entry) => entry.get_mut().absorb(change),
            }
        }
        self.log.extend(later.log);
        self.log.drain(..self.log.len().saturating_sub(LOG_LINES));
        self.history = later.history.or(self.history.take());
    }
}

impl Change {
    fn absorb(&mut self, later: Change) {
        for id in later.removed {
            self.mailbox.folders.remove(&id);
            self.removed.push(id);
        }
        let (mut folders, mut requests) = (std::mem::take(&mut self.mailbox.folders), std::mem::take(&mut self.mailbox.requests));
        self.mailbox = later.mailbox;
        folders.append(&mut self.mailbox.folders);
        // What came back after it went: removals are taken in first.
        self.removed.sort_unstable();
        self.removed.dedup();
        requests.append(&mut self.mailbox.requests);
        requests.drain(..requests.len().saturating_sub(REQUESTS));
        (self.mailbox.folders, self.mailbox.requests) = (folders, requests);
    }
}

impl Status {
    /// Takes a frame in.
    pub fn take(&mut self, frame: Frame) {
        match frame {
            Frame::Status(status) => *self = *status,
            Frame::Update(update) => self.update(*update),
        }
    }

    fn update(&mut self, update: Update) {
        self.head = update.head;
        for address in &update.removed {
            self.mailboxes.remove(address);
        }
        for (address, change) in update.mailboxes {
            let before = self.mailboxes.entry(address).or_default();
            let (mut folders, mut requests) = (std::mem::take(&mut before.folders), std::mem::take(&mut before.requests));
            *before = change.mailbox;
            for id in &change.removed {
                folders.remove(id);
            }
            folders.append(&mut before.folders);
            requests.append(&mut before.requests);
            requests.drain(..requests.len().saturating_sub(REQUESTS));
            (before.folders, before.requests) = (folders, requests);
        }
        self.log.extend(update.log);
        self.log.drain(..self.log.len().saturating_sub(LOG_LINES));
        if let Some(history) = update.history {
            self.history = history;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{Figures, Folder, MailboxState, Request};

    fn request(n: u64) -> Request {
        Request { at: "2026-01-02T03:04:05Z".parse().unwrap(), what: "FindFolder".into(), status: Some(200), code: None, millis: n }
    }

    #[test]
    fn an_update_changes_what_it_names_and_nothing_else() {
        let folder = |stored| Folder { path: vec!["Inbox".into()], figures: Figures { stored, ..Figures::default() }, ..Folder::default() };
        let mut status = Status::default();
        for address in ["ann@example.com", "bob@example.com"] {
            let folders = [("a".to_owned(), folder(1)), ("b".to_owned(), folder(2)), ("c".to_owned(), folder(3))].into();
            let requests = (0..REQUESTS as u64).map(request).collect();
            status.mailboxes.insert(address.into(), Mailbox { folders, requests, ..Mailbox::default() });
        }
        let untouched = status.mailboxes["bob@example.com"].clone();
        let mailbox = Mailbox {
            state: MailboxState::Syncing,
            folders: [("b".to_owned(), folder(9))].into(),
            requests: [request(99)].into(),
            ..Mailbox::default()
        };
        let change = Change { mailbox, removed: vec!["c".into()] };
        let frame = Frame::Update(Box::new(Update { mailboxes: [("ann@example.com".to_owned(), change)].into(), ..Update::default() }));
        let json = serde_json::to_string(&frame).unwrap();
        status.take(serde_json::from_str(&json).unwrap());
        let ann = &status.mailboxes["ann@example.com"];
        assert_eq!(ann.state, MailboxState::Syncing);
        assert_eq!(ann.folders.iter().map(|(id, folder)| (id.as_str(), folder.figures.stored)).collect::<Vec<_>>(), [("a", 1), ("b", 9)]);
        assert_eq!((ann.requests.len(), ann.requests.back().unwrap().millis), (REQUESTS, 99));
        assert_eq!(status.mailboxes["bob@example.com"], untouched);
        status.take(Frame::Update(Box::new(Update { removed: vec!["ann@example.com".into()], ..Update::default() })));
        assert_eq!(status.mailboxes.len(), 1);
    }

    #[test]
    fn updates_gathered_say_the_same_as_one_by_one() {
        let folder = |stored| Folder { figures: Figures { stored, ..Figures::default() }, ..Folder::default() };
        let change = |folders: &[(&str, u64)], removed: &[&str], n| Change {
            mailbox: Mailbox {
                folders: folders.iter().map(|(id, stored)| ((*id).to_owned(), folder(*stored))).collect(),
                requests: [request(n)].into(),
                ..Mailbox::default()
            },
            removed: removed.iter().map(|id| (*id).to_owned()).collect(),
        };
        let update = |address: &str, change, removed: &[&str]| Update {
            mailboxes: [(address.to_owned(), change)].into(),
            removed: removed.iter().map(|id| (*id).to_owned()).collect(),
            ..Update::default()
        };
        let updates = [
            update("ann", change(&[("a", 1), ("b", 2)], &[], 1), &[]),
            update("ann", change(&[("c", 3)], &["b"], 2), &[]),
            update("ann", change(&[("b", 4)], &["a"], 3), &[]),
            update("bob", change(&[("x", 5)], &[], 4), &["ann"]),
            update("ann", change(&[("b", 6)], &[], 5), &[]),
        ];
        let mut one_by_one = Status::default();
        updates.iter().for_each(|update| one_by_one.take(Frame::Update(Box::new(update.clone()))));
        let mut gathered = Update::default();
        updates.into_iter().for_each(|update| gathered.absorb(update));
        let mut at_once = Status::default();
        at_once.take(Frame::Update(Box::new(gathered)));
        assert_eq!(at_once, one_by_one);
    }
}
