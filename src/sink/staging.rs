//! Files being written, in a folder of this process's own, until they are complete and get their name. What a killed process left there is
//! removed by the next start, at once and without a walk through the messages.

use std::{
    fs::{self, File, TryLockError},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::durable::{Folders, sync_folder};

/// A process's staging folder, `data/.staging/PID-RANDOM`; its lock tells the living from the dead.
#[derive(Debug)]
pub(super) struct Staging {
    folder: PathBuf,
    next: AtomicU64,
    _lock: File,
}

impl Staging {
    /// Makes this process's folder below `data`, and removes those whose process is gone.
    pub(super) fn open(data: &Path) -> io::Result<Self> {
        let all = data.join(".staging");
        match fs::create_dir(&all) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && all.is_dir() => {}
            made => made?,
        }
        // Held while folders come and go, so that none is swept between being made and being locked.
        let gate = File::create(all.join("lock"))?;
        gate.lock()?;
        for entry in fs::read_dir(&all)?.flatten().filter(|entry| entry.path().is_dir()) {
            sweep(&entry.path());
        }
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let folder = all.join(format!("{}-{}", std::process::id(), hex::encode(random)));
        fs::create_dir(&folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.lock()?;
        Ok(Self { folder, next: AtomicU64::new(0), _lock: lock })
    }

    /// A new file, removed on drop unless it gets a name.
    pub(super) fn file(self: &Arc<Self>) -> io::Result<Staged> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{number}.part"));
        let file = File::create_new(&path)?;
        Ok(Staged { path, file, named: false, _staging: Arc::clone(self) })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The next start sweeps what could not be removed now.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn sweep(folder: &Path) {
    let lock = File::create(folder.join("lock"));
    let held = matches!(lock.as_ref().map(File::try_lock), Ok(Err(TryLockError::WouldBlock)));
    if !held && let Err(error) = fs::remove_dir_all(folder) {
        tracing::warn!(folder = %folder.display(), %error, "unfinished files of an earlier run could not be removed");
    }
}

/// A file on its way.
#[derive(Debug)]
pub(super) struct Staged {
    path: PathBuf,
    file: File,
    named: bool,
    _staging: Arc<Staging>,
}

impl Staged {
    /// Appends bytes.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Makes the file durable under its name, in place of one that is there.
    pub(super) fn name(mut self, to: &Path, folders: &Folders) -> io::Result<()> {
        let Some(folder) = to.parent() else { return Err(ErrorKind::InvalidInput.into()) };
        self.file.sync_data()?;
        folders.make(folder)?;
        fs::rename(&self.path, to).or_else(|error| match error.kind() {
            ErrorKind::NotFound => {
                folders.forget(folder);
                folders.make(folder)?;
                fs::rename(&self.path, to)
            }
            _ => Err(error),
        })?;
        self.named = true;
        // Should only the name's durability fail, the file stays: it is complete, the next attempt replaces it, and taking it away could take the
        // last copy of a message that was stored before.
        sync_folder(folder)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.named {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_process_left_is_swept_and_a_living_ones_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let dead = dir.path().join(".staging/1-dead");
        fs::create_dir_all(&dead).unwrap();
        fs::write(dead.join("0.part"), "half a message").unwrap();
        let alive = Arc::new(Staging::open(dir.path()).unwrap());
        assert!(!dead.exists());
        let mut staged = alive.file().unwrap();
        staged.write(b"x").unwrap();
        let _second = Staging::open(dir.path()).unwrap();
        staged.name(&dir.path().join("y/z.eml"), &Folders::under(dir.path())).unwrap();
        assert_eq!(fs::read(dir.path().join("y/z.eml")).unwrap(), b"x");
    }
}
