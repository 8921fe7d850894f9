//! `mailFolders/delta`: the whole tree as a flat list, then what changed in it (documentation page "mailFolder: delta").
//!
//! A token says from which moment the client knows the tree and, inside a round, how far the round has come; so nothing is remembered of
//! tokens but how often an administrator has declared the mailbox's lost. Folders are told in the order of their numbers, which no change of the
//! tree disturbs between two pages. A change that comes during a round is told, or told again, in the next one.

use super::call::{Answer, Call};
use super::error::GraphError;
use super::folders::{check_select, entity, folder_id, folder_of, is_mail, wants_hidden};
use super::reply;
use crate::store::{FolderChange, FolderId, Mailbox};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Entries of a page where nobody says how many.
const PAGE: usize = 10;
/// Entries of the largest page.
const LARGEST: usize = 500;
/// Bytes of a token's seal.
const SEAL: usize = 8;

/// A moment in the life of a tree: entries of its history, and the latest commit time of any folder's contents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Moment {
    tree: u64,
    commit: u64,
}

/// What a token carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Token {
    /// The folder asked about, by its number.
    root: u64,
    generation: u32,
    epoch: u32,
    /// What the client knows; none in the first round.
    known: Option<Moment>,
    /// When the round under way began; none between rounds.
    until: Option<Moment>,
    /// The last folder told in this round.
    after: u64,
    hidden: bool,
    select: Option<Vec<String>>,
}

impl Token {
    fn write(&self) -> String {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        let seal = Sha256::digest(&bytes);
        bytes.extend(seal.iter().take(SEAL));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL)?)?;
        let sum = Sha256::digest(body);
        sum.starts_with(seal).then(|| serde_json::from_slice(body).ok()).flatten()
    }
}

/// What is told of a folder.
enum Told {
    Entity(Value),
    Removed(FolderId),
}

/// Answers a page of a round.
pub(super) fn handle(call: &Call<'_>, root: Option<&str>) -> Answer {
    if call.state.quirks.has("no-delta") {
        let text = "Parameter 'DeltaToken' not supported for this request.";
        return Err(GraphError::request("ErrorInvalidUrlQuery", text));
    }
    check_select(call)?;
    if !call.query.filter.is_empty() || call.query.search.is_some() || call.query.expand.is_some() || !call.query.order.is_empty() {
        return Err(GraphError::query("The query specified in the URI is not valid."));
    }
    let mailbox = call.mailbox()?;
    let root_id = folder_of(call, root.unwrap_or("msgfolderroot"))?;
    let root_epoch = mailbox.folder(root_id)?.epoch;
    let given = call.query.value("skiptoken").or_else(|| call.query.value("deltatoken"));
    let mut token = match given {
        Some(text) => {
            let token = Token::read(text).ok_or_else(|| GraphError::request("SyncStateInvalid", "The sync state is invalid."))?;
            if token.root != root_id.number || token.generation != root_id.generation || token.epoch != root_epoch {
                return Err(GraphError::new(410, "SyncStateNotFound", "The sync state generation is not found; generation=1;[highest=0]."));
            }
            token
        }
        None => Token {
            root: root_id.number,
            generation: root_id.generation,
            epoch: root_epoch,
            known: None,
            until: None,
            after: 0,
            hidden: wants_hidden(call),
            select: call.query.select.clone(),
        },
    };
    let (now, told) = changes(mailbox, root_id, &token)?;
    let until = *token.until.get_or_insert(now);
    let size = call.prefer.page.unwrap_or(PAGE).min(LARGEST);
    let after = token.after;
    let mut rest = told.into_iter().filter(|(number, _)| *number > after);
    let mut value = Vec::new();
    for (number, told) in rest.by_ref().take(size) {
        token.after = number;
        value.push(shown(told, token.select.as_deref()));
    }
    let path = match root {
        Some(root) => format!("{}/mailFolders/{}/childFolders/delta", call.base(), super::encode(root)),
        None => format!("{}/mailFolders/delta", call.base()),
    };
    let mut members = Map::new();
    members.insert("@odata.context".to_owned(), format!("{}/$metadata#Collection(mailFolder)", call.root).into());
    members.insert("value".to_owned(), Value::Array(value));
    if rest.next().is_some() {
        members.insert("@odata.nextLink".to_owned(), format!("{path}?$skiptoken={}", token.write()).into());
    } else {
        token = Token { known: Some(until), until: None, after: 0, ..token };
        members.insert("@odata.deltaLink".to_owned(), format!("{path}?$deltatoken={}", token.write()).into());
    }
    reply::entity(200, &Value::Object(members))
}

/// What there is to tell by the number of the folder, and the moment it was looked at.
fn changes(mailbox: &Mailbox, root: FolderId, token: &Token) -> Result<(Moment, BTreeMap<u64, Told>), GraphError> {
    let folders = mailbox.folders_below(root, true)?;
    let commit = folders.iter().map(|folder| folder.commit_time).max().unwrap_or_default();
    let tree = mailbox.sync_hierarchy(root, token.known.map(|known| known.tree))?;
    let now = Moment { tree: tree.next, commit };
    let mut told = BTreeMap::new();
    let wanted = |folder: &crate::store::Folder| is_mail(folder) && (token.hidden || !folder.hidden);
    for change in tree.changes {
        match change {
            FolderChange::Create(folder) | FolderChange::Update(folder) if wanted(&folder) => {
                told.insert(folder.id.number, Told::Entity(entity(&folder)));
            }
            FolderChange::Delete(id) => {
                told.insert(id.number, Told::Removed(id));
            }
            FolderChange::Create(_) | FolderChange::Update(_) => {}
        }
    }
    // Counts are part of a folder: what came, went or was read changes it.
    if let Some(known) = token.known {
        for folder in folders.iter().filter(|folder| folder.commit_time > known.commit && wanted(folder)) {
            told.entry(folder.id.number).or_insert_with(|| Told::Entity(entity(folder)));
        }
    }
    Ok((now, told))
}

fn shown(told: Told, select: Option<&[String]>) -> Value {
    match told {
        Told::Removed(id) => json!({ "id": folder_id(id), "@removed": { "reason": "deleted" } }),
        Told::Entity(mut body) => {
            if let (Some(names), Value::Object(members)) = (select, &mut body) {
                members.retain(|key, _| key == "id" || key.starts_with('@') || names.contains(key));
            }
            body
        }
    }
}
