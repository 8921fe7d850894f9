//! A folder for what need not outlive the process: indexes of catalogs that are kept elsewhere, large messages on their way.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// What the names of such folders begin with.
const NAME: &str = "exchange-sync-scratch-";

/// A folder that goes with this value. What a killed process left is removed by the next one.
pub(super) struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes one in `parent`. Blocks for some disk operations.
    pub(super) fn new(parent: &Path) -> io::Result<Self> {
        // One a user: another's could not be opened.
        let lock = File::create(parent.join(format!("{NAME}lock-{}", rustix::process::getuid().as_raw())))?;
        // Held while folders come and go, so that none is swept between being made and being locked.
        lock.lock()?;
        for entry in fs::read_dir(parent)?.flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(NAME)) && entry.path().is_dir() {
                sweep(&entry.path());
            }
        }
        let folder = tempfile::Builder::new().prefix(NAME).tempdir_in(parent)?;
        let own = File::create(folder.path().join("lock"))?;
        own.lock()?;
        Ok(Self { folder, _lock: own })
    }

    /// Where it is.
    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

fn sweep(folder: &Path) {
    let lock = File::open(folder.join("lock"));
    let held = matches!(lock.as_ref().map(File::try_lock), Ok(Err(TryLockError::WouldBlock)));
    // Another user's folder stays, and so does what cannot be removed.
    if !held && lock.is_ok() {
        let _ = fs::remove_dir_all(folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_with_its_owner_and_what_a_killed_one_left_goes_with_the_next() {
        let parent = tempfile::tempdir().unwrap();
        let left = parent.path().join(format!("{NAME}left"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join("lock"), "").unwrap();
        let alive = Scratch::new(parent.path()).unwrap();
        let other = Scratch::new(parent.path()).unwrap();
        assert!(!left.exists() && alive.path().exists() && other.path().exists());
        let gone = alive.path();
        drop(alive);
        assert!(!gone.exists() && other.path().exists());
    }
}
