//! An email as it is sent, held to the letter of the table of its members, and as it is kept.

use super::check::{Fields, written};
use super::refusal::Refusal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The text of a message, or what is known of it where the world keeps digests alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mime {
    text: Option<Arc<str>>,
    /// SHA-256 of its bytes in UTF-8, as lower-case hex.
    pub sha256: String,
    /// Bytes in UTF-8.
    pub length: u64,
}

impl Mime {
    /// Takes a text, to keep it or its digest alone.
    pub(super) fn of(text: String, keep: bool) -> Self {
        let sha256 = hex::encode(Sha256::digest(text.as_bytes()));
        let length = text.len() as u64;
        Self { text: keep.then(|| text.into()), sha256, length }
    }

    /// The text, where it was kept.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

/// What is known of a message beside its text. A member that was not sent is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EmailMetadata {
    /// `Normal`, `Personal`, `Private`, `Confidential` as mail systems name them; any text is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<String>,
    /// Bytes, of 32 bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i32>,
    /// Categories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
    /// `Low`, `Normal`, `High` as mail systems name them; any text is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub importance: Option<String>,
    /// Whether it has attachments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub has_attachments: Option<bool>,
    /// The conversation it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<String>,
    /// The subject of the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation_topic: Option<String>,
    /// Whether it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_read: Option<bool>,
    /// Names of folders from the top down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<Vec<String>>,
    /// When it was received, as sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_at: Option<String>,
}

/// An attachment that is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its bytes, of 32 bits.
    pub size: i32,
    /// Its media type, or its extension: any text is taken.
    pub content_type: String,
    /// The hash of its content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_hash: Option<String>,
    /// Whether it is shown in the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inline: Option<bool>,
    /// The reference its content is found by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attachment_reference: Option<String>,
}

/// An email that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NewEmail {
    pub(super) id: String,
    pub(super) mailbox: String,
    pub(super) timestamp: DateTime<Utc>,
    pub(super) mime: Mime,
    pub(super) metadata: Option<EmailMetadata>,
    pub(super) attachments: Vec<Attachment>,
}

/// An email that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEmail {
    /// Its id, unique in its bucket.
    pub id: String,
    /// The mailbox it came from.
    pub mailbox: String,
    /// Its time.
    pub timestamp: DateTime<Utc>,
    /// Its text.
    pub mime: Mime,
    /// What else is known of it; absent where no metadata were sent.
    pub metadata: Option<EmailMetadata>,
    /// Its attachments, as listed.
    pub attachments: Vec<Attachment>,
    /// When it was first put.
    pub created_at: DateTime<Utc>,
    /// When it was last put.
    pub updated_at: DateTime<Utc>,
    /// How often it was put: 1 where nothing was sent twice.
    pub puts: u64,
    /// Whether its last upload asked not to be charged.
    pub no_charge: bool,
    /// The number of the change that first put it. Changes of emails and sync states are counted together, so that their order can be told.
    pub first_change: u64,
    /// The number of the change that last put it.
    pub last_change: u64,
}

impl StoredEmail {
    /// The email as it is read back.
    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id, "mailbox": self.mailbox, "timestamp": written(self.timestamp), "mime_content": self.mime.text().unwrap_or_default(),
            "metadata": self.metadata, "attachments": self.attachments,
            "created_at": written(self.created_at), "updated_at": written(self.updated_at),
        })
    }
}

/// Reads one email of a request. `keep`: its text is to be kept.
pub(super) fn read(path: String, value: Value, keep: bool) -> Result<NewEmail, Refusal> {
    let mut fields = Fields::of(path, value)?;
    let id = fields.words("id")?;
    let mailbox = fields.words("mailbox")?;
    let timestamp = fields.moment("timestamp")?;
    let timestamp = fields.need("timestamp", timestamp)?;
    let text = fields.words("mime_content")?;
    if is_base64(&text) {
        return Err(Refusal::value(&fields.at("mime_content"), "must be the text of the message, not its base64"));
    }
    let metadata = fields.object("metadata")?.map(metadata).transpose()?;
    let mut attachments = Vec::new();
    for (at, value) in fields.list("attachments")?.unwrap_or_default().into_iter().enumerate() {
        attachments.push(attachment(Fields::of(format!("{}[{at}]", fields.at("attachments")), value)?)?);
    }
    fields.end()?;
    Ok(NewEmail { id, mailbox, timestamp, mime: Mime::of(text, keep), metadata, attachments })
}

fn metadata(mut fields: Fields) -> Result<EmailMetadata, Refusal> {
    let received_at = fields.moment_text("received_at")?;
    let metadata = EmailMetadata {
        sensitivity: fields.text("sensitivity")?,
        size: fields.count("size")?,
        categories: fields.texts("categories")?,
        importance: fields.text("importance")?,
        has_attachments: fields.flag("has_attachments")?,
        conversation_id: fields.text("conversation_id")?,
        conversation_topic: fields.text("conversation_topic")?,
        is_read: fields.flag("is_read")?,
        folder: fields.texts("folder")?,
        received_at,
    };
    fields.end()?;
    Ok(metadata)
}

fn attachment(mut fields: Fields) -> Result<Attachment, Refusal> {
    let name = fields.text("name")?;
    let size = fields.count("size")?;
    let content_type = fields.text("content_type")?;
    let attachment = Attachment {
        name: fields.need("name", name)?,
        size: fields.need("size", size)?,
        content_type: fields.need("content_type", content_type)?,
        content_hash: fields.text("content_hash")?,
        inline: fields.flag("inline")?,
        attachment_reference: fields.text("attachment_reference")?,
    };
    fields.end()?;
    Ok(attachment)
}

/// Whether a text is a message in base64: nothing but its alphabet, and a header field at the beginning of what it stands for.
fn is_base64(text: &str) -> bool {
    const LOOK: usize = 4096;
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\r' | b'\n');
    let Some(head) = text.as_bytes().get(..text.len().min(LOOK)).filter(|head| head.iter().all(|byte| letter(*byte))) else {
        return false;
    };
    let mut letters: Vec<u8> = head.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n' | b'=')).collect();
    letters.truncate(letters.len() / 4 * 4);
    let Ok(bytes) = STANDARD.decode(&letters) else { return false };
    let name = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    name > 0 && bytes.get(name) == Some(&b':')
}

/// Some emails as an answer's member.
pub(super) fn list(emails: &[Arc<StoredEmail>]) -> Map<String, Value> {
    let list: Vec<Value> = emails.iter().map(|email| email.json()).collect();
    [("emails".to_owned(), Value::Array(list))].into_iter().collect()
}
