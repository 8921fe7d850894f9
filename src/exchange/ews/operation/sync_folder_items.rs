//! EWS reference: SyncFolderItems operation. A page of what changed in one folder.

use super::{
    super::{
        date,
        element::{Element, truth},
        envelope::{additional, attribute, extended, fields},
        session::Request,
    },
    wrap,
};
use crate::mail::{Change, Cursor, ItemId, Listed, Page};

/// The level with the fewest properties.
pub const FEWEST: usize = 2;

/// The most changes Exchange returns at once.
const MOST: usize = 512;

/// PidTagSearchKey and PidTagMessageFlags.
const SEARCH_KEY: u16 = 0x300B;
const FLAGS: u16 = 0x0E07;

/// The changes in `folder` since `state`, at most `limit` (1 to 512).
pub fn request(folder: &str, level: usize, state: Option<&str>, limit: usize) -> Request {
    let mut content = String::new();
    if level < 2 {
        content += &fields(&["item:DateTimeReceived", "item:Size", "item:DateTimeCreated", "item:ItemClass", "item:LastModifiedTime"]);
    }
    if level < 1 {
        content += &extended(&[("0x300B", "Binary"), ("0x0E07", "Integer")]);
    }
    let state =
        state.filter(|state| !state.is_empty()).map(|state| format!("<m:SyncState>{}</m:SyncState>", attribute(state))).unwrap_or_default();
    let content = format!(
        "<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>{}</m:ItemShape><m:SyncFolderId><t:FolderId Id=\"{}\"/></m:SyncFolderId>{state}\
         <m:MaxChangesReturned>{}</m:MaxChangesReturned><m:SyncScope>NormalItems</m:SyncScope>",
        additional(&content),
        attribute(folder),
        limit.clamp(1, MOST)
    );
    wrap("SyncFolderItems", "", &content, 1)
}

/// Reads a page; none where the state is missing or not whole, without which the page may not be trusted.
pub fn read(message: &Element) -> Option<Page> {
    let state = message.child("SyncState").filter(|state| !state.cut && !state.text.trim().is_empty())?;
    let entries = message.child("Changes").map_or(&[][..], |changes| &changes.children);
    let last = message.value("IncludesLastItemInRange").and_then(truth).unwrap_or(entries.is_empty());
    let changes = entries.iter().filter_map(change).collect();
    Some(Page { changes, cursor: Cursor(state.text.trim().to_owned()), last, certain: false })
}

fn change(entry: &Element) -> Option<Change> {
    let id = || entry.id("ItemId").map(|id| ItemId(id.to_owned()));
    // The item may be of any kind, also of one that came later.
    let listed = || entry.children.iter().find_map(listed);
    let change = match entry.name.as_str() {
        "Create" => listed().map(Change::Created),
        "Update" => listed().map(Change::Updated),
        "Delete" => id().map(Change::Deleted),
        "ReadFlagChange" => id().map(|id| Change::ReadChanged { id, read: entry.truth("IsRead").unwrap_or(false) }),
        _ => None,
    };
    if change.is_none() {
        tracing::warn!(change = entry.name, "a change without an item id was passed over");
    }
    change
}

fn listed(item: &Element) -> Option<Listed> {
    use base64::Engine as _;
    let key = item.extended(SEARCH_KEY).and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
    Some(Listed {
        id: ItemId(item.id("ItemId")?.to_owned()),
        received: item.value("DateTimeReceived").and_then(date::parse),
        created: item.value("DateTimeCreated").and_then(date::parse),
        modified: item.value("LastModifiedTime").and_then(date::parse),
        size: item.number("Size"),
        class: item.value("ItemClass").map(str::to_owned),
        search_key: key.filter(|key| !key.is_empty()),
        // An Integer property is signed on the wire.
        flags: item.extended(FLAGS).and_then(|text| text.parse::<i64>().ok()).map(|flags| flags as u32),
    })
}
