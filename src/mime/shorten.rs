//! A message without what is attached to it: its header and its text, for whoever takes no large messages.

use mail_parser::MessageParser;

use super::{
    field::named,
    head::{Head, Media},
    walk::{Piece, Walker},
};

/// More of a header, or of a text as it is written, is not shortened to anything.
const HEADER: usize = 256 << 10;
const TEXT: usize = 4 << 20;

/// A message on its way, as UTF-8.
#[derive(Debug)]
pub struct Shortener {
    walker: Walker,
    kept: Kept,
}

#[derive(Debug, Default)]
struct Kept {
    header: Vec<u8>,
    /// The current part's fields that tell how its text is written.
    fields: Vec<u8>,
    html: Option<Vec<u8>>,
    plain: Option<Vec<u8>>,
    current: Option<Kind>,
    over: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Html,
    Plain,
}

impl Default for Shortener {
    fn default() -> Self {
        Self { walker: Walker::new(), kept: Kept::default() }
    }
}

impl Shortener {
    /// Takes some more of the message.
    pub fn feed(&mut self, bytes: &[u8]) {
        let kept = &mut self.kept;
        self.walker.feed(bytes, &mut |part, piece| kept.take(part, piece));
    }

    /// The message is over. Gives its header with its page, or where it has none, its plain text; nothing if even these are too large to be kept whole.
    pub fn finish(mut self) -> Option<Vec<u8>> {
        let kept = &mut self.kept;
        self.walker.finish(&mut |part, piece| kept.take(part, piece));
        let Kept { header, html, plain, over, .. } = self.kept;
        if over {
            return None;
        }
        let (kind, part) = match (html, plain) {
            (Some(html), _) => (Kind::Html, html),
            (None, Some(plain)) => (Kind::Plain, plain),
            (None, None) => (Kind::Plain, b"\r\n".to_vec()),
        };
        let parsed = MessageParser::new().parse(&part);
        let text = parsed.as_ref().and_then(|parsed| match kind {
            Kind::Html => parsed.body_html(0),
            Kind::Plain => parsed.body_text(0),
        });
        let name = if kind == Kind::Html { "text/html" } else { "text/plain" };
        let mut short = header;
        short.extend_from_slice(format!("Content-Type: {name}; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n").as_bytes());
        short.extend_from_slice(text.unwrap_or_default().as_bytes());
        Some(short)
    }
}

impl Kept {
    fn take(&mut self, number: u32, piece: Piece<'_>) {
        match piece {
            Piece::Field { bytes, begins } => {
                let about_text = begins && (named(bytes, "content-type") || named(bytes, "content-transfer-encoding"));
                if about_text {
                    self.fields.extend_from_slice(bytes);
                } else if number == 0 && !bytes.get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"content-")) {
                    self.over |= self.header.len() + bytes.len() > HEADER;
                    if !self.over {
                        self.header.extend_from_slice(bytes);
                    }
                }
            }
            Piece::Blank { head, place, .. } => {
                self.current = None;
                if number == 0 && !self.header.is_empty() && !self.header.ends_with(b"\n") {
                    self.header.extend_from_slice(b"\r\n");
                }
                let mut fields = std::mem::take(&mut self.fields);
                if place.leaf && place.nested == 0 && read(head) {
                    fields.extend_from_slice(b"\r\n");
                    let (kind, slot) = match head.name.as_str() {
                        "text/html" => (Kind::Html, &mut self.html),
                        _ => (Kind::Plain, &mut self.plain),
                    };
                    if slot.is_none() {
                        *slot = Some(fields);
                        self.current = Some(kind);
                    }
                }
            }
            Piece::Body(bytes) => {
                let text = match self.current {
                    Some(Kind::Html) => self.html.as_mut(),
                    Some(Kind::Plain) => self.plain.as_mut(),
                    None => None,
                };
                if let Some(text) = text {
                    self.over |= text.len() + bytes.len() > TEXT;
                    if !self.over {
                        text.extend_from_slice(bytes);
                    }
                }
            }
            Piece::Edge { .. } | Piece::Around(_) => self.current = None,
        }
    }
}

/// Whether a body is text to be read, and no file.
fn read(head: &Head) -> bool {
    head.media == Media::Text && head.disposition.as_deref() != Some("attachment") && head.file.is_none()
}
