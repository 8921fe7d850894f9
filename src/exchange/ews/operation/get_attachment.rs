//! EWS reference: GetAttachment operation. One attachment's content; of an attached item its MIME content.

use super::{
    super::{element::Element, envelope::attribute, session::Request},
    wrap,
};

/// One attachment.
pub fn request(id: &str) -> Request {
    let content = format!(
        "<m:AttachmentShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:AttachmentShape><m:AttachmentIds><t:AttachmentId Id=\"{}\"/></m:AttachmentIds>",
        attribute(id)
    );
    wrap("GetAttachment", "", &content, 1)
}

/// An attachment as its item describes it (EWS reference: FileAttachment, ItemAttachment).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its type; none for an attached item, whose content is a message.
    pub kind: Option<String>,
    /// The Content-ID by which a body refers to it.
    pub content_id: Option<String>,
}

/// The attachments of an item.
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
