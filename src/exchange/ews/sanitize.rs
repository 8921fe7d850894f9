//! Makes a byte stream legal XML 1.0 text in UTF-8, whatever a server wrote into it.
//!
//! Exchange escapes control characters of subjects and names as references that XML 1.0 forbids (`&#x1F;`), other servers send them raw or
//! cut surrogate pairs in two. A parser gives up on the whole document for one of them, so each is replaced by U+FFFD before the parser sees
//! it (XML 1.0, 2.2 Characters and 4.1 Character and Entity References). Legal references stay as they are.

use bytes::{Bytes, BytesMut};

/// What stands in for anything illegal.
const REPLACEMENT: &str = "\u{FFFD}";

/// The longest numeric reference that is waited for; a longer run of leading zeros does not occur and is passed on as it is.
const LONGEST_REFERENCE: usize = 40;

/// The state carried from one chunk to the next: an unfinished reference or an unfinished UTF-8 sequence.
#[derive(Debug, Default)]
pub struct Sanitizer {
    rest: Vec<u8>,
}

impl Sanitizer {
    /// The legal form of the next chunk; a chunk without anything suspicious comes back as it is, uncopied. May be empty while a sequence
    /// is unfinished.
    pub fn feed(&mut self, chunk: Bytes) -> Bytes {
        if self.rest.is_empty() {
            let clean = clean_prefix(&chunk);
            if clean == chunk.len() {
                return chunk;
            }
            let mut out = BytesMut::with_capacity(chunk.len() + 16);
            out.extend_from_slice(&chunk[..clean]);
            self.run(&chunk[clean..], false, &mut out);
            return out.freeze();
        }
        let mut joined = std::mem::take(&mut self.rest);
        joined.extend_from_slice(&chunk);
        let mut out = BytesMut::with_capacity(joined.len() + 16);
        self.run(&joined, false, &mut out);
        out.freeze()
    }

    /// What was held back, once no more bytes come.
    pub fn finish(&mut self) -> Bytes {
        let rest = std::mem::take(&mut self.rest);
        let mut out = BytesMut::with_capacity(rest.len() + 8);
        self.run(&rest, true, &mut out);
        out.freeze()
    }

    fn run(&mut self, mut input: &[u8], last: bool, out: &mut BytesMut) {
        loop {
            let (text, bad) = match std::str::from_utf8(input) {
                Ok(text) => (text, None),
                Err(error) => {
                    let (valid, _) = input.split_at(error.valid_up_to());
                    // Checked just now, so the default never comes about.
                    (std::str::from_utf8(valid).unwrap_or_default(), Some(error.error_len()))
                }
            };
            let taken = text.len();
            match bad {
                // Broken in the middle: what came before cannot go on, so even an unfinished reference in it is final.
                Some(Some(length)) => {
                    legalize(text, true, out);
                    out.extend_from_slice(REPLACEMENT.as_bytes());
                    input = &input[taken + length..];
                }
                // A sequence that the next chunk may complete.
                Some(None) => {
                    legalize(text, true, out);
                    if last {
                        out.extend_from_slice(REPLACEMENT.as_bytes());
                    } else {
                        self.rest.extend_from_slice(&input[taken..]);
                    }
                    return;
                }
                None => {
                    let held = legalize(text, last, out);
                    self.rest.extend_from_slice(held.as_bytes());
                    return;
                }
            }
        }
    }
}

/// Appends the legal form of `text`; returns the unfinished reference at its end, unless `last`.
fn legalize<'a>(text: &'a str, last: bool, out: &mut BytesMut) -> &'a str {
    let mut rest = text;
    while let Some(at) = rest.find(suspicious) {
        let (before, from) = rest.split_at(at);
        out.extend_from_slice(before.as_bytes());
        if !from.starts_with('&') {
            out.extend_from_slice(REPLACEMENT.as_bytes());
            rest = from.get(from.chars().next().map_or(1, char::len_utf8)..).unwrap_or_default();
            continue;
        }
        match reference(from) {
            Reference::Legal(length) | Reference::None(length) => {
                out.extend_from_slice(&from.as_bytes()[..length]);
                rest = &from[length..];
            }
            Reference::Illegal(length) => {
                out.extend_from_slice(REPLACEMENT.as_bytes());
                rest = &from[length..];
            }
            Reference::Unfinished if last => {
                out.extend_from_slice(from.as_bytes());
                return "";
            }
            Reference::Unfinished => return from,
        }
    }
    out.extend_from_slice(rest.as_bytes());
    ""
}

enum Reference {
    /// A numeric reference to a legal character, of so many bytes.
    Legal(usize),
    /// One to an illegal character.
    Illegal(usize),
    /// Not a numeric reference; so many bytes may be passed on.
    None(usize),
    /// The end was reached before it could be told.
    Unfinished,
}

fn reference(from: &str) -> Reference {
    let bytes = from.as_bytes();
    let (digits, radix) = match bytes {
        [b'&', b'#', b'x' | b'X', ..] => (3, 16),
        [b'&', b'#', ..] => (2, 10),
        [b'&'] => return Reference::Unfinished,
        _ => return Reference::None(1),
    };
    let mut value: u32 = 0;
    for (at, byte) in bytes.iter().enumerate().skip(digits) {
        if at > LONGEST_REFERENCE {
            return Reference::None(digits);
        }
        match (char::from(*byte).to_digit(radix), byte) {
            (Some(digit), _) => value = value.saturating_mul(radix).saturating_add(digit),
            (None, b';') if at > digits => {
                return if char::from_u32(value).is_some_and(legal) { Reference::Legal(at + 1) } else { Reference::Illegal(at + 1) };
            }
            _ => return Reference::None(digits),
        }
    }
    Reference::Unfinished
}

/// Whether a character must be looked at: illegal itself, or the beginning of a reference.
fn suspicious(c: char) -> bool {
    c == '&' || !legal(c)
}

/// Char of XML 1.0.
fn legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..='\u{10FFFF}')
}

/// How many leading bytes are plain ASCII without control characters and ampersands. Works in blocks without branches, so that base64, which
/// is nearly all of the traffic, passes at memory speed.
fn clean_prefix(bytes: &[u8]) -> usize {
    const BLOCK: usize = 64;
    let dirty = |byte: u8| (byte >= 0x80) | (byte == b'&') | ((byte < 0x20) & (byte != b'\n') & (byte != b'\r') & (byte != b'\t'));
    let mut clean = 0;
    for block in bytes.chunks(BLOCK) {
        if block.iter().fold(false, |any, byte| any | dirty(*byte)) {
            return clean + block.iter().position(|byte| dirty(*byte)).unwrap_or_default();
        }
        clean += block.len();
    }
    clean
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(input: &[u8]) -> String {
        split(input, &[])
    }

    fn split(input: &[u8], cuts: &[usize]) -> String {
        let mut sanitizer = Sanitizer::default();
        let mut out = Vec::new();
        let mut from = 0;
        for cut in cuts.iter().copied().chain([input.len()]) {
            let to = cut.clamp(from, input.len());
            out.extend_from_slice(&sanitizer.feed(Bytes::copy_from_slice(&input[from..to])));
            from = to;
        }
        out.extend_from_slice(&sanitizer.finish());
        String::from_utf8(out).expect("sanitized text is UTF-8")
    }

    #[test]
    fn replaces_illegal_references_only() {
        assert_eq!(whole(b"a&#x1F;b&#0;c&#x0000B;d&#xd83D;e&#xFFFE;f&#x110000;"), "a\u{FFFD}b\u{FFFD}c\u{FFFD}d\u{FFFD}e\u{FFFD}f\u{FFFD}");
        assert_eq!(whole(b"&#xD;&#10;&#x9;&#x1F600;&amp;&lt;"), "&#xD;&#10;&#x9;&#x1F600;&amp;&lt;");
    }

    #[test]
    fn replaces_raw_control_bytes_noncharacters_and_broken_utf8() {
        assert_eq!(whole(b"a\x00b\x1Fc\td\r\n"), "a\u{FFFD}b\u{FFFD}c\td\r\n");
        assert_eq!(whole(b"\xEF\xBF\xBE|\xEF\xBF\xBF"), "\u{FFFD}|\u{FFFD}");
        assert_eq!(whole(b"ok \xC3\xBC bad \xFF\xC3("), "ok \u{FC} bad \u{FFFD}\u{FFFD}(");
        assert!(whole(b"cesu \xED\xA0\xBD\xED\xB8\x80 end").ends_with(" end"));
    }

    #[test]
    fn leaves_what_is_no_reference() {
        assert_eq!(whole(b"&#; &#x; &#xZ; &# &"), "&#; &#x; &#xZ; &# &");
        let zeros = format!("&#{}1;", "0".repeat(100));
        assert_eq!(whole(zeros.as_bytes()), zeros);
    }

    #[test]
    fn a_clean_chunk_is_not_copied() {
        let chunk = Bytes::from(vec![b'A'; 1000]);
        let pointer = chunk.as_ptr();
        assert_eq!(Sanitizer::default().feed(chunk).as_ptr(), pointer);
    }

    proptest! {
        #[test]
        fn chunk_borders_do_not_matter(
            input in prop::collection::vec(
                prop_oneof![
                    any::<u8>().prop_map(|b| vec![b]),
                    Just(b"&#x1F;".to_vec()), Just(b"&#65;".to_vec()), Just("\u{1F600}".as_bytes().to_vec()), Just(vec![b'A'; 70])
                ], 0..20),
            cuts in prop::collection::vec(0usize..400, 0..8)
        ) {
            let input = input.concat();
            let mut cuts = cuts;
            cuts.sort_unstable();
            let together = whole(&input);
            prop_assert_eq!(&together, &split(&input, &cuts));
            prop_assert!(together.chars().all(legal));
        }
    }
}
