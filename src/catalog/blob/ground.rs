//! A catalog in a container, for the tests that every catalog passes.

use std::sync::OnceLock;

use futures::StreamExt;
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory};
use tokio::runtime::Runtime;

use super::{suite::*, *};
use crate::blob::Location;

pub(super) struct Ground {
    pub(super) memory: Arc<InMemory>,
    pub(super) scratch: tempfile::TempDir,
}

/// A store in memory never waits, so any runtime will do where there is none.
fn runtime() -> Handle {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()).handle().clone()
}

impl Ground {
    pub(super) fn new() -> Self {
        let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Self { memory: Arc::new(InMemory::new()), scratch }
    }

    pub(super) fn blobs(&self) -> Blobs {
        Blobs::over(Arc::clone(&self.memory) as _, Location::parse("az://contosomail/archive/x").unwrap())
    }

    pub(super) async fn open(&self) -> Box<dyn Ledger> {
        BlobCatalog::open(self.blobs(), self.scratch.path()).await.unwrap().open(&mailbox()).await.unwrap()
    }

    /// Opens the ledger alone, with short segments.
    pub(super) fn book(&self) -> Book {
        let blobs = self.blobs();
        let place = BlobPlace {
            folder: blobs.layout().catalog(&mailbox()),
            blobs,
            mailbox: mailbox().address,
            copy: self.scratch.path().join("last.jsonl"),
            kept: KeptTails::default(),
            rotated_at: 2000,
            lost: Arc::default(),
        };
        let segments = BlobSegments::open(place, runtime()).unwrap();
        Book::open(mailbox().address, Box::new(segments), self.scratch.path().join("index.sqlite"), Box::new(())).unwrap()
    }

    pub(super) fn lines(&self) -> Vec<serde_json::Value> {
        let read = async {
            let mut text = Vec::new();
            let mut names: Vec<_> = self.memory.list(None).map(|item| item.unwrap().location).collect().await;
            names.sort();
            for name in names.iter().filter(|name| name.as_ref().contains("/catalog/")) {
                text.extend(self.memory.get(name).await.unwrap().bytes().await.unwrap());
            }
            text
        };
        let text = futures::executor::block_on(read);
        String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Both the index of [`Ground::open`] and that of [`Ground::book`].
    pub(super) fn lose_index(&self) {
        for folder in [Layout::new(self.scratch.path().join("0")).state(&mailbox()), self.scratch.path().to_owned()] {
            index::remove(&folder.join("index.sqlite")).unwrap();
        }
    }
}
