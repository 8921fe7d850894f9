//! MIME made anew for each fetch, as servers do that keep messages as properties: the same content, never the same bytes.
//!
//! The message is read in pieces and given out in pieces: its boundary becomes a random one of the same length wherever it occurs, header
//! lines that such servers do not keep are left out, and a random Thread-Index is added, so that messages without a boundary differ too.

use crate::oauth::random;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use std::io;

/// Header lines that are lost.
const LOST: [&str; 4] = ["received", "dkim-signature", "list-id", "x-custom-header"];
/// The most bytes of a header; a longer one goes out as it is.
const HEADER: usize = 256 << 10;

struct Rewriting {
    source: BoxStream<'static, io::Result<Bytes>>,
    /// What was read and not given out yet.
    held: Vec<u8>,
    /// The boundary and what stands in its place, once the header is read.
    swap: Option<Option<Swap>>,
    over: bool,
}

struct Swap {
    old: Vec<u8>,
    new: Vec<u8>,
}

/// The message of `source`, made anew.
pub(crate) fn stream(source: BoxStream<'static, io::Result<Bytes>>) -> BoxStream<'static, io::Result<Bytes>> {
    let rewriting = Rewriting { source, held: Vec::new(), swap: None, over: false };
    stream::try_unfold(rewriting, |mut rewriting| async move { Ok(rewriting.next().await?.map(|piece| (piece, rewriting))) }).boxed()
}

impl Rewriting {
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        while !self.over {
            match self.source.next().await {
                Some(piece) => self.held.extend_from_slice(&piece?),
                None => self.over = true,
            }
            if self.swap.is_none() {
                let end = self.held.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 2);
                match end {
                    Some(end) => self.begin(end),
                    None if self.over || self.held.len() > HEADER => self.swap = Some(None),
                    None => continue,
                }
            }
            let ready = self.ready();
            if !ready.is_empty() {
                return Ok(Some(ready.into()));
            }
        }
        Ok(None)
    }

    /// Rewrites the header, which ends at `end`.
    fn begin(&mut self, end: usize) {
        let body = self.held.split_off(end);
        let header = std::mem::take(&mut self.held);
        let old = boundary(&String::from_utf8_lossy(&header)).map(|text| text.into_bytes());
        self.held.extend_from_slice(format!("Thread-Index: {}\r\n", STANDARD.encode(random::<22>())).as_bytes());
        let mut lost = false;
        for line in header.split_inclusive(|byte| *byte == b'\n') {
            if !line.starts_with(b" ") && !line.starts_with(b"\t") {
                let name = line.split(|byte| *byte == b':').next().unwrap_or_default().to_ascii_lowercase();
                lost = LOST.iter().any(|known| known.as_bytes() == name);
            }
            if !lost {
                self.held.extend_from_slice(line);
            }
        }
        self.held.extend_from_slice(&body);
        self.swap = Some(old.map(|old| Swap { new: fresh(old.len()), old }));
    }

    /// Takes what can go out: all but what may be the beginning of a boundary.
    fn ready(&mut self) -> Vec<u8> {
        let Some(Some(swap)) = &self.swap else {
            return std::mem::take(&mut self.held);
        };
        let length = swap.old.len();
        let mut at = 0;
        while let Some(found) = self.held.get(at..).and_then(|rest| rest.windows(length).position(|window| window == swap.old)) {
            at += found;
            if let Some(place) = self.held.get_mut(at..at + length) {
                place.copy_from_slice(&swap.new);
            }
            at += length;
        }
        let keep = if self.over { self.held.len() } else { self.held.len().saturating_sub(length - 1).max(at) };
        let rest = self.held.split_off(keep);
        std::mem::replace(&mut self.held, rest)
    }
}

/// The boundary a header names (RFC 2046 section 5.1.1), if it is long enough not to occur by chance.
fn boundary(header: &str) -> Option<String> {
    let at = header.to_ascii_lowercase().find("boundary=")?;
    let rest = header.get(at + "boundary=".len()..)?;
    let text = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => rest.split(|letter: char| letter.is_whitespace() || letter == ';').next()?,
    };
    (text.len() >= 4 && text.len() <= 70).then(|| text.to_owned())
}

/// A random text of this length.
fn fresh(length: usize) -> Vec<u8> {
    let text: String = random::<35>().iter().map(|byte| format!("{byte:02x}")).collect();
    text.into_bytes().into_iter().cycle().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the message in pieces of this many bytes.
    async fn made(message: &str, piece: usize) -> String {
        let pieces: Vec<_> = message.as_bytes().chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let all: Vec<_> = stream(stream::iter(pieces).boxed()).map(|piece| piece.expect("memory does not fail")).collect().await;
        String::from_utf8(all.concat()).expect("the message is ASCII")
    }

    #[tokio::test]
    async fn each_time_it_has_another_boundary_and_the_same_parts() {
        let message = "Received: from a\r\n\tby b\r\nSubject: s\r\nContent-Type: multipart/mixed; boundary=\"=_abcdef\"\r\n\r\n--=_abcdef\r\n\r\none\r\n--=_abcdef\r\n\r\ntwo\r\n--=_abcdef--\r\n";
        for piece in [1, 7, 4096] {
            let (first, second) = (made(message, piece).await, made(message, piece).await);
            assert_ne!(first, second);
            assert!(!first.contains("=_abcdef") && !first.contains("Received") && !first.contains("by b"), "{first}");
            let name = boundary(&first).expect("still multipart");
            assert_eq!(first.matches(&name).count(), 4);
            assert!(first.contains("\r\n\r\none\r\n--") && first.contains("Subject: s\r\n") && first.ends_with("--\r\n"), "{first}");
        }
    }

    #[tokio::test]
    async fn a_message_without_parts_differs_too() {
        let message = "Subject: s\r\n\r\nhello\r\n";
        let (first, second) = (made(message, 5).await, made(message, 5).await);
        assert!(first != second && first.ends_with(message), "{first}");
        assert_eq!(made("no header at all", 3).await, "no header at all");
    }
}
