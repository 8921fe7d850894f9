//! What can be done with the items of a mailbox.

use super::{DeleteHow, Mailbox, Result, bin, valid, valid_item};
use crate::store::error::StoreError;
use crate::store::find::{Find, Found};
use crate::store::folder::FolderKind;
use crate::store::ids::{FolderId, ItemId};
use crate::store::item::Item;
use crate::store::new_item::{ItemUpdate, NewItem};
use crate::store::position::{ChangePage, Position};

impl Mailbox {
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
}
