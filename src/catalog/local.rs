//! The catalog that is a folder.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;

use super::{Catalog, Error, Ledger};
use crate::{
    mail::Mailbox,
    sink::{
        durable::{Folders, advice},
        layout::Layout,
    },
};

/// Catalogs under `DIR/data/OWNER/BUCKET/MAILBOX/catalog/`, their indexes under `DIR/state/OWNER/BUCKET/MAILBOX/`.
#[derive(Clone, Debug)]
pub struct LocalCatalog {
    layout: Layout,
    _folders: Arc<Folders>,
}

impl LocalCatalog {
    /// Opens the folder `dir`, which must exist. Blocks for some disk operations.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let folders = Folders::under(dir);
        folders.make(&dir.join("state")).and_then(|()| folders.make(&dir.join("data"))).map_err(|error| {
            let (cause, hint) = advice(&error);
            Error { attempt: format!("opening the folder {}", dir.display()), cause, hint, locked: false }
        })?;
        Ok(Self { layout: Layout::new(dir), _folders: Arc::new(folders) })
    }
}

#[async_trait]
impl Catalog for LocalCatalog {
    async fn open(&self, mailbox: &Mailbox) -> Result<Box<dyn Ledger>, Error> {
        let attempt = format!("opening the catalog in {}", self.layout.catalog(mailbox).display());
        Err(Error { attempt, cause: "this commit has its constructor only".into(), hint: None, locked: false })
    }
}
