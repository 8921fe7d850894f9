//! A configuration in a file.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::{Location, Shelf, Text, Unread};
use crate::config::Fault;

/// A larger file is not a configuration.
const MOST_BYTES: u64 = 64 << 20;

/// A file, below a folder that must be there.
pub struct FileShelf {
    location: Location,
    file: PathBuf,
    /// The folder that is not made: one that is missing is more often a volume that is not mounted.
    root: PathBuf,
}

impl FileShelf {
    /// The configuration in `file`. Folders between `root` and it are made where it is stored.
    pub fn new(file: PathBuf, root: PathBuf) -> Self {
        Self { location: Location::File(file.clone()), file, root }
    }
}

#[async_trait]
impl Shelf for FileShelf {
    fn location(&self) -> &Location {
        &self.location
    }

    fn base(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    async fn fetch(&self) -> Result<Text, Unread> {
        let file = self.file.clone();
        blocking(move || read(&file)).await
    }

    async fn store(&self, text: &Text) -> Result<Value, Unread> {
        let (file, root, text) = (self.file.clone(), self.root.clone(), text.clone());
        blocking(move || write(&file, &root, &text)).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Fault> + Send + 'static) -> Result<T, Unread> {
    let done = spawn_blocking(work).await;
    Ok(done.unwrap_or_else(|error| Err(Fault::new("configuration", format!("reading it broke off: {error}"))))?)
}

fn read(file: &Path) -> Result<Text, Fault> {
    let name = file.display().to_string();
    let failed = |error: io::Error| Fault::new(name.as_str(), format!("cannot be read: {error}"));
    let about = fs::metadata(file).map_err(failed)?;
    if about.is_dir() {
        return Err(Fault::new(name, "is a folder").remedy("name the file in it"));
    }
    if about.len() > MOST_BYTES {
        return Err(Fault::new(name, format!("has {} bytes, more than a configuration can have", about.len())));
    }
    fs::read(file).map(Text::new).map_err(failed)
}

/// Puts the text in the file's place as a whole: whoever reads meanwhile reads the old one or the new one.
fn write(file: &Path, root: &Path, text: &Text) -> Result<Value, Fault> {
    if !root.is_dir() {
        return Err(Fault::new(root.display().to_string(), "is no folder").remedy("create it, or mount its volume, first"));
    }
    let before = match fs::read(file) {
        Ok(bytes) => Some(Text::new(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(Fault::new(file.display().to_string(), format!("cannot be replaced: {error}"))),
    };
    let told = match &before {
        Some(before) if before == text => return Ok(json!("nothing")),
        Some(before) => json!({ "file": "replaced", "bytes_before": before.bytes().len(), "bytes": text.bytes().len() }),
        None => json!({ "file": "new", "bytes": text.bytes().len() }),
    };
    let staged = file.with_extension("json.new");
    let written = replace(file, &staged, text);
    if written.is_err() {
        let _ = fs::remove_file(&staged);
    }
    written.map_err(|error| Fault::new(file.display().to_string(), format!("cannot be written: {error}")))?;
    Ok(told)
}

fn replace(file: &Path, staged: &Path, text: &Text) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut new = OpenOptions::new().write(true).create(true).truncate(true).open(staged)?;
    // Whoever was kept from reading the old one is kept from reading the new one.
    if let Ok(about) = fs::metadata(file) {
        let kept: Permissions = about.permissions();
        new.set_permissions(kept)?;
    }
    new.write_all(text.bytes())?;
    new.sync_all()?;
    fs::rename(staged, file)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::config::Verdict;

    #[tokio::test]
    async fn what_is_stored_is_fetched_and_keeps_its_permissions() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config/owner/key.json");
        let shelf = FileShelf::new(file.clone(), dir.path().into());
        let absent = shelf.fetch().await.unwrap_err();
        assert_eq!((absent.verdict, absent.code()), (Verdict::Wrong, 2));
        assert!(absent.to_string().contains("key.json: cannot be read"), "{absent}");
        assert_eq!(shelf.store(&Text::new("{}")).await.unwrap(), json!({ "file": "new", "bytes": 2 }));
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(shelf.store(&Text::new("{ }")).await.unwrap(), json!({ "file": "replaced", "bytes_before": 2, "bytes": 3 }));
        assert_eq!(shelf.store(&Text::new("{ }")).await.unwrap(), json!("nothing"));
        assert_eq!(shelf.fetch().await.unwrap().bytes(), b"{ }");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_folder_that_is_missing_is_not_made() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("volume");
        let shelf = FileShelf::new(root.join("config/owner/key.json"), root.clone());
        assert!(shelf.store(&Text::new("{}")).await.unwrap_err().to_string().contains("mount its volume"));
        assert!(!root.exists());
        fs::create_dir_all(root.join("config/owner/key.json")).unwrap();
        assert!(shelf.fetch().await.unwrap_err().to_string().contains("is a folder"));
    }
}
