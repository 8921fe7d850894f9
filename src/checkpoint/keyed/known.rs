//! What the API remembers of folders that have no checkpoint here. Asked for once a bucket, and only if there is such a folder; times and digests are
//! all that is kept of it.

use std::collections::HashMap;

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
    buckets: Mutex<HashMap<Bucket, Remembered>>,
}

impl Known {
    pub(super) fn new(client: Client) -> Self {
        Self { client, buckets: Mutex::default() }
    }

    /// The time that is remembered for a folder and these filters.
    pub(super) async fn until(&self, mailbox: &Mailbox, key: &StateKey, filters: &str) -> Result<Option<DateTime<Utc>>, Error> {
        let mut buckets = self.buckets.lock().await;
        let bucket = match buckets.entry(mailbox.bucket.clone()) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(unknown) => match self.client.sync_states(&mailbox.bucket).await {
                Ok(states) => unknown.insert(states.iter().filter_map(remembered).collect()),
                Err(error) if error.passing() => {
                    let cause = error.code.map_or(error.cause.clone(), |code| format!("{code}: {}", error.cause));
                    return Err(Error { attempt: error.attempt, cause, hint: error.hint, locked: false });
                }
                // Uploading will tell whether anything at all is allowed here; not to know costs uploads, and loses nothing.
                Err(error) => {
                    tracing::warn!(%error, "what the bucket has already is not known, so its folders are read from the start");
                    unknown.insert(HashMap::new())
                }
            },
        };
        Ok(bucket.get(key).filter(|(_, fingerprint)| *fingerprint == digest(filters)).map(|(until, _)| *until))
    }

    /// What is known of a folder here counts from now on.
    pub(super) async fn drop_folder(&self, bucket: &Bucket, key: &StateKey) {
        if let Some(bucket) = self.buckets.lock().await.get_mut(bucket) {
            bucket.remove(key);
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
