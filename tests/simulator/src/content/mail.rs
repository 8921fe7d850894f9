//! The MIME of generated mail: short literals around one fill of text and one of base64, so that any size is met exactly.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};

use super::kind::Kind;
use super::recipe::{Fill, LINE, Recipe};
use super::rng::Rng;
use super::words::CHARSETS;
use crate::store::Address;

/// What a message is about, decided before its MIME.
#[derive(Debug)]
pub(super) struct Letter<'a> {
    pub(super) kind: Kind,
    pub(super) seed: u64,
    pub(super) subject: Option<&'a str>,
    pub(super) from: Option<&'a Address>,
    pub(super) to: &'a [Address],
    pub(super) cc: &'a [Address],
    pub(super) date: DateTime<Utc>,
    pub(super) message_id: Option<&'a str>,
    pub(super) in_reply_to: Option<&'a str>,
    pub(super) received: bool,
    /// Which of [`CHARSETS`] the kind `Charset` uses.
    pub(super) charset: usize,
}

/// The literals of a message. The text fill goes behind `open`, the base64 fill, where there is one, behind `middle`.
#[derive(Default)]
struct Frame {
    open: Vec<u8>,
    middle: Option<Vec<u8>>,
    close: Vec<u8>,
}

/// A message of `target` bytes, or of as many as its literals need.
pub(super) fn mail(letter: &Letter<'_>, target: u64) -> Recipe {
    let frame = frame(letter);
    let fixed = (frame.open.len() + frame.middle.as_ref().map_or(0, Vec::len) + frame.close.len()) as u64;
    let room = target.saturating_sub(fixed);
    // Whole lines only, so that the base64 is valid; the text takes what is left over.
    let encoded = if frame.middle.is_some() { (room / 10 * 9) / LINE * LINE } else { 0 };
    let mut recipe = Recipe::default();
    recipe.literal(frame.open);
    recipe.fill(Fill::Text, letter.seed, room - encoded);
    if let Some(middle) = frame.middle {
        recipe.literal(middle);
        recipe.fill(Fill::Base64, letter.seed ^ 0xb64, encoded);
    }
    recipe.literal(frame.close);
    recipe
}

/// An encoded word (RFC 2047), split so that no word is over 75 characters.
fn encoded(text: &str, charset: &str) -> String {
    let mut words = Vec::new();
    let letters: Vec<char> = text.chars().collect();
    for part in letters.chunks(10) {
        let part: String = part.iter().collect();
        let bytes = in_charset(&part, charset);
        words.push(format!("=?{charset}?B?{}?=", STANDARD.encode(bytes)));
    }
    words.join("\r\n ")
}

fn in_charset(text: &str, charset: &str) -> Vec<u8> {
    match encoding_rs::Encoding::for_label(charset.as_bytes()) {
        Some(encoding) => encoding.encode(text).0.into_owned(),
        None => text.as_bytes().to_vec(),
    }
}

fn address(address: &Address) -> String {
    let email = address.email.as_deref().unwrap_or("");
    match &address.name {
        Some(name) if name.is_ascii() => format!("\"{name}\" <{email}>"),
        Some(name) => format!("{} <{email}>", encoded(name, "utf-8")),
        None => email.to_owned(),
    }
}

fn list(addresses: &[Address]) -> String {
    addresses.iter().map(address).collect::<Vec<_>>().join(",\r\n\t")
}

/// The header lines every kind shares.
fn head(letter: &Letter<'_>) -> Vec<u8> {
    let mut head = String::new();
    let mut line = |name: &str, value: &str| {
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    };
    let date = letter.date.to_rfc2822();
    if letter.received {
        let hop = letter.seed % 250;
        line(
            "Received",
            &format!(
                "from mx{hop}.example.org (192.0.2.{hop}) by\r\n mail.example.com (192.0.2.1) with ESMTPS id {:016x};\r\n {date}",
                letter.seed
            ),
        );
        line("Return-Path", "<bounce@example.org>");
    }
    if let Some(from) = letter.from {
        line("From", &address(from));
    }
    if !letter.to.is_empty() {
        line("To", &list(letter.to));
    }
    if !letter.cc.is_empty() {
        line("Cc", &list(letter.cc));
    }
    if let Some(subject) = letter.subject {
        let charset = CHARSETS.get(letter.charset).map_or("utf-8", |(name, ..)| name);
        let charset = if letter.kind == Kind::Charset { charset } else { "utf-8" };
        // Control characters go as they are: that is the point of the kind that has them.
        let plain = subject.is_ascii() && letter.kind != Kind::EncodedHeaders;
        line("Subject", &if plain { subject.to_owned() } else { encoded(subject, charset) });
    }
    if letter.kind != Kind::MissingHeaders {
        line("Date", &date);
    }
    if let Some(id) = letter.message_id {
        line("Message-ID", id);
    }
    if let Some(id) = letter.in_reply_to {
        line("In-Reply-To", id);
        line("References", id);
    }
    line("MIME-Version", "1.0");
    if letter.kind == Kind::EncodedHeaders {
        line("X-Long", &["a value that was folded by its sender"; 4].join("\r\n "));
        line("Thread-Topic", "=?utf-8?Q?Gr=C3=B6=C3=9Fe?=");
    }
    head.into_bytes()
}

fn frame(letter: &Letter<'_>) -> Frame {
    let mut open = head(letter);
    let boundary = format!("----=_Part_{:016x}", letter.seed);
    let mut frame = Frame::default();
    let mut add = |text: &str| open.extend_from_slice(text.as_bytes());
    let multipart = |kind: &str| {
        format!("Content-Type: multipart/{kind};\r\n\tboundary=\"{boundary}\"\r\n\r\nThis is a multi-part message in MIME format.\r\n")
    };
    let text_part =
        format!("--{boundary}\r\nContent-Type: text/plain; charset=\"utf-8\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\nHello,\r\n\r\n");
    let end = format!("\r\n--{boundary}--\r\n");
    match letter.kind {
        Kind::Alternative => {
            add(&multipart("alternative"));
            add(&text_part);
            frame.close = format!(
                "\r\n--{boundary}\r\nContent-Type: text/html; charset=\"utf-8\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<html><body style=3D\"font-family:sans-serif\">\r\n<p>Hello,</p><p>Gr=C3=BC=C3=9Fe</p>\r\n</body></html>\r\n{end}"
            )
            .into_bytes();
        }
        Kind::Attachment => {
            let name = format!("document-{}.pdf", letter.seed % 1_000);
            add(&multipart("mixed"));
            add(&text_part);
            frame.middle = Some(file_part(&boundary, "application/pdf", &name, "attachment").into_bytes());
            frame.close = end.into_bytes();
        }
        Kind::Inline => {
            add(&multipart("related; type=\"text/html\""));
            add(&format!(
                "--{boundary}\r\nContent-Type: text/html; charset=\"utf-8\"\r\nContent-Transfer-Encoding: 7bit\r\n\r\n<html><body><img src=\"cid:picture\"/>\r\n"
            ));
            let part = file_part(&boundary, "image/png", "picture.png", "inline");
            frame.middle = Some(format!("</body></html>\r\n{}", part.trim_start_matches("\r\n")).into_bytes());
            frame.close = end.into_bytes();
        }
        Kind::Forwarded => {
            add(&multipart("mixed"));
            add(&text_part);
            frame.close = format!(
                "\r\n--{boundary}\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\nFrom: first@example.org\r\nTo: second@example.org\r\nSubject: The original\r\nDate: {}\r\nMessage-ID: <inner.{:x}@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nThis is the original message.\r\n{end}",
                letter.date.to_rfc2822(), letter.seed
            )
            .into_bytes();
        }
        Kind::Charset => {
            let (charset, _, text) = CHARSETS.get(letter.charset).copied().unwrap_or(("utf-8", "", ""));
            let coding = if charset == "iso-2022-jp" { "7bit" } else { "8bit" };
            add(&format!("Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {coding}\r\n\r\n"));
            open.extend(in_charset(text, charset));
            open.extend_from_slice(b"\r\n\r\n");
        }
        Kind::LongLines => {
            add("Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n");
            add(&"no end in sight ".repeat(300));
            add("\r\n");
        }
        Kind::NonDelivery => {
            add(&multipart("report; report-type=delivery-status"));
            add(&text_part);
            add("Your message could not be delivered.\r\n");
            frame.close = format!(
                "\r\n--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mail.example.com\r\n\r\nFinal-Recipient: rfc822; nobody@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\r\n\r\n--{boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: {}\r\n{end}",
                letter.subject.unwrap_or("")
            )
            .into_bytes();
        }
        Kind::ReadReceipt => {
            add(&multipart("report; report-type=disposition-notification"));
            add(&text_part);
            frame.close = format!(
                "\r\n--{boundary}\r\nContent-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822; reader@example.com\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n{end}"
            )
            .into_bytes();
        }
        Kind::MeetingRequest | Kind::MeetingResponse | Kind::MeetingCancellation => {
            let method = match letter.kind {
                Kind::MeetingRequest => "REQUEST",
                Kind::MeetingResponse => "REPLY",
                _ => "CANCEL",
            };
            add(&multipart("alternative"));
            add(&text_part);
            frame.close = format!(
                "\r\n--{boundary}\r\nContent-Type: text/calendar; charset=\"utf-8\"; method={method}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}{end}",
                calendar(method, letter)
            )
            .into_bytes();
        }
        Kind::SmimeSigned => {
            add(&multipart("signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256"));
            add(&text_part);
            frame.close =
                format!("{}{}{end}", file_part(&boundary, "application/pkcs7-signature", "smime.p7s", "attachment"), "MIIBAAECAwQ=\r\n")
                    .into_bytes();
        }
        Kind::Appointment => {
            // An appointment's MIME is a calendar object, not a message (RFC 5545).
            frame.open = calendar("PUBLISH", letter).into_bytes();
            return frame;
        }
        _ => {
            add("Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nHello,\r\n\r\n");
        }
    }
    frame.open = open;
    frame
}

fn file_part(boundary: &str, kind: &str, name: &str, disposition: &str) -> String {
    let id = if disposition == "inline" { "Content-ID: <picture>\r\n" } else { "" };
    format!(
        "\r\n--{boundary}\r\nContent-Type: {kind}; name=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n{id}Content-Disposition: {disposition}; filename=\"{name}\"\r\n\r\n"
    )
}

fn calendar(method: &str, letter: &Letter<'_>) -> String {
    let start = letter.date + chrono::TimeDelta::days(1);
    let stamp = |at: DateTime<Utc>| at.format("%Y%m%dT%H%M%SZ").to_string();
    format!(
        "BEGIN:VCALENDAR\r\nPRODID:-//Example//Test//EN\r\nVERSION:2.0\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:{:016x}@example.com\r\nDTSTAMP:{}\r\nDTSTART:{}\r\nDTEND:{}\r\nSUMMARY:{}\r\nORGANIZER:mailto:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        letter.seed,
        stamp(letter.date),
        stamp(start),
        stamp(start + chrono::TimeDelta::hours(1)),
        letter.subject.unwrap_or("Meeting").replace([',', ';'], " "),
        letter.from.and_then(|from| from.email.as_deref()).unwrap_or("organizer@example.com")
    )
}

/// A subject with characters XML cannot hold.
pub(super) fn control_subject(rng: &mut Rng) -> String {
    format!("Bell \u{7} and unit \u{1f} separator {}", rng.below(1_000))
}
