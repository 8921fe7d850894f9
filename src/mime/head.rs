//! What a part's header tells of its body.

use encoding_rs::Encoding;
use mail_parser::{MessageParser, MimeHeaders};

use super::field::named;

/// What a body is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Media {
    /// Text, which is also what is not told to be anything else.
    #[default]
    Text,
    /// A message (RFC 2046, section 5.2.1).
    Message,
    /// Something about messages that is read by lines, such as `message/delivery-status`.
    Report,
    /// Parts between boundaries.
    Multipart {
        /// The boundary.
        boundary: Vec<u8>,
        /// Whether the parts are messages unless they say otherwise (RFC 2046, section 5.1.5).
        digest: bool,
    },
    /// Anything else.
    Binary,
}

/// How a text's characters are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Charset {
    /// Nothing is told.
    #[default]
    Untold,
    /// UTF-8, or ASCII, which is a part of it.
    Unicode,
    /// A known one.
    Known(&'static Encoding),
    /// One that we cannot read.
    Unknown,
}

/// A header, as far as it tells of the body.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    /// The fields that do, as written.
    fields: Vec<u8>,
    /// What the body is.
    pub media: Media,
    /// `text/html`, in lower case; empty where nothing is told.
    pub name: String,
    /// How its text is written.
    pub charset: Charset,
    /// `Content-Transfer-Encoding`, in lower case; empty where nothing is told.
    pub transfer: String,
    /// The file name.
    pub file: Option<String>,
    /// `attachment` or `inline`, in lower case, where told.
    pub disposition: Option<String>,
    /// Whether something refers to it by its id.
    pub referred: bool,
    /// Whether there is a `Content-Type`.
    pub typed: bool,
}

/// More of these fields than anybody needs is not read.
const FIELDS: usize = 128 << 10;

impl Head {
    /// Notes a field if it tells of the body.
    pub(super) fn note(&mut self, field: &[u8]) {
        let about = ["content-type", "content-transfer-encoding", "content-disposition", "content-id"];
        if about.iter().any(|name| named(field, name)) && self.fields.len() + field.len() <= FIELDS {
            self.fields.extend_from_slice(field);
            if !field.ends_with(b"\n") {
                self.fields.extend_from_slice(b"\r\n");
            }
        }
    }

    /// The header is over. In a `digest` what is not told to be anything else is a message.
    pub(super) fn complete(&mut self, digest: bool) {
        let mut fields = std::mem::take(&mut self.fields);
        if digest {
            self.media = Media::Message;
            self.name = "message/rfc822".to_owned();
        }
        if fields.is_empty() {
            return;
        }
        fields.extend_from_slice(b"\r\n");
        let Some(parsed) = MessageParser::new().parse_headers(&fields) else { return };
        let Some(part) = parsed.parts.first() else { return };
        if let Some(kind) = part.content_type() {
            let subtype = kind.subtype().unwrap_or_default().to_ascii_lowercase();
            let main = kind.ctype().to_ascii_lowercase();
            self.typed = true;
            self.charset = kind.attribute("charset").map_or(Charset::Untold, charset);
            self.media = match (main.as_str(), subtype.as_str()) {
                ("multipart", _) => match kind.attribute("boundary").filter(|boundary| !boundary.is_empty()) {
                    Some(boundary) => Media::Multipart { boundary: boundary.as_bytes().to_vec(), digest: subtype == "digest" },
                    None => Media::Text,
                },
                ("text", _) => Media::Text,
                ("message", "rfc822" | "global") => Media::Message,
                ("message", _) => Media::Report,
                _ => Media::Binary,
            };
            self.name = if subtype.is_empty() { main } else { format!("{main}/{subtype}") };
        }
        self.transfer = part.content_transfer_encoding().unwrap_or_default().trim().to_ascii_lowercase();
        self.file = part.attachment_name().map(str::to_owned).filter(|name| !name.is_empty());
        self.disposition = part.content_disposition().map(|kind| kind.ctype().to_ascii_lowercase());
        self.referred = part.content_id().is_some();
    }

    /// Whether the body is written as it is.
    pub(super) fn identity(&self) -> bool {
        !matches!(self.transfer.as_str(), "base64" | "quoted-printable")
    }
}

/// Reads a charset's name.
fn charset(name: &str) -> Charset {
    let name = name.trim();
    if ["us-ascii", "ascii", "utf-8", "utf8", "ansi_x3.4-1968"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
        return Charset::Unicode;
    }
    // Some encodings are known by name only, and decode to nothing at all.
    match Encoding::for_label_no_replacement(name.as_bytes()) {
        Some(encoding) if encoding == encoding_rs::UTF_8 => Charset::Unicode,
        Some(encoding) => Charset::Known(encoding),
        None => Charset::Unknown,
    }
}
