//! Checkpoints beside a sink that keeps sync states of its own: cursors stay where they are, and the API is told how far each folder is copied.
//!
//! It is told behind the mail and never holds it up: at a folder's end, else at most every five seconds a folder, again and again where that fails. The
//! states are what people see in the API, and what a start with an empty disk goes by. Where checkpoints end with the process messages are fetched by
//! their age, so that such a time is there from the first of them on.
//!
//! States that others wrote are found by mailbox and folder, whatever their keys, and count where their fingerprint is ours.

mod known;
mod outbox;

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio_util::task::AbortOnDropHandle;

use self::{
    known::Known,
    outbox::{Letter, Outbox},
};
use super::{Checkpoint, Checkpoints, Delivered};
use crate::{
    catalog::Error,
    http::Backoff,
    mail::{Folder, FolderId, Hierarchy, Mailbox},
    reinfer::{Client, Status, SyncState},
};

/// How often and how patiently the API is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// The shortest time between two states of a folder that is not at its end.
    pub interval: Duration,
    /// Waits after passing trouble.
    pub backoff: Backoff,
    /// Whether the checkpoints beside them end with the process.
    pub fleeting: bool,
}

impl Default for Settings {
    fn default() -> Self {
        let backoff = Backoff { first: Duration::from_secs(5), cap: Duration::from_secs(300) };
        Self { interval: Duration::from_secs(5), backoff, fleeting: false }
    }
}

/// The key of a state: a digest, which fits any path.
pub(super) type StateKey = [u8; 32];

/// Checkpoints whose progress is told to the API.
pub struct KeyedCheckpoints {
    inner: Arc<dyn Checkpoints>,
    known: Known,
    outbox: Arc<Outbox>,
    fleeting: bool,
    _keeper: AbortOnDropHandle<()>,
}

impl KeyedCheckpoints {
    /// Tells the API what is saved in `inner`. To be called within the runtime.
    pub fn new(inner: Arc<dyn Checkpoints>, client: Client, settings: Settings) -> Self {
        let fleeting = settings.fleeting;
        let outbox = Arc::new(Outbox::new(client.clone(), settings));
        let keeper = tokio::spawn(outbox.clone().keep());
        Self { inner, known: Known::new(client), outbox, fleeting, _keeper: AbortOnDropHandle::new(keeper) }
    }

    /// Tells at once what has not been told, before an end. What cannot be told in this time is told by the next run.
    pub async fn flush(&self, within: Duration) {
        if tokio::time::timeout(within, self.outbox.flush()).await.is_err() {
            tracing::info!("not every sync state could be stored in time; the next run stores them");
        }
    }
}

#[async_trait]
impl Checkpoints for KeyedCheckpoints {
    async fn load(&self, mailbox: &Mailbox, folder: &FolderId) -> Result<Option<Checkpoint>, Error> {
        self.inner.load(mailbox, folder).await
    }

    async fn save(&self, mailbox: &Mailbox, checkpoint: &Checkpoint) -> Result<(), Error> {
        self.inner.save(mailbox, checkpoint).await?;
        let key = folder_key(mailbox, &checkpoint.folder.id);
        self.known.drop_folder(&mailbox.bucket, &key).await;
        let state = state(mailbox, &checkpoint.folder, &checkpoint.filters, &checkpoint.delivered);
        self.outbox.put(mailbox, key, Letter::Folder(Box::new(state)));
        Ok(())
    }

    async fn forget(&self, mailbox: &Mailbox, folder: &FolderId) -> Result<(), Error> {
        self.inner.forget(mailbox, folder).await?;
        let key = folder_key(mailbox, folder);
        self.known.drop_folder(&mailbox.bucket, &key).await;
        self.outbox.put(mailbox, key, Letter::Gone);
        Ok(())
    }

    async fn hierarchy(&self, mailbox: &Mailbox) -> Result<Hierarchy, Error> {
        self.inner.hierarchy(mailbox).await
    }

    async fn save_hierarchy(&self, mailbox: &Mailbox, hierarchy: &Hierarchy) -> Result<(), Error> {
        self.inner.save_hierarchy(mailbox, hierarchy).await?;
        let present: HashSet<StateKey> = hierarchy.folders.iter().map(|folder| folder_key(mailbox, &folder.id)).collect();
        self.outbox.present(mailbox, &present);
        Ok(())
    }

    async fn delivered_until(&self, mailbox: &Mailbox, folder: &FolderId, filters: &str) -> Result<Option<DateTime<Utc>>, Error> {
        self.known.until(mailbox, &folder_key(mailbox, folder), filters).await
    }

    fn by_time_alone(&self) -> bool {
        self.fleeting
    }

    async fn progress(&self, mailbox: &Mailbox, folder: &Folder, filters: &str, delivered: &Delivered) -> Result<(), Error> {
        let state = state(mailbox, folder, filters, delivered);
        self.outbox.put(mailbox, folder_key(mailbox, &folder.id), Letter::Folder(Box::new(state)));
        Ok(())
    }
}

fn state(mailbox: &Mailbox, folder: &Folder, filters: &str, delivered: &Delivered) -> SyncState {
    SyncState {
        mailbox_name: mailbox.address.as_str().to_owned(),
        folder_id: Some(folder.id.0.clone()),
        folder_path: Some(folder.path.clone()),
        status: if delivered.drained { Status::UpToDate } else { Status::InProgress },
        synced_until: delivered.until,
        last_synced_at: Some(Utc::now()),
        fingerprint: Some(filters.to_owned()),
    }
}

fn folder_key(mailbox: &Mailbox, folder: &FolderId) -> StateKey {
    key(mailbox.address.as_str(), Some(&folder.0))
}

fn key(mailbox: &str, folder: Option<&str>) -> StateKey {
    let mut digest = Sha256::new();
    digest.update(mailbox.to_lowercase());
    if let Some(folder) = folder {
        // The interfaces write the same folder's id with other letters for two digits of its base64 (RFC 4648, section 5).
        digest.update([0]);
        digest.update(folder.replace('/', "-").replace('+', "_"));
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests;
