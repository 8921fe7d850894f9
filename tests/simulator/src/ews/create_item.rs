//! CreateItem.
//!
//! Source: documentation pages "CreateItem operation", "MimeContent", "MessageDisposition". A message comes as MIME or as elements; of
//! the latter MIME is made. Sending delivers to the mailboxes of this world alone; other recipients are dropped in silence.

use super::change_items::{disposition_required, importance, write_outcome};
use super::envelope::{elements, is_true, part, text, typed, typed_text};
use super::error::EwsError;
use super::schema::parse_property_tag;
use super::session::Session;
use super::xml::Xml;
use crate::store::{FolderId, Mailbox, NewItem};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::Utc;
use roxmltree::Node;
use std::fmt::Write as _;

/// MSGFLAG_UNSENT of PidTagMessageFlags (MS-OXCMSG 2.2.1.6).
const UNSENT: i64 = 0x8;

/// CreateItem: one response message for each item.
pub(super) fn create(session: &Session, operation: Node<'_, '_>) -> Result<Xml, EwsError> {
    let disposition = operation.attribute("MessageDisposition").map(str::trim);
    let target = part(operation, "SavedItemFolderId").map(|node| session.target(Some(node)));
    let items = part(operation, "Items").into_iter().flat_map(elements);
    Ok(session.batch(items, |xml, node| {
        if !matches!(node.tag_name().name(), "Message" | "Item" | "SharingMessage") {
            return Err(EwsError::invalid_operation(format!(
                "Items of the kind {} cannot be made on this server.",
                node.tag_name().name()
            )));
        }
        let disposition = disposition.ok_or_else(disposition_required)?;
        let own = session.own();
        let mime = mime_of(node, own.as_ref().ok().map(|mailbox| mailbox.address()))?;
        let sent = disposition != "SaveOnly";
        let (mailbox, folder) = match target.clone() {
            Some(target) => target.map(|(mailbox, folder)| (mailbox, folder.id))?,
            None => default_target(own?.clone(), sent)?,
        };
        if sent {
            deliver(session, &mime);
        }
        xml.open("m:Items");
        if disposition != "SendOnly" {
            let id = mailbox.create_item(folder, new_item(node, mime, sent))?;
            write_outcome(xml, &mailbox.item(id)?);
        }
        xml.close("m:Items");
        Ok(())
    }))
}

fn default_target(mailbox: Mailbox, sent: bool) -> Result<(Mailbox, FolderId), EwsError> {
    let name = if sent { "sentitems" } else { "drafts" };
    let folder = mailbox.root_folder(name).ok_or_else(EwsError::folder_not_found)?;
    Ok((mailbox, folder))
}

/// The item to store: facts of its MIME, then what the elements beside it say.
fn new_item(node: Node<'_, '_>, mime: Bytes, sent: bool) -> NewItem {
    let mut new = NewItem::from_mime(mime);
    let flags = message_flags(node);
    new.draft = !sent && flags.is_none_or(|flags| flags & UNSENT != 0);
    new.from_me = sent;
    new.read = match typed_text(node, "IsRead") {
        Some(read) => is_true(&read),
        None => new.draft || sent || flags.is_some_and(|flags| flags & 1 != 0),
    };
    if let Some(class) = typed_text(node, "ItemClass").filter(|class| !class.is_empty()) {
        new.class = class;
    }
    if let Some(level) = typed_text(node, "Importance") {
        new.importance = importance(&level);
    }
    if let Some(categories) = typed(node, "Categories") {
        new.categories = elements(categories).map(text).collect();
    }
    new
}

/// PidTagMessageFlags as an extended property: the documented way to import mail that is not a draft.
fn message_flags(node: Node<'_, '_>) -> Option<i64> {
    elements(node)
        .filter(|child| child.tag_name().name() == "ExtendedProperty")
        .find(|property| {
            typed(*property, "ExtendedFieldURI").and_then(|path| path.attribute("PropertyTag")).and_then(parse_property_tag) == Some(0x0E07)
        })
        .and_then(|property| typed_text(property, "Value"))
        .and_then(|value| value.trim().parse().ok())
}

fn deliver(session: &Session, mime: &Bytes) {
    let facts = crate::content::facts(mime);
    for address in facts.to.iter().chain(&facts.cc).chain(&facts.bcc) {
        let Some(mailbox) = address.email.as_deref().and_then(|email| session.state.store.mailbox(email)) else {
            continue;
        };
        let Some(inbox) = mailbox.root_folder("inbox") else { continue };
        let mut new = NewItem::from_mime(mime.clone());
        new.delivered = true;
        new.received = Some(Utc::now());
        // The inbox was found a moment ago; should it vanish meanwhile, the message is lost as on any closing mailbox.
        let _ = mailbox.create_item(inbox, new);
    }
}

/// The MIME of a new item: given, or made of the elements.
fn mime_of(node: Node<'_, '_>, owner: Option<&str>) -> Result<Bytes, EwsError> {
    let Some(given) = typed(node, "MimeContent") else {
        return Ok(compose(node, owner).into());
    };
    let compact: String = text(given).split_ascii_whitespace().collect();
    let bytes = STANDARD
        .decode(compact)
        .map_err(|_| EwsError::new("ErrorMimeContentInvalidBase64String", "The MIME content contains an invalid Base64 string."))?;
    if bytes.is_empty() {
        return Err(EwsError::new("ErrorMimeContentInvalid", "The MIME content is invalid."));
    }
    Ok(bytes.into())
}

fn compose(node: Node<'_, '_>, owner: Option<&str>) -> String {
    let mut mime = String::new();
    let from = typed(node, "From").or_else(|| typed(node, "Sender"));
    let from = from.map(mailboxes).filter(|from| !from.is_empty());
    if let Some(from) = from.or_else(|| owner.map(str::to_owned)) {
        header(&mut mime, "From", &from);
    }
    for (element, name) in [("ToRecipients", "To"), ("CcRecipients", "Cc"), ("BccRecipients", "Bcc"), ("ReplyTo", "Reply-To")] {
        if let Some(list) = typed(node, element).map(mailboxes).filter(|list| !list.is_empty()) {
            header(&mut mime, name, &list);
        }
    }
    if let Some(subject) = typed_text(node, "Subject") {
        header(&mut mime, "Subject", &encoded_word(&subject));
    }
    header(&mut mime, "Date", &Utc::now().to_rfc2822());
    for (element, name) in [("InternetMessageId", "Message-ID"), ("InReplyTo", "In-Reply-To"), ("References", "References")] {
        if let Some(value) = typed_text(node, element) {
            header(&mut mime, name, &value);
        }
    }
    let body = typed(node, "Body");
    let html = body.is_some_and(|body| body.attribute("BodyType").map(str::trim) == Some("HTML"));
    let kind = if html { "text/html" } else { "text/plain" };
    header(&mut mime, "MIME-Version", "1.0");
    header(&mut mime, "Content-Type", &format!("{kind}; charset=utf-8"));
    header(&mut mime, "Content-Transfer-Encoding", "base64");
    mime.push_str("\r\n");
    let encoded = STANDARD.encode(body.map(text).unwrap_or_default());
    for line in encoded.as_bytes().chunks(76) {
        mime.push_str(&String::from_utf8_lossy(line));
        mime.push_str("\r\n");
    }
    mime
}

/// Adds a header line; line ends in the value cannot forge another.
fn header(mime: &mut String, name: &str, value: &str) {
    let value = value.replace(['\r', '\n'], " ");
    let _ = write!(mime, "{name}: {value}\r\n");
}

fn mailboxes(list: Node<'_, '_>) -> String {
    elements(list)
        .filter_map(|mailbox| {
            let address = typed_text(mailbox, "EmailAddress")?;
            match typed_text(mailbox, "Name").filter(|name| !name.is_empty()) {
                Some(name) => Some(format!("{} <{address}>", encoded_word(&name))),
                None => Some(address),
            }
        })
        .collect::<Vec<_>>()
        .join(", ")
}

/// Encoded words (RFC 2047) where ASCII does not suffice or a phrase would need quoting.
fn encoded_word(value: &str) -> String {
    if value.chars().all(|letter| letter == ' ' || letter.is_ascii_alphanumeric()) {
        return value.to_owned();
    }
    let mut words = Vec::new();
    let mut word = String::new();
    for letter in value.chars() {
        // 45 bytes make 60 characters of base64: with its frame a word stays below the 75 allowed.
        if word.len() + letter.len_utf8() > 45 {
            words.push(std::mem::take(&mut word));
        }
        word.push(letter);
    }
    words.push(word);
    words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word))).collect::<Vec<_>>().join(" ")
}
