//! The state behind a mailbox's lock, and its folders.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::defaults;
use super::error::StoreError;
use super::event::{EventKind, Target};
use super::folder::FolderKind;
use super::item::Item;
use crate::content::Batch;

type Result<T> = std::result::Result<T, StoreError>;

/// Where the number of a generated item has its folder; below it the ordinal plus one.
pub(super) const ORDINAL_BITS: u32 = 40;
/// Numbers of items that were not generated have this bit.
pub(super) const OWN: u64 = 1 << 63;

/// What happened to an item of a folder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Deed {
    Entered,
    Written,
    ReadFlag,
    Left,
}

/// One entry of a folder's history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) item: u64,
    pub(super) deed: Deed,
    /// The entry with which the item came in.
    pub(super) entered: u64,
}

/// A folder and its contents.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) parent: Option<u64>,
    pub(super) name: String,
    pub(super) class: Option<String>,
    pub(super) well_known: Option<&'static str>,
    pub(super) kind: FolderKind,
    pub(super) hidden: bool,
    pub(super) change: u64,
    pub(super) commit: u64,
    pub(super) deleted_total: u64,
    pub(super) epoch: u32,
    pub(super) unread: u64,
    /// The generated items, ordinal 0 the oldest.
    pub(super) batch: Option<Arc<Batch>>,
    /// Ordinals of generated items no longer here.
    pub(super) gone: BTreeSet<u64>,
    /// Everything else that is here, by the entry with which it came.
    pub(super) extras: BTreeMap<u64, u64>,
    pub(super) log: Vec<Entry>,
}

impl Node {
    pub(super) fn generated(&self) -> u64 {
        self.batch.as_ref().map_or(0, |batch| batch.count)
    }

    /// The latest entry of the history.
    pub(super) fn head(&self) -> u64 {
        self.generated() + self.log.len() as u64
    }

    pub(super) fn total(&self) -> u64 {
        self.generated() - self.gone.len() as u64 + self.extras.len() as u64
    }

    /// The entries after one, each with its number.
    pub(super) fn entries_after(&self, entry: u64) -> impl Iterator<Item = (u64, &Entry)> {
        let from = entry.saturating_sub(self.generated());
        let first = self.generated() + 1;
        (first..).zip(&self.log).skip(usize::try_from(from).unwrap_or(usize::MAX))
    }
}

/// One change of the folder tree.
#[derive(Debug)]
pub(super) struct TreeEntry {
    pub(super) folder: u64,
    /// The folders above it before the change; empty when it was made by it.
    pub(super) before: Vec<u64>,
    /// It changed only because a folder above it did.
    pub(super) implied: bool,
}

/// An event before it has number and time.
pub(super) type Pending = (EventKind, Target, u64);

/// A stored item and the entry with which it came into its folder.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) item: Item,
    pub(super) entered: u64,
}

/// Everything behind the lock.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) mailbox: super::ids::Guid,
    pub(super) generation: u32,
    pub(super) next_folder: u64,
    pub(super) next_item: u64,
    pub(super) writes: u64,
    pub(super) clock: u64,
    pub(super) folders: BTreeMap<u64, Node>,
    pub(super) well_known: HashMap<&'static str, u64>,
    pub(super) items: HashMap<u64, Stored>,
    pub(super) tree: Vec<TreeEntry>,
    pub(super) events: Vec<Pending>,
    pub(super) downloads: HashMap<u64, u32>,
    /// Of items that were moved, gone ones too: the number with which they came into the mailbox.
    pub(super) origins: HashMap<u64, u64>,
    /// Of items that were moved: where they are now, by that number.
    pub(super) places: HashMap<u64, u64>,
}

/// 100 ns since 1601 (MS-DTYP 2.3.3 FILETIME).
pub(super) fn filetime(at: DateTime<Utc>) -> u64 {
    let ticks = i128::from(at.timestamp() + 11_644_473_600) * 10_000_000 + i128::from(at.timestamp_subsec_nanos() / 100);
    u64::try_from(ticks).unwrap_or(0)
}

impl Inner {
    pub(super) fn new(mailbox: super::ids::Guid, born: DateTime<Utc>) -> Self {
        let mut inner = Self {
            mailbox,
            generation: 0,
            next_folder: 1,
            next_item: 1,
            writes: 1,
            clock: filetime(born),
            folders: BTreeMap::new(),
            well_known: HashMap::new(),
            items: HashMap::new(),
            tree: Vec::new(),
            events: Vec::new(),
            downloads: HashMap::new(),
            origins: HashMap::new(),
            places: HashMap::new(),
        };
        inner.plant(defaults::PRIMARY);
        inner
    }

    /// Adds a table of default folders; does nothing where they are already there.
    pub(super) fn plant(&mut self, table: &'static [defaults::Default]) {
        for row in table {
            if self.well_known.contains_key(row.well_known) {
                continue;
            }
            let class = (!row.class.is_empty()).then(|| row.class.to_owned());
            let parent = self.well_known.get(row.parent).copied();
            let number = self.insert_folder(parent, row.name, class, row.hidden);
            if row.well_known.is_empty() {
                continue;
            }
            self.well_known.insert(row.well_known, number);
            if let Some(node) = self.folders.get_mut(&number) {
                node.well_known = Some(row.well_known);
            }
        }
    }

    pub(super) fn node(&self, folder: u64) -> Result<&Node> {
        self.folders.get(&folder).ok_or(StoreError::FolderNotFound)
    }

    pub(super) fn node_mut(&mut self, folder: u64) -> Result<&mut Node> {
        self.folders.get_mut(&folder).ok_or(StoreError::FolderNotFound)
    }

    /// The next commit time: now, but always after the last one.
    pub(super) fn tick(&mut self, now: DateTime<Utc>) -> u64 {
        self.clock = filetime(now).max(self.clock + 1);
        self.clock
    }

    pub(super) fn next_write(&mut self) -> u64 {
        self.writes += 1;
        self.writes
    }

    pub(super) fn insert_folder(&mut self, parent: Option<u64>, name: &str, class: Option<String>, hidden: bool) -> u64 {
        let number = self.next_folder;
        self.next_folder += 1;
        let (change, commit) = (self.next_write(), self.clock);
        let node = Node {
            parent,
            name: name.to_owned(),
            kind: defaults::kind(class.as_deref()),
            class,
            well_known: None,
            hidden,
            change,
            commit,
            deleted_total: 0,
            epoch: 0,
            unread: 0,
            batch: None,
            gone: BTreeSet::new(),
            extras: BTreeMap::new(),
            log: Vec::new(),
        };
        self.folders.insert(number, node);
        self.tree.push(TreeEntry { folder: number, before: Vec::new(), implied: false });
        number
    }

    /// The folders above one, nearest first.
    pub(super) fn above(&self, folder: u64) -> Vec<u64> {
        let mut above = Vec::new();
        let mut at = self.folders.get(&folder).and_then(|node| node.parent);
        while let Some(parent) = at {
            above.push(parent);
            at = self.folders.get(&parent).and_then(|node| node.parent);
        }
        above
    }

    /// The folders directly below, by number.
    pub(super) fn children(&self, folder: u64) -> impl Iterator<Item = u64> {
        self.folders.iter().filter(move |(_, node)| node.parent == Some(folder)).map(|(number, _)| *number)
    }

    /// All folders below, parents first.
    pub(super) fn below(&self, folder: u64) -> Vec<u64> {
        let mut children: HashMap<u64, Vec<u64>> = HashMap::new();
        for (number, node) in &self.folders {
            if let Some(parent) = node.parent {
                children.entry(parent).or_default().push(*number);
            }
        }
        let (mut found, mut stack) = (Vec::new(), vec![folder]);
        while let Some(at) = stack.pop() {
            if at != folder {
                found.push(at);
            }
            stack.extend(children.get(&at).into_iter().flatten().rev());
        }
        found
    }

    pub(super) fn child_named(&self, parent: u64, name: &str) -> Option<u64> {
        let wanted = name.to_lowercase();
        self.children(parent).find(|child| self.folders.get(child).is_some_and(|node| node.name.to_lowercase() == wanted))
    }

    pub(super) fn create_folder(&mut self, parent: u64, name: &str, class: Option<&str>) -> Result<u64> {
        let node = self.node(parent)?;
        if node.kind == FolderKind::Search {
            return Err(StoreError::SearchFolder);
        }
        if self.child_named(parent, name).is_some() {
            return Err(StoreError::FolderExists);
        }
        let number = self.insert_folder(Some(parent), name, class.map(str::to_owned), false);
        self.events.push((EventKind::Created, Target::Folder(self.folder_id(number)), parent));
        Ok(number)
    }

    fn note_tree(&mut self, folder: u64) {
        let before = self.above(folder);
        self.tree.push(TreeEntry { folder, before, implied: false });
        let change = self.next_write();
        if let Some(node) = self.folders.get_mut(&folder) {
            node.change = change;
        }
    }

    /// Renames a folder the user made, or one that may be renamed (none of the well-known ones).
    pub(super) fn rename_folder(&mut self, folder: u64, name: &str) -> Result<()> {
        let node = self.node(folder)?;
        if node.well_known.is_some() {
            return Err(StoreError::WellKnownFolder);
        }
        let parent = node.parent.ok_or(StoreError::WellKnownFolder)?;
        if self.child_named(parent, name).is_some_and(|other| other != folder) {
            return Err(StoreError::FolderExists);
        }
        self.note_tree(folder);
        self.node_mut(folder)?.name = name.to_owned();
        self.events.push((EventKind::Modified { unread: None }, Target::Folder(self.folder_id(folder)), parent));
        Ok(())
    }

    pub(super) fn move_folder(&mut self, folder: u64, to: u64) -> Result<()> {
        let node = self.node(folder)?;
        if node.well_known.is_some() {
            return Err(StoreError::WellKnownFolder);
        }
        let (old_parent, name) = (node.parent.ok_or(StoreError::WellKnownFolder)?, node.name.clone());
        if self.node(to)?.kind == FolderKind::Search {
            return Err(StoreError::SearchFolder);
        }
        let below = self.below(folder);
        if to == folder || below.contains(&to) {
            return Err(StoreError::FolderCycle);
        }
        if self.child_named(to, &name).is_some_and(|other| other != folder) {
            return Err(StoreError::FolderExists);
        }
        self.note_tree(folder);
        for under in below {
            let before = self.above(under);
            self.tree.push(TreeEntry { folder: under, before, implied: true });
        }
        self.node_mut(folder)?.parent = Some(to);
        let id = Target::Folder(self.folder_id(folder));
        let old_parent = self.folder_id(old_parent);
        self.events.push((EventKind::Moved { old: id, old_parent }, id, to));
        Ok(())
    }

    /// Removes a folder for good with all below it.
    pub(super) fn remove_folder(&mut self, folder: u64) -> Result<()> {
        let node = self.node(folder)?;
        let below = self.below(folder);
        if node.well_known.is_some() || below.iter().any(|under| self.folders.get(under).is_some_and(|node| node.well_known.is_some())) {
            return Err(StoreError::WellKnownFolder);
        }
        let parent = node.parent.ok_or(StoreError::WellKnownFolder)?;
        for going in std::iter::once(folder).chain(below) {
            let before = self.above(going);
            self.tree.push(TreeEntry { folder: going, before, implied: going != folder });
            self.items.retain(|_, stored| stored.item.folder.number != going);
        }
        let mut going = self.below(folder);
        going.push(folder);
        for number in going {
            self.folders.remove(&number);
        }
        self.events.push((EventKind::Deleted, Target::Folder(self.folder_id(folder)), parent));
        Ok(())
    }

    /// Moves a folder to the deleted items, under a free name.
    pub(super) fn discard_folder(&mut self, folder: u64, bin: u64) -> Result<()> {
        let name = self.node(folder)?.name.clone();
        let mut free = name.clone();
        let mut count = 1;
        while self.child_named(bin, &free).is_some_and(|other| other != folder) {
            free = format!("{name}{count}");
            count += 1;
        }
        if free != name {
            self.rename_folder(folder, &free)?;
        }
        self.move_folder(folder, bin)
    }

    pub(super) fn folder_id(&self, number: u64) -> super::ids::FolderId {
        super::ids::FolderId { mailbox: self.mailbox, number, generation: self.generation }
    }

    pub(super) fn item_id(&self, number: u64) -> super::ids::ItemId {
        super::ids::ItemId { mailbox: self.mailbox, number, generation: self.generation }
    }
}
