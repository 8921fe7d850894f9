//! A catalog in a folder, for the tests that every catalog passes.

use super::{tests::*, *};

pub(super) struct Ground(tempfile::TempDir);

impl Ground {
    pub(super) fn new() -> Self {
        // In memory where that can be had: these tests are about what is written, not about the disk.
        Self(tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap())
    }

    pub(super) async fn open(&self) -> Box<dyn Ledger> {
        open(self.0.path()).await
    }

    /// Opens the ledger alone, with short segments.
    pub(super) fn book(&self) -> Book {
        let root = self.0.path();
        let lock = (0..500).find_map(|_| {
            let lock = Lock::take(&root.join("lock")).unwrap();
            if lock.is_none() {
                // A program that another test starts has our files until it is what it is to be.
                std::thread::sleep(Duration::from_millis(10));
            }
            lock
        });
        let lock = lock.expect("the lock is given back");
        let segments = FileSegments::open(&root.join("catalog"), &Folders::under(root), 2000).unwrap();
        Book::open(mailbox().address, Box::new(segments), root.join("index.sqlite"), Box::new(lock)).unwrap()
    }

    pub(super) fn lines(&self) -> Vec<serde_json::Value> {
        lines(self.0.path())
    }

    /// Both the index of [`Ground::open`] and that of [`Ground::book`].
    pub(super) fn lose_index(&self) {
        for path in [index(self.0.path()), self.0.path().join("index.sqlite")] {
            crate::catalog::index::remove(&path).unwrap();
        }
    }
}
