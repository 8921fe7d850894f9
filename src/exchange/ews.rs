//! Exchange Web Services.
//!
//! From the outside in: [`Ews`] is the way into mailboxes; a `session` asks one mailbox, with patience (`retry`), through its `gate`; an
//! `operation` writes a request and reads its messages; an `answer` is read by a pull parser (`xml`) over a `source` of sanitized bytes,
//! and MIME content leaves it decoded, as it arrives.

mod answer;
mod changes;
mod date;
mod desk;
mod element;
mod envelope;
mod fetch;
mod folders;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod items;
mod mime;
mod operation;
pub mod post;
mod refusal;
mod retry;
mod sanitize;
mod session;
mod source;
pub mod transport;
mod tree;
mod trouble;
mod verdict;
mod wire;
mod xml;

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::stream::BoxStream;

pub use self::envelope::Access;
use self::{
    desk::Desk,
    envelope::{Dialect, VERSIONS},
    post::Post,
    session::Session,
};
use super::{
    Error, Exchange,
    fence::{self, Fence},
    gate::{self, Gate, Places},
};
use crate::{
    http::Backoff,
    mail::{Address, Cursor, Folder, Hierarchy, ItemId, Listed, Lookup, Mailbox, Page, Part},
    watch::Events,
};

/// How to speak to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How the account reaches the mailboxes.
    pub access: Access,
    /// The schema version asked for first; an unknown one counts as `Exchange2013_SP1`. Servers that are older make it fall by itself.
    pub version: String,
    /// Requests under way at a time for one mailbox, at least 2.
    pub requests: usize,
    /// Of these, listings of folders and changes, at least 1.
    pub syncs: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { access: Access::default(), version: "Exchange2013_SP1".to_owned(), requests: 4, syncs: 2 }
    }
}

/// Requests under way at a time for one account that reads as a delegate: below Exchange's EWSMaxConcurrency of 27 (EWS "EWS throttling in Exchange").
const ACCOUNT_REQUESTS: usize = 20;

/// Of these, listings: below the ConcurrentSyncCalls of 5 that servers name when they refuse more.
const ACCOUNT_SYNCS: usize = 4;

/// How long nothing is sent where the server is busy and names no time: Exchange's own suggestions go up to some five minutes.
const UNNAMED: Backoff = Backoff { first: Duration::from_secs(30), cap: Duration::from_secs(5 * 60) };

/// Mailboxes read by Exchange Web Services.
pub struct Ews {
    settings: Settings,
    post: Arc<dyn Post>,
    events: Events,
    desks: Mutex<HashMap<Address, Arc<Desk>>>,
    /// With delegate access all requests are charged to the one account, so all wait together, and share its places.
    account: (Arc<Fence>, Places),
}

impl Ews {
    /// Reads by way of `post`; throttling and retries are told to `events`.
    pub fn new(settings: Settings, post: Arc<dyn Post>, events: Events) -> Self {
        let account = (Arc::new(Fence::new(UNNAMED)), Places::new(ACCOUNT_REQUESTS, ACCOUNT_SYNCS));
        Self { settings, post, events, desks: Mutex::default(), account }
    }

    fn session(&self, mailbox: &Mailbox) -> Session {
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        let desk = desks.entry(mailbox.address.clone()).or_insert_with(|| Arc::new(self.desk(&mailbox.address)));
        Session { post: self.post.clone(), desk: desk.clone() }
    }

    fn desk(&self, address: &Address) -> Desk {
        let own = Places::new(self.settings.requests, self.settings.syncs);
        let gate = match self.settings.access {
            Access::Delegate => Gate::new(own, Some(self.account.1.clone()), self.account.0.clone()),
            Access::Impersonation => Gate::new(own, None, Arc::new(Fence::new(UNNAMED))),
        };
        let version = VERSIONS.iter().copied().find(|version| *version == self.settings.version).unwrap_or("Exchange2013_SP1");
        let dialect = Dialect { version, access: self.settings.access, address: address.as_str().to_owned() };
        Desk::new(address.clone(), gate, self.events.clone(), dialect)
    }
}

#[async_trait]
impl Exchange for Ews {
    async fn folders(&self, mailbox: &Mailbox, known: &Hierarchy) -> Result<Hierarchy, Error> {
        self.session(mailbox).folders(mailbox, known).await
    }

    async fn page(&self, mailbox: &Mailbox, folder: &Folder, cursor: Option<&Cursor>, limit: usize) -> Result<Page, Error> {
        self.session(mailbox).page(folder, cursor, limit).await
    }

    fn fetch(&self, mailbox: &Mailbox, _: &Folder, messages: Vec<Listed>) -> BoxStream<'static, Result<Part, Error>> {
        self.session(mailbox).fetch(messages)
    }

    async fn lookup(&self, mailbox: &Mailbox, _: &Folder, items: &[Listed]) -> Result<Vec<Lookup>, Error> {
        let ids: Vec<ItemId> = items.iter().map(|listed| listed.id.clone()).collect();
        self.session(mailbox).lookup(&ids).await
    }
}
