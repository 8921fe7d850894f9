//! What Graph, or a gateway before it, says when it will not, in all the shapes it comes in.
//!
//! Source: Graph "Microsoft Graph error responses and resource types"; RFC 6749, section 5.2.

use std::time::Duration;

use serde_json::Value;

use super::codes::judge;
use crate::exchange::shorten::shorten;

/// An answer that is a refusal: of one request, or of one within a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The most telling of the codes, in the server's spelling; absent where the body is none of Graph's.
    pub code: Option<String>,
    /// The server's words, shortened.
    pub text: String,
    /// How long the server wants to be left alone.
    pub wait: Option<Duration>,
    /// By what the server's people find the request.
    pub request_id: Option<String>,
    /// Whether there was no body at all.
    pub bare: bool,
}

/// Codes within codes are looked at down to this depth.
const DEEPEST: usize = 8;

impl Refusal {
    /// What a body with this status says.
    pub fn new(status: u16, body: &[u8]) -> Self {
        match serde_json::from_slice(body) {
            Ok(json) => Self::of_json(status, &json),
            Err(_) => Self::of_text(status, &String::from_utf8_lossy(body)),
        }
    }

    /// The same for JSON that was read already.
    pub fn of_json(status: u16, body: &Value) -> Self {
        let refusal = Self { status, ..Self::default() };
        match body.get("error") {
            Some(Value::String(code)) => {
                let text = body.get("error_description").and_then(Value::as_str).unwrap_or_default();
                Self { code: named(code), text: or_silence(text), ..refusal }
            }
            Some(error @ Value::Object(_)) => {
                let text = error.get("message").and_then(text_of).unwrap_or_default();
                Self { code: telling(error), text: or_silence(text), request_id: request_id(error), ..refusal }
            }
            _ => match body {
                Value::Null => Self { text: or_silence(""), bare: true, ..refusal },
                Value::String(text) => Self::of_text(status, text),
                other => Self { text: shorten(&other.to_string()), ..refusal },
            },
        }
    }

    fn of_text(status: u16, text: &str) -> Self {
        let text = text.trim_start_matches('\u{FEFF}').trim();
        let said = title(text).map_or_else(|| or_silence(text), |title| format!("page titled \"{}\"", shorten(title)));
        Self { status, text: said, bare: text.is_empty(), ..Self::default() }
    }

    /// Whether it has this code, letter case aside.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(code))
    }

    /// The code, else the status as text.
    pub fn name(&self) -> String {
        self.code.clone().unwrap_or_else(|| format!("HTTP {}", self.status))
    }
}

/// The innermost code that is known, else the outermost: inner ones are often more exact, and often of no meaning to anybody.
fn telling(error: &Value) -> Option<String> {
    let mut codes = Vec::new();
    let mut level = Some(error);
    while let Some(error) = level.filter(|_| codes.len() < DEEPEST) {
        codes.push(error.get("code").and_then(Value::as_str).and_then(named));
        level = error.get("innerError").or_else(|| error.get("innererror")).filter(|inner| inner.is_object());
    }
    let known = codes.iter().rev().flatten().find(|code| judge(code).is_some());
    known.or_else(|| codes.iter().flatten().next()).cloned()
}

fn request_id(error: &Value) -> Option<String> {
    let inner = error.get("innerError").or_else(|| error.get("innererror"))?;
    inner.get("request-id").and_then(Value::as_str).and_then(named)
}

/// A message is a text, or a text with its language.
fn text_of(message: &Value) -> Option<&str> {
    message.as_str().or_else(|| message.get("value")?.as_str())
}

fn named(text: &str) -> Option<String> {
    Some(shorten(text)).filter(|text| !text.is_empty())
}

fn or_silence(text: &str) -> String {
    named(text).unwrap_or_else(|| "no message".to_owned())
}

fn title(html: &str) -> Option<&str> {
    // Only ASCII changes its case here, so places in one are places in the other.
    let lower = html.to_ascii_lowercase();
    let start = lower.find("<title")?;
    let start = start + lower.get(start..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find('<')?;
    html.get(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> (Option<String>, String) {
        let refusal = Refusal::new(400, body.as_bytes());
        (refusal.code, refusal.text)
    }

    fn said(code: &str, text: &str) -> (Option<String>, String) {
        (Some(code.to_owned()), text.to_owned())
    }

    #[test]
    fn every_known_shape_is_read() {
        let plain = r#"{"error":{"code":"ErrorItemNotFound","message":"gone","innerError":{"request-id":"r1","date":"d"}}}"#;
        assert_eq!(read(plain), said("ErrorItemNotFound", "gone"));
        assert_eq!(Refusal::new(404, plain.as_bytes()).request_id.as_deref(), Some("r1"));
        assert_eq!(
            read(r#"{"error":"invalid_client","error_description":"AADSTS7000215: wrong"}"#),
            said("invalid_client", "AADSTS7000215: wrong")
        );
        assert_eq!(read(r#"{"error":{"code":"X","message":{"lang":"en","value":"words"}}}"#), said("X", "words"));
        assert_eq!(read(r#"{"error":{"code":"","message":""}}"#), (None, "no message".into()));
        assert_eq!(read(r#"{"error":{"code":7}}"#), (None, "no message".into()));
        assert_eq!(read(r#"{"other":1}"#), (None, r#"{"other":1}"#.into()));
        assert_eq!(read("<html><head><TITLE >502 Bad\n Gateway</title>"), (None, "page titled \"502 Bad Gateway\"".into()));
        assert_eq!(read("upstream\r\nfailed"), (None, "upstream failed".into()));
        assert_eq!(read("[]"), (None, "[]".into()));
    }

    #[test]
    fn the_innermost_known_code_wins_in_either_spelling() {
        let nested =
            |inner: &str, code: &str| format!(r#"{{"error":{{"code":"generalException","message":"m","{inner}":{{"code":"{code}"}}}}}}"#);
        assert_eq!(read(&nested("innerError", "syncStateNotFound")).0.as_deref(), Some("syncStateNotFound"));
        assert_eq!(read(&nested("innererror", "RESYNCREQUIRED")).0.as_deref(), Some("RESYNCREQUIRED"));
        assert_eq!(read(&nested("innerError", "0x8004")).0.as_deref(), Some("generalException"));
        let strange = r#"{"error":{"code":"Outer","innerError":{"code":"Inner"}}}"#;
        assert_eq!(read(strange).0.as_deref(), Some("Outer"));
    }

    #[test]
    fn silence_is_told_from_words() {
        assert!(Refusal::new(404, b"").bare);
        assert!(Refusal::new(404, b" \r\n").bare);
        assert!(!Refusal::new(404, b"{}").bare);
        assert_eq!(Refusal::new(503, b"").name(), "HTTP 503");
    }

    #[test]
    fn endless_nesting_ends() {
        let deep = (0..100).fold("{}".to_owned(), |inner, _| format!(r#"{{"code":"A","innererror":{inner}}}"#));
        assert_eq!(read(&format!(r#"{{"error":{deep}}}"#)).0.as_deref(), Some("A"));
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(body in proptest::collection::vec(proptest::num::u8::ANY, 0..80), text in "<title>?\\PC{0,40}") {
            let _ = Refusal::new(500, &body);
            let _ = Refusal::new(500, text.as_bytes());
        }
    }
}
