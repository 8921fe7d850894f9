//! States on their way to the API: the latest of each folder, and of each mailbox. There are never more than there are folders.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::Utc;
use futures::{StreamExt, stream};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{Settings, StateKey, key};
use crate::{
    mail::{Bucket, Mailbox},
    reinfer::{Client, Error, Status, SyncState},
};

/// Requests at the same time.
const AT_ONCE: usize = 4;

/// What is to be told of a folder.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Letter {
    /// Its state.
    Folder(Box<SyncState>),
    /// That there is none any more.
    Gone,
    /// The state of the whole mailbox, made when it is told.
    Mailbox,
}

/// What is known of one state's way.
struct Slot {
    mailbox: Mailbox,
    letter: Option<Letter>,
    /// Not before this.
    due: Instant,
    failures: u32,
}

/// States on their way.
pub(super) struct Outbox {
    client: Client,
    settings: Settings,
    inside: Mutex<Inside>,
    news: Notify,
    /// Held while something is being told: who wants all to be told waits for that, too.
    telling: tokio::sync::Mutex<()>,
}

/// A state's place: states of different buckets may have the same key.
type Address = (Bucket, StateKey);

#[derive(Default)]
struct Inside {
    slots: HashMap<Address, Slot>,
    /// Folders of each mailbox that are not at their end.
    in_progress: HashMap<Address, HashSet<StateKey>>,
    /// Whether it was said that this fails.
    told: bool,
}

impl Outbox {
    pub(super) fn new(client: Client, settings: Settings) -> Self {
        Self { client, settings, inside: Mutex::default(), news: Notify::new(), telling: tokio::sync::Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a folder's state, in place of one that is still here.
    pub(super) fn put(&self, mailbox: &Mailbox, folder: StateKey, letter: Letter) {
        let whole = key(mailbox.address.as_str(), None);
        let mut inside = self.lock();
        let in_progress = inside.in_progress.entry((mailbox.bucket.clone(), whole)).or_default();
        let at_its_end = match &letter {
            Letter::Folder(state) if state.status == Status::InProgress => {
                in_progress.insert(folder);
                false
            }
            _ => {
                in_progress.remove(&folder);
                true
            }
        };
        inside.post(mailbox, folder, letter, at_its_end);
        inside.post(mailbox, whole, Letter::Mailbox, false);
        drop(inside);
        self.news.notify_one();
    }

    /// The folders that a mailbox has: those that it has no more are not in progress.
    pub(super) fn present(&self, mailbox: &Mailbox, folders: &HashSet<StateKey>) {
        let whole = key(mailbox.address.as_str(), None);
        if let Some(in_progress) = self.lock().in_progress.get_mut(&(mailbox.bucket.clone(), whole)) {
            in_progress.retain(|folder| folders.contains(folder));
        }
    }

    /// Tells what is due, for ever.
    pub(super) async fn keep(self: Arc<Self>) {
        loop {
            let news = self.news.notified();
            let next = self.lock().slots.values().filter(|slot| slot.letter.is_some()).map(|slot| slot.due).min();
            match next {
                Some(due) => tokio::select! {
                    () = sleep_until(due) => {}
                    () = news => {}
                },
                None => news.await,
            }
            self.tell(Some(Instant::now())).await;
        }
    }

    /// Tells everything, once.
    pub(super) async fn flush(&self) {
        self.tell(None).await;
    }

    /// Tells what is due by now, or everything.
    async fn tell(&self, now: Option<Instant>) {
        let _telling = self.telling.lock().await;
        let letters = self.lock().take(now, self.settings);
        stream::iter(letters)
            .for_each_concurrent(AT_ONCE, |(address, mailbox, letter)| async move {
                let (bucket, state) = &address;
                let outcome = self.send(bucket, &hex::encode(state), &mailbox, &letter).await;
                self.settle(address.clone(), letter, outcome);
            })
            .await;
    }

    async fn send(&self, bucket: &Bucket, key: &str, mailbox: &Mailbox, letter: &Letter) -> Result<(), Error> {
        match letter {
            Letter::Folder(state) => self.client.store_sync_state(bucket, key, state).await,
            Letter::Gone => self.client.delete_sync_state(bucket, key).await,
            Letter::Mailbox => self.client.store_sync_state(bucket, key, &self.whole(mailbox)).await,
        }
    }

    /// A mailbox's own state. It tells no time before which all is there: of folders that were not looked at since the start that is not known.
    fn whole(&self, mailbox: &Mailbox) -> SyncState {
        let whole = (mailbox.bucket.clone(), key(mailbox.address.as_str(), None));
        let busy = self.lock().in_progress.get(&whole).is_some_and(|folders| !folders.is_empty());
        SyncState {
            mailbox_name: mailbox.address.as_str().to_owned(),
            folder_id: None,
            folder_path: None,
            status: if busy { Status::InProgress } else { Status::UpToDate },
            synced_until: None,
            last_synced_at: Some(Utc::now()),
            fingerprint: None,
        }
    }

    fn settle(&self, address: Address, letter: Letter, outcome: Result<(), Error>) {
        let mut inside = self.lock();
        let Err(error) = outcome else {
            inside.told = false;
            if let Some(slot) = inside.slots.get_mut(&address) {
                slot.failures = 0;
            }
            return;
        };
        if !std::mem::replace(&mut inside.told, true) {
            tracing::warn!(%error, "a sync state is not stored with the API; mail is uploaded all the same");
        }
        // What the API does not want now it does not want later.
        if let Some(slot) = inside.slots.get_mut(&address).filter(|_| error.passing()) {
            slot.due = Instant::now() + error.retry_after.unwrap_or_else(|| self.settings.backoff.draw(slot.failures));
            slot.failures = slot.failures.saturating_add(1);
            // What came meanwhile is newer.
            slot.letter.get_or_insert(letter);
        }
    }
}

impl Inside {
    fn post(&mut self, mailbox: &Mailbox, key: StateKey, letter: Letter, at_once: bool) {
        let now = Instant::now();
        let slot = self.slots.entry((mailbox.bucket.clone(), key)).or_insert_with(|| Slot {
            mailbox: mailbox.clone(),
            letter: None,
            due: now,
            failures: 0,
        });
        slot.letter = Some(letter);
        if at_once && slot.failures == 0 {
            slot.due = now;
        }
    }

    /// Takes out what is due. A slot stays as long as it tells when its next letter may go.
    fn take(&mut self, now: Option<Instant>, settings: Settings) -> Vec<(Address, Mailbox, Letter)> {
        let (present, next) = (Instant::now(), Instant::now() + settings.interval);
        let mut letters = Vec::new();
        self.slots.retain(|address, slot| {
            let due = now.is_none_or(|now| slot.due <= now);
            if due && let Some(letter) = slot.letter.take() {
                letters.push((address.clone(), slot.mailbox.clone(), letter));
                slot.due = next;
                return true;
            }
            slot.letter.is_some() || slot.due > present
        });
        letters
    }
}
