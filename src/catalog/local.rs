//! The catalog that is a folder.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{sync::Mutex, task::spawn_blocking};

use super::{
    Catalog, Decision, Entry, Error, Ledger, Place, Reach, Resident, Residents, Totals,
    book::{Book, Fault},
    lock::Lock,
    segments::ROTATED_AT,
};
use crate::{
    mail::{Address, Change, Folder, FolderId, IdForm, ItemId, Key, Listed, Mailbox},
    sink::{
        durable::{Folders, advice},
        layout::Layout,
    },
};

/// How often a held lock is tried before it counts as held: a writer that was dropped or killed just now may still be finishing a write.
const TRIES: u32 = 10;

/// Catalogs under `DIR/data/OWNER/BUCKET/MAILBOX/catalog/`, their indexes under `DIR/state/OWNER/BUCKET/MAILBOX/`.
#[derive(Clone, Debug)]
pub struct LocalCatalog {
    layout: Layout,
    folders: Arc<Folders>,
    rotated_at: u64,
}

impl LocalCatalog {
    /// Opens the folder `dir`, which must exist. Blocks for some disk operations.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let folders = Folders::under(dir);
        let made = folders.make(&dir.join("state")).and_then(|()| folders.make(&dir.join("data")));
        made.map_err(|error| failed(format!("opening the folder {}", dir.display()), Fault::Disk(error)))?;
        Ok(Self { layout: Layout::new(dir), folders: Arc::new(folders), rotated_at: ROTATED_AT })
    }

    async fn lock(&self, mailbox: &Mailbox) -> Result<Lock, Error> {
        let state = self.layout.state(mailbox);
        let path = state.join("lock");
        let attempt = || format!("locking the mailbox {}", mailbox.address);
        for tried in 1..=TRIES {
            let (folders, state, path) = (Arc::clone(&self.folders), state.clone(), path.clone());
            let taken = blocking(move || {
                folders.make(&state)?;
                Ok(Lock::take(&path)?)
            });
            match taken.await.map_err(|fault| failed(attempt(), fault))? {
                Some(lock) => return Ok(lock),
                None if tried < TRIES => tokio::time::sleep(Duration::from_millis(50)).await,
                None => {}
            }
        }
        Err(Error {
            attempt: attempt(),
            cause: format!("{} is held by another process", path.display()),
            hint: Some("let one instance only copy this mailbox; with shards, each needs its own number".into()),
            locked: true,
        })
    }
}

#[async_trait]
impl Catalog for LocalCatalog {
    async fn open(&self, mailbox: &Mailbox) -> Result<Box<dyn Ledger>, Error> {
        let lock = self.lock(mailbox).await?;
        let (catalog, index) = (self.layout.catalog(mailbox), self.layout.state(mailbox).join("index.sqlite"));
        let (folders, address, rotated_at) = (Arc::clone(&self.folders), mailbox.address.clone(), self.rotated_at);
        let opened = blocking(move || Book::open(address, &catalog, index, lock, &folders, rotated_at)).await;
        let book = opened.map_err(|fault| failed(format!("opening the catalog of {}", mailbox.address), fault))?;
        Ok(Box::new(LocalLedger { mailbox: mailbox.address.clone(), book: Arc::new(Mutex::new(book)) }))
    }
}

/// One mailbox's ledger. A call that is dropped half-way still runs to its end on its own thread, and the next one waits for it.
struct LocalLedger {
    mailbox: Address,
    book: Arc<Mutex<Book>>,
}

impl LocalLedger {
    async fn run<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&mut Book) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Error> {
        let mut book = Arc::clone(&self.book).lock_owned().await;
        blocking(move || work(&mut book)).await.map_err(|fault| failed(format!("{what} {}", self.mailbox), fault))
    }
}

#[async_trait]
impl Ledger for LocalLedger {
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

    async fn walk_ended(&self, folder: &FolderId) -> Result<Vec<Entry>, Error> {
        let folder = folder.clone();
        self.run("ending a listing in the catalog of", move |book| book.walk_ended(&folder)).await
    }

    async fn folder_gone(&self, folder: &FolderId) -> Result<Vec<Entry>, Error> {
        let folder = folder.clone();
        self.run("looking up a folder in the catalog of", move |book| book.folder_gone(&folder)).await
    }

    async fn quarantined(&self, folder: &FolderId) -> Result<Vec<(Key, Listed)>, Error> {
        let folder = folder.clone();
        self.run("looking up the quarantine in the catalog of", move |book| book.quarantined(&folder)).await
    }

    async fn reach(&self) -> Result<Reach, Error> {
        self.run("measuring the catalog of", |book| Ok(book.reach())).await
    }

    async fn totals(&self) -> Result<Totals, Error> {
        self.run("adding up the catalog of", Book::totals).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Fault> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(Fault::Disk(std::io::Error::other(error))))
}

fn failed(attempt: String, fault: Fault) -> Error {
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
    };
    Error { attempt, cause, hint, locked: false }
}

#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
