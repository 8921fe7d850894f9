//! What is attached to a message, by names and sizes.

use super::{
    head::{Head, Media},
    walk::Piece,
};

/// An attachment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// Its file name; empty where it has none.
    pub name: String,
    /// Its type, such as `application/pdf`.
    pub kind: String,
    /// Its size in bytes, decoded.
    pub size: u64,
    /// Whether the text refers to it or shows it.
    pub inline: bool,
}

/// More attachments than this are not told of.
const MOST: usize = 500;

/// Names are cut off here.
const NAME: usize = 255;

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Outline {
    found: Vec<Attached>,
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    attached: Attached,
    counter: Counter,
    /// A message within the message: everything in it belongs to it.
    whole: bool,
    depth: usize,
}

impl Outline {
    pub(super) fn take(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Blank { head, place, bytes } => {
                let within = self.current.as_ref().is_some_and(|current| current.whole && place.nested > current.depth);
                if within {
                    self.count(bytes);
                    return;
                }
                self.end();
                let message = !place.leaf && head.media == Media::Message;
                // What is in an attached message is not attached to this one.
                if place.nested == 0 && (message || (place.leaf && attached(head))) {
                    let name: String = head.file.clone().unwrap_or_default().chars().filter(|c| !c.is_control()).take(NAME).collect();
                    let kind = if head.name.is_empty() { "text/plain".to_owned() } else { head.name.clone() };
                    let inline = head.disposition.as_deref() == Some("inline")
                        || (head.disposition.as_deref() != Some("attachment") && head.referred);
                    let attached = Attached { name, kind, size: 0, inline };
                    self.current = Some(Current { attached, counter: Counter::of(head), whole: message, depth: place.nested });
                }
            }
            Piece::Body(bytes) => self.count(bytes),
            Piece::Edge { bytes, nested } => match &self.current {
                Some(current) if current.whole && *nested > current.depth => self.count(bytes),
                _ => self.end(),
            },
            Piece::Field { bytes, .. } | Piece::Around(bytes) => {
                if self.current.as_ref().is_some_and(|current| current.whole) {
                    self.count(bytes);
                }
            }
        }
    }

    fn count(&mut self, bytes: &[u8]) {
        if let Some(current) = &mut self.current {
            current.counter.count(bytes);
        }
    }

    fn end(&mut self) {
        if let Some(Current { mut attached, counter, .. }) = self.current.take()
            && self.found.len() < MOST
        {
            attached.size = counter.size();
            self.found.push(attached);
        }
    }

    pub(super) fn finish(mut self) -> Vec<Attached> {
        self.end();
        self.found
    }
}

/// Whether a body is attached: it says so, has a file's name, or is nothing that is read.
fn attached(head: &Head) -> bool {
    head.disposition.as_deref() == Some("attachment") || head.file.is_some() || matches!(head.media, Media::Binary | Media::Message)
}

/// Counts a body's bytes as they are once decoded.
#[derive(Debug)]
enum Counter {
    Plain { bytes: u64, newline: u64 },
    Base64 { characters: u64 },
    Quoted { bytes: u64, newline: u64 },
}

impl Counter {
    fn of(head: &Head) -> Self {
        match head.transfer.as_str() {
            "base64" => Self::Base64 { characters: 0 },
            "quoted-printable" => Self::Quoted { bytes: 0, newline: 0 },
            _ => Self::Plain { bytes: 0, newline: 0 },
        }
    }

    fn count(&mut self, line: &[u8]) {
        match self {
            Self::Plain { bytes, newline } => {
                *bytes += line.len() as u64;
                *newline = (line.len() - strip_newline(line).len()) as u64;
            }
            Self::Base64 { characters } => {
                *characters += line.iter().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')).count() as u64;
            }
            Self::Quoted { bytes, newline } => {
                let text = strip_newline(line);
                let (text, soft) = text.strip_suffix(b"=").map_or((text, false), |text| (text, true));
                let escapes = text.iter().filter(|byte| **byte == b'=').count();
                *newline = if soft { 0 } else { (line.len() - strip_newline(line).len()) as u64 };
                *bytes += text.len().saturating_sub(2 * escapes) as u64 + *newline;
            }
        }
    }

    fn size(&self) -> u64 {
        match self {
            // The line break before a boundary belongs to the boundary (RFC 2046, section 5.1.1).
            Self::Plain { bytes, newline } | Self::Quoted { bytes, newline } => bytes.saturating_sub(*newline),
            Self::Base64 { characters } => characters / 4 * 3 + (characters % 4 * 3 / 4),
        }
    }
}

pub(super) fn strip_newline(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
