//! One mailbox: a cheap handle to state behind a lock that is never held over an await.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::broadcast;

use super::error::StoreError;
use super::event::{Event, Events, QUEUE};
use super::find::{Find, Found};
use super::folder::{Folder, FolderKind};
use super::history::HierarchyPage;
use super::ids::{FolderId, Guid, ItemId};
use super::item::Item;
use super::new_item::{ItemUpdate, NewItem};
use super::position::{ChangePage, Position};
use super::tree::Inner;
use crate::content::Batch;

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
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
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

    /// An item at this moment.
    ///
    /// # Errors
    /// [`StoreError::ItemNotFound`], also for ids of other mailboxes or of before a migration.
    pub fn item(&self, id: ItemId) -> Result<Item> {
        let state = self.lock();
        state.item(valid_item(&state, id)?)
    }

    /// A page of net changes of a folder's items; from the beginning when `from` is `None`.
    ///
    /// # Errors
    /// [`StoreError::FolderNotFound`], [`StoreError::SearchFolder`], [`StoreError::PositionUnknown`].
    pub fn changes(&self, id: FolderId, from: Option<Position>, limit: usize) -> Result<ChangePage> {
        let state = self.lock();
        let number = valid(&state, id)?;
        if state.node(number)?.kind == FolderKind::Search {
            return Err(StoreError::SearchFolder);
        }
        state.changes(number, from, limit)
    }

    /// A page of a folder's items, sorted and filtered. The filter runs under the lock: it must not call the store.
    ///
    /// # Errors
    /// [`StoreError::FolderNotFound`].
    pub fn find(&self, id: FolderId, find: &Find<'_>) -> Result<Found> {
        let state = self.lock();
        state.find(valid(&state, id)?, find)
    }

    /// Stores an item.
    ///
    /// # Errors
    /// [`StoreError::FolderNotFound`], [`StoreError::SearchFolder`].
    pub fn create_item(&self, folder: FolderId, new: NewItem) -> Result<ItemId> {
        self.write(|state| {
            let number = state.create_item(valid(state, folder)?, new)?;
            Ok(state.item_id(number))
        })
    }

    /// Copies an item; the copy has the original's search key and a new id.
    ///
    /// # Errors
    /// When either is missing or the goal a search folder.
    pub fn copy_item(&self, id: ItemId, to: FolderId) -> Result<ItemId> {
        self.write(|state| {
            let number = state.copy_item(valid_item(state, id)?, valid(state, to)?)?;
            Ok(state.item_id(number))
        })
    }

    /// Moves an item, which gives it a new id.
    ///
    /// # Errors
    /// When either is missing or the goal a search folder.
    pub fn move_item(&self, id: ItemId, to: FolderId) -> Result<ItemId> {
        self.write(|state| {
            let number = state.move_item(valid_item(state, id)?, valid(state, to)?)?;
            Ok(state.item_id(number))
        })
    }

    /// Writes properties of an item.
    ///
    /// # Errors
    /// [`StoreError::ItemNotFound`].
    pub fn update_item(&self, id: ItemId, update: &ItemUpdate) -> Result<Item> {
        self.write(|state| state.update_item(valid_item(state, id)?, update))
    }

    /// Deletes an item.
    ///
    /// # Errors
    /// [`StoreError::ItemNotFound`].
    pub fn delete_item(&self, id: ItemId, how: DeleteHow) -> Result<()> {
        self.write(|state| {
            let number = valid_item(state, id)?;
            let folder = state.item(number)?.folder.number;
            let (bin_name, archive_name) = match how {
                DeleteHow::Hard => ("", ""),
                DeleteHow::Soft => ("recoverableitemsdeletions", "archiverecoverableitemsdeletions"),
                DeleteHow::ToDeletedItems => ("deleteditems", "archivedeleteditems"),
            };
            match bin(state, folder, bin_name, archive_name).filter(|bin| *bin != folder) {
                Some(bin) if how == DeleteHow::Soft => state.recoverable(number, bin),
                Some(bin) => state.move_item(number, bin).map(|_| ()),
                None => state.remove_item(number),
            }
        })
    }

    /// Takes an item's MIME away, as damage to the store would; `code` is the EWS response code asked for it then.
    ///
    /// # Errors
    /// [`StoreError::ItemNotFound`].
    pub fn spoil_item(&self, id: ItemId, code: &'static str) -> Result<()> {
        self.write(|state| state.spoil(valid_item(state, id)?, code))
    }

    /// Everything that happens from now on.
    pub fn subscribe(&self) -> Events {
        self.0.events.get_or_init(|| broadcast::channel(QUEUE).0).subscribe()
    }

    /// The number of the latest event.
    pub fn event_number(&self) -> u64 {
        self.0.event_number.load(Ordering::Relaxed)
    }

    /// Counts a download of an item's body.
    pub fn note_download(&self, id: ItemId) {
        let mut state = self.lock();
        if valid_item(&state, id).is_ok() {
            let count = state.downloads.entry(id.number).or_insert(0);
            *count = count.saturating_add(1);
        }
    }

    /// How often an item's body was downloaded; a moved item keeps its count.
    pub fn downloads(&self, id: ItemId) -> u32 {
        self.lock().downloads.get(&id.number).copied().unwrap_or(0)
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
            stored.item.folder.generation = generation;
        }
    }

    /// Puts generated items into a folder that holds none yet, while a world is built.
    ///
    /// # Errors
    /// [`StoreError::FolderNotFound`], [`StoreError::SearchFolder`]; [`StoreError::FolderExists`] where the folder has a history.
    pub(crate) fn fill(&self, folder: FolderId, batch: Batch) -> Result<()> {
        let mut state = self.lock();
        let node = valid(&state, folder).and_then(|number| state.node_mut(number))?;
        match node.kind {
            FolderKind::Search => return Err(StoreError::SearchFolder),
            _ if node.head() > 0 => return Err(StoreError::FolderExists),
            _ => {}
        }
        node.unread = batch.unread();
        node.batch = Some(Arc::new(batch));
        Ok(())
    }

    /// Stores an item while a world is built: no subscriber is told.
    pub(crate) fn seed_item(&self, folder: FolderId, new: NewItem) -> Result<ItemId> {
        let mut state = self.lock();
        let number = valid(&state, folder)?;
        let item = state.seed_item(number, new)?;
        Ok(state.item_id(item))
    }

    /// Adds a folder while a world is built: any name, hidden or a search folder if asked.
    pub(crate) fn seed_folder(&self, parent: FolderId, name: &str, class: Option<&str>, hidden: bool, search: bool) -> Result<FolderId> {
        let mut state = self.lock();
        let parent = valid(&state, parent)?;
        let number = state.insert_folder(Some(parent), name, class.map(str::to_owned), hidden);
        if search {
            state.node_mut(number)?.kind = FolderKind::Search;
        }
        Ok(state.folder_id(number))
    }

    /// Gives a folder another name or class while a world is built, well-known ones (a localised mailbox) too.
    pub(crate) fn dress_folder(&self, folder: FolderId, name: Option<&str>, class: Option<&str>, hidden: bool) -> Result<()> {
        let mut state = self.lock();
        let number = valid(&state, folder)?;
        let node = state.node_mut(number)?;
        if let Some(name) = name {
            node.name = name.to_owned();
        }
        if let Some(class) = class {
            node.kind = super::defaults::kind(Some(class));
            node.class = Some(class.to_owned());
        }
        node.hidden |= hidden;
        Ok(())
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

fn valid(state: &Inner, id: FolderId) -> Result<u64> {
    if id.mailbox != state.mailbox || id.generation != state.generation {
        return Err(StoreError::FolderNotFound);
    }
    state.node(id.number).map(|_| id.number)
}

fn valid_item(state: &Inner, id: ItemId) -> Result<u64> {
    if id.mailbox != state.mailbox || id.generation != state.generation {
        return Err(StoreError::ItemNotFound);
    }
    Ok(id.number)
}
