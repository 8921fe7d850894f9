//! Microsoft Graph.
//!
//! From the outside in: [`Graph`] is the way into mailboxes; a `session` asks one mailbox, with patience (`retry`), through its `gate`, within
//! its `budget` and outside its `fence`; a `wire` carries one request with a token. A `refusal` is what the server says when it will not,
//! `codes` the table of what that asks for, and `verdict` what is left to do when nothing helped.

mod batch;
mod budget;
mod call;
mod codes;
mod cursor;
mod delta;
mod describe;
mod desk;
mod fetch;
mod folders;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod link;
mod listing;
mod memory;
mod message;
mod page;
mod probe;
mod refusal;
mod retry;
mod session;
mod translate;
mod tree;
mod trouble;
mod verdict;
mod wellknown;
mod windows;
mod wire;

#[cfg(test)]
mod double;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use async_trait::async_trait;
use futures::stream::BoxStream;

use self::{
    desk::Desk,
    link::Endpoint,
    session::Session,
    wire::{Http, Wire},
};
use super::{Error, Exchange};
use crate::{
    auth::oauth::Tokens,
    mail::{Address, Cursor, Folder, Hierarchy, IdForm, ItemId, Listed, Lookup, Mailbox, Page, Part},
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

/// A list of changes loses an item that left and came back between two looks (Graph "message: delta" with immutable ids), and a listing by time one
/// that was moved in with an older date.
const RECONCILE: Duration = Duration::from_secs(24 * 3600);

#[async_trait]
impl Exchange for Graph {
    async fn folders(&self, mailbox: &Mailbox, known: &Hierarchy) -> Result<Hierarchy, Error> {
        self.session(mailbox).folders(mailbox, known, self.settings.delta).await
    }

    async fn page(&self, mailbox: &Mailbox, folder: &Folder, cursor: Option<&Cursor>, limit: usize) -> Result<Page, Error> {
        self.session(mailbox).page(folder, cursor, limit, self.settings.delta).await
    }

    fn fetch(&self, mailbox: &Mailbox, folder: &Folder, messages: Vec<Listed>) -> BoxStream<'static, Result<Part, Error>> {
        self.session(mailbox).fetch(folder.clone(), messages)
    }

    async fn lookup(&self, mailbox: &Mailbox, folder: &Folder, items: &[Listed]) -> Result<Vec<Lookup>, Error> {
        self.session(mailbox).lookup(folder, items).await
    }

    async fn describe(&self, mailbox: &Mailbox, folder: &Folder, listed: Vec<Listed>) -> Result<Vec<Listed>, Error> {
        self.session(mailbox).complete(folder, listed).await
    }

    async fn translate(&self, mailbox: &Mailbox, ids: &[ItemId], from: IdForm) -> Result<Vec<Option<ItemId>>, Error> {
        self.session(mailbox).translate(ids, from).await
    }

    fn reconcile_every(&self) -> Option<Duration> {
        Some(RECONCILE)
    }
}
