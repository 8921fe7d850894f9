//! A message written from an item's properties, for items that the server cannot give as MIME.
//!
//! Well-formed by RFC 5322 and RFC 2045 to 2047: the headers that are known, the body as Exchange holds it, the item itself as the server
//! described it, so that nothing it told is lost, and behind these the attachments.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Datelike, Utc};
use sha2::{Digest, Sha256};

use crate::mail::{Address, Properties};

/// What the properties kept in the catalog do not tell.
#[derive(Debug, Default)]
pub struct Source<'a> {
    /// Who wrote it, else who sent it.
    pub from: Vec<Person<'a>>,
    /// To whom.
    pub to: Vec<Person<'a>>,
    /// Copied to.
    pub cc: Vec<Person<'a>>,
    /// Copied to in secret.
    pub bcc: Vec<Person<'a>>,
    /// Other headers, as they were received.
    pub headers: Vec<(&'a str, &'a str)>,
    /// Whether the body is HTML.
    pub html: bool,
    /// The body.
    pub body: &'a str,
    /// The item as the server described it.
    pub item: Item,
}

/// Somebody on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person<'a> {
    /// The name.
    pub name: Option<&'a str>,
    /// The address; one that is no SMTP address is left out.
    pub address: &'a str,
}

/// A description of an item.
#[derive(Debug, Default)]
pub struct Item {
    /// Its subtype of `application`, which is its file's ending too: `xml` or `json`.
    pub kind: &'static str,
    /// The text.
    pub text: String,
}

/// An attachment as its item describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attached {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its type; none for an attached item, whose content is a message.
    pub kind: Option<String>,
    /// The Content-ID by which a body refers to it.
    pub content_id: Option<String>,
}

/// A message being written: its beginning, after which attachments and the end may follow.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// Headers, body and the item.
    pub beginning: String,
    boundary: String,
}

impl Written {
    /// The headers of one more part, whose content follows in base64 (see [`lines`]).
    pub fn attachment(&self, attached: &Attached) -> String {
        let kind = attached.kind.as_deref().filter(|kind| plausible(kind)).unwrap_or("application/octet-stream");
        let name = percent(attached.name.as_deref().unwrap_or("attachment"));
        let id = attached.content_id.as_deref().and_then(|id| bare(id.trim_matches(['<', '>']))).map(|id| format!("\r\nContent-ID: {id}"));
        format!(
            "\r\n--{}\r\nContent-Type: {kind}\r\nContent-Disposition: attachment;\r\n filename*=utf-8''{name}{}\r\nContent-Transfer-Encoding: base64\r\n\r\n",
            self.boundary,
            id.unwrap_or_default()
        )
    }

    /// What ends the message.
    pub fn end(&self) -> String {
        format!("\r\n--{}--\r\n", self.boundary)
    }
}

/// Base64 in lines of 76 characters.
pub fn lines(content: &[u8]) -> String {
    let mut out = String::with_capacity(content.len() / LINE * 78 + 80);
    for line in content.chunks(LINE) {
        STANDARD.encode_string(line, &mut out);
        out.push_str("\r\n");
    }
    out
}

/// The bytes that make one line.
const LINE: usize = 57;

/// The same for content that comes in pieces.
#[derive(Debug, Default)]
pub struct Lines {
    /// Bytes that do not fill a line yet.
    carry: Vec<u8>,
}

impl Lines {
    /// The lines that one more piece completes.
    pub fn feed(&mut self, piece: &[u8]) -> String {
        self.carry.extend_from_slice(piece);
        let whole = self.carry.len() / LINE * LINE;
        let encoded = lines(&self.carry[..whole]);
        self.carry.drain(..whole);
        encoded
    }

    /// The last line.
    pub fn finish(&mut self) -> String {
        lines(&std::mem::take(&mut self.carry))
    }
}

/// Begins the message. `mailbox` stands in for a sender that the item does not have.
pub fn message(source: &Source<'_>, properties: &Properties, mailbox: &Address) -> Written {
    let mut out = String::new();
    let addressed = |people: &[Person<'_>], fallback: &[String]| {
        let list: Vec<String> = people.iter().filter_map(person).collect();
        if list.is_empty() { fallback.iter().filter_map(|address| bare(address)).collect() } else { list }
    };
    let from = addressed(&source.from, properties.from.as_slice()).into_iter().next();
    let from = from.or_else(|| properties.sender.as_deref().and_then(bare));
    header(&mut out, "From", &from.or_else(|| bare(mailbox.as_str())).unwrap_or_else(|| "<unknown@invalid>".into()));
    for (name, list) in [
        ("To", addressed(&source.to, &properties.to)),
        ("Cc", addressed(&source.cc, &properties.cc)),
        ("Bcc", addressed(&source.bcc, &properties.bcc)),
    ] {
        if !list.is_empty() {
            header(&mut out, name, &list.join(",\r\n "));
        }
    }
    if let Some(subject) = &properties.subject {
        header(&mut out, "Subject", &words(subject));
    }
    // RFC 5322 has no other years, and servers have any.
    let writable = |date: &DateTime<Utc>| (0..=9999).contains(&date.year());
    let dates = [properties.sent, properties.received, properties.created, properties.modified];
    let date = dates.into_iter().flatten().find(writable).unwrap_or_default();
    header(&mut out, "Date", &date.to_rfc2822());
    if let Some(id) = properties.message_id.as_deref().filter(|id| id.len() < 900 && id.bytes().all(|byte| byte.is_ascii_graphic())) {
        let id = id.trim_start_matches('<').trim_end_matches('>');
        header(&mut out, "Message-ID", &format!("<{id}>"));
    }
    if let Some(class) = &properties.class {
        header(&mut out, "X-Exchange-Item-Class", &words(class));
    }
    for (name, value) in source.headers.iter().filter(|(name, _)| ours_to_pass_on(name)) {
        if let Some(value) = folded(value) {
            header(&mut out, name, &value);
        }
    }
    let Item { kind: described, text: item } = &source.item;
    let boundary = format!("=_{}", hex::encode(&Sha256::digest(item.as_bytes())[..15]));
    header(&mut out, "MIME-Version", "1.0");
    header(&mut out, "Content-Type", &format!("multipart/mixed;\r\n boundary=\"{boundary}\""));
    let kind = if source.html { "html" } else { "plain" };
    part(&mut out, &boundary, &format!("Content-Type: text/{kind}; charset=utf-8"), source.body);
    let attached = format!(
        "Content-Type: application/{described}; charset=utf-8; name=\"item.{described}\"\r\nContent-Disposition: attachment; filename=\"item.{described}\""
    );
    part(&mut out, &boundary, &attached, item);
    Written { beginning: out, boundary }
}

/// Whether a received header may stand beside those written here: neither one of these, nor one about a body that is no more.
fn ours_to_pass_on(name: &str) -> bool {
    const WRITTEN: [&str; 9] = ["from", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version", "x-exchange-item-class"];
    let lower = name.to_ascii_lowercase();
    let fit = !name.is_empty() && name.len() <= 76 && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    fit && !lower.starts_with("content-") && !WRITTEN.contains(&lower.as_str())
}

/// A received header's value, folded anew before words (RFC 5322, 2.2.3); none where a line would be too long or hold what no header may.
fn folded(value: &str) -> Option<String> {
    let mut out = String::new();
    let mut line = 0;
    for word in value.split_ascii_whitespace() {
        if word.len() > 900 || !word.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        match line {
            0 => {}
            length if length + word.len() > 60 => {
                out.push_str("\r\n ");
                line = 0;
            }
            _ => out.push(' '),
        }
        out.push_str(word);
        line += word.len() + 1;
    }
    Some(out)
}

fn header(out: &mut String, name: &str, value: &str) {
    out.push_str(&format!("{name}: {value}\r\n"));
}

fn part(out: &mut String, boundary: &str, headers: &str, content: &str) {
    out.push_str(&format!("\r\n--{boundary}\r\n{headers}\r\nContent-Transfer-Encoding: base64\r\n\r\n"));
    out.push_str(&lines(content.as_bytes()));
}

/// A media type that may stand in a header as it is.
fn plausible(kind: &str) -> bool {
    let fit = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte));
    // A composite type would need its own encoding (RFC 2045, 6.4).
    let composite = ["message/", "multipart/"].iter().any(|composite| kind.to_ascii_lowercase().starts_with(composite));
    kind.len() < 100 && !composite && kind.split_once('/').is_some_and(|(one, two)| fit(one) && fit(two))
}

/// A file name as an extended parameter value (RFC 2231, 4), shortened to what fits a header line.
fn percent(name: &str) -> String {
    let mut out = String::new();
    for character in name.chars() {
        let mut buffer = [0; 4];
        for byte in character.encode_utf8(&mut buffer).bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
        if out.len() > 900 {
            break;
        }
    }
    out
}

/// An address with its name; none without an SMTP address.
fn person(person: &Person<'_>) -> Option<String> {
    let address = bare(person.address)?;
    Some(match person.name.filter(|name| *name != person.address) {
        Some(name) => format!("{} {address}", encoded(name)),
        None => address,
    })
}

/// `<a@example.com>`, or none for what is no SMTP address (a directory name) or would break the header.
fn bare(address: &str) -> Option<String> {
    let address = address.trim();
    let fit = address.len() < 320 && address.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>(),;:\\\"[]".contains(&byte));
    (fit && address.contains('@')).then(|| format!("<{address}>"))
}

/// Free text: as it is where it is short, plain ASCII that cannot be taken for anything else, else encoded (RFC 2047, 5).
fn words(text: &str) -> String {
    let plain = text.len() <= 66 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !text.contains("=?") && text.trim() == text;
    if plain { text.to_owned() } else { encoded(text) }
}

/// Encoded words so short that with the longest header name a line keeps to 76 characters, each with whole characters, folded (RFC 2047, 2).
fn encoded(text: &str) -> String {
    let mut words = Vec::new();
    let mut word = String::new();
    for character in text.chars() {
        if word.len() + character.len_utf8() > 30 {
            words.push(std::mem::take(&mut word));
        }
        word.push(character);
    }
    words.push(word);
    let words: Vec<String> = words.iter().map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word))).collect();
    words.join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Source<'static>, Properties) {
        let person = |name: &'static str, address| Person { name: Some(name).filter(|name| !name.is_empty()), address };
        let source = Source {
            from: vec![person("Jürgen, M.", "juergen@example.com")],
            to: vec![person("", "b@example.com"), person("Dir", "/o=Org/cn=x")],
            headers: vec![
                ("Received", "from a.example.com\r\n\tby b.example.com with a line that is long enough to be folded once; Wed, 1 May 2024"),
                ("Content-Type", "text/plain"),
                ("bcc", "evil@example.com"),
                ("X-Evil", "ä"),
                ("X: Bad", "evil"),
            ],
            html: true,
            body: "<p>Größe</p>",
            item: Item { kind: "xml", text: "<Task/>".into() },
            ..Source::default()
        };
        let subject = "Ü".repeat(60) + "\r\nBcc: evil@example.com";
        let properties = Properties {
            subject: Some(subject),
            class: Some("IPM.Task".into()),
            message_id: Some("<1@example.com>".into()),
            ..Properties::default()
        };
        (source, properties)
    }

    #[test]
    fn writes_headers_body_and_the_item() {
        let (source, properties) = sample();
        let message = message(&source, &properties, &Address::new("own@example.com"));
        let written = message.beginning.clone() + &message.end();
        let (head, rest) = written.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("From: =?utf-8?B?SsO8cmdlbiwgTS4=?= <juergen@example.com>\r\nTo: <b@example.com>\r\nSubject: =?utf-8?B?"));
        assert!(head.contains("\r\nX-Exchange-Item-Class: IPM.Task\r\n") && head.contains("\r\nMessage-ID: <1@example.com>\r\n"));
        assert!(!head.contains("evil"), "no header may be smuggled in by a subject");
        assert!(head.contains("\r\nReceived: from a.example.com by b.example.com with a line that is long\r\n enough to be"), "{head}");
        assert!(head.lines().all(|line| line.len() <= 78), "{head}");
        assert!(rest.contains(&STANDARD.encode("<p>Größe</p>")) && rest.contains("item.xml"));
        assert!(rest.trim_end().ends_with("--"));
    }

    #[test]
    fn an_item_without_anything_still_makes_a_message() {
        let written = message(&Source::default(), &Properties::default(), &Address::new("own@example.com")).beginning;
        assert!(written.starts_with("From: <own@example.com>\r\nDate: Thu, 1 Jan 1970 00:00:00 +0000\r\nMIME-Version: 1.0\r\n"));
    }

    #[test]
    fn a_date_that_no_header_can_hold_is_passed_over() {
        let received = DateTime::from_timestamp(1_714_558_831, 0);
        for sent in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
            let properties = Properties { sent: Some(sent), received, ..Properties::default() };
            let written = message(&Source::default(), &properties, &Address::new("own@example.com")).beginning;
            assert!(written.contains("Date: Wed, 1 May 2024 10:20:31 +0000\r\n"), "{written}");
        }
    }

    #[test]
    fn an_attachment_cannot_smuggle_headers_in() {
        let (source, properties) = sample();
        let written = message(&source, &properties, &Address::new("own@example.com"));
        let attached = Attached {
            id: "a".into(),
            name: Some("Größe\r\nX: 1.pdf".into()),
            kind: Some("application/pdf\r\nX: 2".into()),
            content_id: Some("<a@b>\r\nX: 3".into()),
        };
        let head = written.attachment(&attached);
        assert!(
            head.contains("filename*=utf-8''Gr%C3%B6%C3%9Fe%0D%0AX%3A%201.pdf\r\n")
                && head.contains("Content-Type: application/octet-stream\r\n")
        );
        assert!(!head.contains("X: "));
    }
    #[test]
    fn lines_do_not_depend_on_how_the_content_was_cut() {
        let content: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for size in [1, 56, 57, 58, 999] {
            let mut encoder = Lines::default();
            let mut text: String = content.chunks(size).map(|piece| encoder.feed(piece)).collect();
            text.push_str(&encoder.finish());
            assert_eq!(text, lines(&content), "{size}");
        }
    }
}
