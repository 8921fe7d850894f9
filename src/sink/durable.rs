//! Making files survive a power failure: a file's bytes need a sync of the file, its name a sync of its folder, and the folder's name one of
//! that folder's parent.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// How many folders are remembered; beyond that the memory starts afresh, which costs a few syncs.
const REMEMBERED: usize = 4096;

/// Folders known to be durable, so that their chain of parents is synced once and not for every file.
#[derive(Debug)]
pub(crate) struct Folders {
    root: PathBuf,
    known: Mutex<HashSet<PathBuf>>,
}

impl Folders {
    /// Folders below `root`, which exists.
    pub(crate) fn under(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), known: Mutex::default() }
    }

    /// Makes a folder and its parents, durably.
    pub(crate) fn make(&self, folder: &Path) -> io::Result<()> {
        let mut missing = Vec::new();
        for path in folder.ancestors() {
            if path == self.root || self.lock().contains(path) {
                break;
            }
            missing.push(path);
        }
        for path in missing.into_iter().rev() {
            match fs::create_dir(path) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
                made => made?,
            }
            if let Some(parent) = path.parent() {
                sync_folder(parent)?;
            }
            let mut known = self.lock();
            if known.len() >= REMEMBERED {
                known.clear();
            }
            known.insert(path.to_owned());
        }
        Ok(())
    }

    /// Forgets a folder and those above it: one of them was taken away under our feet.
    pub(crate) fn forget(&self, folder: &Path) {
        self.lock().retain(|known| !folder.starts_with(known));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<PathBuf>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Replaces a small file as a whole: a crash leaves the old one or the new one. One writer a file.
pub(crate) fn replace(path: &Path, bytes: &[u8], folders: &Folders) -> io::Result<()> {
    let Some(folder) = path.parent() else { return Err(ErrorKind::InvalidInput.into()) };
    let mut staged = path.as_os_str().to_owned();
    staged.push(".new");
    let staged = PathBuf::from(staged);
    folders.make(folder)?;
    let written = write_synced(&staged, bytes).or_else(|error| match error.kind() {
        ErrorKind::NotFound => {
            folders.forget(folder);
            folders.make(folder)?;
            write_synced(&staged, bytes)
        }
        _ => Err(error),
    });
    match written.and_then(|()| fs::rename(&staged, path)) {
        Ok(()) => sync_folder(folder),
        Err(error) => {
            // A half-written file takes room on a disk that may be full; what matters is the first error.
            let _ = fs::remove_file(&staged);
            Err(error)
        }
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

/// The cause of an error and what helps, in words.
pub(crate) fn advice(error: &io::Error) -> (String, Option<String>) {
    let hint = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space on that volume; what is missing is fetched again by itself",
        ErrorKind::FileTooLarge => "raise the limit on the size of files, of the file system or of the process",
        ErrorKind::PermissionDenied => "let the user that runs exchange-sync write there",
        ErrorKind::ReadOnlyFilesystem => "mount that volume for writing",
        ErrorKind::NotFound => "create the folder, or mount its volume, before the start",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists | ErrorKind::IsADirectory => {
            "move away what stands there under the name of a folder or file of ours"
        }
        ErrorKind::Unsupported => "use a disk whose file system knows locks and renames, not an object store mounted as one",
        _ => return (error.to_string(), None),
    };
    (error.to_string(), Some(hint.to_owned()))
}

/// Whether nothing can be written there until a person acts.
pub(crate) fn refuses(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_with_their_parents_and_again_when_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let folders = Folders::under(dir.path());
        let file = dir.path().join("a/b/c.json");
        replace(&file, b"1", &folders).unwrap();
        fs::remove_dir_all(dir.path().join("a")).unwrap();
        replace(&file, b"2", &folders).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"2");
        assert_eq!(fs::read_dir(dir.path().join("a/b")).unwrap().count(), 1);
    }

    #[test]
    fn a_file_in_place_of_a_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "").unwrap();
        let error = replace(&dir.path().join("a/b/c.json"), b"1", &Folders::under(dir.path())).unwrap_err();
        assert!(advice(&error).1.unwrap().contains("move away"), "{error}");
    }
}
