//! A message given as JSON, made into MIME (RFC 5322, RFC 2045, RFC 2047).

use crate::graph::GraphError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use serde_json::{Map, Value};

/// What a new message may say ("Create message"); what the server decides itself is taken and passed over.
const KNOWN: [&str; 22] = [
    "subject",
    "body",
    "from",
    "sender",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "replyTo",
    "importance",
    "categories",
    "isRead",
    "isDraft",
    "internetMessageId",
    "internetMessageHeaders",
    "singleValueExtendedProperties",
    "receivedDateTime",
    "sentDateTime",
    "createdDateTime",
    "lastModifiedDateTime",
    "hasAttachments",
    "parentFolderId",
    "bodyPreview",
];

/// The MIME of a message that an object describes. `owner` is whom it is from, where nobody is named.
///
/// # Errors
/// For members that messages do not have, and values of the wrong type.
pub(super) fn mime(message: &Map<String, Value>, owner: &str) -> Result<String, GraphError> {
    if let Some(unknown) = message.keys().find(|name| !name.contains('@') && !KNOWN.contains(&name.as_str())) {
        let text = format!("The property '{unknown}' does not exist on type 'microsoft.graph.message' or cannot be set on a new one.");
        return Err(GraphError::request("RequestBodyRead", text));
    }
    let mut mime = String::new();
    let from = ["from", "sender"].iter().find_map(|name| message.get(*name)).filter(|from| !from.is_null());
    header(&mut mime, "From", &from.map_or_else(|| Ok(owner.to_owned()), recipient)?);
    for (member, name) in [("toRecipients", "To"), ("ccRecipients", "Cc"), ("bccRecipients", "Bcc"), ("replyTo", "Reply-To")] {
        let list = list(message, member)?.iter().map(recipient).collect::<Result<Vec<_>, _>>()?;
        if !list.is_empty() {
            header(&mut mime, name, &list.join(", "));
        }
    }
    if let Some(subject) = text(message, "subject")? {
        header(&mut mime, "Subject", &word(subject));
    }
    header(&mut mime, "Date", &Utc::now().to_rfc2822());
    let id = text(message, "internetMessageId")?.map_or_else(|| format!("<{}@example.com>", crate::oauth::guid()), str::to_owned);
    header(&mut mime, "Message-ID", &id);
    for extra in list(message, "internetMessageHeaders")? {
        let (Some(name), Some(value)) = (extra.get("name").and_then(Value::as_str), extra.get("value").and_then(Value::as_str)) else {
            return Err(wrong("internetMessageHeaders"));
        };
        let proper = name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        if !proper || !name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-")) {
            let text = format!("The internet message header name '{name}' should start with 'x-' or 'X-'.");
            return Err(GraphError::request("InvalidInternetMessageHeader", text));
        }
        header(&mut mime, name, &word(value));
    }
    header(&mut mime, "MIME-Version", "1.0");
    let body = message.get("body");
    let html = body.and_then(|body| body.get("contentType")).and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("html"));
    header(&mut mime, "Content-Type", if html { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" });
    header(&mut mime, "Content-Transfer-Encoding", "base64");
    mime.push_str("\r\n");
    let content = body.and_then(|body| body.get("content")).and_then(Value::as_str).unwrap_or_default();
    for line in STANDARD.encode(content).as_bytes().chunks(76) {
        mime.push_str(&String::from_utf8_lossy(line));
        mime.push_str("\r\n");
    }
    Ok(mime)
}

/// A member that is a text, or absent.
///
/// # Errors
/// For any other type.
pub(super) fn text<'m>(message: &'m Map<String, Value>, name: &str) -> Result<Option<&'m str>, GraphError> {
    match message.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(name)),
    }
}

/// A member that is a list; empty when absent.
///
/// # Errors
/// For any other type.
pub(super) fn list<'m>(message: &'m Map<String, Value>, name: &str) -> Result<&'m [Value], GraphError> {
    match message.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(wrong(name)),
    }
}

/// A value of the wrong type.
pub(super) fn wrong(name: &str) -> GraphError {
    GraphError::request("RequestBodyRead", format!("The value of the property '{name}' is of a type that does not fit."))
}

/// Adds a header line; line ends in the value cannot forge another.
fn header(mime: &mut String, name: &str, value: &str) {
    for part in [name, ": ", &value.replace(['\r', '\n'], " "), "\r\n"] {
        mime.push_str(part);
    }
}

fn recipient(value: &Value) -> Result<String, GraphError> {
    let email = value.get("emailAddress").ok_or_else(|| wrong("emailAddress"))?;
    let address = email.get("address").and_then(Value::as_str).unwrap_or_default();
    Ok(match email.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) {
        Some(name) => format!("{} <{address}>", word(name)),
        None => address.to_owned(),
    })
}

/// Encoded words where letters and digits do not suffice, each short enough for its line.
fn word(text: &str) -> String {
    if text.chars().all(|letter| letter == ' ' || letter.is_ascii_alphanumeric()) {
        return text.to_owned();
    }
    let mut words = vec![String::new()];
    for letter in text.chars() {
        match words.last_mut() {
            Some(word) if word.len() + letter.len_utf8() <= 45 => word.push(letter),
            _ => words.push(letter.to_string()),
        }
    }
    words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word))).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::facts;
    use serde_json::json;

    fn made(value: &Value) -> Result<String, GraphError> {
        mime(value.as_object().unwrap(), "alice@example.com")
    }

    #[test]
    fn what_was_said_is_in_the_mime() {
        let message = json!({
            "subject": "Grüße an alle, die eine sehr lange Zeile lesen mögen\r\nBcc: x@example.com",
            "toRecipients": [{"emailAddress": {"name": "Jörg", "address": "joerg@example.com"}}],
            "internetMessageHeaders": [{"name": "X-Mark", "value": "7"}],
            "body": {"contentType": "text", "content": "hello"},
        });
        let mime = made(&message).unwrap();
        let facts = facts(mime.as_bytes());
        assert_eq!(facts.to[0].name.as_deref(), Some("Jörg"));
        assert_eq!(facts.from.unwrap().email.as_deref(), Some("alice@example.com"));
        assert!(facts.subject.unwrap().starts_with("Grüße an alle, die eine sehr lange Zeile"));
        assert!(facts.text.contains("hello") && facts.bcc.is_empty() && mime.contains("X-Mark: 7\r\n"), "{mime}");
    }

    #[test]
    fn what_messages_do_not_have_is_refused() {
        for bad in [
            json!({"size": 3}),
            json!({"subject": 3}),
            json!({"toRecipients": "a@example.com"}),
            json!({"toRecipients": [{"address": "a@example.com"}]}),
            json!({"internetMessageHeaders": [{"name": "Received", "value": "x"}]}),
            json!({"internetMessageHeaders": [{"name": "X-A: b\r\nBcc", "value": "x"}]}),
        ] {
            assert_eq!(made(&bad).unwrap_err().status, 400, "{bad}");
        }
    }
}
