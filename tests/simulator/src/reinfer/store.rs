//! What the API keeps: buckets with their emails and states, configurations, contents of attachments. Tests may look at all of it.
//!
//! Texts of messages are kept in memory, as they are meant to be compared; a world that says `keep = "digest"` keeps their SHA-256 and length.

use super::email::{NewEmail, StoredEmail};
use super::refusal::Refusal;
use super::state::{BucketSyncState, SyncState};
use super::throttle::Throttle;
use super::token::{Token, Tokens};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the API allows, and how much of a message it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The texts of messages are kept, not their digests alone.
    pub keep_mime: bool,
    /// Bytes of a request's body.
    pub max_body: usize,
    /// Emails of one request; 0 for any number.
    pub max_emails: usize,
    /// Requests of one token in flight at a time; 0 for any number.
    pub max_in_flight: u32,
    /// Seconds a client is told to wait that has more.
    pub retry_after_s: u64,
}

/// Who last fed a bucket, as the feeder says itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Feeder {
    /// The owner of its configuration.
    pub config_owner: String,
    /// The configuration's key.
    pub config_key: String,
    /// Its share, counted from 0.
    pub shard_index: i32,
    /// How many shares there are.
    pub num_shards: i32,
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its id: hex, and another one after it was deleted and made again.
    pub id: String,
    /// Its owner, a project.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Who last fed it.
    pub last_updated_by: Option<Feeder>,
    /// How often it was told who feeds it.
    pub feeder_updates: u64,
}

/// A bucket and what is in it.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) bucket: Bucket,
    /// By their places: an email that is put again keeps its place.
    order: BTreeMap<u64, Arc<StoredEmail>>,
    places: HashMap<String, u64>,
    next: u64,
    pub(super) states: BTreeMap<String, SyncState>,
    pub(super) state: Option<BucketSyncState>,
}

/// All that is kept, but for tokens.
#[derive(Debug, Default)]
pub(super) struct Shelves {
    buckets: BTreeMap<(String, String), Shelf>,
    pub(super) configs: BTreeMap<(String, String), Bytes>,
    pub(super) contents: HashMap<String, Bytes>,
    changes: u64,
    made: u64,
}

/// The API: what it keeps and whom it knows.
#[derive(Debug)]
pub struct Reinfer {
    pub(super) settings: Settings,
    pub(super) tokens: Tokens,
    /// Requests from the arrival of their heads on.
    pub(super) arrivals: Throttle,
    /// Requests from the arrival of their bodies on, and waits.
    pub(super) throttle: Throttle,
    shelves: Mutex<Shelves>,
}

impl Shelves {
    /// The number of the next change.
    pub(super) fn change(&mut self) -> u64 {
        self.changes += 1;
        self.changes
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Shelf> {
        self.buckets.values()
    }

    pub(super) fn named(&mut self, owner: &str, name: &str) -> Option<&mut Shelf> {
        self.buckets.get_mut(&(owner.to_owned(), name.to_owned()))
    }

    pub(super) fn by_id(&mut self, id: &str) -> Option<&mut Shelf> {
        self.buckets.values_mut().find(|shelf| shelf.bucket.id == id)
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.buckets.retain(|_, shelf| shelf.bucket.id != id);
    }

    /// Makes a bucket; none where there is one of this name.
    pub(super) fn make(&mut self, owner: &str, name: &str, title: Option<&str>) -> Option<Bucket> {
        let key = (owner.to_owned(), name.to_owned());
        if self.buckets.contains_key(&key) {
            return None;
        }
        self.made += 1;
        let digest = Sha256::digest(format!("{owner}/{name}#{}", self.made));
        let now = Utc::now();
        let bucket = Bucket {
            id: hex::encode(digest.iter().take(8).copied().collect::<Vec<u8>>()),
            owner: owner.to_owned(),
            name: name.to_owned(),
            title: title.unwrap_or(name).to_owned(),
            created_at: now,
            updated_at: now,
            last_updated_by: None,
            feeder_updates: 0,
        };
        let shelf =
            Shelf { bucket: bucket.clone(), order: BTreeMap::new(), places: HashMap::new(), next: 0, states: BTreeMap::new(), state: None };
        self.buckets.insert(key, shelf);
        Some(bucket)
    }
}

impl Shelf {
    /// Puts an email, in place of one of the same id. True where there was none.
    pub(super) fn put(&mut self, email: NewEmail, no_charge: bool, change: u64) -> bool {
        let now = Utc::now();
        let place = self.places.get(&email.id).copied();
        let known = place.and_then(|place| self.order.get(&place));
        let NewEmail { id, mailbox, timestamp, mime, metadata, attachments } = email;
        let (created_at, puts, first_change) =
            known.map_or((now, 1, change), |known| (known.created_at, known.puts + 1, known.first_change));
        let stored = StoredEmail {
            id,
            mailbox,
            timestamp,
            mime,
            metadata,
            attachments,
            created_at,
            updated_at: now,
            puts,
            no_charge,
            first_change,
            last_change: change,
        };
        let place = place.unwrap_or_else(|| {
            let new = self.next;
            self.next += 1;
            self.places.insert(stored.id.clone(), new);
            new
        });
        self.order.insert(place, Arc::new(stored)).is_none()
    }

    /// The emails from a place on, each with its place.
    pub(super) fn from(&self, place: u64) -> impl Iterator<Item = (u64, &Arc<StoredEmail>)> {
        self.order.range(place..).map(|(place, email)| (*place, email))
    }

    /// The email of an id.
    pub(super) fn email(&self, id: &str) -> Option<&Arc<StoredEmail>> {
        self.places.get(id).and_then(|place| self.order.get(place))
    }

    /// Takes an email away; false where there was none.
    pub(super) fn delete(&mut self, id: &str) -> bool {
        self.places.remove(id).and_then(|place| self.order.remove(&place)).is_some()
    }

    /// How many emails there are.
    pub(super) fn count(&self) -> usize {
        self.order.len()
    }
}

impl Reinfer {
    /// An API with nothing in it.
    pub fn new(settings: Settings, tokens: Vec<Token>) -> Self {
        Self {
            settings,
            tokens: Tokens::new(tokens),
            arrivals: Throttle::default(),
            throttle: Throttle::default(),
            shelves: Mutex::default(),
        }
    }

    pub(super) fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shelf of `owner/name`.
    pub(super) fn with<T>(&self, bucket: &str, look: impl FnOnce(&mut Shelf) -> T) -> Option<T> {
        let (owner, name) = bucket.split_once('/')?;
        self.shelves().named(owner, name).map(look)
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The tokens in force.
    pub fn tokens(&self) -> Vec<Token> {
        self.tokens.all()
    }

    /// Puts a token in force, in place of one of the same text.
    pub fn add_token(&self, token: Token) {
        self.tokens.add(token);
    }

    /// Takes a token out of force; false where there was none.
    pub fn revoke_token(&self, token: &str) -> bool {
        self.tokens.revoke(token)
    }

    /// All buckets, by owner and name.
    pub fn buckets(&self) -> Vec<Bucket> {
        self.shelves().all().map(|shelf| shelf.bucket.clone()).collect()
    }

    /// The bucket `owner/name`.
    pub fn bucket(&self, bucket: &str) -> Option<Bucket> {
        self.with(bucket, |shelf| shelf.bucket.clone())
    }

    /// Makes a bucket; none where there is one of this name already.
    pub fn make_bucket(&self, owner: &str, name: &str, title: Option<&str>) -> Option<Bucket> {
        self.shelves().make(owner, name, title)
    }

    /// The emails of the bucket `owner/name`, in the order they first came; empty where there is no such bucket.
    pub fn emails(&self, bucket: &str) -> Vec<Arc<StoredEmail>> {
        self.with(bucket, |shelf| shelf.from(0).map(|(_, email)| email.clone()).collect()).unwrap_or_default()
    }

    /// How many emails the bucket `owner/name` has.
    pub fn email_count(&self, bucket: &str) -> usize {
        self.with(bucket, |shelf| shelf.count()).unwrap_or_default()
    }

    /// One email of the bucket `owner/name`.
    pub fn email(&self, bucket: &str, id: &str) -> Option<Arc<StoredEmail>> {
        self.with(bucket, |shelf| shelf.email(id).cloned()).flatten()
    }

    /// The keyed sync states of the bucket `owner/name`, by key.
    pub fn sync_states(&self, bucket: &str) -> BTreeMap<String, SyncState> {
        self.with(bucket, |shelf| shelf.states.clone()).unwrap_or_default()
    }

    /// The opaque state of the bucket `owner/name`.
    pub fn bucket_sync_state(&self, bucket: &str) -> Option<BucketSyncState> {
        self.with(bucket, |shelf| shelf.state.clone()).flatten()
    }

    /// The configuration of an appliance, as it was stored.
    pub fn config(&self, owner: &str, key: &str) -> Option<Bytes> {
        self.shelves().configs.get(&(owner.to_owned(), key.to_owned())).cloned()
    }

    /// Stores the configuration of an appliance, whatever is in it; none takes it away.
    pub fn set_config(&self, owner: &str, key: &str, content: Option<Bytes>) {
        let key = (owner.to_owned(), key.to_owned());
        let mut shelves = self.shelves();
        match content {
            Some(content) => shelves.configs.insert(key, content),
            None => shelves.configs.remove(&key),
        };
    }

    /// The configurations there are: owner and key.
    pub fn configs(&self) -> Vec<(String, String)> {
        self.shelves().configs.keys().cloned().collect()
    }

    /// The owners there are: of buckets and of configurations.
    pub(super) fn owners(&self) -> Vec<String> {
        let shelves = self.shelves();
        let buckets = shelves.all().map(|shelf| shelf.bucket.owner.clone());
        let mut owners: Vec<String> = buckets.chain(shelves.configs.keys().map(|(owner, _)| owner.clone())).collect();
        owners.sort();
        owners.dedup();
        owners
    }
}

/// Whether a name of an owner or a bucket is one.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=256).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Refuses a name that is none.
///
/// # Errors
/// 422.
pub(super) fn check_name(path: &str, name: &str) -> Result<(), Refusal> {
    if is_name(name) { Ok(()) } else { Err(Refusal::value(path, format!("{name:?} does not match [A-Za-z0-9-_]{{1,256}}"))) }
}
