//! What the program left on the disk, read by the words of `docs/catalog.md` and nothing of its code.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// A message as the last lines of its key tell.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    pub item: String,
    pub folder: String,
    pub path: Vec<String>,
    pub read: Option<bool>,
    pub last: String,
    pub subject: Option<String>,
    pub class: Option<String>,
    /// What the last `stored` line says of the file.
    pub file: Option<Object>,
    pub code: Option<String>,
}

/// What a `stored` line says of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub name: String,
    pub sha256: String,
    pub bytes: u64,
    pub origin: String,
}

impl Kept {
    /// Whether the message is in the mailbox.
    pub fn present(&self) -> bool {
        self.last != "deleted" && self.last != "vanished"
    }
}

/// All lines of a mailbox's catalog, in order; none where there is no catalog.
pub fn lines(mailbox: &Path) -> Vec<Value> {
    let mut segments = files(&mailbox.join("catalog"));
    segments.sort();
    let mut lines = Vec::new();
    for segment in segments {
        let text = fs::read_to_string(&segment).unwrap();
        // A last line without its line feed was torn by a crash and does not count.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        lines.extend(whole.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))));
    }
    lines
}

/// Folds lines to what is known of each key.
pub fn fold(lines: &[Value]) -> BTreeMap<String, Kept> {
    let mut keys: BTreeMap<String, Kept> = BTreeMap::new();
    for line in lines {
        let text = |name: &str| line[name].as_str().map(str::to_owned);
        let kept = keys.entry(text("key").unwrap()).or_default();
        kept.last = text("event").unwrap();
        kept.item = text("item_id").unwrap();
        kept.folder = text("folder_id").unwrap();
        kept.path = line["folder_path"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        kept.read = line["read"].as_bool().or(kept.read);
        kept.class = text("class").or(kept.class.take());
        kept.code = text("code");
        if ["stored", "changed"].contains(&kept.last.as_str()) {
            kept.subject = text("subject");
        }
        if kept.last == "stored" {
            let bytes = line["bytes"].as_u64().unwrap();
            let (name, sha256, origin) = (text("object").unwrap(), text("sha256").unwrap(), text("origin").unwrap());
            kept.file = Some(Object { name, sha256, bytes, origin });
        }
    }
    keys
}

/// How many lines there are of each event.
pub fn events(lines: &[Value]) -> BTreeMap<String, usize> {
    let mut events = BTreeMap::new();
    for line in lines {
        *events.entry(line["event"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    events
}

/// All files below a folder; none where there is no such folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

/// A digest as the catalog writes it.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
