//! EWS reference: GetAttachment operation. One attachment's content; of an attached item its MIME content.

use super::{
    super::{element::Element, envelope::attribute, session::Request},
    wrap,
};
use crate::exchange::compose::Attached;

/// One attachment.
pub fn request(id: &str) -> Request {
    let content = format!(
        "<m:AttachmentShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:AttachmentShape><m:AttachmentIds><t:AttachmentId Id=\"{}\"/></m:AttachmentIds>",
        attribute(id)
    );
    wrap("GetAttachment", "", &content, 1)
}

/// The attachments of an item (EWS reference: FileAttachment, ItemAttachment).
pub fn list(item: &Element) -> Vec<Attached> {
    let entries = item.child("Attachments").map_or(&[][..], |list| &list.children);
    let read = |entry: &Element| {
        let text = |name: &str| entry.value(name).map(str::to_owned);
        let message = entry.name == "ItemAttachment";
        let name = if message { text("Name").map(|name| name + ".eml") } else { text("Name") };
        let kind = if message { None } else { text("ContentType") };
        Some(Attached { id: entry.id("AttachmentId")?.to_owned(), name, kind, content_id: text("ContentId") })
    };
    entries.iter().filter_map(read).collect()
}
