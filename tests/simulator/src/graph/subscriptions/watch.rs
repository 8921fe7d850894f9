//! What a subscription does all day: hears what happens in its mailbox, and tells its receivers.
//!
//! One task a subscription. It gathers what happens together, posts it, and while a receiver does not answer it tries again. What happens in the
//! meantime waits in the mailbox's bounded queue; what the queue loses is told as `missed`.

use super::notice::{Change, Lifecycle};
use super::subscription::{Receiver, Subscription, Term};
use crate::graph::messages::{change_key, ids, is_message};
use crate::state::State;
use crate::store::{Event, EventKind, Events, ItemId};
use serde_json::{Value, json};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

/// How long the first of several events waits for others.
const GATHER: Duration = Duration::from_millis(100);
/// The most notifications of one request.
const BATCH: usize = 50;
/// More moves at once than this are not told one by one (documentation page "Reduce missing subscriptions and change notifications").
const MOVES: usize = 25;
/// A receiver is to answer within so long, else it counts as slow.
const PROMPT: Duration = Duration::from_secs(3);
/// A receiver that has not answered by now never will.
const PATIENCE: Duration = Duration::from_secs(10);
/// The pause before a second attempt; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// When attempts end.
const GIVE_UP: Duration = Duration::from_secs(4 * 3600);
/// Orders that may wait.
const ORDERS: usize = 100;

/// Something to tell beside what happens in the mailbox.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// Tell of a change.
    Change {
        /// Which.
        change: Change,
        /// Of what.
        item: ItemId,
        /// Instead of the subscription's own.
        client_state: Option<String>,
    },
    /// Tell what became of the subscription, and let it become so.
    Lifecycle(Lifecycle),
}

/// Begins to watch; everything from now on is heard. The task holds no claim on the state: it ends with it.
pub(super) fn begin(subscription: Arc<Subscription>, state: &Arc<State>) -> (mpsc::Sender<Order>, JoinHandle<()>) {
    let (sender, orders) = mpsc::channel(ORDERS);
    let events = subscription.mailbox.subscribe();
    let watcher = Watcher { subscription, events, orders, state: Arc::downgrade(state), told: 0, warned: None };
    (sender, tokio::spawn(watcher.run()))
}

struct Watcher {
    subscription: Arc<Subscription>,
    events: Events,
    orders: mpsc::Receiver<Order>,
    state: Weak<State>,
    /// Notifications so far.
    told: u64,
    /// The term whose end was warned of.
    warned: Option<Term>,
}

impl Watcher {
    async fn run(mut self) {
        let mut terms = self.subscription.term.subscribe();
        loop {
            let term = *terms.borrow_and_update();
            let warns = self.subscription.lifecycle.is_some() && self.warned != Some(term);
            tokio::select! {
                biased;
                () = sleep_until(term.end) => break,
                changed = terms.changed() => if changed.is_err() { break },
                order = self.orders.recv() => match order {
                    Some(Order::Lifecycle(Lifecycle::SubscriptionRemoved)) => {
                        // It is gone at once, whether or not anybody can be told.
                        self.farewell();
                        return;
                    }
                    Some(order) => self.obey(order).await,
                    None => break,
                },
                () = sleep_until(term.warning), if warns => {
                    self.warned = Some(term);
                    self.tell_lifecycle(Lifecycle::ReauthorizationRequired).await;
                }
                event = self.events.recv() => match event {
                    Ok(event) => self.gather(event).await,
                    Err(RecvError::Lagged(_)) => self.tell_lifecycle(Lifecycle::Missed).await,
                    Err(RecvError::Closed) => break,
                },
            }
        }
        self.unlist();
    }

    /// Takes the subscription off the list, which ends this task at its next pause.
    fn unlist(&self) {
        if let Some(state) = self.state.upgrade() {
            state.graph.webhooks.remove(&self.subscription.id);
        }
    }

    /// Ends, and says so in a task of its own: this one ends with the subscription.
    fn farewell(self) {
        self.count("graph.subscriptions.removed");
        let subscription = self.subscription.clone();
        self.unlist();
        tokio::spawn(async move {
            if let Some(receiver) = &subscription.lifecycle {
                let value = subscription.letterhead().lifecycle(Lifecycle::SubscriptionRemoved, &subscription.resource);
                // Nobody is left to hear of a failure.
                let _ = attempt(receiver, &json!({ "value": [value] })).await;
            }
        });
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Change { change, item, client_state } => {
                let value = self.notification(change, item, client_state);
                self.tell(vec![value]).await;
            }
            Order::Lifecycle(event) => self.tell_lifecycle(event).await,
        }
    }

    /// Collects what happens together with an event, and tells it.
    async fn gather(&mut self, first: Arc<Event>) {
        let mut events = vec![first];
        tokio::time::sleep(GATHER).await;
        let lost = loop {
            match self.events.try_recv() {
                Ok(event) => events.push(event),
                Err(TryRecvError::Lagged(_)) => break true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break false,
            }
        };
        let moved = events.iter().filter(|event| is_move(event) && !self.subscription.changes_of(event).is_empty()).count();
        let many = moved > MOVES;
        let wanted = events.iter().filter(|event| !(many && is_move(event))).flat_map(|event| self.subscription.changes_of(event));
        // A folder of mail may hold an appointment or a contact, too.
        let is_mail = |item: ItemId| self.subscription.mailbox.item(item).map_or(true, |item| is_message(&item.class));
        let wanted = once_each(wanted).into_iter().filter(|(_, item)| is_mail(*item));
        let values: Vec<Value> = wanted.map(|(change, item)| self.notification(change, item, None)).collect();
        for batch in values.chunks(BATCH) {
            self.tell(batch.to_vec()).await;
        }
        if many || lost {
            self.tell_lifecycle(Lifecycle::Missed).await;
        }
    }

    fn notification(&self, change: Change, item: ItemId, client_state: Option<String>) -> Value {
        let mut head = self.subscription.letterhead();
        if self.quirk("client-states-forged") {
            head.client_state = Some("forged".to_owned());
        }
        if client_state.is_some() {
            head.client_state = client_state;
        }
        let mailbox = &self.subscription.mailbox;
        let id = ids::id_text(mailbox, item, self.subscription.immutable);
        let key = mailbox.item(item).ok().map(|item| change_key(item.change));
        head.change(change, &id, key.as_deref())
    }

    async fn tell(&mut self, values: Vec<Value>) {
        let (lossy, twice) = (self.quirk("notifications-lost"), self.quirk("notifications-repeat"));
        let mut kept = Vec::with_capacity(values.len());
        for value in values {
            self.told += 1;
            if !(lossy && self.told.is_multiple_of(3)) {
                kept.push(value);
            }
        }
        let count = kept.len() as u64;
        if kept.is_empty() {
            return;
        }
        let body = json!({ "value": kept });
        let receiver = self.subscription.notify.clone();
        for _ in 0..if twice { 2 } else { 1 } {
            let told = self.deliver(&receiver, &body).await;
            self.count_by(if told { "graph.notifications" } else { "graph.notifications.lost" }, count);
        }
    }

    async fn tell_lifecycle(&self, event: Lifecycle) {
        self.count(&format!("graph.lifecycle.{}", event.name()));
        let Some(receiver) = self.subscription.lifecycle.clone() else { return };
        let value = self.subscription.letterhead().lifecycle(event, &self.subscription.resource);
        self.deliver(&receiver, &json!({ "value": [value] })).await;
    }

    /// Posts until it is taken, the subscription ends, or four hours are over; whether it was taken.
    async fn deliver(&self, receiver: &Receiver, body: &Value) -> bool {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let start = Instant::now();
            let taken = attempt(receiver, body).await;
            if start.elapsed() > PROMPT {
                self.count("graph.notifications.slow");
            }
            if taken {
                return true;
            }
            self.count("graph.notifications.refused");
            let next = Instant::now() + pause;
            if next > began + GIVE_UP || next > self.subscription.term.borrow().end {
                return false;
            }
            sleep_until(next).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn quirk(&self, name: &str) -> bool {
        self.state.upgrade().is_some_and(|state| state.quirks.has(name))
    }

    fn count(&self, name: &str) {
        self.count_by(name, 1);
    }

    fn count_by(&self, name: &str, by: u64) {
        if let Some(state) = self.state.upgrade() {
            state.counters.add(name, by);
        }
    }
}

/// One attempt; whether the receiver took it.
async fn attempt(receiver: &Receiver, body: &Value) -> bool {
    let posted = timeout(PATIENCE, receiver.target.post("application/json; charset=utf-8", body.to_string().as_bytes())).await;
    matches!(posted, Ok(Ok(reply)) if (200..300).contains(&reply.status))
}

fn is_move(event: &Event) -> bool {
    matches!(event.kind, EventKind::Moved { .. })
}

/// The same change of the same message is told once; an update goes without saying where the message is new.
fn once_each(changes: impl Iterator<Item = (Change, ItemId)>) -> Vec<(Change, ItemId)> {
    let mut seen = std::collections::HashSet::new();
    changes
        .filter(|(change, item)| !(*change == Change::Updated && seen.contains(&(Change::Created, *item))) && seen.insert((*change, *item)))
        .collect()
}
