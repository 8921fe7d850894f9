//! Text as the inside of a JSON string (RFC 8259, section 7).

/// Appends UTF-8 bytes as the inside of a JSON string. All that is escaped is ASCII, so text may be cut anywhere.
pub fn escape(bytes: &[u8], out: &mut Vec<u8>) {
    let mut copied = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => *byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..=0x1f => b'u',
            _ => continue,
        };
        out.extend_from_slice(&bytes[copied..at]);
        copied = at + 1;
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.extend_from_slice(&[b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
        }
    }
    out.extend_from_slice(&bytes[copied..]);
}

/// How long the same is.
pub fn escaped(bytes: &[u8]) -> u64 {
    let more = |byte: &u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 1,
        0..=0x1f => 5,
        _ => 0,
    };
    bytes.len() as u64 + bytes.iter().map(more).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_comes_back(text in "[\u{0}-\u{7f}é€𝄞]{0,60}", cut in 0_usize..200) {
            let (head, tail) = text.as_bytes().split_at(cut.min(text.len()));
            let mut out = b"\"".to_vec();
            escape(head, &mut out);
            escape(tail, &mut out);
            prop_assert_eq!(out.len() as u64, 1 + escaped(text.as_bytes()));
            out.push(b'"');
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
