//! The header lines of a message's MIME.

use crate::content::Content;
use futures::StreamExt as _;
use serde_json::{Value, json};

/// The most bytes of a header that are read.
const MOST: usize = 256 << 10;

/// The header as it stands in the MIME; nothing where it cannot be read.
pub(super) async fn read(content: &Content) -> Option<String> {
    let mut head: Vec<u8> = Vec::new();
    let mut chunks = content.chunks();
    while let Some(chunk) = chunks.next().await {
        let searched = head.len().saturating_sub(3);
        head.extend_from_slice(&chunk.ok()?);
        if let Some(end) = end(head.get(searched..).unwrap_or_default()) {
            head.truncate(searched + end);
            break;
        }
        if head.len() > MOST {
            head.truncate(MOST);
            break;
        }
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

fn end(bytes: &[u8]) -> Option<usize> {
    let crlf = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 2);
    let lf = bytes.windows(2).position(|window| window == b"\n\n").map(|at| at + 1);
    crlf.into_iter().chain(lf).min()
}

/// The lines as `internetMessageHeaders`.
pub(super) fn lines(header: &str) -> Value {
    let unfolded = header.replace("\r\n\t", " ").replace("\r\n ", " ");
    let lines = unfolded.lines().filter_map(|line| line.split_once(':'));
    let proper = lines.filter(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace));
    Value::Array(proper.map(|(name, value)| json!({"name": name, "value": value.trim()})).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[tokio::test]
    async fn a_header_ends_where_the_body_begins() {
        let mail = Content::bytes_of(Bytes::from_static(b"Subject: a\r\n b\r\nX-Y: z\r\nrubbish\r\n\r\nBody: no\r\n"));
        let header = read(&mail).await.unwrap();
        assert_eq!(lines(&header), json!([{"name": "Subject", "value": "a b"}, {"name": "X-Y", "value": "z"}]));
        let endless = Content::bytes_of(Bytes::from(vec![b'x'; MOST * 2]));
        assert_eq!(read(&endless).await.unwrap().len(), MOST);
    }
}
