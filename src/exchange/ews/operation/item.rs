//! An item's properties as responses write them (EWS reference: Item, Message).

use super::super::{date, element::Element};
use crate::mail::Properties;

/// Reads what is there; anything may be missing.
pub fn properties(item: &Element) -> Properties {
    let text = |name: &str| item.value(name).map(str::to_owned);
    let time = |name: &str| item.value(name).and_then(date::parse);
    let from = one(item, "From", 0x5D02);
    let sender = one(item, "Sender", 0x5D01).filter(|sender| from.as_ref() != Some(sender));
    let flags = item.extended(0x0E07).and_then(|text| text.parse::<i64>().ok());
    Properties {
        class: text("ItemClass"),
        subject: item.exact("Subject").map(str::to_owned),
        from,
        sender,
        to: many(item, "ToRecipients"),
        cc: many(item, "CcRecipients"),
        bcc: many(item, "BccRecipients"),
        message_id: text("InternetMessageId").or_else(|| item.extended(0x1035).map(str::to_owned)),
        conversation: item.id("ConversationId").map(str::to_owned),
        received: time("DateTimeReceived"),
        sent: time("DateTimeSent"),
        created: time("DateTimeCreated"),
        modified: time("LastModifiedTime"),
        size: item.number("Size"),
        read: item.truth("IsRead").or(flags.map(|flags| flags & 1 != 0)),
        importance: text("Importance"),
        sensitivity: text("Sensitivity"),
        categories: item.child("Categories").map(|list| list.children.iter().map(|entry| entry.text.clone()).collect()).unwrap_or_default(),
        has_attachments: item.truth("HasAttachments"),
        // Listings tell them.
        ..Properties::default()
    }
}

/// One person's address; a directory name gives way to the SMTP address that the property with `tag` holds.
fn one(item: &Element, name: &str, tag: u16) -> Option<String> {
    let mailbox = item.path(&[name, "Mailbox"]);
    let smtp = mailbox.filter(|mailbox| !mailbox.value("RoutingType").is_some_and(|kind| kind.eq_ignore_ascii_case("EX")));
    let direct = smtp.and_then(address);
    direct.or_else(|| item.extended(tag).map(str::to_owned)).or_else(|| mailbox.and_then(address))
}

fn many(item: &Element, name: &str) -> Vec<String> {
    item.child(name).map(|list| list.children.iter().filter_map(address).collect()).unwrap_or_default()
}

/// The address, else the name of someone who has none.
fn address(mailbox: &Element) -> Option<String> {
    mailbox.value("EmailAddress").or_else(|| mailbox.value("Name")).map(str::to_owned)
}
