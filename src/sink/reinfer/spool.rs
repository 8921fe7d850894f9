//! Large messages on their way through files without a name, which leave nothing behind whatever happens.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures::stream::BoxStream;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::content::{InFile, Raw};
use crate::{
    mime::{Survey, Surveyor},
    sink::{
        Broken,
        write_behind::{self, Draft as _, Interrupted, blocking, write_behind},
    },
};

/// The place for large messages.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    seats: Arc<Semaphore>,
    bytes: Arc<watch::Sender<u64>>,
    most: u64,
}

/// A message in a file.
pub(super) struct Spooled {
    pub raw: Raw,
    pub survey: Survey,
    pub bytes: u64,
    pub sha256: Vec<u8>,
}

/// A place among the spooled, given back when dropped.
#[derive(Debug)]
pub(super) struct Held {
    bytes: u64,
    total: Arc<watch::Sender<u64>>,
    _seat: OwnedSemaphorePermit,
}

impl Held {
    fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        self.total.send_modify(|total| *total += bytes);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.total.send_modify(|total| *total = total.saturating_sub(self.bytes));
    }
}

impl Spool {
    /// At most `count` messages at once, and no further one beyond so many bytes. What has begun is never held up by what else has, so none waits
    /// for another for ever; the excess is bounded by the messages that have begun.
    pub(super) fn new(folder: &Path, count: usize, bytes: u64) -> Self {
        let seats = Arc::new(Semaphore::new(count.max(1)));
        Self { folder: folder.to_owned(), seats, bytes: Arc::new(watch::Sender::new(0)), most: bytes.max(1) }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Takes a message in, part by part, each written while the next arrives.
    pub(super) async fn take(&self, stream: BoxStream<'static, Result<Bytes, Broken>>) -> Result<Spooled, Interrupted> {
        // Never closed.
        let Ok(seat) = self.seats.clone().acquire_owned().await else { std::future::pending().await };
        let _ = self.bytes.subscribe().wait_for(|total| *total < self.most).await;
        let mut held = Held { bytes: 0, total: self.bytes.clone(), _seat: seat };
        let folder = self.folder.clone();
        let (draft, rest) = write_behind(stream, move || Draft::new(&folder), |bytes| held.add(bytes as u64)).await?;
        let written = blocking(move || draft.write(&rest)).await;
        let Draft { file, surveyor, digest, bytes } = written.map_err(Interrupted::Disk)?;
        let sha256 = digest.finalize().to_vec();
        Ok(Spooled { raw: Raw::File(Arc::new(InFile { file, _held: held }), bytes), survey: surveyor.finish(), bytes, sha256 })
    }
}

struct Draft {
    file: File,
    surveyor: Surveyor,
    digest: Sha256,
    bytes: u64,
}

impl Draft {
    fn new(folder: &Path) -> io::Result<Self> {
        Ok(Self { file: tempfile::tempfile_in(folder)?, surveyor: Surveyor::default(), digest: Sha256::new(), bytes: 0 })
    }
}

impl write_behind::Draft for Draft {
    fn write(mut self, part: &[u8]) -> io::Result<Self> {
        self.digest.update(part);
        self.surveyor.feed(part);
        self.file.write_all(part)?;
        self.bytes += part.len() as u64;
        Ok(self)
    }
}
