//! An email as the API takes it, all but its MIME content, which is written while it is sent.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// What goes before an email's MIME content.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Email {
    /// Its id within the bucket; the same again replaces it.
    pub id: String,
    /// Whose it is.
    pub mailbox: String,
    /// Its time, as [`instant`] writes it.
    pub timestamp: String,
    /// What is known beside the content.
    pub metadata: Metadata,
    /// What is attached.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// What is known of an email beside its content; what is not known is left out.
#[derive(Clone, Debug, Default, Serialize)]
#[allow(missing_docs, reason = "the API's own names")]
pub struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_attachments: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_read: Option<bool>,
    pub folder: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_at: Option<String>,
}

/// An attachment, without its content.
#[derive(Clone, Debug, Default, Serialize)]
#[allow(missing_docs, reason = "the API's own names")]
pub struct Attachment {
    pub name: String,
    pub size: i32,
    pub content_type: String,
    pub inline: bool,
}

/// Sizes are numbers of 32 bits in the API's own description.
pub fn size(bytes: u64) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}

/// A time as the API reads it.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl Email {
    /// The beginning of the object, up to where its MIME content follows as the inside of a string.
    pub fn head(&self) -> String {
        // Nothing in it can fail to be written.
        let mut head = serde_json::to_string(self).unwrap_or_default();
        head.pop();
        head.push_str(",\"mime_content\":\"");
        head
    }
}

/// What follows the MIME content.
pub const TAIL: &str = "\"}";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn head_content_and_tail_are_an_object() {
        let email = Email { id: "a\"b".into(), timestamp: instant("2024-05-01T10:20:30.25Z".parse().unwrap()), ..Email::default() };
        let object: serde_json::Value = serde_json::from_str(&format!("{}x{TAIL}", email.head())).unwrap();
        let expected = json!({
            "id": "a\"b", "mailbox": "", "timestamp": "2024-05-01T10:20:30.250Z", "metadata": {"folder": []}, "mime_content": "x",
        });
        assert_eq!(object, expected);
        assert_eq!(instant("2024-05-01T10:20:30Z".parse().unwrap()), "2024-05-01T10:20:30Z");
        assert_eq!(size(1 << 40), 2_147_483_647);
    }
}
