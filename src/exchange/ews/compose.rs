//! A message written from an item's properties, for items that the server cannot give as MIME.
//!
//! Well-formed by RFC 5322 and RFC 2045 to 2047: the headers that are known, the body as Exchange holds it, the item itself as XML, so that
//! nothing the server told is lost, and behind these the attachments.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::{element::Element, envelope::TYPES, operation::get_attachment::Attached};
use crate::mail::{Address, Properties};

/// A message being written: its beginning, after which attachments and the end may follow.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    /// Headers, body and the item as XML.
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
    let mut out = String::with_capacity(content.len() / 57 * 78 + 80);
    for line in content.chunks(LINE) {
        STANDARD.encode_string(line, &mut out);
        out.push_str("\r\n");
    }
    out
}

/// The bytes that make one line.
pub const LINE: usize = 57;

/// Begins the message. `mailbox` stands in for a sender that the item does not have.
pub fn message(item: &Element, properties: &Properties, mailbox: &Address) -> Written {
    let mut out = String::new();
    let addressed = |name: &str, fallback: &[String]| {
        let list: Vec<String> = item.child(name).map(|list| list.children.iter().filter_map(person).collect()).unwrap_or_default();
        if list.is_empty() { fallback.iter().filter_map(|address| bare(address)).collect() } else { list }
    };
    let from = addressed("From", properties.from.as_slice()).into_iter().next();
    let from = from.or_else(|| addressed("Sender", properties.sender.as_slice()).into_iter().next());
    header(&mut out, "From", &from.or_else(|| bare(mailbox.as_str())).unwrap_or_else(|| "<unknown@invalid>".into()));
    for (name, list) in [
        ("To", addressed("ToRecipients", &properties.to)),
        ("Cc", addressed("CcRecipients", &properties.cc)),
        ("Bcc", addressed("BccRecipients", &properties.bcc)),
    ] {
        if !list.is_empty() {
            header(&mut out, name, &list.join(",\r\n "));
        }
    }
    if let Some(subject) = &properties.subject {
        header(&mut out, "Subject", &words(subject));
    }
    let date = properties.sent.or(properties.received).or(properties.created).or(properties.modified).unwrap_or_default();
    header(&mut out, "Date", &date.to_rfc2822());
    if let Some(id) = properties.message_id.as_deref().filter(|id| id.len() < 900 && id.bytes().all(|byte| byte.is_ascii_graphic())) {
        let id = id.trim_start_matches('<').trim_end_matches('>');
        header(&mut out, "Message-ID", &format!("<{id}>"));
    }
    if let Some(class) = &properties.class {
        header(&mut out, "X-Exchange-Item-Class", &words(class));
    }
    let xml = item.to_xml(TYPES);
    let boundary = format!("=_{}", hex::encode(&Sha256::digest(xml.as_bytes())[..15]));
    header(&mut out, "MIME-Version", "1.0");
    header(&mut out, "Content-Type", &format!("multipart/mixed;\r\n boundary=\"{boundary}\""));
    let body = item.child("Body");
    let kind = if body.and_then(|body| body.attribute("BodyType")) == Some("HTML") { "html" } else { "plain" };
    let text = body.map(|body| body.text.as_str()).unwrap_or_default();
    part(&mut out, &boundary, &format!("Content-Type: text/{kind}; charset=utf-8"), text);
    let attached =
        "Content-Type: application/xml; charset=utf-8; name=\"item.xml\"\r\nContent-Disposition: attachment; filename=\"item.xml\"";
    part(&mut out, &boundary, attached, &xml);
    Written { beginning: out, boundary }
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

/// A `t:Mailbox` as an address with its name; none without an SMTP address.
fn person(mailbox: &Element) -> Option<String> {
    let address = bare(mailbox.value("EmailAddress")?)?;
    Some(match mailbox.value("Name").filter(|name| *name != mailbox.value("EmailAddress").unwrap_or_default()) {
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

    fn element(name: &str, text: &str, children: Vec<Element>) -> Element {
        Element { name: name.into(), text: text.into(), children, ..Element::default() }
    }

    fn sample() -> (Element, Properties) {
        let person = |name: &str, address: &str| {
            element("Mailbox", "", vec![element("Name", name, vec![]), element("EmailAddress", address, vec![])])
        };
        let mut body = element("Body", "<p>Größe</p>", vec![]);
        body.attributes.push(("BodyType".into(), "HTML".into()));
        let item = element(
            "Task",
            "",
            vec![
                element("From", "", vec![person("Jürgen, M.", "juergen@example.com")]),
                element("ToRecipients", "", vec![person("", "b@example.com"), person("Dir", "/o=Org/cn=x")]),
                body,
            ],
        );
        let subject = "Ü".repeat(60) + "\r\nBcc: evil@example.com";
        let properties = Properties {
            subject: Some(subject),
            class: Some("IPM.Task".into()),
            message_id: Some("<1@example.com>".into()),
            ..Properties::default()
        };
        (item, properties)
    }

    #[test]
    fn writes_headers_body_and_the_item() {
        let (item, properties) = sample();
        let message = message(&item, &properties, &Address::new("own@example.com"));
        let written = message.beginning.clone() + &message.end();
        let (head, rest) = written.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("From: =?utf-8?B?SsO8cmdlbiwgTS4=?= <juergen@example.com>\r\nTo: <b@example.com>\r\nSubject: =?utf-8?B?"));
        assert!(head.contains("\r\nX-Exchange-Item-Class: IPM.Task\r\n") && head.contains("\r\nMessage-ID: <1@example.com>\r\n"));
        assert!(!head.contains("evil"), "no header may be smuggled in by a subject");
        assert!(head.lines().all(|line| line.len() <= 78), "{head}");
        assert!(rest.contains(&STANDARD.encode("<p>Größe</p>")) && rest.contains("item.xml"));
        assert!(rest.trim_end().ends_with("--"));
    }

    #[test]
    fn an_item_without_anything_still_makes_a_message() {
        let written = message(&element("Contact", "", vec![]), &Properties::default(), &Address::new("own@example.com")).beginning;
        assert!(written.starts_with("From: <own@example.com>\r\nDate: Thu, 1 Jan 1970 00:00:00 +0000\r\nMIME-Version: 1.0\r\n"));
    }

    #[test]
    fn an_attachment_cannot_smuggle_headers_in() {
        let (item, properties) = sample();
        let written = message(&item, &properties, &Address::new("own@example.com"));
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
}
