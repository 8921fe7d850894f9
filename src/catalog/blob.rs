//! The catalog that is in a container, with its index in a folder of this process.

mod holder;
mod lease;
mod scratch;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    runtime::Handle,
    sync::{OwnedMutexGuard, Semaphore},
    time::timeout,
};

use self::{
    lease::{Lease, Seen, Untaken},
    scratch::Scratch,
};
use super::{
    Catalog, Error, Ledger,
    book::{Book, Fault},
    index,
    ledger::{ALONE, BookLedger, blocking, failed, turn},
    segments::{BlobPlace, BlobSegments, KeptTails},
};
use crate::{blob::Blobs, mail::Mailbox, sink::layout::Layout};

/// A segment this long is followed by a new one. Each append writes the last one anew, so it is shorter than in a file; readers still see few of them.
const ROTATED_AT: u64 = 1024 * 1024;

/// How many ledgers read and write at once: each blocks a thread, and an append holds a whole segment in memory.
const AT_ONCE: u32 = 12;

/// How long a ledger that this process has just dropped is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Catalogs under `data/OWNER/BUCKET/MAILBOX/catalog/` in a container, their locks under `state/OWNER/BUCKET/MAILBOX/`.
#[derive(Clone, Debug)]
pub struct BlobCatalog {
    blobs: Blobs,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    scratch: Scratch,
    local: Layout,
    kept: KeptTails,
    seen: Seen,
    at_once: Arc<Semaphore>,
    /// One turn a mailbox: a ledger that was dropped gives its lock back first.
    turns: Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>,
    rotated_at: u64,
}

impl BlobCatalog {
    /// Opens a place in a container, and proves that it can be written to and read. Indexes are kept below `scratch`, a folder on a disk of this machine:
    /// it may be emptied whenever no process of ours runs, but as long as it is not, the next start does not read all catalogs again.
    pub async fn open(blobs: Blobs, scratch: &Path) -> Result<Self, Error> {
        blobs.prove().await.map_err(|error| Error { attempt: error.attempt, cause: error.cause, hint: error.hint, locked: false })?;
        Self::over(blobs, scratch, ROTATED_AT)
    }

    fn over(blobs: Blobs, scratch: &Path, rotated_at: u64) -> Result<Self, Error> {
        let claimed = Scratch::claim(scratch);
        let scratch = claimed.map_err(|error| failed(format!("opening the folder {}", scratch.display()), Fault::Disk(error)))?;
        let local = Layout::new(&scratch.folder);
        let shared = Shared {
            scratch,
            local,
            kept: KeptTails::default(),
            seen: Seen::default(),
            at_once: Arc::new(Semaphore::new(AT_ONCE as usize)),
            turns: Mutex::default(),
            rotated_at,
        };
        Ok(Self { blobs, shared: Arc::new(shared) })
    }

    async fn lock(&self, mailbox: &Mailbox) -> Result<(Lease, Option<String>), Error> {
        let attempt = format!("locking the mailbox {}", mailbox.address);
        let path = self.blobs.layout().state(mailbox).join("lock");
        let held = |cause: String| Error { attempt: attempt.clone(), cause, hint: Some(ALONE.into()), locked: true };
        let turn = self.turn(&path).await.ok_or_else(|| held(format!("{} is held by this very process", path.display())))?;
        match Lease::take(&self.blobs, &path, &self.shared.scratch.id, &self.shared.seen, turn).await {
            Ok(taken) => Ok(taken),
            Err(Untaken::Held(cause)) => Err(held(cause)),
            Err(Untaken::Blob(error)) => Err(failed(attempt, Fault::Blob(error))),
        }
    }

    async fn turn(&self, path: &Path) -> Option<OwnedMutexGuard<()>> {
        let turn = {
            let mut turns = self.shared.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(path.to_owned()).or_default())
        };
        timeout(PATIENCE, turn.lock_owned()).await.ok()
    }
}

#[async_trait]
impl Catalog for BlobCatalog {
    async fn open(&self, mailbox: &Mailbox) -> Result<Box<dyn Ledger>, Error> {
        let (lease, before) = self.lock(mailbox).await?;
        let folder = self.shared.local.state(mailbox);
        // Marks of walks are told by no line: an index from before somebody else's turn would take what they saw for gone.
        let ours = before.as_ref() == Some(&self.shared.scratch.id);
        let place = BlobPlace {
            blobs: self.blobs.clone(),
            mailbox: mailbox.address.clone(),
            folder: self.blobs.layout().catalog(mailbox),
            copy: folder.join("last.jsonl"),
            kept: Arc::clone(&self.shared.kept),
            rotated_at: self.shared.rotated_at,
            lost: lease.lost(),
        };
        let (address, runtime) = (mailbox.address.clone(), Handle::current());
        let turn = turn(Some(&self.shared.at_once)).await;
        let opened = blocking(move || {
            let _turn = turn;
            fs::create_dir_all(&folder)?;
            let path = folder.join("index.sqlite");
            if !ours {
                index::remove(&path)?;
            }
            let segments = BlobSegments::open(place, runtime)?;
            Book::open(address, Box::new(segments), path, Box::new(lease))
        });
        let book = opened.await.map_err(|fault| failed(format!("opening the catalog of {}", mailbox.address), fault))?;
        Ok(Box::new(BookLedger::new(mailbox.address.clone(), book, Some(Arc::clone(&self.shared.at_once)))))
    }

    async fn close(&self) {
        let turns: Vec<_> = self.shared.turns.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        let all = async {
            // What runs on a thread of its own comes to its end.
            let _ended = self.shared.at_once.acquire_many(AT_ONCE).await;
            for turn in turns {
                drop(turn.lock().await);
            }
        };
        let _ = timeout(PATIENCE, all).await;
    }
}

#[cfg(test)]
mod ground;
#[cfg(test)]
#[path = "suite.rs"]
#[allow(clippy::duplicate_mod, reason = "every catalog passes it")]
mod suite;
#[cfg(test)]
mod tests;
#[cfg(test)]
#[path = "world.rs"]
#[allow(clippy::duplicate_mod, reason = "every catalog passes it")]
mod world;
