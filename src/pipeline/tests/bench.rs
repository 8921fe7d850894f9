//! What the scenarios share: a scripted Exchange, a sink in memory, and passes of a program that has just started.

use std::{path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use tempfile::TempDir;

use super::double::{Double, MemorySink};
use crate::{
    catalog::{self, Catalog, LocalCatalog},
    checkpoint::{Checkpoint, Checkpoints, LocalCheckpoints},
    mail::{Address, Bucket, FolderId, Hierarchy, Mailbox},
    pipeline::{Filters, Limits, Mode, Pipeline, Reconcile, Round, Schedule, Subscription},
    watch::Events,
};

pub struct Bench {
    pub server: Double,
    pub sink: MemorySink,
    pub folder: TempDir,
    pub events: Events,
    pub limits: Limits,
    pub filters: Filters,
    pub from_start: bool,
    pub archive: bool,
    pub reconcile: Reconcile,
    /// What the sink remembers of folders without a checkpoint, and for which filters.
    pub remembered: Option<(DateTime<Utc>, Filters)>,
}

impl Bench {
    pub fn new(folders: &[&str]) -> Self {
        Self {
            server: Double::with_folders(folders),
            sink: MemorySink::default(),
            folder: tempfile::tempdir().unwrap(),
            events: Events::new(),
            limits: Limits {
                mailboxes: 4,
                folders: 2,
                batches: 3,
                batch_size: 4,
                messages_per_folder: 2520,
                message_interval: Duration::ZERO,
                memory: 64 << 20,
            },
            filters: Filters::default(),
            from_start: false,
            archive: false,
            reconcile: Reconcile::AsNeeded,
            remembered: None,
        }
    }

    pub fn mailbox() -> Mailbox {
        Mailbox {
            address: Address::new("ann@example.com"),
            bucket: Bucket { owner: "owner".into(), name: "bucket".into() },
            archive: false,
        }
    }

    /// One pass by a program that has just started.
    pub async fn pass(&self) -> Round {
        let pipeline = Pipeline::new(
            Arc::new(self.server.clone()),
            Arc::new(self.sink.clone()),
            Arc::new(LocalCatalog::open(self.folder.path()).unwrap()),
            Arc::new(Remembering { inner: self.checkpoints(), remembered: self.remembered.clone() }),
            self.events.clone(),
            self.limits,
        );
        let mailbox = Mailbox { archive: self.archive, ..Self::mailbox() };
        let subscription = Subscription { mailbox, filters: self.filters.clone(), from_start: self.from_start };
        let schedule = Schedule { mode: Mode::Once, frequency: Duration::from_secs(15), reconcile: self.reconcile };
        let rounds: Vec<Round> = pipeline.run(vec![subscription], schedule).collect().await;
        assert_eq!(rounds.len(), 1);
        rounds[0].clone()
    }

    pub fn checkpoints(&self) -> LocalCheckpoints {
        LocalCheckpoints::open(self.folder.path()).unwrap()
    }

    /// The catalog's lines as they are on disk.
    pub fn lines(&self) -> Vec<serde_json::Value> {
        let mut files: Vec<_> =
            walk(self.folder.path()).into_iter().filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
        files.sort();
        files
            .iter()
            .flat_map(|file| {
                std::fs::read_to_string(file).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>()
            })
            .collect()
    }

    pub fn count(&self, event: &str) -> usize {
        self.lines().iter().filter(|line| line["event"] == event).count()
    }

    /// Every message of the server is in the sink, whole, and each object belongs to one catalogued key.
    pub async fn nothing_is_missing_or_double(&self) {
        let objects = self.sink.objects.lock().unwrap().clone();
        let mut bodies: Vec<Vec<u8>> = objects.values().cloned().collect();
        bodies.sort();
        let mut expected: Vec<Vec<u8>> = self.server.0.lock().unwrap().items.values().map(|item| item.body.clone()).collect();
        expected.sort();
        assert_eq!(bodies.len(), expected.len(), "objects against messages");
        assert!(bodies == expected, "the bytes differ");
        let ledger = LocalCatalog::open(self.folder.path()).unwrap().open(&Self::mailbox()).await.unwrap();
        assert_eq!(ledger.totals().await.unwrap().messages, objects.len() as u64);
    }
}

pub fn walk(root: &std::path::Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(walk(&path)),
            path => found.push(path),
        }
    }
    found
}

/// Checkpoints beside a sink that remembers something.
struct Remembering {
    inner: LocalCheckpoints,
    remembered: Option<(DateTime<Utc>, Filters)>,
}

#[async_trait]
impl Checkpoints for Remembering {
    async fn load(&self, mailbox: &Mailbox, folder: &FolderId) -> Result<Option<Checkpoint>, catalog::Error> {
        self.inner.load(mailbox, folder).await
    }

    async fn save(&self, mailbox: &Mailbox, checkpoint: &Checkpoint) -> Result<(), catalog::Error> {
        self.inner.save(mailbox, checkpoint).await
    }

    async fn forget(&self, mailbox: &Mailbox, folder: &FolderId) -> Result<(), catalog::Error> {
        self.inner.forget(mailbox, folder).await
    }

    async fn hierarchy(&self, mailbox: &Mailbox) -> Result<Hierarchy, catalog::Error> {
        self.inner.hierarchy(mailbox).await
    }

    async fn save_hierarchy(&self, mailbox: &Mailbox, hierarchy: &Hierarchy) -> Result<(), catalog::Error> {
        self.inner.save_hierarchy(mailbox, hierarchy).await
    }

    async fn delivered_until(&self, _: &Mailbox, _: &FolderId, filters: &str) -> Result<Option<DateTime<Utc>>, catalog::Error> {
        Ok(self.remembered.as_ref().filter(|(_, of)| of.digest() == filters).map(|(until, _)| *until))
    }
}
