//! What differs between the two ways into a mailbox, as one small trait. EWS and Graph implement it; the pipeline sees nothing else of them.

pub mod ews;
mod gate;
pub mod graph;
mod shorten;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use futures::stream::BoxStream;

use crate::mail::{Cursor, Folder, Hierarchy, ItemId, Listed, Lookup, Mailbox, Page, Part};

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

    /// Downloads messages. The stream ends after the last message's last part, or with one error that concerns the rest of the batch.
    fn fetch(&self, mailbox: &Mailbox, messages: Vec<Listed>) -> BoxStream<'static, Result<Part, Error>>;

    /// Looks up properties without content, one answer an id, in order.
    async fn lookup(&self, mailbox: &Mailbox, ids: &[ItemId]) -> Result<Vec<Lookup>, Error>;
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
        const DENIALS: [&str; 4] =
            ["ErrorAccessDenied", "ErrorImpersonateUserDenied", "ErrorImpersonationDenied", "ErrorImpersonationFailed"];
        self.code.as_deref().is_some_and(|code| DENIALS.contains(&code))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: ", self.attempt)?;
        // Some causes begin with their code already.
        if let Some(code) = self.code.as_ref().filter(|code| !self.cause.starts_with(code.as_str())) {
            write!(f, "{code}: ")?;
        }
        f.write_str(&self.cause)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
