//! Writes a message anew as UTF-8, without losing text. What is ASCII stays as it is, which nearly all of any message is.
//!
//! Text is decoded by its charset and labelled as UTF-8; what a page says of its charset within itself then counts for less than the label (RFC 2854,
//! section 6). What is no text, or of a charset we cannot read, becomes base64. Headers are decoded line by line.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use encoding_rs::{Decoder, Encoding};

use super::{
    field::{append_decoded, named, relabelled, value},
    lines::Lines,
    outline::strip_newline,
    plan::{Action, Plan},
    walk::{Piece, Walker},
};

/// Bytes that make a line of base64.
const GROUP: usize = 57;

/// A message on its way.
#[derive(Debug)]
pub struct Reencoder {
    walker: Walker,
    writer: Writer,
}

impl Reencoder {
    /// By the plan that a [`Surveyor`](super::Surveyor) made of the same bytes.
    pub fn new(plan: Arc<Plan>) -> Self {
        Self { walker: Walker::new(), writer: Writer { plan, state: State::default() } }
    }

    /// Takes some more bytes, and appends what has become of them.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let writer = &mut self.writer;
        self.walker.feed(bytes, &mut |part, piece| writer.take(part, piece, out));
    }

    /// The message is over.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let writer = &mut self.writer;
        self.walker.finish(&mut |part, piece| writer.take(part, piece, out));
        writer.state.lines.end(out);
        writer.state.end_body(true, out);
    }
}

#[derive(Debug)]
struct Writer {
    plan: Arc<Plan>,
    state: State,
}

#[derive(Default)]
struct State {
    typed: bool,
    transferred: bool,
    versioned: bool,
    lines: Lines,
    decoder: Option<Decoder>,
    group: Vec<u8>,
    /// A line break that belongs to the body only if no boundary follows.
    held: Vec<u8>,
    /// Whether the body becomes base64, and any of it was written.
    encoding: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

impl Writer {
    fn take(&mut self, number: u32, piece: Piece<'_>, out: &mut Vec<u8>) {
        let part = self.plan.part(number);
        let state = &mut self.state;
        match piece {
            Piece::Field { bytes, begins } => {
                let from = out.len();
                append_decoded(bytes, part.charset.or(self.plan.charset), out);
                if begins {
                    state.adapt(part.action, from, out);
                }
            }
            Piece::Blank { bytes, .. } => {
                state.complete(part.action, number == 0, bytes, out);
                out.extend_from_slice(bytes);
                state.begin_body(part.action);
            }
            Piece::Body(bytes) => state.body(part.action, bytes, out),
            Piece::Edge { bytes, .. } => {
                state.lines.end(out);
                state.end_body(false, out);
                append_decoded(bytes, self.plan.charset, out);
            }
            Piece::Around(bytes) => state.lines.append(bytes, out),
        }
    }
}

impl State {
    /// A field was appended at `from`: says what becomes of the body.
    fn adapt(&mut self, action: Action, from: usize, out: &mut Vec<u8>) {
        if named(&out[from..], "content-type") {
            self.typed = true;
            if matches!(action, Action::Lines | Action::Decode(_)) {
                let field = out.split_off(from);
                out.extend_from_slice(&relabelled(&field));
            }
        } else if named(&out[from..], "content-transfer-encoding") {
            self.transferred = true;
            let seven_bit = value(&out[from..]).trim_ascii().eq_ignore_ascii_case(b"7bit");
            let transfer = match action {
                Action::Base64 => "base64",
                Action::Lines | Action::Decode(_) | Action::Unlabelled if seven_bit => "8bit",
                _ => return,
            };
            let field = out.split_off(from);
            let newline = &field[strip_newline(&field).len()..];
            out.extend_from_slice(&field[..field.len() - value(&field).len()]);
            out.extend_from_slice(b" ");
            out.extend_from_slice(transfer.as_bytes());
            out.extend_from_slice(newline);
        } else if named(&out[from..], "mime-version") {
            self.versioned = true;
        }
    }

    /// A header is over: says what it left unsaid.
    fn complete(&mut self, action: Action, root: bool, blank: &[u8], out: &mut Vec<u8>) {
        let mut say = |field: &str| {
            out.extend_from_slice(field.as_bytes());
            out.extend_from_slice(blank);
        };
        let text = matches!(action, Action::Lines | Action::Decode(_));
        if text && !self.typed {
            if root && !self.versioned {
                say("MIME-Version: 1.0");
            }
            say("Content-Type: text/plain; charset=utf-8");
        }
        match action {
            Action::Base64 if !self.transferred => say("Content-Transfer-Encoding: base64"),
            _ if text && !self.transferred => say("Content-Transfer-Encoding: 8bit"),
            _ => {}
        }
        (self.typed, self.transferred) = (false, false);
    }

    fn begin_body(&mut self, action: Action) {
        self.decoder = match action {
            Action::Decode(encoding) => Some(decoder(encoding)),
            _ => None,
        };
        self.encoding = action == Action::Base64;
    }

    fn body(&mut self, action: Action, line: &[u8], out: &mut Vec<u8>) {
        match action {
            Action::Keep => out.extend_from_slice(line),
            Action::Lines | Action::Unlabelled => self.lines.append(line, out),
            Action::Decode(_) => self.decode(line, false, out),
            Action::Base64 => {
                let text = strip_newline(line);
                self.group.append(&mut self.held);
                self.group.extend_from_slice(text);
                self.held.extend_from_slice(&line[text.len()..]);
                let whole = self.group.len() / GROUP * GROUP;
                for group in self.group[..whole].chunks(GROUP) {
                    append_base64(group, out);
                }
                self.group.drain(..whole);
            }
            Action::Quote => {
                for byte in line {
                    match byte.is_ascii() {
                        true => out.push(*byte),
                        false => out.extend_from_slice(format!("={byte:02X}").as_bytes()),
                    }
                }
            }
            Action::Drop => out.extend(line.iter().filter(|byte| byte.is_ascii())),
        }
    }

    /// A body is over, together with the `message` or before a boundary.
    fn end_body(&mut self, message: bool, out: &mut Vec<u8>) {
        self.decode(b"", true, out);
        self.decoder = None;
        if std::mem::take(&mut self.encoding) {
            if message {
                self.group.append(&mut self.held);
            }
            for group in self.group.chunks(GROUP) {
                append_base64(group, out);
            }
        }
        self.held.clear();
        self.group.clear();
    }

    fn decode(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) {
        let Some(decoder) = &mut self.decoder else { return };
        let from = out.len();
        let room = decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(bytes.len().saturating_mul(4));
        out.resize(from + room, 0);
        let (_, _, written, _) = decoder.decode_to_utf8(bytes, &mut out[from..], last);
        out.truncate(from + written);
    }
}

/// Of the families with two byte orders, a mark at the beginning tells which.
fn decoder(encoding: &'static Encoding) -> Decoder {
    match encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE {
        true => encoding.new_decoder(),
        false => encoding.new_decoder_without_bom_handling(),
    }
}

fn append_base64(group: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(STANDARD.encode(group).as_bytes());
    out.extend_from_slice(b"\r\n");
}
