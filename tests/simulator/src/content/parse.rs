//! What a store notes of mail it is given: header facts, and attachments. Malformed mail yields fewer facts, never an error.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use mail_parser::{Address as Parsed, HeaderName, HeaderValue, Message, MessageParser, MimeHeaders as _, PartType};

use crate::store::{Address, Importance, Sensitivity};

/// Header facts of a message.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Subject, decoded.
    pub subject: Option<String>,
    /// First address of From.
    pub from: Option<Address>,
    /// First address of Sender.
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
    /// References as one text.
    pub references: Option<String>,
    /// Date, where it can be read.
    pub date: Option<DateTime<Utc>>,
    /// Importance, X-Priority or Priority.
    pub importance: Importance,
    /// Sensitivity.
    pub sensitivity: Sensitivity,
    /// Message class by content type: reports, meetings, S/MIME, else `IPM.Note`.
    pub class: String,
    /// Whether there are attachments that are not inline.
    pub has_attachments: bool,
    /// The beginning of the text body.
    pub text: String,
}

/// The most characters of [`Facts::text`].
const TEXT: usize = 255;

/// Reads the facts of a message, or of its beginning.
pub fn facts(mime: &[u8]) -> Facts {
    let Some(message) = MessageParser::default().parse(mime) else {
        return Facts { class: "IPM.Note".into(), ..Facts::default() };
    };
    Facts {
        subject: message.subject().map(str::to_owned),
        from: message.from().and_then(|list| addresses(list).into_iter().next()),
        sender: message.sender().and_then(|list| addresses(list).into_iter().next()),
        to: message.to().map(addresses).unwrap_or_default(),
        cc: message.cc().map(addresses).unwrap_or_default(),
        bcc: message.bcc().map(addresses).unwrap_or_default(),
        message_id: message.message_id().map(|id| format!("<{id}>")),
        in_reply_to: ids(message.in_reply_to()),
        references: ids(message.references()),
        date: message.date().and_then(|date| DateTime::from_timestamp(date.to_timestamp(), 0)).filter(plausible),
        importance: importance(&message),
        sensitivity: sensitivity(&message),
        class: class(&message).into(),
        has_attachments: message.attachments().any(|part| !inline(part)),
        text: message.body_text(0).map(|text| text.chars().take(TEXT).collect()).unwrap_or_default(),
    }
}

/// Dates a store can hold: from the FILETIME epoch (1601) to where the wire's years end (9999).
fn plausible(date: &DateTime<Utc>) -> bool {
    (-11_644_473_600..253_402_300_800).contains(&date.timestamp())
}

fn addresses(list: &Parsed<'_>) -> Vec<Address> {
    list.iter()
        .map(|entry| Address { name: entry.name().map(str::to_owned), email: entry.address().map(str::to_owned) })
        .filter(|address| address.name.is_some() || address.email.is_some())
        .collect()
}

fn ids(value: &HeaderValue<'_>) -> Option<String> {
    match value {
        HeaderValue::Text(id) => Some(format!("<{id}>")),
        HeaderValue::TextList(list) => Some(list.iter().map(|id| format!("<{id}>")).collect::<Vec<_>>().join(" ")),
        _ => None,
    }
}

fn text_header(message: &Message<'_>, name: &'static str) -> String {
    message.header(HeaderName::from(name)).and_then(HeaderValue::as_text).unwrap_or("").trim().to_ascii_lowercase()
}

fn importance(message: &Message<'_>) -> Importance {
    let named = text_header(message, "Importance");
    let number = text_header(message, "X-Priority");
    match (named.as_str(), number.chars().next()) {
        ("high", _) | ("", Some('1' | '2')) => Importance::High,
        ("low", _) | ("", Some('4' | '5')) => Importance::Low,
        _ => Importance::Normal,
    }
}

fn sensitivity(message: &Message<'_>) -> Sensitivity {
    match text_header(message, "Sensitivity").as_str() {
        "personal" => Sensitivity::Personal,
        "private" => Sensitivity::Private,
        "company-confidential" => Sensitivity::Confidential,
        _ => Sensitivity::Normal,
    }
}

fn class(message: &Message<'_>) -> &'static str {
    let Some(kind) = message.content_type() else { return "IPM.Note" };
    let whole = format!("{}/{}", kind.c_type, kind.c_subtype.as_deref().unwrap_or("")).to_ascii_lowercase();
    let attribute = |name: &str| kind.attribute(name).unwrap_or("").to_ascii_lowercase();
    match whole.as_str() {
        "multipart/report" if attribute("report-type") == "disposition-notification" => "REPORT.IPM.Note.IPNRN",
        "multipart/report" if attribute("report-type") == "delivery-status" => "REPORT.IPM.Note.NDR",
        "multipart/signed" => "IPM.Note.SMIME.MultipartSigned",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "IPM.Note.SMIME",
        "text/calendar" => match attribute("method").as_str() {
            "request" => "IPM.Schedule.Meeting.Request",
            "cancel" => "IPM.Schedule.Meeting.Canceled",
            "reply" => "IPM.Schedule.Meeting.Resp.Pos",
            _ => "IPM.Note",
        },
        _ => "IPM.Note",
    }
}

/// What an attachment holds.
#[derive(Clone, Debug)]
pub enum AttachmentBody {
    /// A file's decoded bytes.
    File(Bytes),
    /// A message's MIME.
    Message(Bytes),
}

/// One attachment.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// File name, or the attached message's subject.
    pub name: Option<String>,
    /// Media type.
    pub content_type: String,
    /// Content-ID without brackets.
    pub content_id: Option<String>,
    /// Shown in the body.
    pub inline: bool,
    /// Its content.
    pub body: AttachmentBody,
}

fn inline(part: &mail_parser::MessagePart<'_>) -> bool {
    part.content_disposition().is_some_and(mail_parser::ContentType::is_inline)
        || (part.content_id().is_some() && !part.content_disposition().is_some_and(mail_parser::ContentType::is_attachment))
}

/// The attachments of a message, in their order.
pub fn attachments(mime: &[u8]) -> Vec<Attachment> {
    let Some(message) = MessageParser::default().parse(mime) else { return Vec::new() };
    message
        .attachments()
        .map(|part| {
            let content_type = part.content_type().map_or_else(
                || "application/octet-stream".to_owned(),
                |kind| format!("{}/{}", kind.c_type, kind.c_subtype.as_deref().unwrap_or("octet-stream")),
            );
            let (name, body) = match &part.body {
                PartType::Message(inner) => {
                    let subject = inner.subject().map(str::to_owned);
                    (subject, AttachmentBody::Message(Bytes::copy_from_slice(nested(mime, part, inner))))
                }
                _ => (None, AttachmentBody::File(Bytes::copy_from_slice(part.contents()))),
            };
            Attachment {
                name: part.attachment_name().map(str::to_owned).or(name),
                content_type,
                content_id: part.content_id().map(str::to_owned),
                inline: inline(part),
                body,
            }
        })
        .collect()
}

/// The nested message's own bytes: decoded ones where it was transfer-encoded, else a slice of the outer message.
fn nested<'a>(mime: &'a [u8], part: &mail_parser::MessagePart<'_>, inner: &'a Message<'_>) -> &'a [u8] {
    let own = inner.raw_message();
    if own.len() == mime.len() { mime.get(part.offset_body as usize..part.offset_end as usize).unwrap_or(own) } else { own }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] = b"From: =?utf-8?q?J=C3=B6rg?= <joerg@example.com>\r\nTo: a@example.com, \"B, C\" <b@example.com>\r\n\
Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\nDate: Thu, 01 Jan 2026 05:00:00 +0100\r\nMessage-ID: <1@example.com>\r\n\
X-Priority: 1\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n\
--b\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\nAAEC\r\n\
--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nnested\r\n--b--\r\n";

    #[test]
    fn facts_are_read() {
        let facts = facts(MAIL);
        assert_eq!(facts.subject.as_deref(), Some("Grüße"));
        assert_eq!(facts.from.unwrap().name.as_deref(), Some("Jörg"));
        assert_eq!(facts.to.len(), 2);
        assert_eq!(facts.message_id.as_deref(), Some("<1@example.com>"));
        assert_eq!(facts.date.unwrap().to_rfc3339(), "2026-01-01T04:00:00+00:00");
        assert_eq!((facts.importance, facts.has_attachments), (Importance::High, true));
        assert_eq!(facts.text.trim(), "hello");
    }

    #[test]
    fn attachments_are_taken_out() {
        let list = attachments(MAIL);
        assert_eq!(list.len(), 2);
        assert_eq!(list[0].name.as_deref(), Some("a.pdf"));
        assert!(matches!(&list[0].body, AttachmentBody::File(bytes) if bytes.as_ref() == [0, 1, 2]));
        assert!(matches!(&list[1].body, AttachmentBody::Message(bytes) if bytes.starts_with(b"Subject: inner")));
        assert_eq!(list[1].name.as_deref(), Some("inner"));
    }

    #[test]
    fn rubbish_has_a_class_and_no_more() {
        for mime in [&b""[..], b"\r\n\r\n", b"\xff\xfe\x00", b"Date: yesterday\r\nFrom: @@\r\n"] {
            let facts = facts(mime);
            assert_eq!((facts.class.as_str(), facts.date), ("IPM.Note", None), "{mime:?}");
        }
    }
}
