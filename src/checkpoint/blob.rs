//! Checkpoints as small blobs, each written only over the one that was read: should two processes believe that a mailbox is theirs, the slower one is
//! told so instead of setting the other back.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use super::{Checkpoint, Checkpoints, record};
use crate::{
    blob::{self, Blobs, ContentKind, Found, Kind, Mode, patiently},
    catalog::Error,
    mail::{FolderId, Hierarchy, Mailbox},
};

/// Checkpoints under `state/OWNER/BUCKET/MAILBOX/` in a container.
#[derive(Clone, Debug)]
pub struct BlobCheckpoints {
    blobs: Blobs,
    tags: Arc<Tags>,
}

impl BlobCheckpoints {
    /// Checkpoints in a container, which is not asked for anything yet.
    pub fn open(blobs: Blobs) -> Self {
        Self { blobs, tags: Arc::default() }
    }

    async fn found(&self, attempt: &(dyn Fn() -> String + Sync), path: &Path) -> Result<Option<Found>, blob::Error> {
        let found = patiently(|| self.blobs.get(path, attempt)).await?;
        self.tags.set(path, found.as_ref().map(|found| found.tag.as_str()));
        Ok(found)
    }

    async fn read<T: DeserializeOwned>(&self, what: String, path: &Path) -> Result<Option<T>, Error> {
        let found = self.found(&|| format!("reading {what}"), path).await.map_err(failed)?;
        Ok(found.and_then(|found| match record::open(&found.bytes) {
            Ok(content) => Some(content),
            Err(fault) => {
                tracing::warn!(blob = %path.display(), fault, "a state record is damaged and counts as none");
                None
            }
        }))
    }

    async fn write<T: Serialize + Sync>(&self, what: String, path: &Path, content: &T) -> Result<(), Error> {
        let attempt = || format!("writing {what}");
        let sealed = record::seal(content).map(Bytes::from);
        let sealed = sealed.map_err(|error| Error { attempt: attempt(), cause: error.to_string(), hint: None, locked: false })?;
        let known = match self.tags.of(path) {
            Some(known) => known,
            None => self.found(&attempt, path).await.map_err(failed)?.map(|found| found.tag),
        };
        // Should an attempt be carried out although it seemed to fail, the next one meets its own work as a conflict.
        let written = patiently(|| {
            let mode = known.clone().map_or(Mode::Create, Mode::Update);
            self.blobs.put(path, ContentKind::Record, sealed.clone().into(), mode, attempt)
        });
        match written.await {
            Ok(tag) => self.tags.set(path, Some(&tag)),
            Err(error) => {
                self.tags.forget(path);
                let ours = |found: &Option<Found>| found.as_ref().is_some_and(|found| found.bytes == sealed);
                if error.kind != Kind::Conflict || !ours(&self.found(&attempt, path).await.map_err(failed)?) {
                    return Err(failed(error));
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Checkpoints for BlobCheckpoints {
    async fn load(&self, mailbox: &Mailbox, folder: &FolderId) -> Result<Option<Checkpoint>, Error> {
        let what = format!("a checkpoint of {}", mailbox.address);
        let found: Option<Checkpoint> = self.read(what, &self.blobs.layout().checkpoint(mailbox, folder)).await?;
        Ok(found.filter(|checkpoint| checkpoint.folder.id == *folder))
    }

    async fn save(&self, mailbox: &Mailbox, checkpoint: &Checkpoint) -> Result<(), Error> {
        let path = self.blobs.layout().checkpoint(mailbox, &checkpoint.folder.id);
        self.write(format!("the checkpoint of {:?} of {}", checkpoint.folder.path, mailbox.address), &path, checkpoint).await
    }

    async fn forget(&self, mailbox: &Mailbox, folder: &FolderId) -> Result<(), Error> {
        let path = self.blobs.layout().checkpoint(mailbox, folder);
        let attempt = || format!("removing a checkpoint of {}", mailbox.address);
        patiently(|| self.blobs.delete(&path, attempt)).await.map_err(failed)?;
        self.tags.forget(&path);
        Ok(())
    }

    async fn hierarchy(&self, mailbox: &Mailbox) -> Result<Hierarchy, Error> {
        let what = format!("the folders of {}", mailbox.address);
        Ok(self.read(what, &self.blobs.layout().hierarchy(mailbox)).await?.unwrap_or_default())
    }

    async fn save_hierarchy(&self, mailbox: &Mailbox, hierarchy: &Hierarchy) -> Result<(), Error> {
        self.write(format!("the folders of {}", mailbox.address), &self.blobs.layout().hierarchy(mailbox), hierarchy).await
    }
}

fn failed(error: blob::Error) -> Error {
    if error.kind == Kind::Conflict {
        let cause = "somebody else wrote it since it was read".to_owned();
        let hint = "let one instance only copy this mailbox; with shards, each needs its own number".to_owned();
        return Error { attempt: error.attempt, cause, hint: Some(hint), locked: true };
    }
    Error { attempt: error.attempt, cause: error.cause, hint: error.hint, locked: false }
}

/// The tags of blobs as last read or written, or that there is none. Digests stand for names: there may be very many.
#[derive(Default)]
struct Tags(Mutex<HashMap<[u8; 16], Option<Box<str>>>>);

impl Tags {
    fn of(&self, path: &Path) -> Option<Option<String>> {
        self.lock().get(&digest(path)).map(|tag| tag.as_deref().map(str::to_owned))
    }

    fn set(&self, path: &Path, tag: Option<&str>) {
        self.lock().insert(digest(path), tag.map(Into::into));
    }

    fn forget(&self, path: &Path) {
        self.lock().remove(&digest(path));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 16], Option<Box<str>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Tags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tags({})", self.lock().len())
    }
}

fn digest(path: &Path) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(path.as_os_str().as_encoded_bytes())[..16]);
    short
}

#[cfg(test)]
mod tests;
