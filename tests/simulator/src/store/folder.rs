//! A folder as the store gives it out.

use super::ids::FolderId;

/// Which element a folder is shown as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FolderKind {
    /// Mail and everything without a kind of its own.
    Plain,
    /// IPF.Appointment.
    Calendar,
    /// IPF.Contact.
    Contacts,
    /// IPF.Task.
    Tasks,
    /// A search folder: shows items of others, cannot be synchronised.
    Search,
}

/// One folder at the moment of asking.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Its identifier.
    pub id: FolderId,
    /// The number its change key is made of.
    pub change: u64,
    /// The folder above; `None` for the two roots.
    pub parent: Option<FolderId>,
    /// Display name: free text.
    pub name: String,
    /// PidTagContainerClass, such as `IPF.Note`; may be absent.
    pub class: Option<String>,
    /// Its well-known name, such as `inbox` or `archivemsgfolderroot`.
    pub well_known: Option<String>,
    /// The element it is shown as.
    pub kind: FolderKind,
    /// PidTagAttributeHidden.
    pub hidden: bool,
    /// Items in it.
    pub total: u64,
    /// Unread items in it.
    pub unread: u64,
    /// Folders directly below.
    pub children: u64,
    /// PidTagLocalCommitTimeMax (0x670A): 100 ns since 1601, strictly greater after every change of its contents.
    pub commit_time: u64,
    /// PidTagDeletedCountTotal (0x670B): items ever removed from it.
    pub deleted_total: u64,
    /// Grows when sync states of the folder are declared lost; part of every sync state.
    pub epoch: u32,
}
