//! What a mailbox holds now, one JSON line an item, made as it is sent: the truth a copy is compared with.

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Admin, Refusal, bad};
use crate::content::Content;
use crate::http::{Request, Response};
use crate::store::{Change, Folder, FolderKind, Item, Mailbox, Mime, Position};

/// Items taken from the store at a time.
const PAGE: usize = 64;

/// How far a manifest has come.
struct Walk {
    mailbox: Mailbox,
    folders: VecDeque<Folder>,
    at: Option<Position>,
    items: VecDeque<Item>,
    path: Vec<String>,
}

/// Answers `GET /manifest?mailbox=ADDRESS`.
pub(super) fn stream(admin: &Admin, request: &Request) -> Result<Response, Refusal> {
    let address = request.query_value("mailbox").ok_or_else(|| bad("which mailbox? /manifest?mailbox=ADDRESS"))?;
    let mailbox = admin.mailbox(&address)?;
    let mut folders = VecDeque::new();
    for root in ["root", "archiveroot"].iter().filter_map(|name| mailbox.root_folder(name)) {
        folders.extend(mailbox.folders_below(root, true)?.into_iter().filter(|folder| folder.kind != FolderKind::Search));
    }
    let walk = Walk { mailbox, folders, at: None, items: VecDeque::new(), path: Vec::new() };
    let lines = stream::try_unfold(walk, |mut walk| async move {
        let Some(item) = walk.next() else { return Ok::<_, io::Error>(None) };
        let line = walk.line(&item).await?;
        Ok(Some((line, walk)))
    });
    Ok(Response::new(200).header("Content-Type", "application/x-ndjson").stream(lines.boxed()))
}

impl Walk {
    /// The next item. A folder that was deleted meanwhile is left out.
    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.items.pop_front() {
                return Some(item);
            }
            let folder = self.folders.front()?;
            let page = self.mailbox.changes(folder.id, self.at, PAGE).ok();
            self.path = self.mailbox.path(folder.id).unwrap_or_default();
            // The first enumeration is all that is wanted: what changes after its beginning is another manifest's.
            self.at = page.as_ref().map(|page| page.next).filter(|next| next.below > 0);
            if self.at.is_none() {
                self.folders.pop_front();
            }
            self.items = page
                .into_iter()
                .flat_map(|page| page.changes)
                .filter_map(|change| match change {
                    Change::Create(item) => Some(*item),
                    _ => None,
                })
                .collect();
        }
    }

    async fn line(&self, item: &Item) -> io::Result<Bytes> {
        let mime = match &item.mime {
            Mime::Content(content) => json!({ "sha256": digest(content).await?, "length": content.len() }),
            Mime::Refused(code) => json!({ "code": code }),
        };
        let line = json!({
            "folder": self.path, "folder_id": item.folder.text(), "id": item.id.text(), "class": item.class, "subject": item.subject,
            "message_id": item.message_id, "received": item.received.map(|at| at.to_rfc3339()), "read": item.read,
            "search_key": hex::encode(item.search_key), "size": item.size, "downloads": self.mailbox.downloads(item.id), "mime": mime,
        });
        Ok(Bytes::from(format!("{line}\n")))
    }
}

async fn digest(content: &Content) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut chunks = content.chunks();
    while let Some(chunk) = chunks.next().await {
        hash.update(&chunk?);
    }
    Ok(hex::encode(hash.finalize()))
}
