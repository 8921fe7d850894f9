//! What the API remembers of folders that have no checkpoint here. Asked for once a bucket, and only if there is such a folder; times and digests are
//! all that is kept of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex as Lock, PoisonError},
};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::{StateKey, key};
use crate::{
    catalog::Error,
    mail::{Bucket, Mailbox},
    reinfer::{Client, SyncState},
};

/// A digest of a state's fingerprint.
type Fingerprint = [u8; 32];

/// The folders of one bucket.
type Remembered = HashMap<StateKey, (DateTime<Utc>, Fingerprint)>;

/// What the API remembers.
pub(super) struct Known {
    client: Client,
    /// Each behind a lock of its own: while one is asked for, what concerns others goes on.
    buckets: Lock<HashMap<Bucket, Arc<Mutex<Option<Remembered>>>>>,
}

impl Known {
    pub(super) fn new(client: Client) -> Self {
        Self { client, buckets: Lock::default() }
    }

    /// The time that is remembered for a folder and these filters.
    pub(super) async fn until(&self, mailbox: &Mailbox, key: &StateKey, filters: &str) -> Result<Option<DateTime<Utc>>, Error> {
        let bucket = self.buckets.lock().unwrap_or_else(PoisonError::into_inner).entry(mailbox.bucket.clone()).or_default().clone();
        let mut bucket = bucket.lock().await;
        if bucket.is_none() {
            *bucket = Some(self.ask(&mailbox.bucket).await?);
        }
        let known = bucket.as_ref().and_then(|folders| folders.get(key));
        Ok(known.filter(|(_, fingerprint)| *fingerprint == digest(filters)).map(|(until, _)| *until))
    }

    async fn ask(&self, bucket: &Bucket) -> Result<Remembered, Error> {
        match self.client.sync_states(bucket).await {
            Ok(states) => Ok(states.iter().filter_map(remembered).collect()),
            Err(error) if error.passing() => {
                let cause = error.code.map_or(error.cause.clone(), |code| format!("{code}: {}", error.cause));
                Err(Error { attempt: error.attempt, cause, hint: error.hint, locked: false })
            }
            // Uploading will tell whether anything at all is allowed here; not to know costs uploads, and loses nothing.
            Err(error) => {
                tracing::warn!(%error, "what the bucket has already is not known, so its folders are read from the start");
                Ok(HashMap::new())
            }
        }
    }

    /// What is known of a folder here counts from now on.
    pub(super) async fn drop_folder(&self, bucket: &Bucket, key: &StateKey) {
        let bucket = self.buckets.lock().unwrap_or_else(PoisonError::into_inner).get(bucket).cloned();
        let Some(bucket) = bucket else { return };
        if let Some(folders) = bucket.lock().await.as_mut() {
            folders.remove(key);
        }
    }
}

fn remembered(state: &SyncState) -> Option<(StateKey, (DateTime<Utc>, Fingerprint))> {
    let folder = state.folder_id.as_deref()?;
    let (until, fingerprint) = (state.synced_until?, state.fingerprint.as_deref()?);
    Some((key(&state.mailbox_name, Some(folder)), (until, digest(fingerprint))))
}

fn digest(text: &str) -> Fingerprint {
    Sha256::digest(text).into()
}
