//! Base64 of any length, decoded as it arrives.

use base64::{
    Engine, alphabet,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};
use bytes::{Bytes, BytesMut};

/// The most bytes handed on at once.
pub const CHUNK: usize = 48 * 1024;

/// The text of one such chunk.
const WHOLE: usize = CHUNK / 3 * 4;

/// Padding is cut off before decoding, and bits beyond the last byte are nobody's business.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone),
);

/// Text that is no base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the MIME content is not base64")]
pub struct Junk;

/// The decoder of one element's content. White space anywhere and missing padding are accepted, anything else that is not base64 refused.
#[derive(Debug, Default)]
pub struct Decoder {
    encoded: Vec<u8>,
    padded: bool,
}

impl Decoder {
    /// Takes the next piece of text, of which the decoder buffers at most one chunk; gives every whole chunk to `out`.
    pub fn feed(&mut self, mut text: &[u8], out: &mut Vec<Bytes>) -> Result<(), Junk> {
        while !text.is_empty() {
            let run = memchr::memchr3(b'\r', b'\n', b' ', text).unwrap_or(text.len());
            let (mut run, rest) = text.split_at(run);
            text = rest.get(1..).unwrap_or_default();
            if self.padded || memchr::memchr2(b'=', b'\t', run).is_some() {
                self.slowly(run)?;
                run = &[];
            }
            self.encoded.extend_from_slice(run);
            while self.encoded.len() >= WHOLE {
                out.push(decode(&self.encoded[..WHOLE])?);
                self.encoded.drain(..WHOLE);
            }
        }
        Ok(())
    }

    /// The last bytes, once the text has ended.
    pub fn finish(&mut self) -> Result<Option<Bytes>, Junk> {
        let encoded = std::mem::take(&mut self.encoded);
        if encoded.is_empty() { Ok(None) } else { decode(&encoded).map(Some) }
    }

    /// The road for pieces with padding or tabs: after padding nothing but padding may follow.
    fn slowly(&mut self, run: &[u8]) -> Result<(), Junk> {
        for byte in run {
            match byte {
                b'\t' => {}
                b'=' => self.padded = true,
                _ if self.padded => return Err(Junk),
                _ => self.encoded.push(*byte),
            }
        }
        Ok(())
    }
}

fn decode(encoded: &[u8]) -> Result<Bytes, Junk> {
    let mut decoded = BytesMut::zeroed(encoded.len() / 4 * 3 + 3);
    let length = ENGINE.decode_slice(encoded, &mut decoded).map_err(|_| Junk)?;
    decoded.truncate(length);
    Ok(decoded.freeze())
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    fn all(pieces: &[&[u8]]) -> Result<Vec<u8>, Junk> {
        let mut decoder = Decoder::default();
        let mut out = Vec::new();
        for piece in pieces {
            decoder.feed(piece, &mut out)?;
        }
        out.extend(decoder.finish()?);
        Ok(out.concat())
    }

    #[test]
    fn accepts_blanks_and_missing_padding() {
        assert_eq!(all(&[b"aGV\r\nsb", b"G8=\n "]).unwrap(), b"hello");
        assert_eq!(all(&[b"aGVs\tbG8"]).unwrap(), b"hello");
        assert_eq!(all(&[b"YQ=", b"="]).unwrap(), b"a");
        assert_eq!(all(&[b"", b" \r\n"]).unwrap(), b"");
    }

    #[test]
    fn refuses_junk() {
        assert_eq!(all(&[b"aGVs!G8="]), Err(Junk));
        assert_eq!(all(&[b"YQ==YQ=="]), Err(Junk));
        assert_eq!(all(&[b"YWJjY"]), Err(Junk));
        assert_eq!(all(&["aGVs\u{FFFD}".as_bytes()]), Err(Junk));
    }

    #[test]
    fn hands_on_bounded_chunks() {
        let plain = vec![7u8; 3 * CHUNK + 5];
        let mut decoder = Decoder::default();
        let mut out = Vec::new();
        for piece in STANDARD.encode(&plain).as_bytes().chunks(8192) {
            decoder.feed(piece, &mut out).unwrap();
        }
        assert!(out.len() >= 3 && out.iter().all(|chunk| chunk.len() <= 64 * 1024));
        out.extend(decoder.finish().unwrap());
        assert_eq!(out.concat(), plain);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(plain in prop::collection::vec(any::<u8>(), 0..300), step in 1usize..20) {
            let encoded = STANDARD.encode(&plain);
            let lines: Vec<u8> = encoded.as_bytes().chunks(76).collect::<Vec<_>>().join(&b"\r\n"[..]);
            let pieces: Vec<&[u8]> = lines.chunks(step).collect();
            prop_assert_eq!(all(&pieces).unwrap(), plain);
        }
    }
}
