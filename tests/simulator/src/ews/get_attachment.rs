//! GetAttachment, and the identifiers of attachments.
//!
//! Source: documentation pages "GetAttachment operation", "FileAttachment", "ItemAttachment". An attachment is named by its item and its
//! place in it.

use super::envelope::{elements, part};
use super::error::EwsError;
use super::get_item::{PARSED, unreadable};
use super::item::{Extra, ItemWriter, PromisedMime, write_attachment_facts};
use super::mime::{Layout, MimePart};
use super::session::Session;
use super::shape::{Base, Shape};
use super::xml::Xml;
use crate::content::{self, Attachment, AttachmentBody, Content};
use crate::store::{Item, ItemId, Mailbox, Mime, NewItem};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use roxmltree::Node;

const MARK: &[u8] = b"ATT1";

/// The identifier of an item's nth attachment.
pub(super) fn attachment_id(item: &ItemId, number: usize) -> String {
    let mut bytes = MARK.to_vec();
    bytes.extend_from_slice(&(number as u64).to_be_bytes());
    bytes.extend_from_slice(item.text().as_bytes());
    STANDARD.encode(bytes)
}

fn parse_attachment_id(text: &str) -> Option<(ItemId, usize)> {
    let bytes = STANDARD.decode(text).ok()?;
    let rest = bytes.strip_prefix(MARK)?;
    let (number, item) = rest.split_first_chunk::<8>()?;
    let item = ItemId::parse(std::str::from_utf8(item).ok()?).ok()?;
    Some((item, usize::try_from(u64::from_be_bytes(*number)).ok()?))
}

/// GetAttachment: one response message for each id.
pub(super) async fn get(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let shape = match part(operation, "AttachmentShape") {
        Some(node) => Shape { base: Base::All, ..Shape::read(node)? },
        None => Shape { base: Base::All, ..Shape::id_only() },
    };
    let mut prepared = Vec::new();
    for node in part(operation, "AttachmentIds").into_iter().flat_map(elements) {
        prepared.push(load(session, node.attribute("Id").unwrap_or_default()).await);
    }
    Ok(session.batch(prepared, |xml, found| {
        let (mailbox, item, number, attachment) = found?;
        xml.open("m:Attachments");
        match &attachment.body {
            AttachmentBody::File(bytes) => {
                xml.open("t:FileAttachment");
                write_attachment_facts(xml, &item, number, &attachment, bytes.len());
                xml.open("t:Content")
                    .mime(MimePart { content: Content::bytes_of(bytes.clone()), layout: Layout::default() })
                    .close("t:Content")
                    .close("t:FileAttachment");
            }
            AttachmentBody::Message(bytes) => {
                xml.open("t:ItemAttachment");
                write_attachment_facts(xml, &item, number, &attachment, bytes.len());
                write_inner(session, xml, &shape, &mailbox, &item, bytes.clone());
                xml.close("t:ItemAttachment");
            }
        }
        xml.close("m:Attachments");
        Ok(())
    }))
}

async fn load(session: &Session, id: &str) -> Result<(Mailbox, Item, usize, Attachment), EwsError> {
    let missing = || EwsError::new("ErrorInvalidAttachmentId", "The attachment id is invalid.");
    let (item, number) = parse_attachment_id(id).ok_or_else(missing)?;
    let mailbox = session.mailbox_of(item.mailbox)?;
    let item = mailbox.item(item)?;
    let Mime::Content(content) = &item.mime else {
        return Err(missing());
    };
    let bytes = content.bytes(PARSED).await.map_err(unreadable)?;
    let attachment = content::attachments(&bytes).into_iter().nth(number).ok_or_else(missing)?;
    Ok((mailbox, item, number, attachment))
}

/// The message inside an attachment, shown like an item of its own.
fn write_inner(session: &Session, xml: &mut Xml, shape: &Shape, mailbox: &Mailbox, outer: &Item, mime: bytes::Bytes) {
    let new = NewItem::from_mime(mime.clone());
    let size = new.shown_size();
    let inner = Item {
        id: outer.id,
        lasting: outer.lasting,
        change: outer.change,
        folder: outer.folder,
        class: new.class,
        subject: new.subject,
        from: new.from,
        sender: new.sender,
        to: new.to,
        cc: new.cc,
        bcc: new.bcc,
        message_id: new.message_id,
        in_reply_to: new.in_reply_to,
        references: new.references,
        received: new.received,
        created: outer.created,
        sent: new.sent,
        modified: Utc::now(),
        read: true,
        draft: false,
        from_me: false,
        importance: new.importance,
        sensitivity: new.sensitivity,
        categories: new.categories,
        conversation: outer.conversation,
        has_attachments: new.has_attachments,
        size,
        search_key: outer.search_key,
        text: new.text,
        details: None,
        mime: new.mime,
    };
    let writer = ItemWriter { shape, listing: false, precision: session.precision(), owner: mailbox.display_name(), disguised: false };
    let mime = shape.mime.then(|| PromisedMime::Part(MimePart { content: Content::bytes_of(mime), layout: Layout::default() }));
    writer.write(xml, &inner, Extra { mime, ..Extra::default() });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Guid;

    #[test]
    fn identifiers_are_read_again_and_rubbish_is_not() {
        let item = ItemId { mailbox: Guid([1; 16]), number: 5, generation: 0 };
        assert_eq!(parse_attachment_id(&attachment_id(&item, 3)), Some((item, 3)));
        for rubbish in ["", "QVRUMQ==", "!", &item.text()] {
            assert_eq!(parse_attachment_id(rubbish), None);
        }
    }
}
