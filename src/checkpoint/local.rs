//! Checkpoints as small files.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use tokio::task::spawn_blocking;

use super::{Checkpoint, Checkpoints, record};
use crate::{
    catalog::Error,
    mail::{FolderId, Hierarchy, Mailbox},
    sink::{
        durable::{Folders, advice, replace, sync_folder},
        layout::Layout,
    },
};

/// Checkpoints under `DIR/state/OWNER/BUCKET/MAILBOX/`. One writer a mailbox; whoever holds its ledger is that writer.
#[derive(Clone, Debug)]
pub struct LocalCheckpoints {
    layout: Layout,
    folders: Arc<Folders>,
}

impl LocalCheckpoints {
    /// Opens the folder `dir`, which must exist. Blocks for some disk operations.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let folders = Folders::under(dir);
        folders.make(&dir.join("state")).map_err(|error| failed(format!("opening the folder {}", dir.display()), &error))?;
        Ok(Self { layout: Layout::new(dir), folders: Arc::new(folders) })
    }

    async fn read<T: DeserializeOwned + Send + 'static>(&self, what: String, path: PathBuf) -> Result<Option<T>, Error> {
        let read = blocking(move || match fs::read(&path) {
            Ok(bytes) => {
                let opened = record::open(&bytes);
                if let Err(fault) = &opened {
                    tracing::warn!(file = %path.display(), fault, "a state file is damaged and counts as none");
                }
                Ok(opened.ok())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        });
        read.await.map_err(|error| failed(format!("reading {what}"), &error))
    }

    async fn write<T: Serialize>(&self, what: String, path: PathBuf, content: &T) -> Result<(), Error> {
        let folders = Arc::clone(&self.folders);
        let sealed = record::seal(content).map_err(io::Error::other);
        let written = blocking(move || replace(&path, &sealed?, &folders));
        written.await.map_err(|error| failed(format!("writing {what}"), &error))
    }
}

#[async_trait]
impl Checkpoints for LocalCheckpoints {
    async fn load(&self, mailbox: &Mailbox, folder: &FolderId) -> Result<Option<Checkpoint>, Error> {
        let what = format!("a checkpoint of {}", mailbox.address);
        let found: Option<Checkpoint> = self.read(what, self.layout.checkpoint(mailbox, folder)).await?;
        Ok(found.filter(|checkpoint| checkpoint.folder.id == *folder))
    }

    async fn save(&self, mailbox: &Mailbox, checkpoint: &Checkpoint) -> Result<(), Error> {
        let path = self.layout.checkpoint(mailbox, &checkpoint.folder.id);
        self.write(format!("the checkpoint of {:?} of {}", checkpoint.folder.path, mailbox.address), path, checkpoint).await
    }

    async fn forget(&self, mailbox: &Mailbox, folder: &FolderId) -> Result<(), Error> {
        let path = self.layout.checkpoint(mailbox, folder);
        let removed = blocking(move || match (fs::remove_file(&path), path.parent()) {
            (Err(error), _) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            (Ok(()), Some(parent)) => sync_folder(parent),
            (removed, _) => removed,
        });
        removed.await.map_err(|error| failed(format!("removing a checkpoint of {}", mailbox.address), &error))
    }

    async fn hierarchy(&self, mailbox: &Mailbox) -> Result<Hierarchy, Error> {
        let what = format!("the folders of {}", mailbox.address);
        Ok(self.read(what, self.layout.hierarchy(mailbox)).await?.unwrap_or_default())
    }

    async fn save_hierarchy(&self, mailbox: &Mailbox, hierarchy: &Hierarchy) -> Result<(), Error> {
        self.write(format!("the folders of {}", mailbox.address), self.layout.hierarchy(mailbox), hierarchy).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

fn failed(attempt: String, error: &io::Error) -> Error {
    let (cause, hint) = advice(error);
    Error { attempt, cause, hint, locked: false }
}

#[cfg(test)]
mod tests;
