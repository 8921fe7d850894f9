//! Forms with files (RFC 7578): one field of one.

use super::refusal::Refusal;
use bytes::Bytes;

/// The content of a field.
///
/// # Errors
/// 400 where the form is damaged or has no such field.
pub(super) fn field(content_type: &str, body: &Bytes, wanted: &str) -> Result<Bytes, Refusal> {
    let damaged = |what: &str| Refusal::new(400, format!("the form is damaged: {what}"));
    let boundary = parameter(content_type, "boundary").ok_or_else(|| damaged("its header names no boundary"))?;
    // Every boundary stands at the beginning of a line, the first one perhaps at that of the body.
    let boundary = format!("--{boundary}");
    let mark = format!("\r\n{boundary}");
    let mut at = if body.starts_with(boundary.as_bytes()) {
        boundary.len()
    } else {
        seek(body, mark.as_bytes(), 0).ok_or_else(|| damaged("there is no boundary"))? + mark.len()
    };
    loop {
        if body.get(at..at + 2) == Some(b"--") {
            return Err(Refusal::shape(wanted, "is missing"));
        }
        let head = seek(body, b"\r\n", at).ok_or_else(|| damaged("a boundary does not end its line"))? + 2;
        let content = seek(body, b"\r\n\r\n", head.saturating_sub(2)).ok_or_else(|| damaged("a part has no end of its head"))? + 4;
        let end = seek(body, mark.as_bytes(), content.saturating_sub(2)).ok_or_else(|| damaged("a part does not end"))?;
        let head = String::from_utf8_lossy(body.get(head..content).unwrap_or_default()).into_owned();
        let disposition = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"));
        if disposition.and_then(|line| parameter(line, "name")).as_deref() == Some(wanted) {
            return Ok(body.slice(content.min(end)..end));
        }
        at = end + mark.len();
    }
}

/// A parameter of a header field, quoted or not.
fn parameter(field: &str, wanted: &str) -> Option<String> {
    field.split(';').skip(1).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn seek(body: &[u8], what: &[u8], from: usize) -> Option<usize> {
    body.get(from..)?.windows(what.len()).position(|window| window == what).map(|place| place + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=\"b1\"";

    fn form(text: &str) -> Result<Bytes, Refusal> {
        field(KIND, &Bytes::from(text.replace('\n', "\r\n")), "file")
    }

    #[test]
    fn the_field_is_found_among_others() {
        let text = "--b1\nContent-Disposition: form-data; name=\"other\"\n\nx\n--b1\nContent-Disposition: form-data; name=\"file\"; filename=\"a.json\"\nContent-Type: application/json\n\n{\"a\":\n1}\n--b1--\n";
        assert_eq!(form(text).unwrap(), "{\"a\":\r\n1}");
        let text = "preamble\n--b1\nContent-Disposition: form-data; name=file\n\n\n--b1--\n";
        assert_eq!(form(text).unwrap(), "");
    }

    #[test]
    fn damage_is_named() {
        let other = "--b1\nContent-Disposition: form-data; name=\"other\"\n\nx\n--b1--\n";
        for (text, word) in
            [("", "no boundary"), (other, "file: is missing"), ("--b1\nContent-Disposition: form-data; name=\"file\"\n\nx", "does not end")]
        {
            assert!(form(text).unwrap_err().message.contains(word), "{text}");
        }
        assert!(field("multipart/form-data", &Bytes::new(), "file").unwrap_err().message.contains("names no boundary"));
    }
}
