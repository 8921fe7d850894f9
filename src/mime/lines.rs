//! Text whose charset is not told, or told wrongly: a line that is valid UTF-8 stays, any other is taken for windows-1252, of which every byte is a
//! character.

use std::str::from_utf8;

use encoding_rs::WINDOWS_1252;

/// Such text on its way. A piece of a very long line may end within a character.
#[derive(Debug, Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    /// Appends a line or a piece of one as UTF-8.
    pub(super) fn append(&mut self, line: &[u8], out: &mut Vec<u8>) {
        if self.begun.is_empty() && line.is_ascii() {
            out.extend_from_slice(line);
            return;
        }
        let mut line = [std::mem::take(&mut self.begun).as_slice(), line].concat();
        if !line.ends_with(b"\n")
            && let Err(error) = from_utf8(&line)
            && error.error_len().is_none()
        {
            self.begun = line.split_off(error.valid_up_to());
        }
        decode(&line, out);
    }

    /// Nothing of this text follows.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        decode(&std::mem::take(&mut self.begun), out);
    }
}

fn decode(line: &[u8], out: &mut Vec<u8>) {
    match from_utf8(line) {
        Ok(text) => out.extend_from_slice(text.as_bytes()),
        Err(_) => out.extend_from_slice(WINDOWS_1252.decode_without_bom_handling(line).0.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_may_come_in_two_pieces() {
        let mut lines = Lines::default();
        let mut out = Vec::new();
        for piece in [&b"a\xe2\x82"[..], b"\xac", b"\n\xe9\n", b"x\xc3"] {
            lines.append(piece, &mut out);
        }
        lines.end(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "a€\né\nxÃ");
    }
}
