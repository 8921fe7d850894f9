//! Making, writing, moving, copying and deleting messages (documentation pages "Create message", "Update message", "message: move",
//! "message: copy", "Delete message").

use super::compose::{self, list, text, wrong};
use super::page;
use super::selection::Selection;
use crate::graph::folders::folder_of;
use crate::graph::{Answer, Call, GraphError};
use crate::http::Response;
use crate::store::{DeleteHow, Importance, ItemId, ItemUpdate, NewItem};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::Utc;
use serde_json::{Map, Value};

/// MSGFLAG_READ and MSGFLAG_UNSENT of PidTagMessageFlags (MS-OXCMSG 2.2.1.6).
const READ: i64 = 0x1;
const UNSENT: i64 = 0x8;

/// A full mailbox takes nothing more.
fn refuse_full(call: &Call<'_>) -> Result<(), GraphError> {
    if call.mailbox()?.is_full() {
        return Err(GraphError::new(507, "ErrorQuotaExceeded", "The mailbox has exceeded its quota."));
    }
    Ok(())
}

/// Makes a message: of JSON, or of MIME in base64. It is a draft, unless its flags say otherwise.
pub(super) fn create(call: &Call<'_>, folder: Option<&str>) -> Answer {
    refuse_full(call)?;
    let mailbox = call.mailbox()?;
    let folder = folder_of(call, folder.unwrap_or("drafts"))?;
    let kind = call.headers.value("content-type").unwrap_or_default().to_ascii_lowercase();
    let new = if kind.trim_start().starts_with("text/plain") { of_mime(call.body)? } else { of_json(call, mailbox.address())? };
    let id = mailbox.create_item(folder, new)?;
    told(call, 201, id)
}

fn draft(mime: Bytes) -> NewItem {
    NewItem { draft: true, read: true, received: Some(Utc::now()), ..NewItem::from_mime(mime) }
}

fn of_mime(body: &Bytes) -> Result<NewItem, GraphError> {
    let compact: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(compact);
    let bytes = bytes.map_err(|_| GraphError::request("ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content."))?;
    // Some field of a header must begin it.
    let field = bytes.split(|byte| *byte == b':').next().filter(|field| field.len() < bytes.len());
    if !field.is_some_and(|field| !field.is_empty() && field.iter().all(u8::is_ascii_graphic)) {
        return Err(GraphError::request("ErrorMimeContentInvalid", "The MIME content is invalid."));
    }
    Ok(draft(bytes.into()))
}

fn object(call: &Call<'_>) -> Result<Map<String, Value>, GraphError> {
    match call.json()? {
        Value::Object(object) => Ok(object),
        _ => Err(GraphError::request("BadRequest", "Empty Payload. JSON content expected.")),
    }
}

fn of_json(call: &Call<'_>, owner: &str) -> Result<NewItem, GraphError> {
    let object = object(call)?;
    let mut new = draft(compose::mime(&object, owner)?.into());
    for property in list(&object, super::extended::NAME)? {
        let (Some(id), Some(value)) = (property.get("id").and_then(Value::as_str), property.get("value").and_then(Value::as_str)) else {
            return Err(wrong(super::extended::NAME));
        };
        match id.to_ascii_lowercase().replace("0x0", "0x").as_str() {
            // The documented way to import what is no draft.
            "integer 0xe07" => {
                let flags: i64 = value.parse().map_err(|_| wrong(super::extended::NAME))?;
                (new.draft, new.read) = (flags & UNSENT != 0, flags & READ != 0);
            }
            "string 0x1a" => new.class = value.to_owned(),
            _ => return Err(GraphError::request("ErrorInvalidProperty", format!("The extended property '{id}' cannot be set here."))),
        }
    }
    let update = update(&object)?;
    new.read = update.read.unwrap_or(new.read);
    new.importance = update.importance.unwrap_or(new.importance);
    new.categories = update.categories.unwrap_or_default();
    Ok(new)
}

/// What an object says of the properties that can be written later too.
fn update(object: &Map<String, Value>) -> Result<ItemUpdate, GraphError> {
    let mut update = ItemUpdate::default();
    match object.get("isRead") {
        None => {}
        Some(Value::Bool(read)) => update.read = Some(*read),
        Some(_) => return Err(wrong("isRead")),
    }
    update.importance = match text(object, "importance")?.map(str::to_ascii_lowercase).as_deref() {
        None => None,
        Some("low") => Some(Importance::Low),
        Some("normal") => Some(Importance::Normal),
        Some("high") => Some(Importance::High),
        Some(_) => return Err(wrong("importance")),
    };
    if object.contains_key("categories") {
        let names = list(object, "categories")?.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
        update.categories = Some(names.ok_or_else(|| wrong("categories"))?);
    }
    Ok(update)
}

/// Writes properties of a message: its subject only while it is a draft.
pub(super) fn patch(call: &Call<'_>, id: ItemId) -> Answer {
    let mailbox = call.mailbox()?;
    let object = object(call)?;
    let mut change = update(&object)?;
    if object.contains_key("subject") {
        if !mailbox.item(id)?.draft {
            return Err(GraphError::request("ErrorInvalidPropertySet", "The property 'subject' can be set on drafts only."));
        }
        change.subject = Some(text(&object, "subject")?.map(str::to_owned));
    }
    let known = ["isRead", "importance", "categories", "subject"];
    if let Some(name) = object.keys().find(|name| !name.contains('@') && !known.contains(&name.as_str())) {
        return Err(GraphError::request("ErrorInvalidPropertySet", format!("The property '{name}' cannot be set on this message.")));
    }
    mailbox.update_item(id, &change)?;
    told(call, 200, id)
}

/// Moves or copies a message to the folder that the body names.
pub(super) fn shift(call: &Call<'_>, id: ItemId, moving: bool) -> Answer {
    if !moving {
        refuse_full(call)?;
    }
    let mailbox = call.mailbox()?;
    let object = object(call)?;
    let destination = text(&object, "destinationId")?;
    let destination =
        destination.ok_or_else(|| GraphError::request("ErrorInvalidArgument", "The parameter 'destinationId' is missing."))?;
    let folder = folder_of(call, destination)?;
    let new = if moving { mailbox.move_item(id, folder)? } else { mailbox.copy_item(id, folder)? };
    told(call, 201, new)
}

/// Deletes a message: into the recoverable items, and from there for good.
pub(super) fn delete(call: &Call<'_>, id: ItemId) -> Answer {
    call.mailbox()?.delete_item(id, DeleteHow::Soft)?;
    Ok(Response::new(204))
}

fn told(call: &Call<'_>, status: u16, id: ItemId) -> Answer {
    let item = call.mailbox()?.item(id)?;
    page::single(status, call, &item, page::style(call, Selection::everything()), &[])
}
