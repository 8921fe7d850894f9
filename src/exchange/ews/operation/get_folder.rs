//! EWS reference: GetFolder operation. Asks which ids the well-known folders have, for servers that do not tell in a listing.

use super::{
    super::{element::Element, envelope::Dialect, session::Request},
    wrap,
};

/// The names asked about.
pub const NAMES: [&str; 14] = [
    "inbox",
    "sentitems",
    "drafts",
    "deleteditems",
    "junkemail",
    "outbox",
    "calendar",
    "contacts",
    "tasks",
    "notes",
    "journal",
    "syncissues",
    "conflicts",
    "localfailures",
];

/// One message a name.
pub fn request(dialect: &Dialect) -> Request {
    let ids: String = NAMES.iter().map(|name| dialect.well_known(name)).collect();
    let content = format!("<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>{ids}</m:FolderIds>");
    wrap("GetFolder", "", &content, NAMES.len())
}

/// The ids by their names; a mailbox lacks some of the folders.
pub fn read(messages: &[Element]) -> Vec<(String, &'static str)> {
    let found = messages.iter().zip(NAMES).filter_map(|(message, name)| {
        let folder = message.child("Folders")?.children.first()?;
        Some((folder.id("FolderId")?.to_owned(), name))
    });
    found.collect()
}
