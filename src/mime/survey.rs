//! One walk through a message: whether it is UTF-8, how to make it so, and what is attached.

use std::{str::from_utf8, sync::Arc};

use mail_parser::MessageParser;

use super::{
    field::{named, value},
    head::Head,
    outline::{Attached, Outline},
    plan::Plan,
    walk::{Piece, Walker},
};

/// What a walk through a message found.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// How to make it UTF-8; none where it is.
    pub plan: Option<Arc<Plan>>,
    /// What is attached.
    pub attached: Vec<Attached>,
    /// What the conversation is about (`Thread-Topic`).
    pub topic: Option<String>,
}

/// The walk.
#[derive(Debug)]
pub struct Surveyor {
    walker: Walker,
    found: Found,
    utf8: Utf8,
}

#[derive(Debug, Default)]
struct Found {
    plan: Plan,
    outline: Outline,
    head: Head,
    topic: Option<String>,
}

impl Default for Surveyor {
    fn default() -> Self {
        Self { walker: Walker::new(), found: Found::default(), utf8: Utf8::default() }
    }
}

impl Surveyor {
    /// Takes some more of the message.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.utf8.feed(bytes);
        let found = &mut self.found;
        self.walker.feed(bytes, &mut |part, piece| found.take(part, piece));
    }

    /// The message is over.
    pub fn finish(mut self) -> Survey {
        let found = &mut self.found;
        self.walker.finish(&mut |part, piece| found.take(part, piece));
        let plan = (!self.utf8.valid()).then(|| Arc::new(self.found.plan));
        Survey { plan, attached: self.found.outline.finish(), topic: self.found.topic }
    }
}

impl Found {
    fn take(&mut self, part: u32, piece: Piece<'_>) {
        self.outline.take(&piece);
        match piece {
            Piece::Field { bytes, begins: true } if part == 0 && named(bytes, "thread-topic") => self.topic = text(bytes),
            Piece::Blank { head, .. } => {
                self.plan.begin(head);
                self.head.clone_from(head);
            }
            Piece::Body(bytes) if !bytes.is_ascii() => self.plan.raw(&self.head),
            _ => {}
        }
    }
}

/// A field's text, decoded.
fn text(field: &[u8]) -> Option<String> {
    // A subject is read as any other text.
    let field = [&b"Subject:"[..], value(field), b"\r\n"].concat();
    let parsed = MessageParser::new().parse_headers(&field)?;
    parsed.subject().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Whether bytes that come in pieces are UTF-8.
#[derive(Debug, Default)]
struct Utf8 {
    invalid: bool,
    /// The beginning of a character.
    begun: Vec<u8>,
}

impl Utf8 {
    fn feed(&mut self, mut bytes: &[u8]) {
        if self.invalid {
            return;
        }
        while !self.begun.is_empty() && !bytes.is_empty() {
            self.begun.push(bytes[0]);
            bytes = &bytes[1..];
            match from_utf8(&self.begun) {
                Ok(_) => self.begun.clear(),
                Err(error) if error.error_len().is_none() => {}
                Err(_) => {
                    self.invalid = true;
                    return;
                }
            }
        }
        match from_utf8(bytes) {
            Ok(_) => {}
            Err(error) if error.error_len().is_none() => self.begun.extend_from_slice(&bytes[error.valid_up_to()..]),
            Err(_) => self.invalid = true,
        }
    }

    fn valid(&self) -> bool {
        !self.invalid && self.begun.is_empty()
    }
}
