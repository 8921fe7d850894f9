//! The channel between the work and its watchers.

mod hands;
pub mod local;
mod log;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::Utc;
use tokio::sync::broadcast;

pub use self::hands::{Hands, QUARANTINE_SHOWN, listing};
use crate::{event::Event, status::Board};

/// Where events go: folded into the board at once, logged, and offered to whoever listens.
#[derive(Clone)]
pub struct Events {
    board: Arc<Mutex<Board>>,
    listeners: broadcast::Sender<Event>,
}

impl Events {
    /// A channel whose board starts empty; a listener that falls more than 1,024 events behind misses the oldest.
    pub fn new() -> Self {
        Self { board: Arc::default(), listeners: broadcast::Sender::new(1024) }
    }

    /// Tells an event. Never waits.
    pub fn tell(&self, event: Event) {
        let level = self.status().fold(Utc::now(), &event);
        log::log(&event, level);
        // No listener is not an error.
        let _ = self.listeners.send(event);
    }

    /// Events from now on.
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.listeners.subscribe()
    }

    /// The board as of now; hold it briefly.
    pub fn status(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}
