//! A message as Graph writes it (Graph "message resource type", "outlookItem resource type"), read without insisting on anything: a page is
//! not lost for one entry that is odd.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::mail::{Change, FolderId, ItemId, Listed, Properties};

/// What a listing is asked for. A list of changes knows no more: extended properties fail there.
pub const LISTED: &str = "id,receivedDateTime,createdDateTime,lastModifiedDateTime,isRead,isDraft,parentFolderId";

/// What is kept in the catalog, but for what only extended properties tell.
pub const DESCRIBED: &str = "id,subject,from,sender,toRecipients,ccRecipients,bccRecipients,internetMessageId,conversationId,receivedDateTime,\
sentDateTime,createdDateTime,lastModifiedDateTime,isRead,isDraft,importance,categories,hasAttachments,parentFolderId";

const CLASS: u32 = 0x001A;
const SENSITIVITY: u32 = 0x0036;
const FLAGS: u32 = 0x0E07;
const SIZE: u32 = 0x0E08;
const SEARCH_KEY: u32 = 0x300B;

/// The extended properties of a described message: MAPI's, by kind and number (Graph "Outlook extended properties overview").
const EXTENDED: [(&str, u32); 5] =
    [("String", CLASS), ("Integer", SENSITIVITY), ("Integer", FLAGS), ("Integer", SIZE), ("Binary", SEARCH_KEY)];

/// mfRead and mfUnsent (MS-OXCMSG 2.2.1.6).
const READ: u32 = 0x1;
const UNSENT: u32 = 0x8;

/// The value of `$expand` that asks for them.
pub fn expand() -> String {
    let wanted: Vec<String> = EXTENDED.iter().map(|(kind, tag)| format!("id eq '{kind} 0x{tag:04X}'")).collect();
    format!("singleValueExtendedProperties($filter={})", wanted.join(" or "))
}

/// What an entry of a list says of its message; none for an entry without an id.
pub fn listed(entry: &Value) -> Option<Listed> {
    Some(Listed {
        id: id(entry)?,
        received: time(entry, "receivedDateTime"),
        created: time(entry, "createdDateTime"),
        modified: time(entry, "lastModifiedDateTime"),
        size: None,
        class: None,
        search_key: None,
        flags: flags(entry, None),
    })
}

/// The entry's id.
pub fn id(entry: &Value) -> Option<ItemId> {
    entry.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()).map(|id| ItemId(id.to_owned()))
}

/// When the entry's message was received.
pub fn received(entry: &Value) -> Option<DateTime<Utc>> {
    time(entry, "receivedDateTime")
}

/// What an entry of a list of changes means. In a `walk` from the start everything is there for the first time; later, an entry is there
/// again with whatever changed of it.
pub fn change(entry: &Value, walk: bool) -> Option<Change> {
    if entry.get("@removed").is_some() {
        return id(entry).map(Change::Deleted);
    }
    let listed = listed(entry)?;
    let bare = ["receivedDateTime", "createdDateTime", "isDraft"].iter().all(|name| entry.get(*name).is_none());
    Some(match (entry.get("isRead").and_then(Value::as_bool), walk) {
        (Some(read), false) if bare => Change::ReadChanged { id: listed.id, read },
        (_, false) => Change::Updated(listed),
        (_, true) => Change::Created(listed),
    })
}

/// The properties kept in the catalog; anything may be missing.
pub fn properties(entry: &Value) -> Properties {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    let from = entry.get("from").and_then(address);
    let sender = entry.get("sender").and_then(address).filter(|sender| from.as_ref() != Some(sender));
    let flags = flags(entry, whole(entry, FLAGS));
    Properties {
        class: extended(entry, CLASS).map(str::to_owned),
        subject: text("subject"),
        from,
        sender,
        to: addresses(entry, "toRecipients"),
        cc: addresses(entry, "ccRecipients"),
        bcc: addresses(entry, "bccRecipients"),
        message_id: text("internetMessageId").filter(|id| !id.is_empty()),
        conversation: text("conversationId"),
        received: time(entry, "receivedDateTime"),
        sent: time(entry, "sentDateTime"),
        created: time(entry, "createdDateTime"),
        modified: time(entry, "lastModifiedDateTime"),
        size: whole(entry, SIZE).map(u64::from),
        read: entry.get("isRead").and_then(Value::as_bool),
        importance: text("importance").map(|word| capitalised(&word)),
        sensitivity: whole(entry, SENSITIVITY).and_then(sensitivity).map(str::to_owned),
        categories: list(entry, "categories").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        has_attachments: entry.get("hasAttachments").and_then(Value::as_bool),
        search_key: extended(entry, SEARCH_KEY).and_then(|text| STANDARD.decode(text.trim()).ok()).filter(|key| !key.is_empty()),
        flags,
        folder: text("parentFolderId").map(FolderId),
    }
}

/// A person's address, else the name of someone who has none.
pub fn address(person: &Value) -> Option<String> {
    let field = |name: &str| person.get("emailAddress")?.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty());
    field("address").or_else(|| field("name")).map(str::to_owned)
}

/// The elements of an array; none where there is no array.
pub fn list<'a>(entry: &'a Value, name: &str) -> &'a [Value] {
    entry.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn addresses(entry: &Value, name: &str) -> Vec<String> {
    list(entry, name).iter().filter_map(address).collect()
}

fn time(entry: &Value, name: &str) -> Option<DateTime<Utc>> {
    let text = entry.get(name)?.as_str()?;
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.with_timezone(&Utc))
}

/// PidTagMessageFlags as far as they are told: whole by the extended property, of which the two that Graph has under names of their own may
/// be more recent.
fn flags(entry: &Value, whole: Option<u32>) -> Option<u32> {
    let told = [("isRead", READ), ("isDraft", UNSENT)].map(|(name, bit)| entry.get(name).and_then(Value::as_bool).map(|set| (bit, set)));
    let told: Vec<(u32, bool)> = told.into_iter().flatten().collect();
    // Without isDraft it must not look as if the message were no draft.
    if whole.is_none() && told.len() < 2 {
        return None;
    }
    Some(told.into_iter().fold(whole.unwrap_or(0), |flags, (bit, set)| if set { flags | bit } else { flags & !bit }))
}

/// An extended property's value. The server writes ids in another way than they were asked for, as `Integer 0xe08`.
fn extended(entry: &Value, tag: u32) -> Option<&str> {
    let fits = |property: &&Value| {
        let number = property.get("id").and_then(Value::as_str).and_then(|id| id.rsplit_once("0x"));
        number.is_some_and(|(_, number)| u32::from_str_radix(number.trim(), 16) == Ok(tag))
    };
    list(entry, "singleValueExtendedProperties").iter().find(fits)?.get("value")?.as_str()
}

fn whole(entry: &Value, tag: u32) -> Option<u32> {
    // Integers are signed on the wire; sizes above 2 GiB wrap around.
    let number: i64 = extended(entry, tag)?.trim().parse().ok()?;
    u32::try_from(number).ok().or_else(|| i32::try_from(number).ok().map(i32::cast_unsigned))
}

/// PidTagSensitivity (MS-OXCMSG 2.2.1.13) in words.
fn sensitivity(number: u32) -> Option<&'static str> {
    ["Normal", "Personal", "Private", "Confidential"].get(usize::try_from(number).ok()?).copied()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_told_apart() {
        let whole = json!({"@odata.type": "#microsoft.graph.somethingNew", "id": "a", "receivedDateTime": "2024-05-01T10:20:31Z",
            "isRead": true, "isDraft": false});
        let Some(Change::Created(listed)) = change(&whole, true) else { panic!("not created") };
        assert_eq!((listed.read(), listed.draft(), listed.received.unwrap().timestamp()), (Some(true), Some(false), 1_714_558_831));
        assert!(matches!(change(&whole, false), Some(Change::Updated(_))));
        let removed = json!({"id": "a", "@removed": {"reason": "deleted"}});
        assert_eq!(change(&removed, true), Some(Change::Deleted(ItemId("a".into()))));
        let read = json!({"id": "a", "isRead": false});
        assert_eq!(change(&read, false), Some(Change::ReadChanged { id: ItemId("a".into()), read: false }));
        assert_eq!(change(&json!({"id": "a"}), false), Some(Change::Updated(Listed::bare(ItemId("a".into())))));
        assert_eq!(change(&json!({"isRead": true}), true), None);
        assert!(change(&json!({"id": "a", "receivedDateTime": 7, "isRead": "yes"}), true).is_some());
    }

    #[test]
    fn a_read_flag_alone_does_not_deny_a_draft() {
        assert_eq!(listed(&json!({"id": "a", "isRead": true})).unwrap().flags, None);
        assert_eq!(listed(&json!({"id": "a", "isRead": true, "isDraft": true})).unwrap().flags, Some(0x9));
    }

    #[test]
    fn properties_are_read_whatever_the_ids_are_written_like() {
        let found = properties(&json!({
            "id": "a", "subject": " Re: x", "from": {"emailAddress": {"name": "A", "address": "a@example.com"}},
            "sender": {"emailAddress": {"address": "a@example.com"}}, "toRecipients": [{"emailAddress": {"name": "Only Name"}}, {}],
            "importance": "high", "categories": ["Red", 5], "isRead": true, "isDraft": false, "hasAttachments": false,
            "singleValueExtendedProperties": [
                {"id": "Integer 0xe08", "value": "48001"}, {"id": "String 0x1a", "value": "IPM.Note"}, {"id": "Integer 0x36", "value": "2"},
                {"id": "Integer 0x0E07", "value": "32"}, {"id": "Binary 0x300b", "value": "q80="}, {"id": "odd"}],
        }));
        assert_eq!((found.size, found.class.as_deref(), found.sensitivity.as_deref()), (Some(48001), Some("IPM.Note"), Some("Private")));
        assert_eq!((found.flags, found.search_key, found.sender), (Some(0x21), Some(vec![0xAB, 0xCD]), None));
        assert_eq!((found.to, found.importance.as_deref(), found.categories), (vec!["Only Name".into()], Some("High"), vec!["Red".into()]));
        assert_eq!(properties(&json!({"id": "a"})), Properties::default());
    }

    #[test]
    fn the_expansion_names_each_property_once() {
        let text = expand();
        assert!(text.starts_with("singleValueExtendedProperties($filter=id eq 'String 0x001A' or id eq "));
        assert_eq!(text.matches("id eq").count(), EXTENDED.len());
    }
}
