//! History read as net changes: of a folder's items and of the folder tree.

use std::collections::HashMap;

use super::error::StoreError;
use super::folder::Folder;
use super::ids::FolderId;
use super::position::{Change, ChangePage, Position};
use super::tree::{Deed, Inner};

type Result<T> = std::result::Result<T, StoreError>;

/// The net effect on one folder of the tree.
#[derive(Clone, Debug)]
pub enum FolderChange {
    /// New to the client.
    Create(Folder),
    /// Known and renamed, moved or written.
    Update(Folder),
    /// Known and no longer below the root asked for.
    Delete(FolderId),
}

/// The changes of a folder tree.
#[derive(Clone, Debug)]
pub struct HierarchyPage {
    /// Deletes and updates in the order they happened, then creates with parents first.
    pub changes: Vec<FolderChange>,
    /// Where to go on.
    pub next: u64,
}

impl Inner {
    /// A page of at most `limit` changes of a folder's items since a position.
    pub(super) fn changes(&self, folder: u64, from: Option<Position>, limit: usize) -> Result<ChangePage> {
        let head = self.node(folder)?.head();
        let from = from.unwrap_or(Position { base: 0, cursor: 0, head, below: head + 1 });
        if from.head > head || from.below > from.head + 1 {
            return Err(StoreError::PositionUnknown);
        }
        if from.below > 0 { self.enumerate(folder, from, limit) } else { self.replay(folder, from, limit) }
    }

    /// The first enumeration: what is here now, newest first.
    fn enumerate(&self, folder: u64, from: Position, limit: usize) -> Result<ChangePage> {
        let mut items = self.newest_first(folder, from.below);
        let (mut changes, mut below) = (Vec::new(), from.below);
        while changes.len() < limit {
            let Some((entry, number)) = items.next() else { break };
            changes.push(Change::Create(Box::new(self.item(number)?)));
            below = entry;
        }
        let rest = items.next().is_some();
        let over = Position { base: from.head, cursor: from.head, head: from.head, below: 0 };
        let next = if rest { Position { below, ..from } } else { over };
        Ok(ChangePage { changes, next, last: !rest && self.node(folder)?.head() == from.head })
    }

    /// A later run: net changes up to the head noted when the run began.
    fn replay(&self, folder: u64, from: Position, limit: usize) -> Result<ChangePage> {
        let node = self.node(folder)?;
        let run =
            if from.cursor == from.head { Position { base: from.head, cursor: from.head, head: node.head(), below: 0 } } else { from };
        // Of every item: its last entry of this run, and whether more than its read state changed.
        let mut last: HashMap<u64, (u64, bool)> = HashMap::new();
        for (number, entry) in node.entries_after(run.base).take_while(|(number, _)| *number <= run.head) {
            let state = last.entry(entry.item).or_insert((number, false));
            *state = (number, state.1 || entry.deed == Deed::Written);
        }
        let (mut changes, mut cursor) = (Vec::new(), run.cursor);
        for (number, entry) in node.entries_after(run.cursor).take_while(|(number, _)| *number <= run.head) {
            let known = entry.entered <= run.base;
            let (latest, written) = last.get(&entry.item).copied().unwrap_or((number, true));
            let here = || self.item(entry.item).ok();
            let change = match entry.deed {
                Deed::Entered => here().map(|item| Change::Create(Box::new(item))),
                Deed::Left if known => Some(Change::Delete(self.item_id(entry.item))),
                Deed::Written | Deed::ReadFlag if known && latest == number => {
                    here().map(|item| if written { Change::Update(Box::new(item)) } else { Change::ReadFlag(item.id, item.read) })
                }
                _ => None,
            };
            if change.is_some() && changes.len() == limit {
                return Ok(ChangePage { changes, next: Position { cursor, ..run }, last: false });
            }
            changes.extend(change);
            cursor = number;
        }
        let next = Position { base: run.head, cursor: run.head, head: run.head, below: 0 };
        Ok(ChangePage { changes, next, last: run.head == node.head() })
    }

    /// Changes of the tree below `root` since a number given out before.
    pub(super) fn hierarchy(&self, root: u64, since: Option<u64>) -> Result<HierarchyPage> {
        self.node(root)?;
        let next = self.tree.len() as u64;
        let Some(since) = since else {
            let all = self.below(root).into_iter().filter_map(|number| self.folder(number).ok());
            return Ok(HierarchyPage { changes: all.map(FolderChange::Create).collect(), next });
        };
        if since > next {
            return Err(StoreError::PositionUnknown);
        }
        let since = usize::try_from(since).unwrap_or(usize::MAX);
        // In order of their last entry: (folder, was it below the root at `since`, did it change itself).
        let mut touched: Vec<(u64, bool, bool)> = Vec::new();
        for entry in self.tree.iter().skip(since) {
            let state = match touched.iter().position(|(folder, ..)| *folder == entry.folder) {
                Some(at) => touched.remove(at),
                None => (entry.folder, entry.before.contains(&root), false),
            };
            touched.push((state.0, state.1, state.2 || !entry.implied));
        }
        let (mut changes, mut creates) = (Vec::new(), Vec::new());
        for (number, was, own) in touched {
            let above = self.above(number);
            let is = self.folders.contains_key(&number) && above.contains(&root);
            match (was, is) {
                (false, true) => creates.push((above.len(), number)),
                (true, true) if own => changes.push(FolderChange::Update(self.folder(number)?)),
                (true, false) => changes.push(FolderChange::Delete(self.folder_id(number))),
                _ => {}
            }
        }
        creates.sort_by_key(|(depth, _)| *depth);
        for (_, number) in creates {
            changes.push(FolderChange::Create(self.folder(number)?));
        }
        Ok(HierarchyPage { changes, next })
    }

    /// A folder at this moment.
    pub(super) fn folder(&self, number: u64) -> Result<Folder> {
        let node = self.node(number)?;
        let (total, unread) = match self.searched(number) {
            Some(inbox) => (inbox.unread, inbox.unread),
            None => (node.total(), node.unread),
        };
        Ok(Folder {
            id: self.folder_id(number),
            change: node.change,
            parent: node.parent.map(|parent| self.folder_id(parent)),
            name: node.name.clone(),
            class: node.class.clone(),
            well_known: node.well_known.map(str::to_owned),
            kind: node.kind,
            hidden: node.hidden,
            total,
            unread,
            children: self.children(number).count() as u64,
            commit_time: node.commit,
            deleted_total: node.deleted_total,
            epoch: node.epoch,
        })
    }
}
