//! A folder of this process alone for what can be rebuilt: indexes, and copies of last segments. A process that is started again finds the folder of the one
//! before it, and its indexes with it.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// More processes than this do not share a folder.
const MOST: u32 = 64;

/// A folder that is ours as long as this value lives.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) folder: PathBuf,
    /// Tells indexes made here from those made elsewhere.
    pub(super) id: String,
    _lock: File,
}

impl Scratch {
    /// Takes the first folder below `path` that no other process has.
    pub(super) fn claim(path: &Path) -> io::Result<Self> {
        for number in 0..MOST {
            let folder = path.join(number.to_string());
            fs::create_dir_all(&folder)?;
            let lock = OpenOptions::new().write(true).create(true).truncate(false).open(folder.join("lock"))?;
            match lock.try_lock() {
                Ok(()) => return Ok(Self { id: id(&folder)?, folder, _lock: lock }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::other(format!("{MOST} processes have folders below {} already", path.display())))
    }
}

fn id(folder: &Path) -> io::Result<String> {
    let path = folder.join("id");
    if let Ok(id) = fs::read_to_string(&path)
        && id.len() == 32
    {
        return Ok(id);
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let id = hex::encode(random);
    fs::write(&path, &id)?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_process_has_a_folder_and_the_next_one_finds_it_again() {
        let dir = tempfile::tempdir().unwrap();
        let first = Scratch::claim(&dir.path().join("x")).unwrap();
        let second = Scratch::claim(&dir.path().join("x")).unwrap();
        assert!(first.folder != second.folder && first.id != second.id);
        let (folder, id) = (first.folder.clone(), first.id.clone());
        drop(first);
        let again = Scratch::claim(&dir.path().join("x")).unwrap();
        assert_eq!((again.folder.clone(), again.id.clone()), (folder, id));
    }
}
