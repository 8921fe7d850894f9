//! One mailbox: a cheap handle to state behind a lock that is never held over an await.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::broadcast;

use super::error::StoreError;
use super::event::{Event, Events, QUEUE};
use super::folder::{Folder, FolderKind};
use super::history::HierarchyPage;
use super::ids::{FolderId, Guid, ItemId};
use super::tree::Inner;

mod items;
mod seed;

type Result<T> = std::result::Result<T, StoreError>;

/// How something is deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeleteHow {
    /// For good.
    Hard,
    /// Into the recoverable items.
    Soft,
    /// Into the deleted items; from there, for good.
    ToDeletedItems,
}

/// A mailbox.
#[derive(Clone, Debug)]
pub struct Mailbox(Arc<Cell>);

#[derive(Debug)]
struct Cell {
    guid: Guid,
    address: String,
    display_name: String,
    proxies: Vec<String>,
    state: Mutex<Inner>,
    events: OnceLock<broadcast::Sender<Arc<Event>>>,
    event_number: AtomicU64,
    full: AtomicBool,
}

impl Mailbox {
    /// An empty mailbox with the default folders.
    pub fn new(seed: u64, address: &str, display_name: &str, proxies: Vec<String>, born: DateTime<Utc>) -> Self {
        let guid = Guid::of(seed, address);
        Self(Arc::new(Cell {
            guid,
            address: address.to_owned(),
            display_name: display_name.to_owned(),
            proxies,
            state: Mutex::new(Inner::new(guid, born)),
            events: OnceLock::new(),
            event_number: AtomicU64::new(0),
            full: AtomicBool::new(false),
        }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a write and tells subscribers while the lock is held, so that events are in order.
    fn write<T>(&self, deed: impl FnOnce(&mut Inner) -> Result<T>) -> Result<T> {
        let mut state = self.lock();
        let done = deed(&mut state);
        for (kind, target, parent) in std::mem::take(&mut state.events) {
            let number = self.0.event_number.fetch_add(1, Ordering::Relaxed) + 1;
            let event = Event { number, at: Utc::now(), target, parent: state.folder_id(parent), kind };
            if let Some(sender) = self.0.events.get() {
                // Nobody listening is no failure.
                let _ = sender.send(Arc::new(event));
            }
        }
        done
    }

    /// Primary SMTP address.
    pub fn address(&self) -> &str {
        &self.0.address
    }

    /// Display name.
    pub fn display_name(&self) -> &str {
        &self.0.display_name
    }

    /// Identity.
    pub fn guid(&self) -> Guid {
        self.0.guid
    }

    /// Further SMTP addresses.
    pub fn proxies(&self) -> &[String] {
        &self.0.proxies
    }

    /// Whether it has an online archive.
    pub fn has_archive(&self) -> bool {
        self.lock().well_known.contains_key("archivemsgfolderroot")
    }

    /// Gives it an online archive.
    pub fn add_archive(&self) {
        self.lock().plant(super::defaults::ARCHIVE);
    }

    /// The folder of a well-known name such as `inbox`.
    pub fn root_folder(&self, well_known: &str) -> Option<FolderId> {
        let state = self.lock();
        state.well_known.get(well_known).map(|number| state.folder_id(*number))
    }

    /// A folder at this moment.
    ///
    /// # Errors
    /// [`StoreError::FolderNotFound`], also for ids of other mailboxes or of before a migration.
    pub fn folder(&self, id: FolderId) -> Result<Folder> {
        let state = self.lock();
        state.folder(valid(&state, id)?)
    }

    /// The folders below one, itself left out, parents first: directly below, or at any depth.
    ///
    /// # Errors
    /// [`StoreError::FolderNotFound`].
    pub fn folders_below(&self, id: FolderId, deep: bool) -> Result<Vec<Folder>> {
        let state = self.lock();
        let number = valid(&state, id)?;
        let numbers = if deep { state.below(number) } else { state.children(number).collect() };
        numbers.into_iter().map(|number| state.folder(number)).collect()
    }

    /// The names from below the root down to a folder.
    ///
    /// # Errors
    /// [`StoreError::FolderNotFound`].
    pub fn path(&self, id: FolderId) -> Result<Vec<String>> {
        let state = self.lock();
        let number = valid(&state, id)?;
        let mut names = vec![state.node(number)?.name.clone()];
        for above in state.above(number) {
            let node = state.node(above)?;
            if node.well_known.is_some_and(|name| name.ends_with("msgfolderroot")) || node.parent.is_none() {
                break;
            }
            names.push(node.name.clone());
        }
        names.reverse();
        Ok(names)
    }

    /// Changes of the folder tree below `root` since a number of an earlier page; everything when `None`.
    ///
    /// # Errors
    /// [`StoreError::FolderNotFound`]; [`StoreError::PositionUnknown`] for a number never given out.
    pub fn sync_hierarchy(&self, root: FolderId, since: Option<u64>) -> Result<HierarchyPage> {
        let state = self.lock();
        state.hierarchy(valid(&state, root)?, since)
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// When the parent is missing or a search folder, or holds this name.
    pub fn create_folder(&self, parent: FolderId, name: &str, class: Option<&str>) -> Result<FolderId> {
        self.write(|state| {
            let number = state.create_folder(valid(state, parent)?, name, class)?;
            Ok(state.folder_id(number))
        })
    }

    /// Renames a folder.
    ///
    /// # Errors
    /// When it is missing or well-known, or the name is taken.
    pub fn rename_folder(&self, id: FolderId, name: &str) -> Result<()> {
        self.write(|state| state.rename_folder(valid(state, id)?, name))
    }

    /// Moves a folder with all below it.
    ///
    /// # Errors
    /// When either is missing, the folder well-known, the name taken, or the goal below the folder.
    pub fn move_folder(&self, id: FolderId, to: FolderId) -> Result<()> {
        self.write(|state| state.move_folder(valid(state, id)?, valid(state, to)?))
    }

    /// Deletes a folder with all below it. Only `ToDeletedItems` keeps it, as a folder of the deleted items.
    ///
    /// # Errors
    /// When it is missing or well-known.
    pub fn delete_folder(&self, id: FolderId, how: DeleteHow) -> Result<()> {
        self.write(|state| {
            let number = valid(state, id)?;
            let bin = bin(state, number, "deleteditems", "archivedeleteditems");
            match (how, bin) {
                (DeleteHow::ToDeletedItems, Some(bin)) if !state.above(number).contains(&bin) => state.discard_folder(number, bin),
                _ => state.remove_folder(number),
            }
        })
    }

    /// Deletes what is in a folder, with the folders below it if asked.
    ///
    /// # Errors
    /// When it is missing or a search folder, or a folder below is well-known.
    pub fn empty_folder(&self, id: FolderId, how: DeleteHow, with_subfolders: bool) -> Result<()> {
        let (items, below) = {
            let state = self.lock();
            let number = valid(&state, id)?;
            if state.node(number)?.kind == FolderKind::Search {
                return Err(StoreError::SearchFolder);
            }
            let items: Vec<ItemId> = state.newest_first(number, u64::MAX).map(|(_, item)| state.item_id(item)).collect();
            let below: Vec<FolderId> = state.children(number).map(|child| state.folder_id(child)).collect();
            (items, below)
        };
        for item in items {
            self.delete_item(item, how)?;
        }
        if with_subfolders {
            for folder in below {
                self.delete_folder(folder, how)?;
            }
        }
        Ok(())
    }

    /// Everything that happens from now on.
    pub fn subscribe(&self) -> Events {
        self.0.events.get_or_init(|| broadcast::channel(QUEUE).0).subscribe()
    }

    /// The number of the latest event.
    pub fn event_number(&self) -> u64 {
        self.0.event_number.load(Ordering::Relaxed)
    }

    /// Whether it is over its quota: reading works, and what would have to write does not.
    pub fn is_full(&self) -> bool {
        self.0.full.load(Ordering::Relaxed)
    }

    /// Puts it over its quota, or back below.
    pub fn set_full(&self, full: bool) {
        self.0.full.store(full, Ordering::Relaxed);
    }

    /// Declares every sync state of a folder, or of all folders, lost.
    ///
    /// # Errors
    /// [`StoreError::FolderNotFound`].
    pub fn expire_sync_states(&self, folder: Option<FolderId>) -> Result<()> {
        let mut state = self.lock();
        let only = folder.map(|id| valid(&state, id)).transpose()?;
        for (number, node) in &mut state.folders {
            if only.is_none_or(|only| only == *number) {
                node.epoch += 1;
            }
        }
        Ok(())
    }

    /// Gives everything a new id, as a migration of the mailbox does. Search keys stay.
    pub fn change_ids(&self) {
        let mut state = self.lock();
        state.generation += 1;
        let generation = state.generation;
        for stored in state.items.values_mut() {
            stored.item.id.generation = generation;
            stored.item.lasting.generation = generation;
            stored.item.folder.generation = generation;
        }
    }

    /// The folder of a name below another, whatever the case.
    pub fn child(&self, parent: FolderId, name: &str) -> Option<FolderId> {
        let state = self.lock();
        let number = valid(&state, parent).ok()?;
        state.child_named(number, name).map(|child| state.folder_id(child))
    }
}

/// Where deleted things of a folder's side (primary or archive) go.
fn bin(state: &Inner, folder: u64, primary: &str, archive: &str) -> Option<u64> {
    let in_archive = state.well_known.get("archiveroot").is_some_and(|root| state.above(folder).contains(root));
    state.well_known.get(if in_archive { archive } else { primary }).copied()
}

pub(super) fn valid(state: &Inner, id: FolderId) -> Result<u64> {
    if id.mailbox != state.mailbox || id.generation != state.generation {
        return Err(StoreError::FolderNotFound);
    }
    state.node(id.number).map(|_| id.number)
}

pub(super) fn valid_item(state: &Inner, id: ItemId) -> Result<u64> {
    if id.mailbox != state.mailbox || id.generation != state.generation {
        return Err(StoreError::ItemNotFound);
    }
    Ok(id.number)
}
