//! The channel between the work and its watchers.

mod log;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use crate::{event::Event, status::Status};

/// Where events go: folded into the status at once, logged, and offered to whoever listens.
#[derive(Clone)]
pub struct Events {
    status: Arc<Mutex<Status>>,
    listeners: broadcast::Sender<Event>,
}

impl Events {
    /// A channel whose status starts empty; a listener that falls more than 1,024 events behind misses the oldest.
    pub fn new() -> Self {
        Self { status: Arc::default(), listeners: broadcast::Sender::new(1024) }
    }

    /// Tells an event. Never waits.
    pub fn tell(&self, event: Event) {
        self.status().fold(&event);
        log::log(&event);
        // No listener is not an error.
        let _ = self.listeners.send(event);
    }

    /// Events from now on.
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.listeners.subscribe()
    }

    /// The status as of now; hold it briefly.
    pub fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}
