//! All subscriptions of a server. They live in memory: a restart forgets them.

use super::notice::{Change, Lifecycle};
use super::subscription::Subscription;
use super::watch::{self, Order};
use crate::state::State;
use crate::store::{Guid, ItemId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// The most subscriptions of one mailbox, of all applications together (documentation page "Change notifications for Outlook resources").
const MOST: usize = 1000;

/// All subscriptions.
#[derive(Debug, Default)]
pub(crate) struct Webhooks(Mutex<Registry>);

#[derive(Debug, Default)]
struct Registry {
    made: u64,
    entries: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    subscription: Arc<Subscription>,
    orders: mpsc::Sender<Order>,
    task: JoinHandle<()>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Webhooks {
    /// Begins to watch; `false` where the mailbox has all the subscriptions it may have.
    pub(super) fn add(&self, subscription: Subscription, state: &Arc<State>) -> bool {
        let mut registry = self.registry();
        if !registry.has_room(subscription.mailbox.guid()) {
            return false;
        }
        let subscription = Arc::new(subscription);
        let (orders, task) = watch::begin(subscription.clone(), state);
        registry.made += 1;
        let number = registry.made;
        registry.entries.insert(number, Entry { subscription, orders, task });
        true
    }

    /// Whether a mailbox may have one more.
    pub(super) fn has_room(&self, mailbox: Guid) -> bool {
        self.registry().has_room(mailbox)
    }

    /// The subscription of an identifier, if it is this application's.
    pub(super) fn find(&self, id: &str, app: &str) -> Option<Arc<Subscription>> {
        let registry = self.registry();
        let mut all = registry.entries.values().map(|entry| &entry.subscription);
        all.find(|subscription| subscription.id.eq_ignore_ascii_case(id) && subscription.app == app).cloned()
    }

    /// A page of an application's subscriptions after a number, each with its own, oldest first.
    pub(super) fn list(&self, app: &str, after: u64, limit: usize) -> Vec<(u64, Arc<Subscription>)> {
        let registry = self.registry();
        let own = registry.entries.range(after.saturating_add(1)..).filter(|(_, entry)| entry.subscription.app == app);
        own.take(limit).map(|(number, entry)| (*number, entry.subscription.clone())).collect()
    }

    /// Ends a subscription without a word.
    pub(super) fn remove(&self, id: &str) {
        self.registry().entries.retain(|_, entry| entry.subscription.id != id);
    }

    /// Every subscription as an entity.
    pub(crate) fn all(&self) -> Vec<serde_json::Value> {
        self.registry().entries.values().map(|entry| entry.subscription.json()).collect()
    }

    /// Tells the receivers of the chosen subscriptions that this has happened; how many there were.
    pub(crate) fn announce(&self, event: Lifecycle, chosen: &Chosen) -> usize {
        self.order(chosen, |_| Some(Order::Lifecycle(event)))
    }

    /// Sends a notification of a message to the chosen subscriptions that look at this mailbox, with another client state where one is given; to
    /// how many.
    pub(crate) fn notify(&self, change: Change, item: ItemId, client_state: Option<&str>, chosen: &Chosen) -> usize {
        self.order(chosen, |subscription| {
            let client_state = client_state.map(str::to_owned);
            (subscription.mailbox.guid() == item.mailbox).then_some(Order::Change { change, item, client_state })
        })
    }

    /// Forgets the chosen subscriptions without a word, as when their time is over; how many there were.
    pub(crate) fn forget(&self, chosen: &Chosen) -> usize {
        let mut registry = self.registry();
        let before = registry.entries.len();
        registry.entries.retain(|_, entry| !chosen.has(&entry.subscription));
        before - registry.entries.len()
    }

    fn order(&self, chosen: &Chosen, order: impl Fn(&Subscription) -> Option<Order>) -> usize {
        let registry = self.registry();
        let entries = registry.entries.values().filter(|entry| chosen.has(&entry.subscription));
        // A subscription whose receiver has been deaf to a hundred orders takes no more.
        entries
            .filter_map(|entry| Some((entry, order(&entry.subscription)?)))
            .filter(|(entry, order)| entry.orders.try_send(order.clone()).is_ok())
            .count()
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    fn has_room(&self, mailbox: Guid) -> bool {
        self.entries.values().filter(|entry| entry.subscription.mailbox.guid() == mailbox).count() < MOST
    }
}

/// Which subscriptions are meant; all where nothing is said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chosen {
    /// The one of this identifier.
    pub(crate) subscription: Option<String>,
    /// Those to this mailbox.
    pub(crate) mailbox: Option<Guid>,
    /// Those of this application.
    pub(crate) app: Option<String>,
}

impl Chosen {
    fn has(&self, subscription: &Subscription) -> bool {
        self.subscription.as_ref().is_none_or(|id| *id == subscription.id)
            && self.mailbox.is_none_or(|guid| guid == subscription.mailbox.guid())
            && self.app.as_ref().is_none_or(|app| *app == subscription.app)
    }
}
