//! A folder of .eml files as a mailbox: sub-folders become folders, files become items, given out byte for byte.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use crate::content::{Content, facts};
use crate::store::{FolderId, Mailbox, NewItem};

/// Bytes of a file read for its headers; a longer file's attachments may go unnoticed, its bytes never.
const BEGINNING: u64 = 4 << 20;

/// Plants a tree into a mailbox: files at the top go to the inbox, a sub-folder becomes a folder at the top of the mailbox.
///
/// # Errors
/// A text naming the file or folder that cannot be read.
pub(super) fn plant(mailbox: &Mailbox, tree: &Path) -> Result<(), String> {
    let refused = |error| format!("plant {} into {}: {error}", tree.display(), mailbox.address());
    let inbox = mailbox.root_folder("inbox").ok_or_else(|| format!("the mailbox {} has no inbox", mailbox.address()))?;
    let top = mailbox.root_folder("msgfolderroot").ok_or_else(|| format!("the mailbox {} has no top folder", mailbox.address()))?;
    let mut pending = vec![(tree.to_path_buf(), inbox, top)];
    while let Some((folder, own, parent)) = pending.pop() {
        for path in sorted(&folder)? {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let about = std::fs::metadata(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            if about.is_dir() {
                let below = match mailbox.folders_below(parent, false).map_err(refused)?.iter().find(|folder| folder.name == name) {
                    Some(known) => known.id,
                    None => mailbox.seed_folder(parent, &name, Some("IPF.Note"), false, false).map_err(refused)?,
                };
                pending.push((path, below, below));
            } else if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("eml")) {
                plant_file(mailbox, own, &path, about.len(), about.modified().ok())?;
            }
        }
    }
    Ok(())
}

/// What is in a folder, by name; the last is taken first from the stack, which the order of items does not depend on.
fn sorted(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("cannot read the folder {}: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn plant_file(mailbox: &Mailbox, folder: FolderId, path: &Path, length: u64, modified: Option<SystemTime>) -> Result<(), String> {
    let failed = |error| format!("cannot read {}: {error}", path.display());
    let mut beginning = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    std::io::Read::read_to_end(&mut std::io::Read::take(file, BEGINNING), &mut beginning).map_err(failed)?;
    let facts = facts(&beginning);
    let dated = facts.date.is_some();
    let mut item = NewItem::from_facts(facts, Content::file(path.to_path_buf(), length));
    if !dated {
        item.received = Some(modified.map_or_else(Utc::now, DateTime::from));
    }
    item.created = item.received;
    mailbox.seed_item(folder, item).map(|_| ()).map_err(|error| format!("plant {}: {error}", path.display()))
}
