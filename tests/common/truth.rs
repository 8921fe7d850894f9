//! What the server holds, taken from its store and not from what it tells its clients.

use std::collections::BTreeMap;

use exchange_simulator::store::{Change, Folder, FolderKind, Item, Mailbox, Mime};
use futures::StreamExt;

use super::{Server, sink::sha256};

/// One item of a mailbox.
#[derive(Clone, Debug)]
pub struct Real {
    pub item: Item,
    pub folder: Folder,
    pub path: Vec<String>,
    /// Digest and length of its MIME, or the code by which the server refuses it.
    pub mime: Result<(String, u64), &'static str>,
}

impl Real {
    /// Its id as clients see it.
    pub fn id(&self) -> String {
        self.item.id.text()
    }
}

/// Well-known folders of synchronisation logs, which nobody asked to copy.
const LOGS: [&str; 4] = ["syncissues", "conflicts", "localfailures", "serverfailures"];

/// The items a copy of the mailbox is to hold, by their ids: all that people see of it, in mail folders and others.
pub async fn truth(server: &Server, address: &str, archive: bool) -> BTreeMap<String, Real> {
    let mailbox = server.simulator.state().store.mailbox(address).unwrap_or_else(|| panic!("no mailbox {address}"));
    let roots = ["msgfolderroot", "archivemsgfolderroot"];
    let mut real = BTreeMap::new();
    for root in roots.iter().take(if archive { 2 } else { 1 }).filter_map(|name| mailbox.root_folder(name)) {
        for folder in mailbox.folders_below(root, true).unwrap() {
            let logs = folder.well_known.as_deref().is_some_and(|name| LOGS.contains(&name));
            if folder.kind == FolderKind::Search || folder.hidden || logs {
                continue;
            }
            for item in items(&mailbox, &folder) {
                let mime = match &item.mime {
                    Mime::Refused(code) => Err(*code),
                    Mime::Content(content) => {
                        let mut bytes = Vec::new();
                        let mut chunks = content.chunks();
                        while let Some(chunk) = chunks.next().await {
                            bytes.extend_from_slice(&chunk.unwrap());
                        }
                        Ok((sha256(&bytes), bytes.len() as u64))
                    }
                };
                let path = mailbox.path(folder.id).unwrap();
                real.insert(item.id.text(), Real { item, folder: folder.clone(), path, mime });
            }
        }
    }
    real
}

fn items(mailbox: &Mailbox, folder: &Folder) -> Vec<Item> {
    let mut found = Vec::new();
    let mut at = None;
    loop {
        let page = mailbox.changes(folder.id, at, 512).unwrap();
        found.extend(page.changes.into_iter().filter_map(|change| match change {
            Change::Create(item) => Some(*item),
            _ => None,
        }));
        if page.next.below == 0 {
            return found;
        }
        at = Some(page.next);
    }
}
