//! Cuts a message into lines, and tells of each what it is: part of a header, of a body, a boundary, or what is around the parts (RFC 2045,
//! RFC 2046). Every byte is told once, in order; however the bytes arrive, the same pieces come out.

use super::head::{Head, Media};

/// The longest piece of a line. Longer lines come in several.
const LINE: usize = 64 << 10;

/// The longest header field that is told as one.
const FIELD: usize = 64 << 10;

/// Parts in a message, and messages and multiparts within each other, beyond which no structure is looked for: what comes then belongs to the last part.
const PARTS: u32 = 10_000;
const DEPTH: usize = 64;

/// What a piece is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece<'a> {
    /// A header field with its folded lines, as a rule whole; `begins` tells of one that its beginning is here.
    Field { bytes: &'a [u8], begins: bool },
    /// What ends a header: an empty line, or nothing where a boundary or the message's end did.
    Blank { bytes: &'a [u8], head: &'a Head, place: Place },
    /// A line of a body that holds no parts.
    Body(&'a [u8]),
    /// A boundary; `nested` tells within how many messages.
    Edge { bytes: &'a [u8], nested: usize },
    /// What stands before and behind the parts of a multipart.
    Around(&'a [u8]),
}

/// Where a header stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Messages around it: 0 for the message itself and its parts.
    pub nested: usize,
    /// Whether a body without further parts follows.
    pub leaf: bool,
}

/// A multipart or a message that is open.
#[derive(Debug)]
enum Level {
    Multipart { boundary: Vec<u8>, digest: bool },
    Message,
}

#[derive(Debug, PartialEq, Eq)]
enum Mode {
    Header,
    Body,
    Around,
}

/// The walk through one message. `part` counts headers from 0 and belongs to each piece.
#[derive(Debug)]
pub(super) struct Walker {
    levels: Vec<Level>,
    mode: Mode,
    part: u32,
    head: Head,
    field: Vec<u8>,
    /// Whether the field's beginning was told already.
    told: bool,
    line: Vec<u8>,
    /// Whether `line` goes on a line of which a piece was told.
    continued: bool,
}

impl Walker {
    pub(super) fn new() -> Self {
        Self {
            levels: Vec::new(),
            mode: Mode::Header,
            part: 0,
            head: Head::default(),
            field: Vec::new(),
            told: false,
            line: Vec::new(),
            continued: false,
        }
    }

    /// Takes some more bytes.
    pub(super) fn feed(&mut self, mut bytes: &[u8], tell: &mut impl FnMut(u32, Piece<'_>)) {
        while !bytes.is_empty() {
            let room = LINE - self.line.len();
            let end = memchr::memchr(b'\n', &bytes[..bytes.len().min(room)]).map(|at| at + 1);
            let (piece, rest) = bytes.split_at(end.unwrap_or(bytes.len().min(room)));
            bytes = rest;
            let whole = end.is_some();
            if !whole && self.line.len() + piece.len() < LINE {
                self.line.extend_from_slice(piece);
                return;
            }
            if self.line.is_empty() {
                self.line(piece, tell);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(piece);
                self.line(&line, tell);
                line.clear();
                self.line = line;
            }
            self.continued = !whole;
        }
    }

    /// The message is over.
    pub(super) fn finish(&mut self, tell: &mut impl FnMut(u32, Piece<'_>)) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.line(&line, tell);
        }
        if self.mode == Mode::Header {
            self.end_header(b"", tell);
        }
    }

    /// A line, or a piece of one.
    fn line(&mut self, line: &[u8], tell: &mut impl FnMut(u32, Piece<'_>)) {
        let edge = if self.continued { None } else { self.edge(line) };
        if let Some((level, closing)) = edge {
            if self.mode == Mode::Header {
                self.end_header(b"", tell);
            }
            self.levels.truncate(if closing { level } else { level + 1 });
            tell(self.part, Piece::Edge { bytes: line, nested: self.nested() });
            if closing || self.part >= PARTS {
                self.mode = Mode::Around;
            } else {
                self.begin_header();
            }
            return;
        }
        match self.mode {
            Mode::Body => tell(self.part, Piece::Body(line)),
            Mode::Around => tell(self.part, Piece::Around(line)),
            Mode::Header if !self.continued && matches!(line, b"\n" | b"\r\n") => self.end_header(line, tell),
            Mode::Header => {
                if !self.continued && !matches!(line.first(), Some(b' ' | b'\t')) {
                    self.end_field(tell);
                    self.told = false;
                } else if self.field.len() + line.len() > FIELD {
                    self.end_field(tell);
                }
                self.field.extend_from_slice(line);
            }
        }
    }

    /// Which open multipart's boundary a line is, and whether it is the last one.
    fn edge(&self, line: &[u8]) -> Option<(usize, bool)> {
        let rest = line.strip_prefix(b"--")?;
        self.levels.iter().enumerate().rev().find_map(|(level, open)| {
            let Level::Multipart { boundary, .. } = open else { return None };
            let rest = rest.strip_prefix(boundary.as_slice())?.trim_ascii_end();
            matches!(rest, b"" | b"--").then_some((level, !rest.is_empty()))
        })
    }

    fn nested(&self) -> usize {
        self.levels.iter().filter(|level| matches!(level, Level::Message)).count()
    }

    fn begin_header(&mut self) {
        self.part += 1;
        self.mode = Mode::Header;
        self.head = Head::default();
        self.told = false;
    }

    fn end_field(&mut self, tell: &mut impl FnMut(u32, Piece<'_>)) {
        if self.field.is_empty() {
            return;
        }
        if !self.told {
            self.head.note(&self.field);
        }
        tell(self.part, Piece::Field { bytes: &self.field, begins: !self.told });
        self.told = true;
        self.field.clear();
    }

    fn end_header(&mut self, blank: &[u8], tell: &mut impl FnMut(u32, Piece<'_>)) {
        self.end_field(tell);
        let nested = self.nested();
        let digest = matches!(self.levels.last(), Some(Level::Multipart { digest: true, .. }));
        self.head.complete(digest);
        let open = self.levels.len() < DEPTH && self.part < PARTS;
        let level = match &self.head.media {
            Media::Multipart { boundary, digest } if open => Some(Level::Multipart { boundary: boundary.clone(), digest: *digest }),
            // An encoded one is opaque.
            Media::Message if open && self.head.identity() => Some(Level::Message),
            _ => None,
        };
        tell(self.part, Piece::Blank { bytes: blank, head: &self.head, place: Place { nested, leaf: level.is_none() } });
        self.mode = match &level {
            Some(Level::Multipart { .. }) => Mode::Around,
            Some(Level::Message) | None => Mode::Body,
        };
        let message = matches!(level, Some(Level::Message));
        self.levels.extend(level);
        if message && !blank.is_empty() {
            self.begin_header();
        }
    }
}
