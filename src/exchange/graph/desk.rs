//! What is remembered about one mailbox between requests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Mutex;

use super::{budget::Budget, fence::Fence, link, memory::Memory};
use crate::{
    exchange::gate::{Clock, Gate, Places},
    mail::Address,
    watch::Events,
};

/// Requests that Graph serves at a time for one mailbox (Graph service-specific throttling limits, "Outlook service limits").
pub const IN_FLIGHT: usize = 4;

/// Of these, listings of folders and changes.
const LISTINGS: usize = 2;

/// One mailbox's desk.
pub struct Desk {
    /// The mailbox.
    pub mailbox: Address,
    /// Where it is below the endpoint's root.
    pub user: String,
    /// How many of its requests may be under way.
    pub gate: Gate,
    /// How many it may have made.
    pub budget: Budget,
    /// Not before when.
    pub fence: Fence,
    /// Where trouble is told.
    pub events: Events,
    /// Held by the one batch that may be under way.
    pub batch: Mutex<()>,
    /// What reading it taught.
    pub memory: Memory,
    /// Shared by all mailboxes: whether the token ever opened one.
    admitted: Arc<AtomicBool>,
}

impl Desk {
    /// A desk for `mailbox`.
    pub fn new(mailbox: Address, events: Events, admitted: Arc<AtomicBool>) -> Self {
        let clock: Arc<Clock> = Arc::default();
        Self {
            user: link::user(&mailbox),
            mailbox,
            gate: Gate::new(Places::new(IN_FLIGHT, LISTINGS), None, clock.clone()),
            budget: Budget::default(),
            fence: Fence::new(clock),
            events,
            batch: Mutex::default(),
            memory: Memory::default(),
            admitted,
        }
    }

    /// Remembers that a request was answered well.
    pub fn heard(&self) {
        self.admitted.store(true, Ordering::Relaxed);
        self.fence.calm();
        // An answer to a request that was on its way when the fence went up proves nothing.
        if self.fence.standing().is_none()
            && let Some(most) = self.gate.widen()
        {
            tracing::debug!(mailbox = %self.mailbox, most, "more requests at a time");
        }
    }

    /// Puts up the fence for the time named; without one, fewer requests go at a time from then on. What was refused together counts once. Returns
    /// for how long nothing goes.
    pub fn throttled(&self, named: Option<Duration>) -> Duration {
        if named.is_none() && self.fence.standing().is_none() {
            let most = self.gate.narrow();
            tracing::debug!(mailbox = %self.mailbox, most, "fewer requests at a time");
        }
        self.fence.strike(named)
    }

    /// Whether any mailbox's ever was.
    pub fn admitted(&self) -> bool {
        self.admitted.load(Ordering::Relaxed)
    }
}
