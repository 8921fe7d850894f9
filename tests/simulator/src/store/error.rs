//! Why the store refuses.

use std::fmt;

/// A refusal; the protocol rooms turn it into their own codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreError {
    /// No such item (any more).
    ItemNotFound,
    /// No such folder (any more).
    FolderNotFound,
    /// The parent already holds a folder of this name.
    FolderExists,
    /// A well-known folder can be neither moved, renamed nor deleted.
    WellKnownFolder,
    /// The folder would end up below itself.
    FolderCycle,
    /// A search folder holds no items of its own.
    SearchFolder,
    /// The position does not belong to this folder's present history.
    PositionUnknown,
}

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::ItemNotFound => "there is no such item",
            Self::FolderNotFound => "there is no such folder",
            Self::FolderExists => "the parent folder already holds a folder of this name",
            Self::WellKnownFolder => "a well-known folder cannot be renamed, moved or deleted",
            Self::FolderCycle => "a folder cannot be moved below itself",
            Self::SearchFolder => "a search folder holds no items of its own",
            Self::PositionUnknown => "the position is not of this folder's history",
        })
    }
}

impl std::error::Error for StoreError {}
