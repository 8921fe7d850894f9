//! Subscriptions: who wants to hear of what, and what has happened since.
//!
//! Events wait in the mailbox's bounded queue. A subscription that falls too far behind loses the oldest and is told so
//! (`ErrorMissedNotificationEvents`); it stays usable, as on Exchange.

use super::error::EwsError;
use crate::store::{Event, EventKind, Events, FolderId, Mailbox, Target};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The most subscriptions of one mailbox (EWSMaxSubscriptions of an on-premises server).
const MOST: usize = 5000;
/// How long a streaming subscription lives without a stream.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// How events reach the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Over an open connection.
    Streaming,
    /// When asked for; the subscription ends after so long without a question.
    Pull(Duration),
}

/// One subscription.
#[derive(Debug)]
pub(super) struct Subscription {
    /// Its identifier.
    pub id: String,
    /// The address it was made as.
    pub owner: String,
    /// The mailbox it watches.
    pub mailbox: Mailbox,
    /// How events reach the client.
    pub delivery: Delivery,
    folders: Option<HashSet<FolderId>>,
    kinds: HashSet<String>,
    /// The queue while nobody reads from it.
    queue: Mutex<Option<Events>>,
    /// Grows when a stream begins, so that an earlier one ends.
    streams: watch::Sender<u64>,
    used: Mutex<Instant>,
    /// Events told by pulling, newest last, for a repeated question.
    pulled: Mutex<Vec<Arc<Event>>>,
}

impl Subscription {
    /// Takes the queue, to be given back; a new one when another stream has it still.
    pub fn take_queue(&self) -> Events {
        lock(&self.queue).take().unwrap_or_else(|| self.mailbox.subscribe())
    }

    /// Gives the queue back.
    pub fn return_queue(&self, events: Events) {
        *lock(&self.queue) = Some(events);
        self.touch();
    }

    /// Begins a stream: earlier ones learn of it, later ones are heard of through the receiver.
    pub fn begin_stream(&self) -> watch::Receiver<u64> {
        self.touch();
        self.streams.send_modify(|count| *count += 1);
        self.streams.subscribe()
    }

    /// Events told by pulling, newest last.
    pub fn pulled(&self) -> MutexGuard<'_, Vec<Arc<Event>>> {
        lock(&self.pulled)
    }

    /// Notes that the client has shown itself.
    pub fn touch(&self) {
        *lock(&self.used) = Instant::now();
    }

    fn is_over(&self, now: Instant) -> bool {
        // While a stream reads from it there is no queue here, and it lives.
        if lock(&self.queue).is_none() {
            return false;
        }
        let life = match self.delivery {
            Delivery::Streaming => IDLE,
            Delivery::Pull(life) => life,
        };
        now.saturating_duration_since(*lock(&self.used)) > life
    }

    /// Whether an event is one of those asked for. `narrow` is the habit of a lenient server: a subscription to folders hears of
    /// arrivals and of the folder's change, and of nothing else.
    pub fn wants(&self, event: &Event, narrow: bool) -> bool {
        let Some(folders) = &self.folders else {
            return self.kinds.contains(kind_name(event.kind));
        };
        let from = match event.kind {
            EventKind::Moved { old_parent, .. } | EventKind::Copied { old_parent, .. } => Some(old_parent),
            _ => None,
        };
        let item = matches!(event.target, Target::Item(_));
        if narrow && item && !matches!(event.kind, EventKind::Created | EventKind::NewMail) {
            return false;
        }
        let here = match event.target {
            Target::Folder(id) => folders.contains(&id) || folders.contains(&event.parent),
            Target::Item(_) => folders.contains(&event.parent) || from.is_some_and(|from| folders.contains(&from)),
        };
        here && self.kinds.contains(kind_name(event.kind))
    }
}

/// The element of an event, without its prefix; also its name in a request.
pub(super) fn kind_name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Created => "CreatedEvent",
        EventKind::NewMail => "NewMailEvent",
        EventKind::Deleted => "DeletedEvent",
        EventKind::Modified { .. } => "ModifiedEvent",
        EventKind::Moved { .. } => "MovedEvent",
        EventKind::Copied { .. } => "CopiedEvent",
    }
}

/// All subscriptions of a server. They live in memory: a restart forgets them, as a failover does.
#[derive(Debug, Default)]
pub struct Subscriptions(Mutex<Registry>);

#[derive(Debug, Default)]
struct Registry {
    made: u64,
    by_id: HashMap<String, Arc<Subscription>>,
    /// Identifiers of subscriptions that lapsed, so that they can be told from ones that never were. Bounded.
    lapsed: HashSet<String>,
}

/// The most lapsed identifiers remembered.
const LAPSED: usize = 10_000;

impl Subscriptions {
    /// Makes a subscription that hears of everything from now on.
    pub(super) fn add(
        &self,
        owner: &str,
        mailbox: &Mailbox,
        folders: Option<HashSet<FolderId>>,
        kinds: HashSet<String>,
        delivery: Delivery,
        counter_ids: bool,
    ) -> Result<Arc<Subscription>, EwsError> {
        let mut registry = self.registry();
        registry.sweep();
        let same = registry.by_id.values().filter(|known| known.mailbox.guid() == mailbox.guid());
        if same.count() >= MOST {
            return Err(EwsError::new("ErrorExceededSubscriptionCount", "You have exceeded the available subscriptions for your account."));
        }
        registry.made += 1;
        let id = new_id(mailbox, registry.made, counter_ids);
        let subscription = Arc::new(Subscription {
            id: id.clone(),
            owner: owner.to_owned(),
            mailbox: mailbox.clone(),
            delivery,
            folders,
            kinds,
            queue: Mutex::new(Some(mailbox.subscribe())),
            streams: watch::Sender::new(0),
            used: Mutex::new(Instant::now()),
            pulled: Mutex::default(),
        });
        registry.by_id.insert(id, subscription.clone());
        Ok(subscription)
    }

    /// Finds the subscription of an identifier, for the address that made it.
    pub(super) fn find(&self, id: &str, owner: &str) -> Result<Arc<Subscription>, EwsError> {
        let mut registry = self.registry();
        registry.sweep();
        let Some(found) = registry.by_id.get(id) else {
            return Err(if registry.lapsed.contains(id) {
                EwsError::new("ErrorExpiredSubscription", "The subscription has expired.")
            } else if STANDARD.decode(id).is_ok_and(|bytes| bytes.starts_with(MARK)) {
                EwsError::new("ErrorSubscriptionNotFound", "The specified subscription was not found.")
            } else {
                EwsError::new("ErrorInvalidSubscription", "The specified subscription is invalid.")
            });
        };
        if found.owner.eq_ignore_ascii_case(owner) {
            Ok(found.clone())
        } else {
            Err(EwsError::new(
                "ErrorSubscriptionAccessDenied",
                "Access is denied. Only the subscription owner may access the subscription.",
            ))
        }
    }

    /// Ends a subscription.
    pub(super) fn remove(&self, id: &str, owner: &str) -> Result<(), EwsError> {
        self.find(id, owner)?;
        self.registry().by_id.remove(id);
        Ok(())
    }

    /// Forgets every subscription, as a restart of the mailbox server does.
    pub fn forget_all(&self) {
        self.registry().by_id.clear();
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        lock(&self.0)
    }
}

impl Registry {
    fn sweep(&mut self) {
        let now = Instant::now();
        let over: Vec<String> =
            self.by_id.values().filter(|subscription| subscription.is_over(now)).map(|subscription| subscription.id.clone()).collect();
        for id in over {
            self.by_id.remove(&id);
            if self.lapsed.len() < LAPSED {
                self.lapsed.insert(id);
            }
        }
    }
}

const MARK: &[u8] = b"\x15\0simulator.example";

/// An identifier: the server's name, the mailbox, and what makes it unlike all others. A lenient server just counts.
fn new_id(mailbox: &Mailbox, number: u64, counter: bool) -> String {
    if counter {
        let mut bytes = u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes().to_vec();
        bytes.extend_from_slice(&[5, 0, 0, 0]);
        return STANDARD.encode(bytes);
    }
    let mut bytes = MARK.to_vec();
    bytes.extend_from_slice(&mailbox.guid().0);
    bytes.extend_from_slice(&number.to_be_bytes());
    let mut hash = Sha256::new();
    hash.update(&bytes);
    // Unlike those of an earlier run of the server.
    hash.update(chrono::Utc::now().timestamp_micros().to_be_bytes());
    bytes.extend(hash.finalize().iter().take(16));
    STANDARD.encode(bytes)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
