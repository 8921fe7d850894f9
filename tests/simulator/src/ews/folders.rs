//! GetFolder, FindFolder, CreateFolder, UpdateFolder, MoveFolder, DeleteFolder, EmptyFolder.
//!
//! Source: the documentation pages of these operations; "FindFolder operation" for paging and traversal.

use super::envelope::{elements, part, text, typed, typed_text};
use super::error::EwsError;
use super::folder::FolderWriter;
use super::paging::{Page, write_root};
use super::restriction::Restriction;
use super::session::Session;
use super::shape::{Path, Shape};
use super::xml::Xml;
use crate::store::{DeleteHow, Folder, Mailbox, StoreError};
use roxmltree::Node;

/// GetFolder: one response message for each id, in order.
pub(super) fn get(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let shape = folder_shape(operation)?;
    let ids = part(operation, "FolderIds").into_iter().flat_map(elements);
    Ok(session.batch(ids, |xml, id| {
        let (mailbox, folder) = session.folder(id).map_err(|error| unreadable(session, error))?;
        xml.open("m:Folders");
        write(session, xml, &shape, &mailbox, folder);
        xml.close("m:Folders");
        Ok(())
    }))
}

/// A lenient server does not say that a folder is gone.
fn unreadable(session: &Session, error: EwsError) -> EwsError {
    if error.code == "ErrorFolderNotFound" && session.quirk("missing-folders-unreadable") {
        return EwsError::new("ErrorFolderPropertyRequestFailed", "The folder's properties could not be read.");
    }
    error
}

/// FindFolder: one response message for each folder searched.
pub(super) fn find(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let shape = folder_shape(operation)?;
    let page = Page::read(operation, "IndexedPageFolderView", "FractionalPageFolderView")?;
    let restriction = part(operation, "Restriction").map(Restriction::read).transpose()?;
    let traversal = operation.attribute("Traversal").unwrap_or_default().to_owned();
    let parents = part(operation, "ParentFolderIds").into_iter().flat_map(elements);
    Ok(session.batch(parents, |xml, id| {
        let (mailbox, parent) = session.folder(id)?;
        let deep = traversal == "Deep";
        let closed = deep && !session.quirk("root-traversal-allowed");
        if closed && matches!(parent.well_known.as_deref(), Some("root" | "archiveroot")) {
            return Err(EwsError::new("ErrorAccessDenied", "Not allowed to access Non IPM folder."));
        }
        let mut folders = if traversal == "SoftDeleted" { Vec::new() } else { mailbox.folders_below(parent.id, deep)? };
        if let Some(restriction) = &restriction {
            folders.retain(|folder| restriction.admits(folder));
        }
        let total = folders.len();
        let range = page.range(total, usize::MAX);
        write_root(xml, &page, &range, total);
        xml.open("t:Folders");
        for folder in folders.into_iter().skip(range.start).take(range.len()) {
            write(session, xml, &shape, &mailbox, folder);
        }
        xml.close("t:Folders").close("m:RootFolder");
        Ok(())
    }))
}

/// CreateFolder: one response message for each folder to make.
pub(super) fn create(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let parent = session.target(part(operation, "ParentFolderId"));
    let folders = part(operation, "Folders").into_iter().flat_map(elements);
    Ok(session.batch(folders, |xml, node| {
        let (mailbox, parent) = parent.clone()?;
        let name = typed_text(node, "DisplayName")
            .filter(|name| !name.is_empty())
            .ok_or_else(|| EwsError::new("ErrorFolderSave", "Folder save failed due to a missing display name."))?;
        let class = typed_text(node, "FolderClass").unwrap_or_else(|| {
            match node.tag_name().name() {
                "CalendarFolder" => "IPF.Appointment",
                "ContactsFolder" => "IPF.Contact",
                "TasksFolder" => "IPF.Task",
                _ => "IPF.Note",
            }
            .to_owned()
        });
        if node.tag_name().name() == "SearchFolder" {
            return Err(EwsError::invalid_operation("Search folders are made by the world alone on this server."));
        }
        let id = mailbox.create_folder(parent.id, &name, Some(&class))?;
        write_outcome(xml, &mailbox.folder(id)?);
        Ok(())
    }))
}

/// UpdateFolder: the display name is what can be changed here.
pub(super) fn update(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let changes = part(operation, "FolderChanges").into_iter().flat_map(elements);
    Ok(session.batch(changes, |xml, change| {
        let (mailbox, folder) = session.target(Some(change))?;
        for update in typed(change, "Updates").into_iter().flat_map(elements) {
            rename(&mailbox, &folder, update)?;
        }
        write_outcome(xml, &mailbox.folder(folder.id)?);
        Ok(())
    }))
}

fn rename(mailbox: &Mailbox, folder: &Folder, update: Node<'_, '_>) -> Result<(), EwsError> {
    let mut parts = elements(update);
    let path = parts.next().map(Path::read).transpose()?;
    let name = parts.next().and_then(|node| typed(node, "DisplayName")).map(text);
    match (path, name) {
        (Some(Path::Field(field)), Some(name)) if field == "folder:DisplayName" && update.tag_name().name() == "SetFolderField" => {
            mailbox.rename_folder(folder.id, &name)?;
            Ok(())
        }
        _ => Err(EwsError::new("ErrorInvalidPropertySet", "Of a folder only its display name can be set on this server.")),
    }
}

/// MoveFolder: one response message for each folder.
pub(super) fn relocate(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let goal = session.target(part(operation, "ToFolderId"));
    let ids = part(operation, "FolderIds").into_iter().flat_map(elements);
    Ok(session.batch(ids, |xml, id| {
        let (to_mailbox, to) = goal.clone()?;
        let (mailbox, folder) = session.folder(id)?;
        if mailbox.guid() != to_mailbox.guid() {
            return Err(EwsError::new("ErrorMoveCopyFailed", "Folders cannot be moved between mailboxes here."));
        }
        mailbox.move_folder(folder.id, to.id)?;
        write_outcome(xml, &mailbox.folder(folder.id)?);
        Ok(())
    }))
}

/// DeleteFolder: one response message for each folder.
pub(super) fn delete(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let how = disposal(operation);
    let silent = session.quirk("distinguished-deletes-unanswered");
    let spared = |id: &Node<'_, '_>| silent && session.folder(*id).is_ok_and(|(_, folder)| folder.well_known.is_some());
    let ids = part(operation, "FolderIds").into_iter().flat_map(elements).filter(|id| !spared(id));
    Ok(session.batch(ids, |_, id| {
        let (mailbox, folder) = session.folder(id)?;
        mailbox.delete_folder(folder.id, how)?;
        Ok(())
    }))
}

/// EmptyFolder: one response message for each folder.
pub(super) fn empty(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let how = disposal(operation);
    let below = operation.attribute("DeleteSubFolders").is_some_and(super::envelope::is_true);
    let ids = part(operation, "FolderIds").into_iter().flat_map(elements);
    Ok(session.batch(ids, |_, id| {
        let (mailbox, folder) = session.folder(id)?;
        mailbox.empty_folder(folder.id, how, below).map_err(|error| match error {
            StoreError::WellKnownFolder | StoreError::SearchFolder => {
                EwsError::new("ErrorCannotEmptyFolder", "The folder cannot be emptied.")
            }
            other => other.into(),
        })
    }))
}

/// The kind of deletion a request asks for.
pub(super) fn disposal(operation: Node<'_, '_>) -> DeleteHow {
    match operation.attribute("DeleteType").map(str::trim) {
        Some("HardDelete") => DeleteHow::Hard,
        Some("SoftDelete") => DeleteHow::Soft,
        _ => DeleteHow::ToDeletedItems,
    }
}

/// Reads a folder shape and refuses properties of items in it.
pub(super) fn folder_shape(operation: Node<'_, '_>) -> Result<Shape, EwsError> {
    let shape = match part(operation, "FolderShape") {
        Some(node) => Shape::read(node)?,
        None => Shape::id_only(),
    };
    shape.refuse_prefix(true)?;
    Ok(shape)
}

/// Writes one folder as a request wants to see it.
pub(super) fn write(session: &Session, xml: &mut Xml, shape: &Shape, mailbox: &Mailbox, mut folder: Folder) {
    if session.quirk("children-counted-deep") {
        folder.children = mailbox.folders_below(folder.id, true).map_or(0, |below| below.len() as u64);
    }
    let path = if session.quirk("raw-folder-paths") { mailbox.path(folder.id).unwrap_or_default() } else { Vec::new() };
    FolderWriter { shape, precision: session.precision(), path: &path }.write(xml, &folder);
}

/// What a write to a folder answers with: its identifier and new change key.
fn write_outcome(xml: &mut Xml, folder: &Folder) {
    let shape = Shape::id_only();
    xml.open("m:Folders");
    FolderWriter { shape: &shape, precision: Default::default(), path: &[] }.write(xml, folder);
    xml.close("m:Folders");
}
