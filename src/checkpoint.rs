//! Where each folder resumes: small records, replaced atomically, written only after everything before them is durable.

mod blob;
mod delivered;
pub mod keyed;
mod local;
mod record;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    catalog::{Error, Reach, Span},
    mail::{Cursor, Folder, FolderId, Hierarchy, Mailbox},
};

pub use blob::BlobCheckpoints;
pub use delivered::{Delivered, OVERLAP};
pub use keyed::{KeyedCheckpoints, Settings as KeyedSettings};
pub use local::LocalCheckpoints;

/// What is known about one folder's progress.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The folder, as last listed.
    pub folder: Folder,
    /// Where its listing resumes.
    pub cursor: Cursor,
    /// Whether the first full listing (or one begun anew) is still under way.
    pub walking: bool,
    /// When a listing from the start last came to its end; absent while one is under way, or where an earlier version did not note it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<DateTime<Utc>>,
    /// The folder's stamp when its listing was last read to the end; equal stamps in two looks mean that nothing is to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<String>,
    /// How far the mailbox's catalog reached when this was saved: should it ever reach less far, lines were lost that the cursor counts on.
    #[serde(default)]
    pub reach: Reach,
    /// Lines of the catalog that a cursor did not cover when their folder's listing was resumed, and that are to be compared with the server once it is
    /// read to its end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncovered: Vec<Span>,
    /// A digest of the filters in force when the listing began: wider filters need a new listing.
    pub filters: String,
    /// How much of the folder the sink has, told in time.
    #[serde(default, skip_serializing_if = "Delivered::is_empty")]
    pub delivered: Delivered,
}

impl Checkpoint {
    /// Whether its folder is to be listed from the start: a listing that is not under way, and never came to its end.
    pub fn begins_anew(&self) -> bool {
        !self.walking && self.listed.is_none()
    }
}

/// The store of checkpoints.
#[async_trait]
pub trait Checkpoints: Send + Sync + 'static {
    /// A folder's checkpoint. One that is damaged counts as none, with a warning: the folder is listed again and costs no download.
    async fn load(&self, mailbox: &Mailbox, folder: &FolderId) -> Result<Option<Checkpoint>, Error>;

    /// Replaces a folder's checkpoint, durably.
    async fn save(&self, mailbox: &Mailbox, checkpoint: &Checkpoint) -> Result<(), Error>;

    /// Makes it durable that a folder is listed from the start, before that begins: should it break off before its first cursor is saved, the old one must
    /// not be resumed, since it would pass for one of the new listing.
    async fn save_to_begin_anew(&self, mailbox: &Mailbox, checkpoint: Checkpoint) -> Result<(), Error> {
        match checkpoint.begins_anew() {
            true => Ok(()),
            false => self.save(mailbox, &Checkpoint { walking: false, listed: None, settled: None, ..checkpoint }).await,
        }
    }

    /// Forgets a folder that is no more.
    async fn forget(&self, mailbox: &Mailbox, folder: &FolderId) -> Result<(), Error>;

    /// The folders as last listed; empty at first.
    async fn hierarchy(&self, mailbox: &Mailbox) -> Result<Hierarchy, Error>;

    /// Replaces them, durably.
    async fn save_hierarchy(&self, mailbox: &Mailbox, hierarchy: &Hierarchy) -> Result<(), Error>;

    /// A time before which the sink has all of a folder that has no checkpoint here, where the sink itself remembers one for these filters. An error is
    /// passing trouble: it may remember one.
    async fn delivered_until(&self, _: &Mailbox, _: &FolderId, _filters: &str) -> Result<Option<DateTime<Utc>>, Error> {
        Ok(None)
    }

    /// Whether nothing is kept here beyond the process but times: then messages are worth fetching by their age.
    fn by_time_alone(&self) -> bool {
        false
    }

    /// How much of a folder the sink has, while there is no cursor worth saving. Best effort.
    async fn progress(&self, _: &Mailbox, _: &Folder, _filters: &str, _: &Delivered) -> Result<(), Error> {
        Ok(())
    }
}
