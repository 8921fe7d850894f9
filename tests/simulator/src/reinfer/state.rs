//! Sync states: how far mailboxes and folders have come, and the one opaque state of a bucket.

use super::check::{Fields, body, written};
use super::refusal::{Answer, Refusal, done, ok};
use super::store::{Reinfer, Shelf};
use crate::http::Request;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// Whether a folder or mailbox has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncStatus {
    /// `IN_PROGRESS`.
    InProgress,
    /// `UP_TO_DATE`.
    UpToDate,
}

impl SyncStatus {
    /// The word on the wire.
    pub fn text(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::UpToDate => "UP_TO_DATE",
        }
    }
}

/// How far a folder has come, or where no folder is named, a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncState {
    /// The mailbox.
    pub mailbox_name: String,
    /// The folder's id.
    pub folder_id: Option<String>,
    /// Names of folders from the top down.
    pub folder_path: Option<Vec<String>>,
    /// Whether it has come to its end.
    pub status: SyncStatus,
    /// Everything until then was copied.
    pub synced_until: Option<DateTime<Utc>>,
    /// When it was last looked at.
    pub last_synced_at: DateTime<Utc>,
    /// What the client wants to recognise it by.
    pub fingerprint: Option<String>,
    /// How often it was stored.
    pub puts: u64,
    /// The number of the change that last stored it, counted together with those of emails.
    pub change: u64,
}

impl SyncState {
    fn json(&self) -> Value {
        let mut value = json!({
            "mailbox_name": self.mailbox_name, "status": self.status.text(), "synced_until": self.synced_until.map(written),
            "last_synced_at": written(self.last_synced_at), "fingerprint": self.fingerprint,
        });
        // Entries of mailboxes have no folder at all, not an empty one.
        if let (Value::Object(members), Some(id)) = (&mut value, &self.folder_id) {
            members.insert("folder_id".to_owned(), json!(id));
            members.insert("folder_path".to_owned(), json!(self.folder_path));
        }
        value
    }
}

/// The one opaque state of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketSyncState {
    /// Whatever the client keeps there.
    pub sync_state: String,
    /// How far it says it has come.
    pub progress_timestamp: Option<DateTime<Utc>>,
    /// When it says it last looked.
    pub last_synced_at: Option<DateTime<Utc>>,
    /// How often it was stored.
    pub puts: u64,
}

/// `GET keyed-sync-states/`.
pub(super) fn list(shelf: &Shelf) -> Answer {
    ok(json!({ "keyed_sync_states": shelf.states.values().map(SyncState::json).collect::<Vec<_>>() }))
}

/// `POST keyed-sync-state-ids`: the keys of one mailbox.
pub(super) fn ids(shelf: &Shelf, request: &Request) -> Answer {
    let mut fields = body(request)?;
    let mailbox = fields.words("mailbox_name")?;
    fields.end()?;
    let of_mailbox = shelf.states.iter().filter(|(_, state)| state.mailbox_name == mailbox);
    ok(json!({ "keyed_sync_state_ids": of_mailbox.map(|(key, _)| key).collect::<Vec<_>>() }))
}

/// `GET keyed-sync-state/{key}`.
pub(super) fn show(shelf: &Shelf, key: &str) -> Answer {
    let state = shelf.states.get(key).ok_or_else(Refusal::missing)?;
    ok(json!({ "keyed_sync_state": state.json() }))
}

/// `DELETE keyed-sync-state/{key}`.
pub(super) fn delete(shelf: &mut Shelf, key: &str) -> Answer {
    shelf.states.remove(key).ok_or_else(Refusal::missing)?;
    done()
}

/// What a client wants stored under a key.
#[derive(Debug)]
pub(super) struct NewState {
    pub(super) key: String,
    pub(super) mailbox_name: String,
    folder: Option<(String, Vec<String>)>,
    status: SyncStatus,
    synced_until: Option<DateTime<Utc>>,
    last_synced_at: Option<DateTime<Utc>>,
    fingerprint: Option<String>,
}

/// Reads the body of `PUT keyed-sync-state/{key}`: the form of a folder, or without both `folder_id` and `folder_path` that of a mailbox.
pub(super) fn read(key: &str, request: &Request) -> Result<NewState, Refusal> {
    if key.is_empty() || key.len() > 512 || !key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refusal::new(400, "the key of a sync state is hex"));
    }
    let mut whole = body(request)?;
    let state = whole.object("keyed_sync_state")?;
    let mut fields = whole.need("keyed_sync_state", state)?;
    whole.end()?;
    let mailbox_name = fields.words("mailbox_name")?;
    let folder = if fields.has("folder_id") || fields.has("folder_path") {
        let id = fields.words("folder_id")?;
        let path = fields.texts("folder_path")?;
        Some((id, fields.need("folder_path", path)?))
    } else {
        None
    };
    let status = fields.words("status")?;
    let status = [SyncStatus::InProgress, SyncStatus::UpToDate]
        .into_iter()
        .find(|known| known.text() == status)
        .ok_or_else(|| Refusal::value(&fields.at("status"), format!("{status:?} is neither IN_PROGRESS nor UP_TO_DATE")))?;
    let synced_until = fields.moment_or_null("synced_until")?;
    let last_synced_at = fields.moment("last_synced_at")?;
    fields.drop_null("fingerprint");
    let fingerprint = fields.text("fingerprint")?;
    fields.end()?;
    Ok(NewState { key: key.to_owned(), mailbox_name, folder, status, synced_until, last_synced_at, fingerprint })
}

/// Stores what was read.
pub(super) fn store(shelf: &mut Shelf, new: NewState, change: u64) -> Answer {
    let puts = shelf.states.get(&new.key).map_or(1, |known| known.puts + 1);
    let (folder_id, folder_path) = new.folder.unzip();
    let state = SyncState {
        mailbox_name: new.mailbox_name,
        folder_id,
        folder_path,
        status: new.status,
        synced_until: new.synced_until,
        last_synced_at: new.last_synced_at.unwrap_or_else(Utc::now),
        fingerprint: new.fingerprint,
        puts,
        change,
    };
    shelf.states.insert(new.key, state);
    done()
}

/// `GET bucket-sync-state/{owner}/{name}`; 404 where none was ever stored.
pub(super) fn show_bucket(shelf: &Shelf) -> Answer {
    let state = shelf.state.as_ref().ok_or_else(Refusal::missing)?;
    ok(json!({ "bucket_sync_state": {
        "sync_state": state.sync_state, "progress_timestamp": state.progress_timestamp.map(written),
        "last_synced_at": state.last_synced_at.map(written),
    } }))
}

/// `PUT bucket-sync-state/{owner}/{name}`.
pub(super) fn store_bucket(reinfer: &Reinfer, owner: &str, name: &str, request: &Request) -> Answer {
    let mut whole: Fields = body(request)?;
    let state = whole.object("bucket_sync_state")?;
    let mut fields = whole.need("bucket_sync_state", state)?;
    whole.end()?;
    let sync_state = fields.text("sync_state")?;
    let sync_state = fields.need("sync_state", sync_state)?;
    let progress_timestamp = fields.moment_or_null("progress_timestamp")?;
    let last_synced_at = fields.moment_or_null("last_synced_at")?;
    fields.end()?;
    let mut shelves = reinfer.shelves();
    let shelf = shelves.named(owner, name).ok_or_else(Refusal::missing)?;
    let puts = shelf.state.as_ref().map_or(1, |known| known.puts + 1);
    shelf.state = Some(BucketSyncState { sync_state, progress_timestamp, last_synced_at, puts });
    done()
}
