//! A message's MIME as `MimeContent` holds it: base64, encoded as it is sent so that no large body is ever whole in memory.

use crate::content::Content;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use std::collections::VecDeque;
use std::io;

use super::regenerated;
use super::xml::Piece;

/// Bytes gathered before they go out as one chunk.
const CHUNK: usize = 64 << 10;
/// Characters of base64 in a line, where there are lines at all.
const LINE: usize = 76;

/// How the base64 is laid out. All but the first are faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// What ends each line of 76 characters; `None` for one long line, as Exchange sends it.
    pub line_end: Option<&'static str>,
    /// The padding at the end is left out.
    pub unpadded: bool,
    /// Nothing comes after this many characters.
    pub cut: Option<u64>,
    /// The message itself is made anew: the same content, other bytes each time.
    pub regenerated: bool,
}

/// One message's MIME and how it is laid out.
#[derive(Clone, Debug)]
pub(super) struct MimePart {
    /// The bytes.
    pub content: Content,
    /// The layout of their base64.
    pub layout: Layout,
}

/// Encodes a stream of bytes piece by piece.
struct Encoder {
    layout: Layout,
    carry: Vec<u8>,
    column: usize,
    sent: u64,
}

impl Encoder {
    fn new(layout: Layout) -> Self {
        Self { layout, carry: Vec::with_capacity(2), column: 0, sent: 0 }
    }

    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut whole = std::mem::take(&mut self.carry);
        whole.extend_from_slice(bytes);
        let keep = whole.len() % 3;
        self.carry = whole.split_off(whole.len() - keep);
        let text = STANDARD.encode(&whole);
        self.lay(&text, out);
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        let rest = std::mem::take(&mut self.carry);
        let text = if self.layout.unpadded { STANDARD_NO_PAD.encode(&rest) } else { STANDARD.encode(&rest) };
        self.lay(&text, out);
    }

    fn lay(&mut self, text: &str, out: &mut Vec<u8>) {
        let mut text = text.as_bytes();
        if let Some(cut) = self.layout.cut {
            let left = usize::try_from(cut.saturating_sub(self.sent)).unwrap_or(usize::MAX);
            text = text.get(..left).unwrap_or(text);
        }
        self.sent += text.len() as u64;
        let Some(end) = self.layout.line_end else {
            out.extend_from_slice(text);
            return;
        };
        while !text.is_empty() {
            if self.column == LINE {
                out.extend_from_slice(end.as_bytes());
                self.column = 0;
            }
            let (line, rest) = text.split_at(text.len().min(LINE - self.column));
            out.extend_from_slice(line);
            self.column += line.len();
            text = rest;
        }
    }
}

struct Running {
    pieces: VecDeque<Piece>,
    current: Option<(BoxStream<'static, io::Result<Bytes>>, Encoder)>,
    done: bool,
}

/// The bytes of a document, in chunks of about [`CHUNK`].
pub(super) fn stream(pieces: Vec<Piece>) -> BoxStream<'static, io::Result<Bytes>> {
    let running = Running { pieces: pieces.into(), current: None, done: false };
    stream::try_unfold(running, |mut running| async move {
        let chunk = running.next_chunk().await?;
        Ok(chunk.map(|chunk| (chunk, running)))
    })
    .boxed()
}

impl Running {
    async fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        if self.done {
            return Ok(None);
        }
        let mut out = Vec::with_capacity(CHUNK);
        while out.len() < CHUNK {
            if let Some((source, encoder)) = &mut self.current {
                match source.next().await {
                    Some(bytes) => encoder.push(&bytes?, &mut out),
                    None => {
                        encoder.finish(&mut out);
                        self.current = None;
                    }
                }
                continue;
            }
            match self.pieces.pop_front() {
                Some(Piece::Text(text)) => out.extend_from_slice(text.as_bytes()),
                Some(Piece::Mime(part)) => {
                    let source = part.content.chunks();
                    let source = if part.layout.regenerated { regenerated::stream(source) } else { source };
                    self.current = Some((source, Encoder::new(part.layout)));
                }
                None => {
                    self.done = true;
                    break;
                }
            }
        }
        Ok((!out.is_empty()).then(|| out.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn laid(bytes: &[u8], layout: Layout) -> String {
        let content = Content::bytes_of(Bytes::copy_from_slice(bytes));
        let part = MimePart { content, layout };
        let pieces = vec![Piece::Text("<a>".into()), Piece::Mime(part), Piece::Text("</a>".into())];
        let mut out = Vec::new();
        let mut chunks = stream(pieces);
        while let Some(chunk) = chunks.next().await {
            out.extend_from_slice(&chunk.expect("memory does not fail"));
        }
        String::from_utf8(out).expect("base64 is ASCII")
    }

    #[tokio::test]
    async fn every_length_is_encoded_as_if_at_once() {
        for length in [0, 1, 2, 3, 4, 65_535, 65_536, 65_537, 200_000] {
            let bytes: Vec<u8> = (0..length).map(|n: u32| n as u8).collect();
            let expected = format!("<a>{}</a>", STANDARD.encode(&bytes));
            assert_eq!(laid(&bytes, Layout::default()).await, expected, "{length} bytes");
        }
    }

    #[tokio::test]
    async fn faulty_layouts_hold_the_same_bytes() {
        let bytes = vec![7u8; 1000];
        let plain = STANDARD.encode(&bytes);
        let lines = laid(&bytes, Layout { line_end: Some("\r\n"), ..Layout::default() }).await;
        assert!(lines.lines().all(|line| line.len() <= LINE + 7));
        assert_eq!(lines.replace("\r\n", ""), format!("<a>{plain}</a>"));
        let bare = laid(&bytes, Layout { unpadded: true, ..Layout::default() }).await;
        assert_eq!(bare, format!("<a>{}</a>", plain.trim_end_matches('=')));
        let cut = laid(&bytes, Layout { cut: Some(10), ..Layout::default() }).await;
        assert_eq!(cut, format!("<a>{}</a>", &plain[..10]));
    }
}
