//! Filling a mailbox while a world is built: nobody is told.

use std::sync::Arc;

use super::{Mailbox, Result, valid};
use crate::content::Batch;
use crate::store::defaults;
use crate::store::error::StoreError;
use crate::store::folder::FolderKind;
use crate::store::ids::{FolderId, ItemId};
use crate::store::new_item::NewItem;

impl Mailbox {
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
            node.kind = defaults::kind(Some(class));
            node.class = Some(class.to_owned());
        }
        node.hidden |= hidden;
        Ok(())
    }
}
