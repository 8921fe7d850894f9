//! A message as JSON (documentation page "message resource type"). It is written straight into the answer: no tree is built of it.

use super::ids::{item_id, to_rest};
use super::selection::{Property, Selection};
use crate::graph::folders::folder_id;
use crate::graph::prefer::BodyForm;
use crate::store::{Address, Importance, Item, Sensitivity};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

/// How messages of one answer are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) selection: Selection,
    pub(super) immutable: bool,
    pub(super) body: BodyForm,
    /// Some messages are of a type no client knows, by a habit.
    pub(super) future_types: bool,
}

/// A message about to be written.
pub(super) struct Entity<'a> {
    pub(super) item: &'a Item,
    pub(super) style: Style,
    /// What stands before everything else: the context, where the message is the whole answer.
    pub(super) context: Option<&'a str>,
    /// What was read for this message beyond its facts: headers, expansions.
    pub(super) more: &'a [(&'static str, Value)],
}

/// A time as Graph writes it, in whole seconds.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Whether items of a class are messages to Graph; the others belong to contacts, calendars and tasks.
pub(crate) fn is_message(class: &str) -> bool {
    const OTHERS: [&str; 6] = ["ipm.contact", "ipm.distlist", "ipm.task", "ipm.appointment", "ipm.stickynote", "ipm.activity"];
    !OTHERS.iter().any(|other| {
        class.get(..other.len()).is_some_and(|start| start.eq_ignore_ascii_case(other))
            && matches!(class.as_bytes().get(other.len()), None | Some(b'.'))
    })
}

/// The derived type of a class and its kind of meeting message.
fn meeting(class: &str) -> Option<(&'static str, &'static str)> {
    let rest = class.get(.."IPM.Schedule.Meeting.".len()).filter(|start| start.eq_ignore_ascii_case("IPM.Schedule.Meeting."))?;
    let kind = class.get(rest.len()..)?.to_ascii_lowercase();
    Some(match kind.as_str() {
        "request" => ("#microsoft.graph.eventMessageRequest", "meetingRequest"),
        "canceled" => ("#microsoft.graph.eventMessage", "meetingCancelled"),
        "resp.pos" => ("#microsoft.graph.eventMessageResponse", "meetingAccepted"),
        "resp.neg" => ("#microsoft.graph.eventMessageResponse", "meetingDeclined"),
        "resp.tent" => ("#microsoft.graph.eventMessageResponse", "meetingTenativelyAccepted"),
        _ => ("#microsoft.graph.eventMessage", "none"),
    })
}

/// The change key of a write.
pub(crate) fn change_key(change: u64) -> String {
    let mut bytes = vec![9, 0, 0, 0, 0x16, 0, 0, 0];
    bytes.extend_from_slice(b"exchsimu\x00\x00\x00\x00");
    bytes.extend_from_slice(&change.to_be_bytes());
    bytes.extend_from_slice(&[0, 0]);
    STANDARD.encode(bytes)
}

/// PidTagConversationIndex (MS-OXOMSG 2.2.1.3): a header of 22 bytes and no response levels.
fn conversation_index(item: &Item) -> String {
    let mut bytes = vec![1];
    let ticks = u64::try_from(item.created.timestamp() + 11_644_473_600).unwrap_or(0).saturating_mul(10_000_000);
    bytes.extend_from_slice(ticks.to_be_bytes().get(..5).unwrap_or_default());
    bytes.extend_from_slice(&item.conversation);
    STANDARD.encode(bytes)
}

fn recipient(address: &Address) -> Value {
    let email = address.email.as_deref();
    json!({"emailAddress": {"name": address.name.as_deref().or(email), "address": email}})
}

fn recipients(list: &[Address]) -> Vec<Value> {
    list.iter().map(recipient).collect()
}

fn body(text: &str, form: BodyForm) -> Value {
    match form {
        BodyForm::Text => json!({"contentType": "text", "content": text}),
        BodyForm::Html => {
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let head = "<html><head>\r\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"></head>";
            json!({"contentType": "html", "content": format!("{head}<body><pre>{text}</pre></body></html>")})
        }
    }
}

/// PidTagImportance as Graph spells it.
pub(super) fn importance(importance: Importance) -> &'static str {
    match importance {
        Importance::Low => "low",
        Importance::Normal => "normal",
        Importance::High => "high",
    }
}

/// PidTagSensitivity as a number.
pub(super) fn sensitivity(sensitivity: Sensitivity) -> i64 {
    match sensitivity {
        Sensitivity::Normal => 0,
        Sensitivity::Personal => 1,
        Sensitivity::Private => 2,
        Sensitivity::Confidential => 3,
    }
}

impl Serialize for Entity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { item, style, .. } = self;
        let mut map = serializer.serialize_map(None)?;
        let wants = |property| style.selection.has(property);
        let id = item_id(item, style.immutable);
        if let Some(context) = self.context {
            map.serialize_entry("@odata.context", context)?;
        }
        let meeting = meeting(&item.class);
        if style.future_types && item.lasting.number % 7 == 0 {
            map.serialize_entry("@odata.type", "#microsoft.graph.holographicMessage")?;
        } else if let Some((kind, _)) = meeting {
            map.serialize_entry("@odata.type", kind)?;
        }
        let key = change_key(item.change);
        map.serialize_entry("@odata.etag", &format!("W/\"{key}\""))?;
        map.serialize_entry("id", &id)?;
        for (property, name, value) in [
            (Property::Created, "createdDateTime", item.created),
            (Property::Modified, "lastModifiedDateTime", item.modified),
            (Property::Received, "receivedDateTime", item.sort_date()),
            (Property::Sent, "sentDateTime", item.sent.unwrap_or(item.sort_date())),
        ] {
            if wants(property) {
                map.serialize_entry(name, &time(value))?;
            }
        }
        if wants(Property::ChangeKey) {
            map.serialize_entry("changeKey", &key)?;
        }
        if wants(Property::Categories) {
            map.serialize_entry("categories", &item.categories)?;
        }
        if wants(Property::MessageId) {
            map.serialize_entry("internetMessageId", &item.message_id)?;
        }
        if wants(Property::Subject) {
            map.serialize_entry("subject", &item.subject)?;
        }
        if wants(Property::Preview) {
            map.serialize_entry("bodyPreview", &item.text)?;
        }
        if wants(Property::Importance) {
            map.serialize_entry("importance", importance(item.importance))?;
        }
        if wants(Property::Parent) {
            map.serialize_entry("parentFolderId", &folder_id(item.folder))?;
        }
        if wants(Property::Conversation) {
            map.serialize_entry("conversationId", &to_rest(&STANDARD.encode(item.conversation)))?;
        }
        if wants(Property::ConversationIndex) {
            map.serialize_entry("conversationIndex", &conversation_index(item))?;
        }
        for (property, name, value) in [
            (Property::HasAttachments, "hasAttachments", item.has_attachments),
            (Property::DeliveryReceipt, "isDeliveryReceiptRequested", false),
            (Property::ReadReceipt, "isReadReceiptRequested", false),
            (Property::Read, "isRead", item.read),
            (Property::Draft, "isDraft", item.draft),
        ] {
            if wants(property) {
                map.serialize_entry(name, &value)?;
            }
        }
        if wants(Property::WebLink) {
            let escaped = id.replace('=', "%3D");
            let link = format!("https://outlook.office365.com/owa/?ItemID={escaped}&exvsurl=1&viewmodel=ReadMessageItem");
            map.serialize_entry("webLink", &link)?;
        }
        if wants(Property::Inference) {
            map.serialize_entry("inferenceClassification", "focused")?;
        }
        if let Some((_, kind)) = meeting.filter(|_| wants(Property::Meeting)) {
            map.serialize_entry("meetingMessageType", kind)?;
        }
        for (property, name) in [(Property::Body, "body"), (Property::UniqueBody, "uniqueBody")] {
            if wants(property) {
                map.serialize_entry(name, &body(&item.text, style.body))?;
            }
        }
        // Where nobody sent it, these two are left out altogether.
        let sender = item.sender.as_ref().or(item.from.as_ref());
        for (property, name, address) in [(Property::Sender, "sender", sender), (Property::From, "from", item.from.as_ref())] {
            if let Some(address) = address.filter(|_| wants(property)) {
                map.serialize_entry(name, &recipient(address))?;
            }
        }
        for (property, name, list) in [
            (Property::To, "toRecipients", &item.to[..]),
            (Property::Cc, "ccRecipients", &item.cc),
            (Property::Bcc, "bccRecipients", &item.bcc),
            (Property::ReplyTo, "replyTo", &[]),
        ] {
            if wants(property) {
                map.serialize_entry(name, &recipients(list))?;
            }
        }
        if wants(Property::Flag) {
            map.serialize_entry("flag", &json!({"flagStatus": "notFlagged"}))?;
        }
        for (name, value) in self.more {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_decide_what_is_a_message_and_of_which_type() {
        for class in ["IPM.Note", "REPORT.IPM.Note.NDR", "IPM.Schedule.Meeting.Request", "IPM.Contacts", "IPM.Post", "", "IPM.Note.Grüße"]
        {
            assert!(is_message(class), "{class}");
        }
        for class in ["IPM.Contact", "ipm.task.custom", "IPM.Appointment", "IPM.StickyNote", "IPM.DistList"] {
            assert!(!is_message(class), "{class}");
        }
        assert_eq!(meeting("IPM.Schedule.Meeting.Resp.Tent").unwrap().1, "meetingTenativelyAccepted");
        assert_eq!(meeting("ipm.schedule.meeting.request").unwrap().0, "#microsoft.graph.eventMessageRequest");
        assert_eq!(meeting("IPM.Note"), None);
    }
}
