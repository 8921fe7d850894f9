//! Header fields, as they are written.

use std::borrow::Cow;

use encoding_rs::{Encoding, WINDOWS_1252};

/// Whether a field has this name, which is given in lower case.
pub(super) fn named(field: &[u8], name: &str) -> bool {
    let Some((head, rest)) = field.split_at_checked(name.len()) else { return false };
    head.eq_ignore_ascii_case(name.as_bytes()) && matches!(rest.trim_ascii_start().first(), Some(b':'))
}

/// What stands behind the colon.
pub(super) fn value(field: &[u8]) -> &[u8] {
    field.iter().position(|byte| *byte == b':').map_or(&[], |colon| &field[colon + 1..])
}

/// Appends lines of a header as UTF-8: what is valid stays; else it is of the charset that the message uses, else of the one that most such mail is of.
pub(super) fn append_decoded(lines: &[u8], charset: Option<&'static Encoding>, out: &mut Vec<u8>) {
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        if line.is_ascii() {
            out.extend_from_slice(line);
            continue;
        }
        let line = quoted_words(line);
        if std::str::from_utf8(&line).is_ok() {
            out.extend_from_slice(&line);
            continue;
        }
        let decoded = charset.and_then(|charset| charset.decode_without_bom_handling_and_without_replacement(&line));
        let text = decoded.unwrap_or_else(|| WINDOWS_1252.decode_without_bom_handling(&line).0);
        out.extend_from_slice(text.as_bytes());
    }
}

/// A line whose encoded words (RFC 2047) are ASCII: what should have been quoted in them is. It is of the word's charset, not of the header's.
fn quoted_words(line: &[u8]) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    let mut rest = line;
    while let Some((before, word, behind)) = next_word(rest) {
        out.extend_from_slice(before);
        for byte in word {
            match byte.is_ascii() {
                true => out.push(*byte),
                false => out.extend_from_slice(format!("={byte:02X}").as_bytes()),
            }
        }
        rest = behind;
    }
    if out.is_empty() {
        return Cow::Borrowed(line);
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// What stands before the next quoted encoded word, the word, and what follows.
fn next_word(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let mut from = 0;
    loop {
        let start = from + memchr::memmem::find(&line[from..], b"=?")?;
        let mut fields = line[start + 2..].splitn(3, |byte| *byte == b'?');
        let (charset, encoding, text) = (fields.next()?, fields.next()?, fields.next()?);
        let is_word = encoding.eq_ignore_ascii_case(b"q") && !charset.is_empty() && charset.iter().all(u8::is_ascii_graphic);
        match memchr::memmem::find(text, b"?=") {
            Some(length) if is_word => {
                let end = line.len() - text.len() + length + 2;
                return Some((&line[..start], &line[start..end], &line[end..]));
            }
            _ => from = start + 2,
        }
    }
}

/// A `Content-Type` field whose charset is UTF-8. Everything else of it stays as it is written.
pub(super) fn relabelled(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len() + 16);
    let (mut copied, mut position, mut found) = (0, field.len() - value(field).len(), false);
    // The type itself comes before the first semicolon.
    while let Some(semicolon) = next_semicolon(field, position) {
        position = semicolon + 1;
        let start = position + field[position..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let end = next_semicolon(field, start).unwrap_or(field.len());
        let parameter = field[start..end].trim_ascii_end();
        let is_charset = parameter.split_at_checked(7).is_some_and(|(name, rest)| {
            let rest = rest.trim_ascii_start();
            name.eq_ignore_ascii_case(b"charset") && matches!(rest.first(), Some(b'=' | b'*'))
        });
        if is_charset {
            out.extend_from_slice(&field[copied..start]);
            out.extend_from_slice(b"charset=utf-8");
            copied = start + parameter.len();
            found = true;
        }
        position = end;
    }
    out.extend_from_slice(&field[copied..]);
    if !found {
        let kept = out.trim_ascii_end().len();
        let tail = out.split_off(kept);
        let separator: &[u8] = if out.ends_with(b";") { b" " } else { b"; " };
        out.extend_from_slice(separator);
        out.extend_from_slice(b"charset=utf-8");
        out.extend_from_slice(&tail);
    }
    out
}

/// The next semicolon outside of quotes.
fn next_semicolon(field: &[u8], from: usize) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    field.iter().enumerate().skip(from).find_map(|(at, byte)| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => return Some(at),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_charset_is_exchanged() {
        for (field, expected) in [
            ("Content-Type: text/plain\r\n", "Content-Type: text/plain; charset=utf-8\r\n"),
            ("Content-Type: text/plain;\r\n", "Content-Type: text/plain; charset=utf-8\r\n"),
            ("content-type:text/html; CHARSET = \"iso-8859-1\" ; x=y\r\n", "content-type:text/html; charset=utf-8 ; x=y\r\n"),
            (
                "Content-Type: text/plain;\r\n\tname=\"a;charset=b\";\r\n\tcharset*=us-ascii'en'latin1\r\n",
                "Content-Type: text/plain;\r\n\tname=\"a;charset=b\";\r\n\tcharset=utf-8\r\n",
            ),
            ("Content-Type: text/plain; charset=gbk; charset=big5\n", "Content-Type: text/plain; charset=utf-8; charset=utf-8\n"),
            ("Content-Type: text/plain; charset=\"", "Content-Type: text/plain; charset=utf-8"),
        ] {
            assert_eq!(String::from_utf8(relabelled(field.as_bytes())).unwrap(), expected);
        }
    }

    #[test]
    fn names_are_told_from_what_merely_begins_like_them() {
        assert!(named(b"Content-Type : x", "content-type") && named(b"CONTENT-TYPE:", "content-type"));
        assert!(!named(b"Content-Type-X: x", "content-type") && !named(b"Content", "content-type"));
    }

    #[test]
    fn each_line_is_read_as_what_it_is() {
        let read = |bytes: &[u8], charset| {
            let mut out = Vec::new();
            append_decoded(bytes, charset, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(read("Subject: é\r\n".as_bytes(), Some(encoding_rs::GBK)), "Subject: é\r\n");
        assert_eq!(read(b"Subject: \xe9\r\n \xc3\xa9\n", None), "Subject: é\r\n é\n");
        assert_eq!(read(b"Subject: \xc4\xe3\xba\xc3\r\n", Some(encoding_rs::GBK)), "Subject: 你好\r\n");
        assert_eq!(
            read(b"Subject: =?x?b?\xe9?= =?a =?iso-8859-1?Q?a\xe9?=\xe9=?=?\n", None),
            "Subject: =?x?b?é?= =?a =?iso-8859-1?Q?a=E9?=é=?=?\n"
        );
        assert_eq!(read(b"Subject: \xff\xff\r\n", Some(encoding_rs::EUC_JP)), "Subject: ÿÿ\r\n");
    }
}
