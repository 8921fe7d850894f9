//! The connections to one endpoint under one identity.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};

use super::{TransportError, connection::Connection, dial::Dialer};

/// Idle connections, newest last, and the right to have some.
pub struct Pool {
    dialer: Dialer,
    // Fair: whoever asked first is served first.
    places: Arc<Semaphore>,
    idle: Mutex<Idle>,
    retire: Duration,
}

#[derive(Default)]
struct Idle {
    connections: Vec<Connection>,
    swept: bool,
}

/// The right to one connection, and the connection while there is one.
pub struct Place {
    pool: Arc<Pool>,
    connection: Option<Connection>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Pool {
    /// At most `places` connections; those unused for `retire` are closed.
    pub fn new(dialer: Dialer, places: usize, retire: Duration) -> Arc<Self> {
        let places = Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS)));
        Arc::new(Self { dialer, places, idle: Mutex::default(), retire })
    }

    /// What makes the connections.
    pub fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    /// Waits for a place.
    pub async fn place(self: &Arc<Self>) -> Place {
        // The semaphore is never closed, so there always is a permit.
        let permit = Arc::clone(&self.places).acquire_owned().await.ok();
        Place { pool: Arc::clone(self), connection: None, _permit: permit }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection used last: the others may grow old and go.
    fn take(&self) -> Option<Connection> {
        let mut idle = self.idle();
        let now = Instant::now();
        while let Some(connection) = idle.connections.pop() {
            if !connection.is_dead() && now.duration_since(connection.since) < self.retire {
                return Some(connection);
            }
        }
        None
    }

    fn give_back(self: &Arc<Self>, mut connection: Connection) {
        connection.used = true;
        connection.since = Instant::now();
        let mut idle = self.idle();
        idle.connections.push(connection);
        if !std::mem::replace(&mut idle.swept, true) {
            self.sweep();
        }
    }

    /// Closes connections when their time has come, as long as there are any.
    fn sweep(self: &Arc<Self>) {
        let (pool, retire) = (Arc::downgrade(self), self.retire);
        tokio::spawn(async move {
            loop {
                sleep(retire / 4).await;
                let Some(pool) = pool.upgrade() else { return };
                let mut idle = pool.idle();
                let now = Instant::now();
                idle.connections.retain(|connection| !connection.is_dead() && now.duration_since(connection.since) < retire);
                if idle.connections.is_empty() {
                    idle.swept = false;
                    return;
                }
            }
        });
    }

    /// How many connections lie idle.
    #[cfg(test)]
    pub fn idle_count(&self) -> usize {
        self.idle().connections.len()
    }
}

impl Place {
    /// Takes an idle connection if there is one. Tells whether the server knows us on it already.
    pub fn reuse(&mut self) -> bool {
        self.connection = self.pool.take();
        self.connection.as_ref().is_some_and(|connection| connection.logged_in)
    }

    /// Does without old connections: what broke one has most likely broken them all. Tells that the server does not know us yet.
    pub fn start_afresh(&mut self) -> bool {
        self.connection = None;
        self.pool.idle().connections.clear();
        false
    }

    /// The connection; a new one if none was taken.
    pub async fn connect(&mut self) -> Result<&mut Connection, TransportError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.pool.dialer).await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Leaves the connection for the next one who needs it.
    pub fn give_back(mut self) {
        if let Some(connection) = self.connection.take().filter(|connection| !connection.is_dead()) {
            self.pool.give_back(connection);
        }
    }
}
