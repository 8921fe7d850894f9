//! Microsoft Graph.
//!
//! From the outside in: [`Graph`] is the way into mailboxes; a `session` asks one mailbox, with patience (`retry`), through its `gate`, within
//! its `budget` and outside its `fence`; a `wire` carries one request with a token. A `refusal` is what the server says when it will not, and
//! `verdict` the table of what that asks for.

mod batch;
mod budget;
mod call;
mod desk;
mod fence;
mod link;
mod memory;
mod page;
mod refusal;
mod retry;
mod session;
mod trouble;
mod verdict;
mod wire;

#[cfg(test)]
mod double;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

use self::{
    desk::Desk,
    link::Endpoint,
    session::Session,
    wire::{Http, Wire},
};
use crate::{
    auth::oauth::Tokens,
    mail::{Address, Mailbox},
    watch::Events,
};

/// How to speak to Graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The service root, such as `https://graph.microsoft.com`; without a path, version 1.0 is meant (Graph "National cloud deployments").
    pub endpoint: String,
    /// Whether the cloud has delta queries for messages and mail folders; that of China has none.
    pub delta: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { endpoint: "https://graph.microsoft.com".to_owned(), delta: true }
    }
}

/// Mailboxes read by Microsoft Graph.
pub struct Graph {
    settings: Settings,
    wire: Arc<dyn Wire>,
    events: Events,
    desks: Mutex<HashMap<Address, Arc<Desk>>>,
    admitted: Arc<AtomicBool>,
}

impl Graph {
    /// Reads with these tokens; throttling and retries are told to `events`. `Err` tells which setting cannot work.
    pub fn new(settings: Settings, tokens: Arc<Tokens>, events: Events) -> Result<Self, String> {
        let endpoint = Endpoint::new(&settings.endpoint).map_err(|error| format!("the Graph endpoint {}: {error}", settings.endpoint))?;
        let wire = Http::new(endpoint, tokens)?;
        Ok(Self::over(settings, Arc::new(wire), events))
    }

    /// Reads by way of `wire`.
    fn over(settings: Settings, wire: Arc<dyn Wire>, events: Events) -> Self {
        Self { settings, wire, events, desks: Mutex::default(), admitted: Arc::default() }
    }

    fn session(&self, mailbox: &Mailbox) -> Session {
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        let desk = desks
            .entry(mailbox.address.clone())
            .or_insert_with(|| Arc::new(Desk::new(mailbox.address.clone(), self.events.clone(), self.admitted.clone())));
        Session { wire: self.wire.clone(), desk: desk.clone() }
    }
}
