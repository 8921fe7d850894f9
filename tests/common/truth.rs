//! What the server holds, taken from its store and not from what it tells its clients.

use std::collections::BTreeMap;

use exchange_simulator::store::{Change, Folder, FolderKind, Item, Mailbox, Mime};
use futures::StreamExt;

use super::{Server, sink::sha256};

/// How an interface writes ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As EWS does; it shows every folder and item.
    #[default]
    Ews,
    /// As Graph does where ids are to last; it shows mail only.
    GraphImmutable,
    /// As Graph does by default.
    GraphRest,
}

impl Form {
    /// An item's id.
    pub fn item(self, item: &Item) -> String {
        match self {
            Self::Ews => item.id.text(),
            Self::GraphImmutable => url_safe(&item.lasting.text()),
            Self::GraphRest => url_safe(&item.id.text()),
        }
    }

    /// A folder's id.
    pub fn folder(self, folder: &Folder) -> String {
        match self {
            Self::Ews => folder.id.text(),
            Self::GraphImmutable | Self::GraphRest => url_safe(&folder.id.text()),
        }
    }

    fn shows(self, class: &str) -> bool {
        const OTHERS: [&str; 11] = [
            "IPF.Appointment",
            "IPF.Contact",
            "IPF.Task",
            "IPF.Journal",
            "IPF.StickyNote",
            "IPM.Appointment",
            "IPM.Contact",
            "IPM.DistList",
            "IPM.Task",
            "IPM.Activity",
            "IPM.StickyNote",
        ];
        self == Self::Ews || !OTHERS.iter().any(|other| class == *other || class.starts_with(&format!("{other}.")))
    }
}

fn url_safe(id: &str) -> String {
    id.replace('/', "-").replace('+', "_")
}

/// One item of a mailbox.
#[derive(Clone, Debug)]
pub struct Real {
    /// Its id, and its folder's, in the form asked for.
    pub name: String,
    pub folder_name: String,
    pub item: Item,
    pub folder: Folder,
    pub path: Vec<String>,
    /// Digest and length of its MIME, or the code by which the server refuses it.
    pub mime: Result<(String, u64), &'static str>,
}

impl Real {
    /// Its id as EWS and the admin API write it.
    pub fn id(&self) -> String {
        self.item.id.text()
    }
}

/// Well-known folders of synchronisation logs, which nobody asked to copy.
const LOGS: [&str; 4] = ["syncissues", "conflicts", "localfailures", "serverfailures"];

/// The items a copy of the mailbox is to hold, by their ids: all that people see of it, in mail folders and others.
pub async fn truth(server: &Server, address: &str, archive: bool) -> BTreeMap<String, Real> {
    truth_in(Form::Ews, server, address, archive).await
}

/// The same as an interface shows it, by the ids it writes.
pub async fn truth_in(form: Form, server: &Server, address: &str, archive: bool) -> BTreeMap<String, Real> {
    let mailbox = server.simulator.state().store.mailbox(address).unwrap_or_else(|| panic!("no mailbox {address}"));
    let roots = ["msgfolderroot", "archivemsgfolderroot"];
    let mut real = BTreeMap::new();
    for root in roots.iter().take(if archive { 2 } else { 1 }).filter_map(|name| mailbox.root_folder(name)) {
        for folder in mailbox.folders_below(root, true).unwrap() {
            let logs = folder.well_known.as_deref().is_some_and(|name| LOGS.contains(&name));
            if folder.kind == FolderKind::Search || folder.hidden || logs || !form.shows(folder.class.as_deref().unwrap_or_default()) {
                continue;
            }
            for item in items(&mailbox, &folder).into_iter().filter(|item| form.shows(&item.class)) {
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
                let (name, folder_name) = (form.item(&item), form.folder(&folder));
                real.insert(name.clone(), Real { name, folder_name, item, folder: folder.clone(), path, mime });
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
