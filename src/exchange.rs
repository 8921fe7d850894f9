//! What differs between the two ways into a mailbox, as one small trait. EWS and Graph implement it; the pipeline sees nothing else of them.

mod ahead;
mod compose;
pub mod ews;
mod fence;
mod gate;
pub mod graph;
mod patience;
mod scope;
mod shorten;
mod width;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use futures::stream::BoxStream;

pub use patience::patiently;

use crate::{
    mail::{Cursor, Folder, Hierarchy, IdForm, ItemId, Listed, Lookup, Mailbox, Page, Part},
    words,
};

/// A way to read mailboxes.
///
/// Every method retries by itself what a retry can mend (throttling, cut connections, busy stores) and honours the server's back-off; an
/// error that comes out has a [`Verdict`] that says what is left to do.
#[async_trait]
pub trait Exchange: Send + Sync + 'static {
    /// All folders that can hold messages, search folders left out. `known` is what was returned last time (empty at first): an
    /// implementation may ask for the difference only.
    async fn folders(&self, mailbox: &Mailbox, known: &Hierarchy) -> Result<Hierarchy, Error>;

    /// One page of changes since `cursor` (none: everything, as [`Change::Created`](crate::mail::Change::Created)), at most `limit` entries.
    async fn page(&self, mailbox: &Mailbox, folder: &Folder, cursor: Option<&Cursor>, limit: usize) -> Result<Page, Error>;

    /// Downloads messages of `folder`. The stream ends after the last message's last part, or with one error that concerns the rest of the batch.
    fn fetch(&self, mailbox: &Mailbox, folder: &Folder, messages: Vec<Listed>) -> BoxStream<'static, Result<Part, Error>>;

    /// Looks up properties without content, one answer an item, in order. An id that this interface did not give out is answered with
    /// [`Lookup::Gone`]. `folder` is where the items were last seen.
    async fn lookup(&self, mailbox: &Mailbox, folder: &Folder, items: &[Listed]) -> Result<Vec<Lookup>, Error>;

    /// Completes what a listing could not tell (search key, class, size, flags), in order; what cannot be told stays as it is. Asked only
    /// where a message may be known under another id, and for drafts that are listed again, whose size tells whether they were written on.
    async fn describe(&self, _mailbox: &Mailbox, _folder: &Folder, listed: Vec<Listed>) -> Result<Vec<Listed>, Error> {
        Ok(listed)
    }

    /// The ids of the same items in this interface's own form, one answer an id, in order; none where the item is gone or the interface
    /// cannot tell. An error concerns all of them.
    async fn translate(&self, _mailbox: &Mailbox, ids: &[ItemId], _from: IdForm) -> Result<Vec<Option<ItemId>>, Error> {
        Ok(vec![None; ids.len()])
    }

    /// How often a folder is to be listed from the start although its cursor works; none where a working cursor misses nothing.
    fn reconcile_every(&self) -> Option<Duration> {
        None
    }
}

/// What an error asks of whoever meets it. Retries that belong to a single request are already over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Passing trouble outlived its retries: the same again in a later round.
    Later,
    /// The server named the time before which it wants no request charged to this mailbox.
    WaitFor(Duration),
    /// The cursor is dead: list the folder again from the start.
    Resync,
    /// This folder cannot be read now; the others can.
    SkipFolder,
    /// The folder is no more.
    FolderGone,
    /// This mailbox cannot be read now; the others can.
    StopMailbox,
    /// Configuration, credentials or permission: nothing can be read until a person acts.
    Refused,
}

/// A request that failed for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is left to do.
    pub verdict: Verdict,
    /// What was attempted on what, such as `listing folders of a@example.com`.
    pub attempt: String,
    /// The server's own code, such as `ErrorAccessDenied`, or `HTTP 503`.
    pub code: Option<String>,
    /// The cause, in the server's or the system's words; never a secret.
    pub cause: String,
    /// The setting or the act that helps, where one is known.
    pub hint: Option<String>,
}

impl Error {
    /// Whether a permission is missing, by the codes that both interfaces give for it.
    pub fn denied(&self) -> bool {
        const DENIALS: [&str; 6] = [
            "ErrorAccessDenied",
            "ErrorImpersonateUserDenied",
            "ErrorImpersonationDenied",
            "ErrorImpersonationFailed",
            "accessDenied",
            "Authorization_RequestDenied",
        ];
        // Graph spells some codes in several ways.
        self.code.as_deref().is_some_and(|code| DENIALS.iter().any(|denial| denial.eq_ignore_ascii_case(code)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        words::failed(f, &self.attempt, self.code.as_deref(), &self.cause, self.hint.as_deref())
    }
}

impl std::error::Error for Error {}
