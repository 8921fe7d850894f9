//! An item as the store gives it out: facts about it, and where its MIME comes from.

use chrono::{DateTime, Utc};

use super::ids::{FolderId, ItemId};
use super::lasting::LastingId;
use crate::content::Content;

/// A name and an address; either may be missing in malformed mail.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Address {
    /// The display name.
    pub name: Option<String>,
    /// The SMTP address as written, not checked.
    pub email: Option<String>,
}

/// MS-OXCMSG 2.2.1.11 PidTagImportance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Importance {
    /// 0.
    Low,
    /// 1.
    #[default]
    Normal,
    /// 2.
    High,
}

/// MS-OXCMSG 2.2.1.13 PidTagSensitivity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sensitivity {
    /// 0.
    #[default]
    Normal,
    /// 1.
    Personal,
    /// 2.
    Private,
    /// 3.
    Confidential,
}

/// Where the MIME of an item comes from.
#[derive(Clone, Debug)]
pub enum Mime {
    /// It has MIME.
    Content(Content),
    /// The server cannot give MIME, with the EWS response code that says so (for example `ErrorItemCorrupt`).
    Refused(&'static str),
}

/// What an item without MIME is about, by kind of element.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Details {
    /// IPM.Contact.
    Contact {
        /// Given name.
        given: String,
        /// Surname.
        surname: String,
        /// Company.
        company: String,
        /// First e-mail address.
        email: String,
    },
    /// IPM.DistList: its members.
    DistributionList(Vec<Address>),
    /// IPM.Task.
    Task {
        /// When it is due.
        due: DateTime<Utc>,
        /// Per cent complete, 0 to 100.
        percent: u8,
    },
    /// IPM.Appointment.
    Appointment {
        /// When it begins.
        start: DateTime<Utc>,
        /// When it ends.
        end: DateTime<Utc>,
        /// Where.
        location: String,
    },
    /// A text without more: notes, posts.
    Note,
}

/// One item at the moment of asking. Cheap to clone; its content is made or read only when sent.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its identifier.
    pub id: ItemId,
    /// The identity it keeps when it is moved.
    pub lasting: LastingId,
    /// The number its change key is made of; it grows with every write.
    pub change: u64,
    /// The folder it lies in.
    pub folder: FolderId,
    /// PidTagMessageClass, such as `IPM.Note`.
    pub class: String,
    /// May hold control characters; `None` where the mail has no Subject at all.
    pub subject: Option<String>,
    /// From.
    pub from: Option<Address>,
    /// Sender, where it differs or is known.
    pub sender: Option<Address>,
    /// To.
    pub to: Vec<Address>,
    /// Cc.
    pub cc: Vec<Address>,
    /// Bcc; seen on drafts and sent mail.
    pub bcc: Vec<Address>,
    /// Message-ID with its angle brackets.
    pub message_id: Option<String>,
    /// In-Reply-To with its angle brackets.
    pub in_reply_to: Option<String>,
    /// References as one text.
    pub references: Option<String>,
    /// When it was delivered; `None` for what was never received (contacts, tasks, notes).
    pub received: Option<DateTime<Utc>>,
    /// When the item was made in this mailbox.
    pub created: DateTime<Utc>,
    /// When it was sent.
    pub sent: Option<DateTime<Utc>>,
    /// When it was last written.
    pub modified: DateTime<Utc>,
    /// Read or not.
    pub read: bool,
    /// A draft: never sent.
    pub draft: bool,
    /// Sent by the mailbox's owner.
    pub from_me: bool,
    /// Importance.
    pub importance: Importance,
    /// Sensitivity.
    pub sensitivity: Sensitivity,
    /// Categories.
    pub categories: Vec<String>,
    /// Equal for the messages of one conversation.
    pub conversation: [u8; 16],
    /// Whether it has attachments that are not inline.
    pub has_attachments: bool,
    /// The store's size in bytes; not the length of the MIME.
    pub size: u64,
    /// PidTagSearchKey: survives moves and copies.
    pub search_key: [u8; 16],
    /// A short plain text for properties, previews and items without MIME.
    pub text: String,
    /// What it is about where it is no mail.
    pub details: Option<Details>,
    /// Its MIME, or why there is none.
    pub mime: Mime,
}

impl Item {
    /// PidTagMessageFlags (MS-OXCMSG 2.2.1.6): read 0x1, unsent 0x8, has attachments 0x10, from me 0x20.
    pub fn flags(&self) -> u32 {
        u32::from(self.read) | (u32::from(self.draft) << 3) | (u32::from(self.has_attachments) << 4) | (u32::from(self.from_me) << 5)
    }

    /// The date it sorts by: received, else created.
    pub fn sort_date(&self) -> DateTime<Utc> {
        self.received.unwrap_or(self.created)
    }
}
