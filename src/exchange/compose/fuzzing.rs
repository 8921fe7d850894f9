//! What must hold of a message written from whatever properties: see [`crate::fuzzing`].

use super::{Attached, Item, Source, message};
use crate::mail::{Address, Properties};

/// Writes the message, and looks whether a property got out of its header.
pub fn written(properties: &Properties, attachments: &[Attached], item: String) {
    let source = Source { item: Item { kind: "xml", text: item }, ..Source::default() };
    let written = message(&source, properties, &Address::new("own@example.com"));
    let (head, _) = written.beginning.split_once("\r\n\r\n").expect("a header ends");
    headers(head, &["From", "To", "Cc", "Bcc", "Subject", "Date", "Message-ID", "MIME-Version", "X-Exchange-Item-Class", "Content-Type"]);
    for attached in attachments {
        let part = written.attachment(attached);
        let head = part.strip_prefix("\r\n--").and_then(|part| part.strip_suffix("\r\n\r\n")).expect("a part's header has its frame");
        let (_, head) = head.split_once("\r\n").expect("a boundary stands alone");
        headers(head, &["Content-Type", "Content-Disposition", "Content-ID", "Content-Transfer-Encoding"]);
    }
}

fn headers(head: &str, known: &[&str]) {
    for line in head.split("\r\n") {
        assert!(line.len() <= 998, "a line longer than RFC 5322 allows: {line:?}");
        assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "a header with more than printable ASCII: {line:?}");
        let name = line.split_once(": ").map_or("", |(name, _)| name);
        assert!(line.starts_with(' ') || known.contains(&name), "a header of a stranger's: {line:?}");
    }
}
