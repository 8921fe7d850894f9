//! The properties of ItemType and MessageType.

use super::super::address::{write_mailbox, write_one};
use super::super::shape::{Base, BodyForm, Extended};
use super::super::value::{PropertyValue, change_key, write_extended, write_rights};
use super::super::xml::Xml;
use super::{Extra, ItemWriter, Kind, PromisedMime, write_id};
use crate::content::{Attachment, AttachmentBody};
use crate::store::{Address, Importance, Item, Sensitivity};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const DEFAULT: Option<Base> = Some(Base::Default);
const ALL: Option<Base> = Some(Base::All);

/// ItemType, in its order.
pub(super) fn write_item(writer: &ItemWriter<'_>, xml: &mut Xml, item: &Item, kind: Kind, extra: Extra) {
    match extra.mime {
        Some(PromisedMime::Part(part)) => {
            xml.open_with("t:MimeContent", &[("CharacterSet", "UTF-8")]).mime(part).close("t:MimeContent");
        }
        Some(PromisedMime::Empty) => {
            xml.empty("t:MimeContent", &[("CharacterSet", "UTF-8")]);
        }
        None => {}
    }
    write_id(xml, "t:ItemId", &item.id, item.change);
    if writer.wants("item:ParentFolderId", ALL) {
        xml.empty("t:ParentFolderId", &[("Id", &item.folder.text()), ("ChangeKey", &change_key(1, true))]);
    }
    if writer.wants("item:ItemClass", ALL) {
        xml.element("t:ItemClass", &item.class);
    }
    if let Some(subject) = item.subject.as_deref().filter(|_| writer.wants("item:Subject", DEFAULT)) {
        xml.element("t:Subject", subject);
    }
    if writer.wants("item:Sensitivity", DEFAULT) {
        xml.element("t:Sensitivity", sensitivity(item.sensitivity));
    }
    if writer.wants_single("item:Body", DEFAULT) {
        write_body(writer, xml, "t:Body", &item.text, writer.shape.body);
    }
    if writer.wants_single("item:Attachments", DEFAULT) && !extra.attachments.is_empty() {
        xml.open("t:Attachments");
        for (number, attachment) in extra.attachments.iter().enumerate() {
            write_attachment(xml, writer, item, number, attachment);
        }
        xml.close("t:Attachments");
    }
    if let Some(received) = item.received.filter(|_| writer.wants("item:DateTimeReceived", ALL)) {
        xml.element("t:DateTimeReceived", &writer.precision.time(received));
    }
    if writer.wants("item:Size", DEFAULT) {
        xml.value("t:Size", int(item.size));
    }
    if writer.wants("item:Categories", ALL) && !item.categories.is_empty() {
        xml.open("t:Categories");
        for category in &item.categories {
            xml.element("t:String", category);
        }
        xml.close("t:Categories");
    }
    if writer.wants("item:Importance", ALL) {
        xml.element("t:Importance", importance(item.importance));
    }
    if let Some(reply) = item.in_reply_to.as_deref().filter(|_| writer.wants("item:InReplyTo", ALL)) {
        xml.element("t:InReplyTo", reply);
    }
    for (field, element, value) in [
        ("item:IsSubmitted", "t:IsSubmitted", false),
        ("item:IsDraft", "t:IsDraft", item.draft),
        ("item:IsFromMe", "t:IsFromMe", item.from_me),
        ("item:IsResend", "t:IsResend", false),
        ("item:IsUnmodified", "t:IsUnmodified", !item.draft),
    ] {
        if writer.wants(field, ALL) {
            xml.value(element, value);
        }
    }
    if writer.wants_single("item:InternetMessageHeaders", ALL)
        && let Some(headers) = &extra.headers
    {
        write_headers(xml, headers);
    }
    if let Some(sent) = item.sent.filter(|_| writer.wants("item:DateTimeSent", DEFAULT)) {
        xml.element("t:DateTimeSent", &writer.precision.time(sent));
    }
    if writer.wants("item:DateTimeCreated", DEFAULT) {
        xml.element("t:DateTimeCreated", &writer.precision.time(item.created));
    }
    if writer.wants_single("item:ResponseObjects", DEFAULT) && kind == Kind::Message && !item.draft {
        xml.open("t:ResponseObjects")
            .empty("t:ReplyToItem", &[])
            .empty("t:ReplyAllToItem", &[])
            .empty("t:ForwardItem", &[])
            .close("t:ResponseObjects");
    }
    if writer.wants("item:ReminderIsSet", ALL) {
        xml.value("t:ReminderIsSet", false);
    }
    for (field, element, list) in [
        ("item:DisplayCc", "t:DisplayCc", &item.cc),
        ("item:DisplayTo", "t:DisplayTo", &item.to),
        ("item:DisplayBcc", "t:DisplayBcc", &item.bcc),
    ] {
        if writer.wants(field, ALL) && (kind.is_mail() || writer.shape.names(field)) {
            xml.element(element, &display(list));
        }
    }
    if writer.wants("item:HasAttachments", DEFAULT) {
        xml.value("t:HasAttachments", item.has_attachments);
    }
    for asked in writer.shape.extended() {
        if let Some(value) = extended(item, asked, extra.headers.as_deref()) {
            write_extended(xml, asked, &value, writer.precision);
        }
    }
    write_item_tail(writer, xml, item, kind);
}

fn write_item_tail(writer: &ItemWriter<'_>, xml: &mut Xml, item: &Item, kind: Kind) {
    if writer.wants("item:Culture", ALL) {
        xml.element("t:Culture", "en-US");
    }
    if writer.wants("item:EffectiveRights", ALL) {
        write_rights(xml);
    }
    if writer.wants("item:LastModifiedName", ALL) {
        xml.element("t:LastModifiedName", writer.owner);
    }
    if writer.wants("item:LastModifiedTime", ALL) {
        xml.element("t:LastModifiedTime", &writer.precision.time(item.modified));
    }
    if writer.wants("item:IsAssociated", DEFAULT) {
        xml.value("t:IsAssociated", false);
    }
    if writer.wants("item:ConversationId", ALL) && kind.is_mail() {
        xml.empty("t:ConversationId", &[("Id", &STANDARD.encode(item.conversation))]);
    }
    if writer.wants("item:UniqueBody", None) {
        write_body(writer, xml, "t:UniqueBody", &item.text, BodyForm::Html);
    }
    if writer.wants("item:Flag", ALL) && kind.is_mail() {
        xml.open("t:Flag").element("t:FlagStatus", "NotFlagged").close("t:Flag");
    }
    if writer.wants("item:InstanceKey", ALL) {
        xml.element("t:InstanceKey", &STANDARD.encode(item.id.number.to_be_bytes()));
    }
    if writer.wants("item:NormalizedBody", None) {
        write_body(writer, xml, "t:NormalizedBody", &item.text, writer.shape.body);
    }
    if writer.wants("item:Preview", None) {
        xml.element("t:Preview", &item.text);
    }
    if writer.wants("item:TextBody", None) {
        write_body(writer, xml, "t:TextBody", &item.text, BodyForm::Text);
    }
}

/// What MessageType adds, in its order.
pub(super) fn write_mail(writer: &ItemWriter<'_>, xml: &mut Xml, item: &Item) {
    let sender = item.sender.as_ref().or(item.from.as_ref());
    if writer.wants("message:Sender", ALL) {
        write_one(xml, "t:Sender", sender);
    }
    for (field, element, list) in [
        ("message:ToRecipients", "t:ToRecipients", &item.to),
        ("message:CcRecipients", "t:CcRecipients", &item.cc),
        ("message:BccRecipients", "t:BccRecipients", &item.bcc),
    ] {
        if writer.wants_single(field, DEFAULT) && !list.is_empty() {
            xml.open(element);
            for address in list {
                write_mailbox(xml, address);
            }
            xml.close(element);
        }
    }
    for (field, element) in [
        ("message:IsReadReceiptRequested", "t:IsReadReceiptRequested"),
        ("message:IsDeliveryReceiptRequested", "t:IsDeliveryReceiptRequested"),
    ] {
        if writer.wants(field, DEFAULT) {
            xml.value(element, false);
        }
    }
    if writer.wants("message:ConversationIndex", ALL) {
        xml.element("t:ConversationIndex", &STANDARD.encode(item.conversation));
    }
    if writer.wants("message:ConversationTopic", ALL)
        && let Some(subject) = &item.subject
    {
        xml.element("t:ConversationTopic", topic(subject));
    }
    if writer.wants("message:From", DEFAULT) {
        write_one(xml, "t:From", item.from.as_ref());
    }
    if writer.wants("message:InternetMessageId", ALL)
        && let Some(id) = &item.message_id
    {
        xml.element("t:InternetMessageId", id);
    }
    if writer.wants("message:IsRead", DEFAULT) {
        xml.value("t:IsRead", item.read);
    }
    if writer.wants("message:IsResponseRequested", ALL) {
        xml.value("t:IsResponseRequested", false);
    }
    if writer.wants("message:References", ALL)
        && let Some(references) = &item.references
    {
        xml.element("t:References", references);
    }
}

fn write_body(writer: &ItemWriter<'_>, xml: &mut Xml, name: &str, text: &str, form: BodyForm) {
    let html = form == BodyForm::Html;
    let whole = if html {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
        format!("<html><body><pre>{escaped}</pre></body></html>")
    } else {
        text.to_owned()
    };
    let kind = if html { "HTML" } else { "Text" };
    let shown: String = match writer.shape.body_limit {
        Some(limit) => whole.chars().take(limit).collect(),
        None => whole.clone(),
    };
    let cut = (shown.len() < whole.len()).to_string();
    xml.open_with(name, &[("BodyType", kind), ("IsTruncated", &cut)]).text(&shown).close(name);
}

/// An attachment's description, without its content.
fn write_attachment(xml: &mut Xml, writer: &ItemWriter<'_>, item: &Item, number: usize, attachment: &Attachment) {
    let (name, size) = match &attachment.body {
        AttachmentBody::File(bytes) => ("t:FileAttachment", bytes.len()),
        AttachmentBody::Message(bytes) => ("t:ItemAttachment", bytes.len()),
    };
    xml.open(name);
    write_attachment_facts(xml, item, number, attachment, size);
    xml.element("t:LastModifiedTime", &writer.precision.time(item.modified)).value("t:IsInline", attachment.inline);
    if name == "t:FileAttachment" {
        xml.value("t:IsContactPhoto", false);
    }
    xml.close(name);
}

/// AttachmentType up to its size.
pub(in super::super) fn write_attachment_facts(xml: &mut Xml, item: &Item, number: usize, attachment: &Attachment, size: usize) {
    let id = super::super::get_attachment::attachment_id(&item.id, number);
    xml.empty("t:AttachmentId", &[("Id", &id)]);
    if let Some(name) = &attachment.name {
        xml.element("t:Name", name);
    }
    xml.element("t:ContentType", &attachment.content_type);
    if let Some(id) = &attachment.content_id {
        xml.element("t:ContentId", id);
    }
    xml.value("t:Size", int(size as u64));
}

fn write_headers(xml: &mut Xml, headers: &str) {
    let unfolded = headers.replace("\r\n\t", " ").replace("\r\n ", " ");
    let lines: Vec<(&str, &str)> = unfolded
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace))
        .collect();
    if lines.is_empty() {
        return;
    }
    xml.open("t:InternetMessageHeaders");
    for (name, value) in lines {
        xml.open_with("t:InternetMessageHeader", &[("HeaderName", name)]).text(value.trim()).close("t:InternetMessageHeader");
    }
    xml.close("t:InternetMessageHeaders");
}

/// The extended properties an item has (MS-OXPROPS names them by number).
fn extended(item: &Item, asked: &Extended, headers: Option<&str>) -> Option<PropertyValue> {
    let text = |text: &str| Some(PropertyValue::Text(text.to_owned()));
    match asked.tag? {
        0x0017 => Some(PropertyValue::Number(item.importance as i64)),
        0x001A => text(&item.class),
        0x0036 => Some(PropertyValue::Number(item.sensitivity as i64)),
        0x0037 => item.subject.clone().map(PropertyValue::Text),
        0x0039 => item.sent.map(PropertyValue::Time),
        0x007D => headers.map(|headers| PropertyValue::Text(headers.to_owned())),
        0x0C1A => item.sender.as_ref().or(item.from.as_ref())?.name.clone().map(PropertyValue::Text),
        0x0E06 => item.received.map(PropertyValue::Time),
        0x0E07 => Some(PropertyValue::Number(item.flags().into())),
        0x0E08 => Some(PropertyValue::Number(int(item.size))),
        0x0E1B => Some(PropertyValue::Bool(item.has_attachments)),
        0x1035 => item.message_id.clone().map(PropertyValue::Text),
        0x1042 => item.in_reply_to.clone().map(PropertyValue::Text),
        0x3007 => Some(PropertyValue::Time(item.created)),
        0x3008 => Some(PropertyValue::Time(item.modified)),
        0x300B => Some(PropertyValue::Binary(item.search_key.to_vec())),
        0x3FDE => Some(PropertyValue::Number(65_001)),
        _ => None,
    }
}

fn display(list: &[Address]) -> String {
    list.iter().filter_map(|address| address.name.as_deref().or(address.email.as_deref())).collect::<Vec<_>>().join("; ")
}

/// A subject without its reply and forward marks.
fn topic(subject: &str) -> &str {
    let mut rest = subject;
    while let Some((mark, after)) = rest.split_once(':') {
        if !matches!(mark.trim().to_ascii_lowercase().as_str(), "re" | "fw" | "fwd" | "aw" | "wg") {
            break;
        }
        rest = after.trim_start();
    }
    rest
}

fn importance(importance: Importance) -> &'static str {
    match importance {
        Importance::Low => "Low",
        Importance::Normal => "Normal",
        Importance::High => "High",
    }
}

fn sensitivity(sensitivity: Sensitivity) -> &'static str {
    match sensitivity {
        Sensitivity::Normal => "Normal",
        Sensitivity::Personal => "Personal",
        Sensitivity::Private => "Private",
        Sensitivity::Confidential => "Confidential",
    }
}

/// A size as `xs:int` can hold it.
fn int(size: u64) -> i64 {
    i64::from(i32::try_from(size).unwrap_or(i32::MAX))
}
