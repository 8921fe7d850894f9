//! Making, renaming, moving and deleting folders.

use super::call::{Answer, Call};
use super::error::GraphError;
use super::folders::{entity, folder_of};
use super::reply;
use crate::http::Response;
use crate::store::{DeleteHow, FolderId};
use serde_json::Value;

/// A name longer than this no folder takes.
const LONGEST: usize = 255;

fn told(call: &Call<'_>, status: u16, id: FolderId) -> Answer {
    let mut body = entity(&call.mailbox()?.folder(id)?);
    if let Value::Object(members) = &mut body {
        members.insert("@odata.context".to_owned(), call.context("mailFolders/$entity").into());
    }
    reply::entity(status, &body)
}

fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

fn name_in(body: &Value) -> Result<&str, GraphError> {
    match text(body, "displayName").map(str::trim) {
        Some(name) if !name.is_empty() && name.len() <= LONGEST => Ok(name),
        Some(_) => Err(GraphError::request("ErrorInvalidProperty", "The display name of the folder is empty or too long.")),
        None => Err(GraphError::request("ErrorInvalidRequest", "The property 'displayName' is required.")),
    }
}

/// `POST /mailFolders` and below one.
pub(super) fn create(call: &Call<'_>, parent: Option<&str>) -> Answer {
    let body = call.json()?;
    let name = name_in(&body)?;
    if body.get("@odata.type").is_some_and(|kind| kind != "#microsoft.graph.mailFolder" && kind != "microsoft.graph.mailFolder") {
        return Err(GraphError::new(501, "notSupported", "Folders of other types than mailFolder cannot be made here."));
    }
    let parent = folder_of(call, parent.unwrap_or("msgfolderroot"))?;
    let mailbox = call.mailbox()?;
    let made = mailbox.create_folder(parent, name, Some("IPF.Note"))?;
    if body.get("isHidden").and_then(Value::as_bool).unwrap_or(false) {
        mailbox.dress_folder(made, None, None, true)?;
    }
    told(call, 201, made)
}

/// `PATCH /mailFolders/{id}`: another name.
pub(super) fn update(call: &Call<'_>, segment: &str) -> Answer {
    let body = call.json()?;
    let id = folder_of(call, segment)?;
    call.mailbox()?.rename_folder(id, name_in(&body)?)?;
    told(call, 200, id)
}

/// `DELETE /mailFolders/{id}`: to the deleted items; from there, for good.
pub(super) fn delete(call: &Call<'_>, segment: &str) -> Answer {
    let id = folder_of(call, segment)?;
    call.mailbox()?.delete_folder(id, DeleteHow::ToDeletedItems)?;
    Ok(Response::new(204))
}

/// `POST /mailFolders/{id}/move`.
pub(super) fn shift(call: &Call<'_>, segment: &str) -> Answer {
    let body = call.json()?;
    let id = folder_of(call, segment)?;
    let goal = text(&body, "destinationId").or_else(|| text(&body, "DestinationId"));
    let goal = goal.ok_or_else(|| GraphError::request("ErrorInvalidRequest", "The parameter 'destinationId' is required."))?;
    call.mailbox()?.move_folder(id, folder_of(call, goal)?)?;
    told(call, 200, id)
}
