//! A message as a list of short literals and long fills: its length is known, its bytes are made only as they are sent.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::PIECE;
use super::rng::Rng;

/// What a fill is made of. Every line has 76 characters and ends with CRLF, the last may be shorter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fill {
    /// Words.
    Text,
    /// Random base64 characters.
    Base64,
}

/// One part of a recipe.
#[derive(Clone, Debug)]
pub enum Segment {
    /// These bytes.
    Literal(Bytes),
    /// So many bytes of a fill.
    Fill {
        /// Of what.
        what: Fill,
        /// Decides the bytes.
        seed: u64,
        /// How many bytes, line ends included.
        length: u64,
    },
}

impl Segment {
    /// Length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Literal(bytes) => bytes.len() as u64,
            Self::Fill { length, .. } => *length,
        }
    }

    /// Whether it has no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A message made as it is sent.
#[derive(Clone, Debug, Default)]
pub struct Recipe {
    segments: Vec<Segment>,
    length: u64,
}

/// Bytes of a full fill line, CRLF included.
pub const LINE: u64 = 78;
const LINES_A_PIECE: u64 = PIECE as u64 / LINE;
const WORDS: &[&str] = &[
    "account",
    "agree",
    "annual",
    "before",
    "budget",
    "carry",
    "change",
    "client",
    "confirm",
    "contract",
    "deliver",
    "detail",
    "draft",
    "each",
    "figure",
    "finish",
    "forward",
    "further",
    "general",
    "hours",
    "include",
    "invoice",
    "kindly",
    "letter",
    "margin",
    "matter",
    "meeting",
    "month",
    "number",
    "offer",
    "order",
    "paper",
    "period",
    "please",
    "project",
    "quarter",
    "reason",
    "regard",
    "report",
    "review",
    "schedule",
    "sincerely",
    "team",
    "thanks",
    "today",
    "update",
    "value",
    "week",
];
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

impl Recipe {
    /// Adds bytes as they are.
    pub fn literal(&mut self, bytes: impl Into<Bytes>) {
        self.push(Segment::Literal(bytes.into()));
    }

    /// Adds a fill of so many bytes.
    pub fn fill(&mut self, what: Fill, seed: u64, length: u64) {
        self.push(Segment::Fill { what, seed, length });
    }

    fn push(&mut self, segment: Segment) {
        self.length = self.length.saturating_add(segment.len());
        self.segments.push(segment);
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether it has no byte.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The bytes in pieces of at most [`PIECE`]; small segments are joined so that a small message is one piece.
    pub fn pieces(recipe: Arc<Self>) -> impl Iterator<Item = Bytes> + Send + 'static {
        let (mut segment, mut done) = (0, 0);
        std::iter::from_fn(move || {
            let mut piece = BytesMut::new();
            while let Some(current) = recipe.segments.get(segment) {
                let room = PIECE - piece.len();
                let left = current.len().saturating_sub(done);
                if left == 0 {
                    (segment, done) = (segment + 1, 0);
                    continue;
                }
                match current {
                    Segment::Literal(bytes) => {
                        let rest = bytes.get(done as usize..).unwrap_or_default();
                        let part = rest.get(..room.min(rest.len())).unwrap_or_default();
                        if part.is_empty() {
                            break;
                        }
                        piece.extend_from_slice(part);
                        done += part.len() as u64;
                    }
                    Segment::Fill { what, seed, length } => {
                        let lines = (room as u64 / LINE).min(LINES_A_PIECE);
                        if lines == 0 {
                            break;
                        }
                        let upto = length.min(&(done + lines * LINE)).to_owned();
                        while done < upto {
                            line(*what, *seed, done / LINE, (length - done).min(LINE) as usize, &mut piece);
                            done += (length - done).min(LINE);
                        }
                    }
                }
            }
            (!piece.is_empty()).then(|| piece.freeze())
        })
    }
}

/// Writes one line of a fill, of `length` bytes with its CRLF (a line of one byte is a lone character).
fn line(what: Fill, seed: u64, number: u64, length: usize, out: &mut BytesMut) {
    let mut rng = Rng::of(&[seed, number]);
    let text = if length >= 2 { length - 2 } else { length };
    let end = out.len() + text;
    match what {
        Fill::Text => {
            while out.len() < end {
                let word = rng.word(WORDS).as_bytes();
                let part = word.get(..word.len().min(end - out.len())).unwrap_or_default();
                out.extend_from_slice(part);
                // No blank at the end of a line: relays strip them.
                if out.len() + 1 < end {
                    out.extend_from_slice(b" ");
                }
            }
        }
        Fill::Base64 => {
            while out.len() < end {
                let mut bits = rng.next_u64();
                for _ in 0..10.min(end - out.len()) {
                    out.extend_from_slice(&BASE64[(bits & 63) as usize..][..1]);
                    bits >>= 6;
                }
            }
        }
    }
    if length >= 2 {
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(recipe: &Recipe) -> Vec<u8> {
        Recipe::pieces(Arc::new(recipe.clone())).fold(Vec::new(), |mut all, piece| {
            assert!(piece.len() <= PIECE);
            all.extend_from_slice(&piece);
            all
        })
    }

    #[test]
    fn the_length_is_exact_at_every_size() {
        for what in [Fill::Text, Fill::Base64] {
            for length in (0..400).chain([65_535, 65_536, 65_537, 70_000, 1_000_003]) {
                let mut recipe = Recipe::default();
                recipe.literal("Subject: x\r\n\r\n");
                recipe.fill(what, 5, length);
                recipe.literal("end");
                let bytes = made(&recipe);
                assert_eq!((bytes.len() as u64, recipe.len()), (length + 17, length + 17));
                assert!(bytes.split(|byte| *byte == b'\n').all(|line| line.len() <= 80));
                assert_eq!(bytes, made(&recipe));
            }
        }
    }

    #[test]
    fn a_long_literal_comes_in_pieces() {
        let mut recipe = Recipe::default();
        recipe.literal(vec![b'x'; PIECE * 2 + 5]);
        recipe.fill(Fill::Text, 1, 100);
        assert_eq!(made(&recipe).len(), PIECE * 2 + 105);
    }

    #[test]
    fn seeds_decide_the_bytes() {
        let of = |seed| {
            let mut recipe = Recipe::default();
            recipe.fill(Fill::Base64, seed, 500);
            made(&recipe)
        };
        assert_ne!(of(1), of(2));
        assert_eq!(of(3), of(3));
    }
}
