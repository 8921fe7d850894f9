//! A ledger that is a book: each call on a thread of its own that may block.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use super::{
    Decision, Entry, Error, Ledger, Place, Reach, Resident, Residents, Span, Stand, Told, Totals, Unseen,
    book::{Book, Fault},
};
use crate::{
    mail::{Address, Change, Folder, FolderId, IdForm, ItemId, Key, Listed},
    sink::durable::advice,
};

/// What helps where two processes copy one mailbox.
pub(super) const ALONE: &str = "let one instance only copy this mailbox; with shards, each needs its own number";

/// One mailbox's ledger. A call that is dropped half-way still runs to its end on its own thread, and the next one waits for it.
pub(super) struct BookLedger {
    mailbox: Address,
    book: Arc<Mutex<Book>>,
    /// Bounds how many calls block a thread at once, where they wait for a network.
    turns: Option<Arc<Semaphore>>,
}

impl BookLedger {
    pub(super) fn new(mailbox: Address, book: Book, turns: Option<Arc<Semaphore>>) -> Self {
        Self { mailbox, book: Arc::new(Mutex::new(book)), turns }
    }

    async fn run<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut Book) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let mut book = Arc::clone(&self.book).lock_owned().await;
        let turn = turn(self.turns.as_ref()).await;
        blocking(move || {
            let _turn = turn;
            work(&mut book)
        })
        .await
        .map_err(|fault| failed(format!("{what} {}", self.mailbox), fault))
    }
}

#[async_trait]
impl Ledger for BookLedger {
    async fn speaks(&self, form: IdForm) -> Result<(), Error> {
        self.run("changing the form of ids in the catalog of", move |book| {
            book.speaks(form);
            Ok(())
        })
        .await
    }

    async fn residents(&self) -> Result<Residents, Error> {
        self.run("counting the messages in the catalog of", Book::residents).await
    }

    async fn sample(&self, foreign: bool, limit: usize) -> Result<Vec<Resident>, Error> {
        self.run("sampling the catalog of", move |book| book.sample(foreign, limit)).await
    }

    async fn foreign(&self, after: Place, limit: usize) -> Result<Vec<Resident>, Error> {
        self.run("looking up messages in the catalog of", move |book| book.foreign(after, limit)).await
    }

    async fn knows(&self, ids: &[ItemId]) -> Result<Vec<bool>, Error> {
        let ids = ids.to_vec();
        self.run("looking up items in the catalog of", move |book| book.knows(&ids)).await
    }

    async fn stands(&self, ids: &[ItemId]) -> Result<Vec<Option<Stand>>, Error> {
        let ids = ids.to_vec();
        self.run("looking up items in the catalog of", move |book| book.stands(&ids)).await
    }

    async fn identify(&self, folder: &Folder, changes: &[Change]) -> Result<Vec<Decision>, Error> {
        let (folder, changes) = (folder.id.clone(), changes.to_vec());
        self.run("looking up messages in the catalog of", move |book| book.identify(&folder, &changes)).await
    }

    async fn commit(&self, folder: &Folder, entries: Vec<Entry>) -> Result<usize, Error> {
        let folder = folder.clone();
        self.run("writing to the catalog of", move |book| book.commit(&folder, &entries)).await
    }

    async fn walk_begins(&self, folder: &FolderId, resumed: bool) -> Result<(), Error> {
        let folder = folder.clone();
        self.run("beginning a listing in the catalog of", move |book| book.walk_begins(&folder, resumed)).await
    }

    async fn walk_ended(&self, folder: &FolderId) -> Result<Unseen, Error> {
        let folder = folder.clone();
        self.run("ending a listing in the catalog of", move |book| book.walk_ended(&folder)).await
    }

    async fn folder_gone(&self, folder: &FolderId) -> Result<Vec<Entry>, Error> {
        let folder = folder.clone();
        self.run("looking up a folder in the catalog of", move |book| book.folder_gone(&folder)).await
    }

    async fn quarantined(&self, folder: &FolderId, after: Place, limit: usize) -> Result<Vec<(Place, Key, Listed)>, Error> {
        let folder = folder.clone();
        self.run("looking up the quarantine in the catalog of", move |book| book.quarantined(&folder, after, limit)).await
    }

    async fn oldest_quarantined(&self, folder: &FolderId) -> Result<Option<DateTime<Utc>>, Error> {
        let folder = folder.clone();
        self.run("looking up the quarantine in the catalog of", move |book| book.oldest_quarantined(&folder)).await
    }

    async fn told(&self, folder: &FolderId, span: Span, limit: usize) -> Result<Vec<Told>, Error> {
        let folder = folder.clone();
        self.run("looking up messages in the catalog of", move |book| book.told(&folder, span, limit)).await
    }

    async fn reach(&self) -> Result<Reach, Error> {
        self.run("measuring the catalog of", |book| Ok(book.reach())).await
    }

    async fn totals(&self) -> Result<Totals, Error> {
        self.run("adding up the catalog of", Book::totals).await
    }
}

/// One of the turns, where there are any.
pub(super) async fn turn(turns: Option<&Arc<Semaphore>>) -> Option<OwnedSemaphorePermit> {
    // Never closed.
    Arc::clone(turns?).acquire_owned().await.ok()
}

pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(Fault::Disk(std::io::Error::other(error))))
}

pub(super) fn failed(attempt: String, fault: Fault) -> Error {
    let (cause, hint) = match fault {
        Fault::Disk(error) => advice(&error),
        Fault::Index(error) => {
            let full = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
            (
                format!("its index: {error}"),
                full.then(|| "free some space on that volume; what is missing is fetched again by itself".into()),
            )
        }
        Fault::Line(cause) => (cause, None),
        Fault::Blob(error) => (error.cause, error.hint),
        Fault::Overtaken(cause) => return Error { attempt, cause, hint: Some(ALONE.into()), locked: true },
    };
    Error { attempt, cause, hint, locked: false }
}
