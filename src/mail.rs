//! The nouns: mailbox, folder, message, change, cursor. This room knows nothing of the others.

mod change;
mod folder;
mod mailbox;
mod message;

pub use change::{Change, Cursor, Page};
pub use folder::{Folder, FolderId, Hierarchy, Home, IdForm, Switch};
pub use mailbox::{Address, Bucket, Mailbox};
pub use message::{Failure, ItemId, Key, Listed, Lookup, Origin, Part, Properties};
