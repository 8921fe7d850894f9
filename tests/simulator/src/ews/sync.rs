//! SyncFolderHierarchy and SyncFolderItems.
//!
//! Source: the documentation pages of these operations; "Mailbox synchronization and EWS in Exchange".

use super::envelope::{elements, part, text};
use super::error::EwsError;
use super::folder::write_id as write_folder_id;
use super::folders::{self, folder_shape};
use super::item::{Extra, ItemWriter, write_id};
use super::session::Session;
use super::shape::{Path, Shape};
use super::sync_state::{self, Scope};
use super::xml::Xml;
use crate::fault::EwsFault;
use crate::store::{AnyId, Change, FolderChange, FolderId, Mailbox, Position};
use roxmltree::Node;
use std::collections::HashSet;

/// SyncFolderHierarchy. Without SyncFolderId it speaks of what users see, but its states serve only requests without one.
pub(super) fn hierarchy(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let shape = folder_shape(operation)?;
    Ok(session.single(|xml| {
        let root = part(operation, "SyncFolderId");
        let (mailbox, root, given) = match root {
            Some(root) => {
                let (mailbox, folder) = session.target(Some(root)).map_err(sync_folder_not_found)?;
                (mailbox, folder, true)
            }
            None => {
                let mailbox = session.own()?.clone();
                let id = mailbox.root_folder("msgfolderroot").ok_or_else(EwsError::folder_not_found)?;
                let folder = mailbox.folder(id)?;
                (mailbox, folder, false)
            }
        };
        let scope = Scope::Hierarchy { given };
        let since = match state(session, operation) {
            Some(text) => match sync_state::decode(&text, scope, root.id, root.epoch) {
                Ok(place) => Some(number(&place)?),
                Err(_) if session.quirk("bad-states-start-over") => None,
                Err(error) => return Err(error),
            },
            None => None,
        };
        let page = mailbox.sync_hierarchy(root.id, since)?;
        let next = sync_state::encode(scope, root.id, root.epoch, &page.next.to_be_bytes());
        xml.element("m:SyncState", &next).element("m:IncludesLastFolderInRange", "true").open("m:Changes");
        for change in page.changes {
            write_folder_change(session, xml, &shape, &mailbox, change);
        }
        xml.close("m:Changes");
        Ok(())
    }))
}

fn write_folder_change(session: &Session, xml: &mut Xml, shape: &Shape, mailbox: &Mailbox, change: FolderChange) {
    let (name, folder) = match change {
        FolderChange::Create(folder) => ("t:Create", folder),
        FolderChange::Update(folder) => ("t:Update", folder),
        FolderChange::Delete(id) => {
            xml.open("t:Delete");
            write_folder_id(xml, "t:FolderId", id, 1);
            xml.close("t:Delete");
            return;
        }
    };
    xml.open(name);
    folders::write(session, xml, shape, mailbox, folder);
    xml.close(name);
}

fn number(place: &[u8]) -> Result<u64, EwsError> {
    place.try_into().map(u64::from_be_bytes).map_err(|_| EwsError::invalid_sync_state())
}

/// The state a request carries, unless a fault loses it.
fn state(session: &Session, operation: Node<'_, '_>) -> Option<String> {
    let lost = session.faults.contains(&EwsFault::SyncStartsOver);
    part(operation, "SyncState").map(text).filter(|text| !text.trim().is_empty() && !lost)
}

/// The synchronising operations have a code of their own for a folder that is not there.
fn sync_folder_not_found(error: EwsError) -> EwsError {
    if matches!(error.code.as_str(), "ErrorFolderNotFound" | "ErrorItemNotFound") {
        EwsError::new("ErrorSyncFolderNotFound", "The folder to synchronize could not be found.")
    } else {
        error
    }
}

/// SyncFolderItems.
pub(super) fn items(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let mut shape = match part(operation, "ItemShape") {
        Some(node) => Shape::read(node)?,
        None => Shape::id_only(),
    };
    shape.refuse_prefix(false)?;
    if session.quirk("listings-tell-received") {
        shape.additional.push(Path::Field("item:DateTimeReceived".to_owned()));
    }
    // The schema allows 1 to 512. What is beyond comes here only where requests are not held to it.
    let most = part(operation, "MaxChangesReturned").and_then(|node| text(node).trim().parse::<usize>().ok()).unwrap_or(512).min(512);
    let ignored: Vec<String> =
        part(operation, "Ignore").into_iter().flat_map(elements).filter_map(|id| id.attribute("Id").map(str::to_owned)).collect();
    if ignored.len() > 512 {
        return Err(EwsError::invalid_request("Ignore may hold no more than 512 ids."));
    }
    let associated = part(operation, "SyncScope").is_some_and(|node| text(node).trim() == "NormalAndAssociatedItems");
    Ok(session.single(|xml| {
        shape.refuse_costly()?;
        page(session, xml, operation, &shape, most, associated, &ignored)
    }))
}

fn page(
    session: &Session,
    xml: &mut Xml,
    operation: Node<'_, '_>,
    shape: &Shape,
    most: usize,
    associated: bool,
    ignored: &[String],
) -> Result<(), EwsError> {
    let found = session.target(part(operation, "SyncFolderId")).map_err(sync_folder_not_found);
    let (mailbox, folder) = match found {
        Err(error) if error.code == "ErrorSyncFolderNotFound" && session.quirk("missing-folders-sync-empty") => {
            let state = part(operation, "SyncState").map(text).unwrap_or_default();
            xml.element("m:SyncState", &state).element("m:IncludesLastItemInRange", "true").empty("m:Changes", &[]);
            return Ok(());
        }
        other => other?,
    };
    let from = match state(session, operation) {
        Some(text) => match sync_state::decode_items(&text, associated, &folder) {
            Ok(position) => Some(position),
            Err(_) if session.quirk("bad-states-start-over") => None,
            Err(error) => return Err(error),
        },
        None => None,
    };
    let repeated = repeated(session, &mailbox, folder.id, from).filter(|_| most > 1);
    let page = mailbox.changes(folder.id, from, most - usize::from(repeated.is_some()))?;
    let cut = session.quirk("deletes-cut-short") && matches!(page.changes.last(), Some(Change::Delete(_)));
    let ignored: HashSet<AnyId> = ignored.iter().filter_map(|id| AnyId::parse(id).ok()).collect();
    let heed = !session.quirk("ignore-is-ignored");
    let writer = ItemWriter {
        shape,
        listing: true,
        precision: session.precision(),
        owner: mailbox.display_name(),
        disguised: session.faults.contains(&EwsFault::UnknownElement),
    };
    xml.element("m:SyncState", &sync_state::encode_items(associated, &folder, page.next))
        .value("m:IncludesLastItemInRange", (page.last || cut) && most > 0)
        .open("m:Changes");
    let mut first = None;
    if let Some(change) = repeated {
        write_change(xml, &writer, &mailbox, change);
    }
    for change in page.changes {
        if heed && ignored.contains(&AnyId::Item(id_of(&change))) {
            continue;
        }
        if first.is_none() {
            first = Some(change.clone());
        }
        write_change(xml, &writer, &mailbox, as_update(session, &mailbox, change));
    }
    if let Some(change) = first.filter(|_| session.faults.contains(&EwsFault::RepeatItem)) {
        write_change(xml, &writer, &mailbox, change);
    }
    xml.close("m:Changes");
    Ok(())
}

/// What a later page of a first enumeration says again of an earlier one, where that is the habit: the read state of the newest item.
fn repeated(session: &Session, mailbox: &Mailbox, folder: FolderId, from: Option<Position>) -> Option<Change> {
    let from = from.filter(|from| from.below > 0 && session.quirk("creates-repeat-as-read-flags"))?;
    let start = Position { below: from.head + 1, ..from };
    match mailbox.changes(folder, Some(start), 1).ok()?.changes.pop()? {
        Change::Create(item) => Some(Change::ReadFlag(item.id, item.read)),
        _ => None,
    }
}

/// A change of the read state as a whole update, where that is the habit.
fn as_update(session: &Session, mailbox: &Mailbox, change: Change) -> Change {
    match change {
        Change::ReadFlag(id, read) if session.quirk("read-flags-are-updates") => match mailbox.item(id) {
            Ok(item) => Change::Update(Box::new(item)),
            Err(_) => Change::ReadFlag(id, read),
        },
        other => other,
    }
}

fn id_of(change: &Change) -> crate::store::ItemId {
    match change {
        Change::Create(item) | Change::Update(item) => item.id,
        Change::ReadFlag(id, _) | Change::Delete(id) => *id,
    }
}

fn write_change(xml: &mut Xml, writer: &ItemWriter<'_>, mailbox: &Mailbox, change: Change) {
    match change {
        Change::Create(item) => {
            xml.open("t:Create");
            writer.write(xml, &item, Extra::default());
            xml.close("t:Create");
        }
        Change::Update(item) => {
            xml.open("t:Update");
            writer.write(xml, &item, Extra::default());
            xml.close("t:Update");
        }
        Change::ReadFlag(id, read) => {
            xml.open("t:ReadFlagChange");
            let change = mailbox.item(id).map_or(0, |item| item.change);
            write_id(xml, "t:ItemId", &id, change);
            xml.value("t:IsRead", read).close("t:ReadFlagChange");
        }
        Change::Delete(id) => {
            xml.open("t:Delete");
            write_id(xml, "t:ItemId", &id, 0);
            xml.close("t:Delete");
        }
    }
}
