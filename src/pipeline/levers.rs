//! What a person may do to mailboxes while they are read: pause them, let them go on, and have one read at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{Stream, StreamExt};
use tokio::sync::{Notify, watch};

use crate::{event::Event, mail::Address, watch::Events};

/// The levers of all mailboxes, those included that are yet to come.
#[derive(Default)]
pub struct Levers {
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    /// Whether mailboxes that come are paused from the start.
    paused: bool,
    levers: HashMap<Address, Arc<Lever>>,
}

/// One mailbox's lever.
pub(super) struct Lever {
    paused: watch::Sender<bool>,
    nudged: Notify,
}

/// Pauses of a mailbox since some moment.
pub(super) struct Pauses(watch::Receiver<bool>);

impl Pauses {
    /// Whether there was one; it may have ended since.
    pub fn any(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().unwrap_or(false)
    }
}

impl Levers {
    /// Nothing more begins for a mailbox, or for all; what is under way is finished.
    pub fn pause(&self, mailbox: Option<&Address>, events: &Events) {
        self.set(mailbox, true, |mailbox| events.tell(Event::MailboxPaused { mailbox }));
    }

    /// A mailbox goes on, or all do.
    pub fn resume(&self, mailbox: Option<&Address>, events: &Events) {
        self.set(mailbox, false, |mailbox| events.tell(Event::MailboxResumed { mailbox }));
    }

    /// Whether a mailbox is paused.
    pub fn paused(&self, mailbox: &Address) -> bool {
        self.all().levers.get(mailbox).is_some_and(|lever| lever.is_paused())
    }

    /// Ends the mailbox's rest, if it rests: its next round is due.
    pub fn nudge(&self, mailbox: &Address) {
        if let Some(lever) = self.all().levers.get(mailbox) {
            // Whoever does not rest has nothing to be told later.
            lever.nudged.notify_waiters();
        }
    }

    /// A mailbox's lever, which is the same for as long as the program lives.
    pub(super) fn of(&self, mailbox: &Address) -> Arc<Lever> {
        let mut all = self.all();
        let paused = all.paused;
        let new = || Arc::new(Lever { paused: watch::Sender::new(paused), nudged: Notify::new() });
        all.levers.entry(mailbox.clone()).or_insert_with(new).clone()
    }

    fn set(&self, mailbox: Option<&Address>, paused: bool, tell: impl Fn(Address)) {
        let mut all = self.all();
        if mailbox.is_none() {
            all.paused = paused;
        }
        for (address, lever) in all.levers.iter().filter(|(address, _)| mailbox.is_none_or(|one| one == *address)) {
            if lever.paused.send_replace(paused) != paused {
                tell(address.clone());
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lever {
    /// Ready while the mailbox is not paused.
    pub async fn released(&self) {
        // The sender is ours.
        let _ = self.paused.subscribe().wait_for(|paused| !paused).await;
    }

    /// Whether the mailbox is paused.
    pub fn is_paused(&self) -> bool {
        *self.paused.borrow()
    }

    /// Tells later whether it was paused meanwhile.
    pub fn watch(&self) -> Pauses {
        Pauses(self.paused.subscribe())
    }

    /// Ready when somebody wants the mailbox to be read at once.
    pub async fn nudged(&self) {
        self.nudged.notified().await;
    }

    /// The batches, until the mailbox is paused. What is left of its round is read once it goes on.
    pub fn until<S: Stream>(&self, batches: S) -> impl Stream<Item = S::Item> + use<S> {
        let mut paused = self.paused.subscribe();
        batches.take_until(async move {
            if paused.wait_for(|paused| *paused).await.is_err() {
                std::future::pending().await
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, stream};

    use super::*;

    #[tokio::test]
    async fn a_paused_mailbox_begins_nothing_and_goes_on_where_it_was() {
        let (levers, events) = (Levers::default(), Events::new());
        let (ann, bob) = (Address::new("ann@example.com"), Address::new("bob@example.com"));
        let (of_ann, of_bob) = (levers.of(&ann), levers.of(&bob));
        let mut batches = std::pin::pin!(of_ann.until(stream::iter(1..9).chain(stream::pending())));
        assert_eq!(batches.next().await, Some(1));
        levers.pause(Some(&ann), &events);
        assert_eq!(batches.next().await, None);
        assert!(of_ann.released().now_or_never().is_none());
        assert!(of_bob.released().now_or_never().is_some());
        assert!(levers.paused(&ann) && !levers.paused(&bob));
        levers.resume(Some(&ann), &events);
        assert!(of_ann.released().now_or_never().is_some());
    }

    #[tokio::test]
    async fn all_means_those_that_come_later_too() {
        let (levers, events) = (Levers::default(), Events::new());
        let ann = levers.of(&Address::new("ann@example.com"));
        levers.pause(None, &events);
        let bob = levers.of(&Address::new("bob@example.com"));
        assert!(ann.released().now_or_never().is_none() && bob.released().now_or_never().is_none());
        levers.resume(None, &events);
        assert!(ann.released().now_or_never().is_some() && bob.released().now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_nudge_is_for_those_who_rest() {
        let levers = Levers::default();
        let ann = Address::new("ann@example.com");
        let lever = levers.of(&ann);
        levers.nudge(&ann);
        let mut rest = std::pin::pin!(lever.nudged());
        assert!(rest.as_mut().now_or_never().is_none());
        levers.nudge(&ann);
        assert!(rest.now_or_never().is_some());
    }
}
