//! The kinds of item a generated folder may hold.

use serde::{Deserialize, Serialize};

/// A kind of generated item. The names are those of the world file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A plain text.
    Text,
    /// Plain text and HTML.
    Alternative,
    /// A text with an attached file.
    Attachment,
    /// HTML with an inline image.
    Inline,
    /// A message with another one attached.
    Forwarded,
    /// A text in one of many character sets, 8 bits as they are.
    Charset,
    /// Encoded words, folded headers, names beyond ASCII.
    EncodedHeaders,
    /// Lines of thousands of characters.
    LongLines,
    /// Neither From nor To nor Date nor Subject.
    MissingHeaders,
    /// No Message-ID.
    NoMessageId,
    /// A Message-ID that other messages have too.
    DuplicateMessageId,
    /// Control characters in the subject.
    ControlCharacters,
    /// A delivery report.
    NonDelivery,
    /// A read receipt.
    ReadReceipt,
    /// A meeting request with its calendar part.
    MeetingRequest,
    /// An answer to one.
    MeetingResponse,
    /// A meeting called off.
    MeetingCancellation,
    /// Signed in the clear.
    SmimeSigned,
    /// Opaque S/MIME: no MIME to be had.
    SmimeOpaque,
    /// Damaged: no MIME to be had.
    Corrupt,
    /// A post in a folder.
    Post,
    /// An appointment: its MIME is iCalendar text.
    Appointment,
    /// A contact: no MIME.
    Contact,
    /// A distribution list: no MIME.
    DistributionList,
    /// A task: no MIME.
    Task,
    /// A sticky note: no MIME.
    StickyNote,
}

impl Kind {
    /// The usual mixture of a mail folder, with weights.
    pub const MAIL: &'static [(Self, u64)] = &[
        (Self::Text, 30),
        (Self::Alternative, 25),
        (Self::Attachment, 14),
        (Self::Inline, 5),
        (Self::Forwarded, 4),
        (Self::Charset, 7),
        (Self::EncodedHeaders, 4),
        (Self::LongLines, 1),
        (Self::MissingHeaders, 1),
        (Self::NoMessageId, 1),
        (Self::DuplicateMessageId, 1),
        (Self::ControlCharacters, 1),
        (Self::NonDelivery, 2),
        (Self::ReadReceipt, 1),
        (Self::MeetingRequest, 2),
        (Self::MeetingResponse, 1),
        (Self::MeetingCancellation, 1),
        (Self::SmimeSigned, 1),
    ];

    /// PidTagMessageClass.
    pub fn class(self) -> &'static str {
        match self {
            Self::NonDelivery => "REPORT.IPM.Note.NDR",
            Self::ReadReceipt => "REPORT.IPM.Note.IPNRN",
            Self::MeetingRequest => "IPM.Schedule.Meeting.Request",
            Self::MeetingResponse => "IPM.Schedule.Meeting.Resp.Pos",
            Self::MeetingCancellation => "IPM.Schedule.Meeting.Canceled",
            Self::SmimeSigned => "IPM.Note.SMIME.MultipartSigned",
            Self::SmimeOpaque => "IPM.Note.SMIME",
            Self::Post => "IPM.Post",
            Self::Appointment => "IPM.Appointment",
            Self::Contact => "IPM.Contact",
            Self::DistributionList => "IPM.DistList",
            Self::Task => "IPM.Task",
            Self::StickyNote => "IPM.StickyNote",
            _ => "IPM.Note",
        }
    }

    /// The response code asked for instead of MIME, where there is none ("EWS reference: ResponseCode").
    pub fn refusal(self) -> Option<&'static str> {
        match self {
            Self::SmimeOpaque => Some("ErrorMimeContentConversionFailed"),
            Self::Corrupt => Some("ErrorItemCorrupt"),
            Self::Contact | Self::DistributionList | Self::Task | Self::StickyNote => Some("ErrorUnsupportedMimeConversion"),
            _ => None,
        }
    }

    /// Whether it came by mail; the others were made in the mailbox and never received.
    pub fn is_mail(self) -> bool {
        !matches!(self, Self::Post | Self::Appointment | Self::Contact | Self::DistributionList | Self::Task | Self::StickyNote)
    }
}
