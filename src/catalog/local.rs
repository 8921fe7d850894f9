//! The catalog that is a folder.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{
    Catalog, Error, Ledger,
    book::{Book, Fault},
    ledger::{ALONE, BookLedger, blocking, failed},
    lock::Lock,
    segments::{FileSegments, ROTATED_AT},
};
use crate::{
    mail::Mailbox,
    sink::{durable::Folders, layout::Layout},
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
            cause: format!("{} is held: another process, or another task of this one, copies or mends the mailbox", path.display()),
            hint: Some(ALONE.into()),
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
        let opened = blocking(move || {
            let segments = FileSegments::open(&catalog, &folders, rotated_at)?;
            Book::open(address, Box::new(segments), index, Box::new(lock))
        });
        let book = opened.await.map_err(|fault| failed(format!("opening the catalog of {}", mailbox.address), fault))?;
        Ok(Box::new(BookLedger::new(mailbox.address.clone(), book, None)))
    }
}

#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod ground;
#[cfg(test)]
mod killed;
#[cfg(test)]
#[path = "suite.rs"]
#[allow(clippy::duplicate_mod, reason = "every catalog passes it")]
pub(in crate::catalog) mod suite;
#[cfg(test)]
pub(in crate::catalog) mod tests;
#[cfg(test)]
#[path = "world.rs"]
#[allow(clippy::duplicate_mod, reason = "every catalog passes it")]
mod world;
