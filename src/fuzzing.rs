//! Where strangers' bytes enter, one function a place: what the targets in `tests/fuzz` call with whatever a fuzzer thinks of, and the property
//! test below with a little of the same. Each panics where the bytes break something, or where what came of them breaks a promise.

use std::{
    path::{Component, Path},
    time::{Duration, SystemTime},
};

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue, header::RETRY_AFTER};

use crate::{
    auth::{
        Login, Secret,
        ntlm::{Challenge, Negotiate, Nonces, authenticate},
    },
    config::{Env, Purpose, Text, judge},
    http::retry_after,
    mail::{Address, Bucket, FolderId, Key, Mailbox},
    mime::{Reencoder, Shortener, Surveyor},
    sink::layout::{Layout, component, object},
};

pub use crate::{
    catalog::fuzzing::line as catalog_line,
    exchange::{
        ews::fuzzing::{answer as ews_answer, mime as ews_mime},
        graph::fuzzing::page as graph_page,
    },
};

/// What is called with whatever a fuzzer thinks of.
pub type Target = fn(&[u8]);

/// Every function by its target's name.
pub const TARGETS: [(&str, Target); 9] = [
    ("catalog_line", catalog_line),
    ("config", config),
    ("ews_answer", ews_answer),
    ("ews_mime", ews_mime),
    ("graph_page", graph_page),
    ("mime", mime),
    ("names", names),
    ("ntlm_challenge", ntlm_challenge),
    ("retry_after", wait),
];

/// Choices that are not the stranger's, such as where an answer is cut: the first byte of what a fuzzer gives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steer(u8);

impl Steer {
    /// The choices, and what is left.
    pub(crate) fn of(data: &[u8]) -> (Self, &[u8]) {
        data.split_first().map_or((Self(0), data), |(first, rest)| (Self(*first), rest))
    }

    /// One of so many.
    pub(crate) fn choose(self, of: usize) -> usize {
        usize::from(self.0) % of
    }

    /// The length of pieces.
    pub(crate) fn step(self) -> usize {
        usize::from(self.0 >> 3) + 1
    }
}

/// What a server's words have become where people read them.
pub(crate) fn one_short_line(text: &str) {
    assert!(text.chars().count() <= 600, "{} characters for a log", text.chars().count());
    assert!(!text.contains(char::is_control), "a terminal would act on it: {text:?}");
}

/// The Retry-After header.
pub fn wait(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    if let Some(wait) = retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]), now) {
        assert!((Duration::from_secs(1)..=Duration::from_secs(900)).contains(&wait), "{wait:?}");
    }
}

/// An NTLM challenge, and the answer to it.
pub fn ntlm_challenge(data: &[u8]) {
    let Ok(challenge) = Challenge::parse(data) else { return };
    let login = Login { user: "CORP\\user".to_owned(), password: Secret::new("Password") };
    let nonces = Nonces { challenge: [0xaa; 8], session_key: [0x55; 16], filetime: 0 };
    let answer = authenticate(&Negotiate::new(), &challenge, &login, "HTTP/mail.example.com", None, &nonces);
    assert!(answer.starts_with(b"NTLMSSP\0\x03"));
}

/// A configuration: good or faulty, never neither, and never with the environment's secret in what is said of it.
pub fn config(data: &[u8]) {
    const SECRET: &str = "hunter2hunter2";
    // A fuzzer sees what is compared with what. Where a file says the same by itself, beside none of the keys of secrets, it is no secret.
    if String::from_utf8_lossy(data).contains(SECRET) {
        return;
    }
    for purpose in [Purpose::Check, Purpose::Run] {
        let examination = judge(&Text::new(data), Path::new("/nowhere"), &Env::from_iter([("REINFER_EWS_AUTH_PASS", SECRET)]), purpose);
        assert!(examination.config.is_some() || !examination.faults.is_empty(), "neither a configuration nor a fault");
        for fault in examination.faults.iter().chain(&examination.warnings) {
            assert!(!fault.to_string().contains(SECRET), "a secret is told: {fault}");
        }
    }
}

/// Names that others chose, as places below a folder: none leads out of it, none is another's, none is too long for a disk.
pub fn names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (owner, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let (bucket, address) = rest.split_once('\n').unwrap_or((rest, owner));
    let mailbox = Mailbox { address: Address::new(address), bucket: Bucket { owner: owner.into(), name: bucket.into() }, archive: false };
    let layout = Layout::new("/root");
    for place in [layout.catalog(&mailbox), layout.hierarchy(&mailbox), layout.checkpoint(&mailbox, &FolderId(text.clone().into_owned()))] {
        let below = place.strip_prefix("/root").expect("a place stays below the root");
        let mut parts = 0;
        for part in below.components() {
            let Component::Normal(part) = part else { panic!("{part:?} leads elsewhere") };
            let part = part.to_str().expect("names are ASCII");
            assert!(part.len() <= 255 && part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'), "{part}");
            parts += 1;
        }
        assert!((5..=6).contains(&parts), "{} has {parts} parts", place.display());
    }
    for (one, other) in [(owner, bucket), (bucket, address)] {
        assert_eq!(
            one == other,
            component(one).eq_ignore_ascii_case(&component(other)),
            "{one:?} and {other:?} share a name, or one has two"
        );
    }
    if let Some(name) = object(&Key(text.into_owned()), DateTime::<Utc>::from_timestamp(data.len() as i64 * 86_400_000, 0)) {
        assert!(!name.contains("..") && name.len() < 100, "{name}");
    }
}

/// A message made UTF-8: wherever it is cut, and only once.
pub fn mime(data: &[u8]) {
    let (steer, message) = Steer::of(data);
    let once = reencoded(message, message.len());
    assert_eq!(once, reencoded(message, steer.step()), "the pieces in which a message comes change it");
    let text = once.unwrap_or_else(|| message.to_vec());
    assert!(std::str::from_utf8(&text).is_ok(), "a message that was made UTF-8 is not");
    let shortened = |step: usize| {
        let mut shortener = Shortener::default();
        text.chunks(step.max(1)).for_each(|piece| shortener.feed(piece));
        shortener.finish()
    };
    let short = shortened(text.len());
    assert_eq!(short, shortened(steer.step()), "the pieces in which a message comes change its short form");
    if let Some(short) = short {
        assert!(std::str::from_utf8(&short).is_ok(), "a short form is no text");
    }
}

/// What goes out in place of a message; none where it may go as it is.
fn reencoded(message: &[u8], step: usize) -> Option<Vec<u8>> {
    let mut surveyor = Surveyor::default();
    message.chunks(step.max(1)).for_each(|piece| surveyor.feed(piece));
    let mut reencoder = Reencoder::new(surveyor.finish().plan?);
    let mut out = Vec::new();
    message.chunks(step.max(1)).for_each(|piece| reencoder.feed(piece, &mut out));
    reencoder.finish(&mut out);
    Some(out)
}

#[cfg(test)]
mod tests;
