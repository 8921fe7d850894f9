//! What is remembered about one mailbox between requests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Mutex;

use super::{budget::Budget, link, memory::Memory};
use crate::{
    exchange::{
        fence::Fence,
        gate::{Gate, Places},
    },
    http::Backoff,
    mail::Address,
    watch::Events,
};

/// Requests that Graph serves at a time for one mailbox (Graph service-specific throttling limits, "Outlook service limits").
pub const IN_FLIGHT: usize = 4;

/// Of these, listings of folders and changes.
const LISTINGS: usize = 2;

/// How long nothing is sent where Graph names no time.
const UNNAMED: Backoff = Backoff { first: Duration::from_secs(4), cap: Duration::from_secs(5 * 60) };

/// One mailbox's desk.
pub struct Desk {
    /// The mailbox.
    pub mailbox: Address,
    /// Where it is below the endpoint's root.
    pub user: String,
    /// How many of its requests may be under way, and not before when. Graph counts throttled requests too, so whoever is throttled stops everybody.
    pub gate: Gate,
    /// How many it may have made.
    pub budget: Budget,
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
        Self {
            user: link::user(&mailbox),
            mailbox,
            gate: Gate::new(Places::new(IN_FLIGHT, LISTINGS), None, Arc::new(Fence::new(UNNAMED))),
            budget: Budget::default(),
            events,
            batch: Mutex::default(),
            memory: Memory::default(),
            admitted,
        }
    }

    /// Remembers that the token opened a mailbox.
    pub fn heard(&self) {
        self.admitted.store(true, Ordering::Relaxed);
    }

    /// Whether any mailbox's ever was.
    pub fn admitted(&self) -> bool {
        self.admitted.load(Ordering::Relaxed)
    }
}
