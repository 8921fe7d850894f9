//! Keyed sync states: how far each folder of a mailbox is copied, as the API shows it to people and keeps it for us.

use chrono::{DateTime, SecondsFormat, Utc};
use http::Method;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::Value;

use super::{
    Client, Error, Kind,
    answer::{LARGE, Question},
    bucket::question,
};
use crate::mail::Bucket;

/// Whether a folder has been read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Not yet.
    InProgress,
    /// As of [`SyncState::last_synced_at`].
    UpToDate,
}

/// One state. Those without a folder are a mailbox's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncState {
    /// The mailbox's address, as in emails.
    pub mailbox_name: String,
    /// The folder's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder_id: Option<String>,
    /// The names down to the folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder_path: Option<Vec<String>>,
    /// Whether it has been read to its end.
    pub status: Status,
    /// A time before which everything is in the bucket.
    #[serde(default, serialize_with = "instant")]
    pub synced_until: Option<DateTime<Utc>>,
    /// When the bucket last got something, or there was nothing to get.
    #[serde(default, serialize_with = "instant")]
    pub last_synced_at: Option<DateTime<Utc>>,
    /// A digest of the filters that were in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

fn instant<S: serde::Serializer>(at: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)).serialize(serializer)
}

impl Client {
    /// All states kept with a bucket. Entries that cannot be read are left out.
    pub async fn sync_states(&self, bucket: &Bucket) -> Result<Vec<SyncState>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            keyed_sync_states: Vec<Value>,
        }
        let question = Question { cap: LARGE, ..question("listing the sync states of", bucket, "read buckets") };
        let answer: Answer = self
            .ask_by_id(bucket, &question, |id| self.request(Method::GET, &["api", "_private", "buckets", id, "keyed-sync-states", ""]))
            .await?;
        Ok(answer.keyed_sync_states.into_iter().filter_map(|state| serde_json::from_value(state).ok()).collect())
    }

    /// The state under a key, if there is one.
    pub async fn sync_state(&self, bucket: &Bucket, key: &str) -> Result<Option<SyncState>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            keyed_sync_state: SyncState,
        }
        let question = question("reading a sync state of", bucket, "read buckets");
        let found = self.ask_by_id(bucket, &question, |id| self.state(Method::GET, id, key)).await;
        match found {
            Ok(Answer { keyed_sync_state }) => Ok(Some(keyed_sync_state)),
            // Either this or the bucket is missing; the bucket was there when its id was looked up.
            Err(error) if error.kind == Kind::Missing => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps a state under a key, in place of the one that is there.
    pub async fn store_sync_state(&self, bucket: &Bucket, key: &str, state: &SyncState) -> Result<(), Error> {
        #[derive(Serialize)]
        struct Update<'a> {
            keyed_sync_state: &'a SyncState,
        }
        let question = question("storing a sync state of", bucket, "manage buckets");
        let body = Update { keyed_sync_state: state };
        self.ask_by_id::<IgnoredAny>(bucket, &question, |id| self.state(Method::PUT, id, key).json(&body)).await.map(drop)
    }

    /// Forgets a state. One that is not there is forgotten already.
    pub async fn delete_sync_state(&self, bucket: &Bucket, key: &str) -> Result<(), Error> {
        let question = question("deleting a sync state of", bucket, "manage buckets");
        match self.ask_by_id::<IgnoredAny>(bucket, &question, |id| self.state(Method::DELETE, id, key)).await {
            Err(error) if error.kind != Kind::Missing => Err(error),
            _ => Ok(()),
        }
    }

    fn state(&self, method: Method, id: &str, key: &str) -> reqwest::RequestBuilder {
        self.request(method, &["api", "_private", "buckets", id, "keyed-sync-state", key])
    }
}
