//! Mailboxes, folders, items and their history: what every protocol of this server is a view of.
//!
//! A folder of generated messages holds none of them: an item is made from (seed, folder, ordinal) when it is asked for,
//! and only items that somebody touched are kept. See [`Mailbox`] for what can be done, [`Position`] for how history is read.

mod contents;
mod defaults;
mod directory;
mod error;
mod event;
mod find;
mod folder;
mod history;
mod ids;
mod item;
mod lasting;
mod listing;
mod mailbox;
mod new_item;
mod position;
#[cfg(test)]
mod tests;
mod tree;

pub use directory::Store;
pub use error::StoreError;
pub use event::{Event, EventKind, Events, QUEUE, Target};
pub use find::{Find, Found, Order};
pub use folder::{Folder, FolderKind};
pub use history::{FolderChange, HierarchyPage};
pub use ids::{AnyId, FolderId, Guid, ItemId, Malformed};
pub use item::{Address, Details, Importance, Item, Mime, Sensitivity};
pub use lasting::LastingId;
pub use listing::{Date, Listed, Listing};
pub use mailbox::{DeleteHow, Mailbox};
pub use new_item::{ItemUpdate, NewItem};
pub use position::{Change, ChangePage, Position};
