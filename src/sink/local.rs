//! The sink that is a folder: one file a message, durable before it has its name.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::{
    Body, Broken, Envelope, Error, Sink, Stored, Verdict,
    durable::{Folders, advice, refuses},
    layout::{Layout, object},
    staging::{Staged, Staging},
    write_behind::{self, Draft as _, Interrupted, blocking, write_behind},
};

/// Messages under `DIR/data/OWNER/BUCKET/MAILBOX/`, named as [`layout`](super::layout) tells. Several processes may share a folder, as long as each
/// mailbox has one writer, which the catalog's lock sees to.
#[derive(Clone, Debug)]
pub struct LocalSink {
    layout: Layout,
    staging: Arc<Staging>,
    folders: Arc<Folders>,
}

impl LocalSink {
    /// Opens the folder `dir`, which must exist: one that does not is more often a volume that is not mounted than a wish. Proves that it can be
    /// written to, and removes what a killed process left unfinished. Blocks for some disk operations.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let fault = |error: io::Error| failed(format!("opening the folder {}", dir.display()), &error);
        let layout = Layout::new(dir);
        if !std::fs::metadata(dir).map_err(fault)?.is_dir() {
            return Err(fault(io::ErrorKind::NotADirectory.into()));
        }
        let folders = Folders::under(dir);
        folders.make(&layout.data()).map_err(fault)?;
        let staging = Staging::open(&layout.data()).map_err(fault)?;
        Ok(Self { layout, staging: Arc::new(staging), folders: Arc::new(folders) })
    }

    /// Where a stored message is.
    pub fn path(&self, envelope: &Envelope, stored: &Stored) -> PathBuf {
        self.layout.messages(&envelope.mailbox).join(&stored.object)
    }
}

#[async_trait]
impl Sink for LocalSink {
    async fn write(&self, envelope: &Envelope, body: Body) -> Result<Stored, Error> {
        let attempt = || format!("storing message {} of {}", envelope.key, envelope.mailbox.address);
        let fault = |error: io::Error| failed(attempt(), &error);
        let object = object(&envelope.key, envelope.dated).ok_or_else(|| Error {
            attempt: attempt(),
            code: None,
            cause: "its key is no plain name".into(),
            hint: None,
            verdict: Verdict::Unacceptable,
        })?;
        let path = self.layout.messages(&envelope.mailbox).join(&object);
        let (staging, folders) = (Arc::clone(&self.staging), Arc::clone(&self.folders));
        let written = match body {
            Body::Whole(bytes, _) => blocking(move || Draft::new(&staging)?.finish(&bytes, &path, &folders)).await,
            Body::Stream(stream, _) => {
                let gathered = write_behind(stream, move || Draft::new(&staging), |_| {}).await.map_err(|error| match error {
                    Interrupted::Source => {
                        Error { attempt: attempt(), code: None, cause: Broken.to_string(), hint: None, verdict: Verdict::Broken }
                    }
                    Interrupted::Disk(error) => fault(error),
                })?;
                let (draft, rest) = gathered;
                blocking(move || draft.finish(&rest, &path, &folders)).await
            }
        };
        let (bytes, sha256) = written.map_err(fault)?;
        Ok(Stored { object, bytes, sha256 })
    }
}

/// A message half-way to the disk, with its digest so far. Dropped, it leaves nothing.
struct Draft {
    staged: Staged,
    digest: Sha256,
    bytes: u64,
}

impl Draft {
    fn new(staging: &Arc<Staging>) -> io::Result<Self> {
        Ok(Self { staged: staging.file()?, digest: Sha256::new(), bytes: 0 })
    }

    fn finish(self, rest: &[u8], path: &Path, folders: &Folders) -> io::Result<(u64, String)> {
        let Self { staged, digest, bytes } = self.write(rest)?;
        staged.name(path, folders)?;
        Ok((bytes, hex::encode(digest.finalize())))
    }
}

impl write_behind::Draft for Draft {
    fn write(mut self, part: &[u8]) -> io::Result<Self> {
        self.digest.update(part);
        self.staged.write(part)?;
        self.bytes += part.len() as u64;
        Ok(self)
    }
}

fn failed(attempt: String, error: &io::Error) -> Error {
    let (cause, hint) = advice(error);
    let verdict = if refuses(error) { Verdict::Refused } else { Verdict::Later(None) };
    Error { attempt, code: None, cause, hint, verdict }
}

#[cfg(test)]
mod tests;
