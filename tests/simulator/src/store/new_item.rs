//! An item before the store has given it an identity.

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::item::{Address, Details, Importance, Mime, Sensitivity};
use crate::content::{Content, Facts, facts};

/// An item to be stored.
#[derive(Clone, Debug)]
pub struct NewItem {
    /// PidTagMessageClass.
    pub class: String,
    /// Subject.
    pub subject: Option<String>,
    /// From.
    pub from: Option<Address>,
    /// Sender.
    pub sender: Option<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc.
    pub bcc: Vec<Address>,
    /// Message-ID with angle brackets.
    pub message_id: Option<String>,
    /// In-Reply-To with angle brackets.
    pub in_reply_to: Option<String>,
    /// References.
    pub references: Option<String>,
    /// When it was delivered; `None` for what was never received.
    pub received: Option<DateTime<Utc>>,
    /// When it was made; `None` for now.
    pub created: Option<DateTime<Utc>>,
    /// When it was sent.
    pub sent: Option<DateTime<Utc>>,
    /// Read.
    pub read: bool,
    /// Never sent.
    pub draft: bool,
    /// Sent by the owner.
    pub from_me: bool,
    /// Importance.
    pub importance: Importance,
    /// Sensitivity.
    pub sensitivity: Sensitivity,
    /// Categories.
    pub categories: Vec<String>,
    /// Has attachments that are not inline.
    pub has_attachments: bool,
    /// The beginning of its text.
    pub text: String,
    /// What it is about where it is no mail.
    pub details: Option<Details>,
    /// Its MIME.
    pub mime: Mime,
    /// The store's size; `None` to derive it from the MIME's length.
    pub size: Option<u64>,
    /// PidTagSearchKey; `None` for a new one.
    pub search_key: Option<[u8; 16]>,
    /// It arrives by delivery: subscribers are told of new mail.
    pub delivered: bool,
}

impl NewItem {
    /// A message of these bytes, delivered or saved now.
    pub fn from_mime(mime: Bytes) -> Self {
        let facts = facts(&mime);
        Self::from_facts(facts, Content::bytes_of(mime))
    }

    /// A message whose facts are known. It counts as received at its Date where it has one, else now.
    pub fn from_facts(facts: Facts, content: Content) -> Self {
        Self {
            class: facts.class,
            subject: facts.subject,
            from: facts.from,
            sender: facts.sender,
            to: facts.to,
            cc: facts.cc,
            bcc: facts.bcc,
            message_id: facts.message_id,
            in_reply_to: facts.in_reply_to,
            references: facts.references,
            received: Some(facts.date.unwrap_or_else(Utc::now)),
            created: None,
            sent: facts.date,
            read: false,
            draft: false,
            from_me: false,
            importance: facts.importance,
            sensitivity: facts.sensitivity,
            categories: Vec::new(),
            has_attachments: facts.has_attachments,
            text: facts.text,
            details: None,
            mime: Mime::Content(content),
            size: None,
            search_key: None,
            delivered: false,
        }
    }

    /// The size the store shows: like Exchange's it is near the MIME's length and never equal to it.
    pub fn shown_size(&self) -> u64 {
        self.size.unwrap_or_else(|| match &self.mime {
            Mime::Content(content) => content.len() - content.len() / 9 + 1_843,
            Mime::Refused(_) => 2_048 + self.text.len() as u64,
        })
    }
}

/// What an update changes; `None` leaves a property as it is.
#[derive(Clone, Debug, Default)]
pub struct ItemUpdate {
    /// Read state.
    pub read: Option<bool>,
    /// Subject, or none at all.
    pub subject: Option<Option<String>>,
    /// Categories.
    pub categories: Option<Vec<String>>,
    /// Importance.
    pub importance: Option<Importance>,
}

impl ItemUpdate {
    /// Whether nothing but the read state changes: clients then learn of a read flag change, not of an update.
    pub fn only_read(&self) -> bool {
        self.subject.is_none() && self.categories.is_none() && self.importance.is_none()
    }
}
