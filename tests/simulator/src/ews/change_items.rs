//! MoveItem, CopyItem, UpdateItem, DeleteItem, SendItem.
//!
//! Source: the documentation pages of these operations.

use super::envelope::{elements, is_true, part, text, typed};
use super::error::EwsError;
use super::folders::disposal;
use super::item::{Kind, write_id};
use super::session::Session;
use super::shape::Path;
use super::value::change_key;
use super::xml::Xml;
use crate::store::{Importance, Item, ItemUpdate};
use roxmltree::Node;

/// MoveItem (`copy` false) and CopyItem: one response message for each id.
pub(super) fn relocate(session: &Session, operation: Node<'_, '_>, copy: bool) -> Result<Xml, EwsError> {
    let goal = session.target(part(operation, "ToFolderId"));
    let tell = part(operation, "ReturnNewItemIds").is_none_or(|node| is_true(&text(node)));
    let ids = part(operation, "ItemIds").into_iter().flat_map(elements);
    Ok(session.batch(ids, |xml, node| {
        let (to_mailbox, to) = goal.clone()?;
        let (mailbox, id) = session.item_id(node)?;
        if mailbox.guid() != to_mailbox.guid() {
            return Err(EwsError::new("ErrorMoveCopyFailed", "Items cannot be moved or copied between mailboxes here."));
        }
        let new = if copy { mailbox.copy_item(id, to.id)? } else { mailbox.move_item(id, to.id)? };
        xml.open("m:Items");
        if tell {
            write_outcome(xml, &mailbox.item(new)?);
        }
        xml.close("m:Items");
        Ok(())
    }))
}

/// What a write to an item answers with: its identifier and new change key.
pub(super) fn write_outcome(xml: &mut Xml, item: &Item) {
    let name = Kind::of(&item.class).element();
    xml.open(name);
    write_id(xml, "t:ItemId", &item.id, item.change);
    xml.close(name);
}

/// UpdateItem: read state, subject, categories and importance can be changed.
pub(super) fn update(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let resolution = operation.attribute("ConflictResolution").unwrap_or_default().trim().to_owned();
    let disposed = operation.attribute("MessageDisposition").is_some();
    let changes = part(operation, "ItemChanges").into_iter().flat_map(elements);
    Ok(session.batch(changes, |xml, change| {
        let node = elements(change).next().ok_or_else(EwsError::item_not_found)?;
        let (mailbox, id) = session.item_id(node)?;
        let item = mailbox.item(id)?;
        if !disposed && Kind::of(&item.class) == Kind::Message {
            return Err(disposition_required());
        }
        let lenient = session.quirk("stale-change-keys-accepted");
        match node.attribute("ChangeKey") {
            Some(key) if key != change_key(item.change, false) && resolution == "NeverOverwrite" && !lenient => {
                return Err(EwsError::new(
                    "ErrorIrresolvableConflict",
                    "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item.",
                ));
            }
            None if resolution == "NeverOverwrite" && !lenient => {
                return Err(EwsError::new(
                    "ErrorChangeKeyRequiredForWriteOperations",
                    "A change key is required for this operation.",
                ));
            }
            _ => {}
        }
        let mut update = ItemUpdate::default();
        for deed in typed(change, "Updates").into_iter().flat_map(elements) {
            gather(&mut update, deed)?;
        }
        let item = mailbox.update_item(id, &update)?;
        xml.open("m:Items");
        write_outcome(xml, &item);
        xml.close("m:Items")
            .open("m:ConflictResults")
            .element("t:Count", "0")
            .close("m:ConflictResults");
        Ok(())
    }))
}

/// Adds one SetItemField or DeleteItemField to an update.
fn gather(update: &mut ItemUpdate, deed: Node<'_, '_>) -> Result<(), EwsError> {
    let mut parts = elements(deed);
    let path = parts.next().map(Path::read).transpose()?;
    let value = parts.next().and_then(|item| elements(item).next());
    let set = deed.tag_name().name() == "SetItemField";
    let refused = || {
        EwsError::new(
            "ErrorInvalidPropertySet",
            "Of an item only IsRead, Subject, Categories and Importance can be changed on this server.",
        )
    };
    let Some(Path::Field(field)) = path else {
        return Err(refused());
    };
    match (field.as_str(), value) {
        ("message:IsRead", Some(value)) if set => update.read = Some(is_true(&text(value))),
        ("item:Subject", Some(value)) if set => update.subject = Some(Some(text(value))),
        ("item:Subject", None) if !set => update.subject = Some(None),
        ("item:Categories", Some(value)) if set => update.categories = Some(elements(value).map(text).collect()),
        ("item:Categories", None) if !set => update.categories = Some(Vec::new()),
        ("item:Importance", Some(value)) if set => update.importance = Some(importance(&text(value))),
        _ => return Err(refused()),
    }
    Ok(())
}

/// Reads an importance; the schema has seen to it that it is one.
pub(super) fn importance(text: &str) -> Importance {
    match text.trim() {
        "High" => Importance::High,
        "Low" => Importance::Low,
        _ => Importance::Normal,
    }
}

/// The error of a message written without saying what becomes of it.
pub(super) fn disposition_required() -> EwsError {
    EwsError::new("ErrorMessageDispositionRequired", "Message disposition must be specified for messages.")
}

/// DeleteItem: one response message for each id.
pub(super) fn delete(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let how = disposal(operation);
    let ids = part(operation, "ItemIds").into_iter().flat_map(elements);
    Ok(session.batch(ids, |_, node| {
        let (mailbox, id) = session.item_id(node)?;
        mailbox.delete_item(id, how)?;
        Ok(())
    }))
}

/// SendItem is refused: drafts cannot be sent later here, messages are sent by CreateItem.
pub(super) fn send(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let ids = part(operation, "ItemIds").into_iter().flat_map(elements);
    Ok(session.batch(ids, |_, node| {
        session.item_id(node)?;
        Err(EwsError::invalid_operation("Stored drafts cannot be sent on this server; send with CreateItem."))
    }))
}
