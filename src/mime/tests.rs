use mail_parser::{Message, MessageParser, MimeHeaders, PartType};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::{walk::Walker, *};

mod corpus;

/// As it goes out, the message arriving in pieces of these lengths.
fn reencoded(message: &[u8], lengths: &[usize]) -> (Vec<u8>, Survey) {
    let pieces = || {
        let (mut rest, mut lengths) = (message, lengths.iter().cycle());
        std::iter::from_fn(move || {
            let (piece, left) = rest.split_at((*lengths.next().unwrap()).clamp(1, rest.len().max(1)).min(rest.len()));
            rest = left;
            (!piece.is_empty()).then_some(piece)
        })
    };
    let mut surveyor = Surveyor::default();
    pieces().for_each(|piece| surveyor.feed(piece));
    let survey = surveyor.finish();
    let mut out = Vec::new();
    match &survey.plan {
        None => out.extend_from_slice(message),
        Some(plan) => {
            let mut reencoder = Reencoder::new(plan.clone());
            pieces().for_each(|piece| reencoder.feed(piece, &mut out));
            reencoder.finish(&mut out);
        }
    }
    (out, survey)
}

fn reads(message: &[u8]) -> (String, Survey) {
    let (out, survey) = reencoded(message, &[usize::MAX]);
    assert!(survey.plan.is_some(), "this was UTF-8 already");
    (String::from_utf8(out).unwrap(), survey)
}

fn short(message: &[u8]) -> Option<String> {
    let mut shortener = Shortener::default();
    message.chunks(7).for_each(|piece| shortener.feed(piece));
    shortener.finish().map(|short| String::from_utf8(short).unwrap())
}

#[test]
fn what_is_utf8_stays_whatever_its_labels_say() {
    let message = "Subject: é\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nschön\r\n".as_bytes();
    let (out, survey) = reencoded(message, &[3]);
    assert!(survey.plan.is_none());
    assert_eq!(out, message);
}

#[test]
fn text_is_decoded_and_labelled() {
    let (text, _) = reads(b"Subject: \xe9\r\nContent-Type: text/plain;\r\n charset=\"windows-1251\"\r\n\r\n\xcf\xf0\xe8\xe2\xe5\xf2\r\n");
    assert_eq!(text, "Subject: й\r\nContent-Type: text/plain;\r\n charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nПривет\r\n");
    let (text, _) = reads(b"Content-Transfer-Encoding: 7bit\nContent-Type: text/plain\n\ncaf\xe9\n");
    assert_eq!(text, "Content-Transfer-Encoding: 8bit\nContent-Type: text/plain; charset=utf-8\n\ncafé\n");
    let (text, _) = reads(b"Subject: x\n\ncaf\xe9 \nna\xc3\xafve\n");
    assert_eq!(
        text,
        "Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\ncafé \nnaïve\n"
    );
}

#[test]
fn each_part_is_treated_as_what_it_is() {
    let message = [
        &b"Subject: \xc4\xe3\xba\xc3\r\nContent-Type: multipart/mixed; boundary=\"a b\"\r\n\r\npre\xe9\r\n"[..],
        b"--a b\r\nContent-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xc4\xe3\xba\xc3\r\n",
        b"--a b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9 \xe9 =\r\nx\r\n",
        b"--a b\r\nContent-Type: text/plain; charset=x-nobody-knows\r\n\r\n\x80\xff\r\n",
        b"--a b\r\nContent-Type: application/octet-stream; name=x.bin\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\xff\r\n\xfe\r\n",
        b"--a b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC\xff\r\n",
        b"--a b\r\nContent-Type: message/rfc822\r\n\r\nSubject: \xe9\r\n\r\ninner \xe9\r\n",
        b"--a b--\r\nafter \xe9",
    ]
    .concat();
    let (text, survey) = reads(&message);
    for expected in [
        "Subject: 你好\r\n",
        "\r\npreé\r\n--a b\r\n",
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n你好\r\n--a b\r\n",
        "charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=E9 =E9 =\r\nx\r\n--a b\r\n",
        "charset=x-nobody-knows\r\nContent-Transfer-Encoding: base64\r\n\r\ngP8=\r\n--a b\r\n",
        "name=x.bin\r\nContent-Transfer-Encoding: base64\r\n\r\nAP8NCv4=\r\n--a b\r\n",
        "base64\r\n\r\nAAEC\r\n--a b\r\n",
        "message/rfc822\r\n\r\nSubject: ",
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\ninner é\r\n--a b--\r\nafter é",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in {text:?}");
    }
    let attached: Vec<_> = survey.attached.iter().map(|a| (a.name.as_str(), a.kind.as_str(), a.size)).collect();
    let nested = b"Subject: \xe9\r\n\r\ninner \xe9\r\n".len() as u64;
    assert_eq!(
        attached,
        [("x.bin", "application/octet-stream", 5), ("", "image/png", 3), ("", "message/rfc822", nested - 2)],
        "the line break before a boundary is no part of a body"
    );
}

#[test]
fn attachments_are_told_by_name_type_and_size() {
    let message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n\
        --b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\
        Content-Disposition: attachment; filename*=UTF-8''%C3%A9t%C3%A9.pdf\r\n\r\nAAEC\r\nAw==\r\n\
        --b\r\nContent-Type: image/png\r\nContent-ID: <1@example.com>\r\n\r\nxyz\r\n\
        --b\r\nContent-Type: text/csv; name=\"=?utf-8?B?w6k=?=.csv\"\r\nContent-Disposition: inline\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\na=3Db=\r\nc\r\n--b--\r\n";
    let (_, survey) = reencoded(message, &[11, 2]);
    let attached = |name: &str, kind: &str, size, inline| Attached { name: name.into(), kind: kind.into(), size, inline };
    assert_eq!(
        survey.attached,
        [attached("été.pdf", "application/pdf", 4, false), attached("", "image/png", 3, true), attached("é.csv", "text/csv", 4, true),]
    );
}

#[test]
fn a_short_form_is_header_and_text() {
    let message = b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\nMIME-Version: 1.0\r\n\r\n--b\r\n\
        Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\nContent-Type: text/plain\r\n\r\nplain\r\n--c\r\n\
        Content-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>=E9</p>\r\n--c--\r\n\
        --b\r\nContent-Type: text/html; name=a.html\r\nContent-Disposition: attachment\r\n\r\nno\r\n--b--\r\n";
    let expected =
        "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<p>é</p>\r\n";
    assert_eq!(short(message).unwrap(), expected);
    let plain = b"Subject: x\nContent-Transfer-Encoding: base64\nContent-Type: text/plain\n\naGVsbG8=\n";
    assert_eq!(
        short(plain).unwrap(),
        "Subject: x\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nhello"
    );
    let pdf = b"Subject: x\nContent-Type: application/pdf\n\nxyz\n";
    assert!(short(pdf).unwrap().ends_with("\r\n\r\n"));
    let endless = [&b"Subject: x\n\n"[..], &vec![b'x'; 5 << 20]].concat();
    assert_eq!(short(&endless), None);
}

#[test]
fn structure_without_end_is_bounded() {
    let mut deep = Vec::new();
    for n in 0..200 {
        deep.extend_from_slice(format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n").as_bytes());
    }
    deep.extend_from_slice(b"\xff\r\n");
    assert!(reads(&deep).0.contains('ÿ'));
    let mut wide = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    wide.extend(b"--b\n\nx\n".repeat(30_000));
    wide.push(0xff);
    let (text, survey) = reads(&wide);
    assert!(text.ends_with('ÿ') && survey.plan.unwrap().parts.len() <= 10_001);
    let long = [&b"Subject: "[..], &b"\xe9".repeat(300_000), b"\r\n\r\n", &b"\xe9".repeat(300_000)].concat();
    assert_eq!(reads(&long).0.matches('é').count(), 600_000);
}

/// Lines that mean something to the walk, in any order.
fn mail() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just(&b"Content-Type: multipart/mixed; boundary=b\r\n"[..]),
        Just(&b"Content-Type: multipart/digest; boundary=c\r\n"[..]),
        Just(&b"Content-Type: text/plain; charset=gbk\r\n"[..]),
        Just(&b"Content-Type: text/html; charset=utf-16\r\n"[..]),
        Just(&b"Content-Type: text/plain; charset=nobody\n"[..]),
        Just(&b"Content-Type: message/rfc822\r\n"[..]),
        Just(&b"Content-Type: application/pdf; name=x\r\n"[..]),
        Just(&b"Content-Transfer-Encoding: base64\r\n"[..]),
        Just(&b"Content-Transfer-Encoding: quoted-printable\r\n"[..]),
        Just(&b"Content-Transfer-Encoding: 7bit\r\n"[..]),
        Just(&b"Subject: \xc4\xe3\xff\r\n"[..]),
        Just(&b" folded \xe9\n"[..]),
        Just(&b"\r\n"[..]),
        Just(&b"\n"[..]),
        Just(&b"--b\r\n"[..]),
        Just(&b"--b--\r\n"[..]),
        Just(&b"--c \n"[..]),
        Just(&b"text \xc4\xe3\xba\xc3 and \xe2\x82\xac\r\n"[..]),
        Just(&b"QUJD=E9\xff\r"[..]),
        Just(&b"\x00\xff\xfe"[..]),
    ];
    proptest::collection::vec(line, 0..40).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn any_bytes_become_utf8_and_how_they_arrive_does_not_matter(
        message in prop_oneof![mail(), proptest::collection::vec(any::<u8>(), 0..600)],
        lengths in proptest::collection::vec(1_usize..40, 1..8),
    ) {
        let (whole, survey) = reencoded(&message, &[usize::MAX]);
        prop_assert!(std::str::from_utf8(&whole).is_ok());
        let (pieces, again) = reencoded(&message, &lengths);
        prop_assert_eq!(&whole, &pieces);
        prop_assert_eq!(survey.attached, again.attached);
        if message.is_ascii() {
            prop_assert_eq!(&whole, &message);
        }
        let _ = short(&whole);
    }

    #[test]
    fn the_pieces_are_the_message(message in mail(), size in 1_usize..50) {
        let mut walker = Walker::new();
        let mut seen = Vec::new();
        let mut tell = |_: u32, piece: super::walk::Piece<'_>| {
            use super::walk::Piece::{Around, Blank, Body, Edge, Field};
            let (Field { bytes, .. } | Blank { bytes, .. } | Body(bytes) | Edge { bytes, .. } | Around(bytes)) = piece;
            seen.extend_from_slice(bytes);
        };
        for piece in message.chunks(size) {
            walker.feed(piece, &mut tell);
        }
        walker.finish(&mut tell);
        prop_assert_eq!(seen, message);
    }
}

/// What a reader of other hands makes of a message.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    subject: Option<String>,
    texts: Vec<String>,
    attached: Vec<(Option<String>, String)>,
}

fn seen(message: &[u8]) -> Option<Seen> {
    MessageParser::new().parse(message).map(|parsed| {
        let mut seen = Seen { subject: parsed.subject().map(str::to_owned), texts: Vec::new(), attached: Vec::new() };
        look(&parsed, &mut seen);
        seen
    })
}

fn look(parsed: &Message<'_>, seen: &mut Seen) {
    for part in &parsed.parts {
        match &part.body {
            // Line breaks are not at stake.
            PartType::Text(text) | PartType::Html(text) => seen.texts.push(text.replace("\r\n", "\n")),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                seen.attached.push((part.attachment_name().map(str::to_owned), hex::encode(Sha256::digest(bytes))));
            }
            PartType::Message(inner) => look(inner, seen),
            PartType::Multipart(_) => {}
        }
    }
}
