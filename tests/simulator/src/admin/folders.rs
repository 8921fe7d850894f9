//! Folders: create, rename, move, delete.

use serde::Deserialize;
use serde_json::json;

use super::items::How;
use super::{Admin, Answer, Place};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    mailbox: String,
    /// The folder above; the top of the mailbox when absent.
    parent: Option<Place>,
    name: String,
    class: Option<String>,
}

pub(super) fn create(admin: &Admin, call: Create) -> Answer {
    let mailbox = admin.mailbox(&call.mailbox)?;
    let parent = call.parent.unwrap_or(Place::Path(Vec::new())).find(&mailbox)?;
    let id = mailbox.create_folder(parent, &call.name, Some(call.class.as_deref().unwrap_or("IPF.Note")))?;
    Ok(json!({ "id": id.text() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rename {
    mailbox: String,
    folder: Place,
    name: String,
}

pub(super) fn rename(admin: &Admin, call: Rename) -> Answer {
    let mailbox = admin.mailbox(&call.mailbox)?;
    let folder = call.folder.find(&mailbox)?;
    mailbox.rename_folder(folder, &call.name)?;
    Ok(json!({ "id": folder.text() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shift {
    mailbox: String,
    folder: Place,
    to: Place,
}

pub(super) fn shift(admin: &Admin, call: Shift) -> Answer {
    let mailbox = admin.mailbox(&call.mailbox)?;
    let (folder, to) = (call.folder.find(&mailbox)?, call.to.find(&mailbox)?);
    mailbox.move_folder(folder, to)?;
    Ok(json!({ "id": folder.text() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Delete {
    mailbox: String,
    folder: Place,
    #[serde(default)]
    how: How,
}

pub(super) fn delete(admin: &Admin, call: Delete) -> Answer {
    let mailbox = admin.mailbox(&call.mailbox)?;
    let folder = call.folder.find(&mailbox)?;
    mailbox.delete_folder(folder, call.how.into())?;
    Ok(json!({ "id": folder.text() }))
}
