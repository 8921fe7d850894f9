//! JSON with its faults: repeated keys, which most parsers let pass, and syntax errors with the line they are on.

use std::{cell::RefCell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::Fault;

/// Keys whose values must never be shown.
pub(super) const SECRETS: [&str; 3] = ["auth_password", "auth_oauth_client_secret", "auth_oauth_client_credential_private_key"];

/// The path of a member of the object at `path`.
pub(super) fn member(path: &str, key: &str) -> String {
    let plain = key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain { format!("{path}.{key}") } else { format!("{path}[{}]", Value::from(key)) }
}

/// The path of an element of the array at `path`.
pub(super) fn element(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// A value as people recognise it, short enough for a line.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".into(),
        Value::Array(elements) if elements.iter().any(|element| element.is_object() || element.is_array()) => "an array".into(),
        plain => shortened(&plain.to_string(), 80),
    }
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.into(),
    }
}

/// Parses a document; a byte order mark is passed over. Every repeated key is one fault; the last one's value counts.
pub(super) fn parse(text: &str) -> Result<(Value, Vec<Fault>), Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let repeated = RefCell::default();
    let mut parser = serde_json::Deserializer::from_str(text);
    let value = Any { path: "$", repeated: &repeated }.deserialize(&mut parser).and_then(|value| parser.end().map(|()| value));
    match value {
        Ok(value) => Ok((value, repeated.into_inner())),
        Err(error) => Err(syntax(text, &error)),
    }
}

/// The fault for a document that is no JSON, with the offending line unless a secret may be on it.
fn syntax(text: &str, error: &serde_json::Error) -> Fault {
    if text.trim().is_empty() {
        return Fault::new("$", "the file is empty").remedy("`exchange-sync config sample` prints one to start from");
    }
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let cause = message.split(" at line ").next().unwrap_or_default();
    if cause.starts_with("EOF") {
        let fault = Fault::new(format!("line {}", text.trim_end().lines().count()), "the file ends too early");
        return fault.remedy("a closing brace, bracket or quote is missing, or the rest of the file");
    }
    let above: Vec<&str> = text.lines().take(line).collect();
    let offending = above.last().copied().unwrap_or_default();
    // A secret's own quotes or line breaks may be what is wrong, so the lines before count too.
    let near = above
        .iter()
        .rev()
        .take(4)
        .any(|line| ["password", "secret", "private_key", "-----"].iter().any(|mark| line.to_ascii_lowercase().contains(mark)));
    let at = (0..column.min(offending.len() + 1)).rev().find(|at| offending.is_char_boundary(*at)).unwrap_or(0);
    let (before, rest) = offending.split_at(at);
    let excerpt = if near {
        "(the line is not shown: a secret is near)".into()
    } else {
        let skipped = before.char_indices().rev().nth(50).map_or(0, |(start, _)| start);
        format!("{}{}", &before[skipped..], shortened(rest, 30)).trim().to_owned()
    };
    let fault = Fault::new(format!("line {line}, column {column}"), format!("{cause}: {excerpt}"));
    match cause {
        "invalid escape" | "invalid unicode code point" => fault.remedy(r"in JSON a backslash is written twice, such as DOMAIN\\user"),
        "trailing comma" => fault.remedy("remove the comma after the last entry"),
        c if c.starts_with("control character") => fault.remedy(r"a text may not go over several lines: write each line break as \n"),
        _ if rest.starts_with(['/', '#']) => fault.remedy("JSON has no comments: remove it"),
        _ if rest.starts_with('\'') || rest.starts_with(['\u{201c}', '\u{201d}']) => {
            fault.remedy("texts stand between plain double quotes")
        }
        c if c.starts_with("expected `,`") && rest.starts_with('"') => fault.remedy("put a comma after the entry before"),
        "key must be a string" => fault.remedy("keys stand between plain double quotes"),
        _ => fault,
    }
}

struct Any<'a> {
    path: &'a str,
    repeated: &'a RefCell<Vec<Fault>>,
}

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(value) = seq.next_element_seed(Any { path: &element(self.path, elements.len()), repeated: self.repeated })? {
            elements.push(value);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = map.next_key::<String>().map_err(A::Error::custom)? {
            let path = member(self.path, &key);
            let value = map.next_value_seed(Any { path: &path, repeated: self.repeated })?;
            if members.insert(key, value).is_some() {
                self.repeated.borrow_mut().push(Fault::new(path, "this key stands here more than once").remedy("keep one of them"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_needed() {
        assert_eq!(member("$", "port"), "$.port");
        assert_eq!(member("$.mailboxes", "a\"b@example.com"), r#"$.mailboxes["a\"b@example.com"]"#);
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(
            parse("\u{feff}{\"a\": [1, -2, 0.5, null, true, \"x\"]}").unwrap().0,
            serde_json::json!({"a": [1, -2, 0.5, null, true, "x"]})
        );
    }

    #[test]
    fn every_repeated_key_is_told() {
        let (value, repeated) = parse(r#"{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}"#).unwrap();
        assert_eq!(value, serde_json::json!({"a": 3, "b": {"c": 2}}));
        assert_eq!(repeated.iter().map(|fault| fault.at.as_str()).collect::<Vec<_>>(), ["$.b.c", "$.a"]);
    }

    #[test]
    fn syntax_errors_show_their_line() {
        let deep = "[".repeat(200);
        let texts = [
            "",
            "{\n  \"port\": 443,\n}",
            "{\n  // Exchange\n  \"port\": 443\n}",
            "{\n  \"port\": 443 # tls\n}",
            "{\n  \"auth_user\": \"CORP\\user\"\n}",
            "{\n  \"host\": 'mail'\n}",
            "{\n  host: \"mail\"\n}",
            "{\n  \"host\": \"mail\"\n  \"port\": 1\n}",
            "{\n  \"auth_password\": \"hun\"ter2\"\n}",
            "{\n  \"auth_oauth_client_credential_private_key\": \"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\n-----END PRIVATE KEY-----\"\n}",
            "{\"host\": \"mail\"",
            "{} {}",
            "{\"a\": 1e999}",
            &deep,
        ];
        let faults: Vec<String> = texts.iter().map(|text| parse(text).unwrap_err().to_string()).collect();
        assert!(faults.iter().all(|fault| !fault.contains("ter2") && !fault.contains("MII")));
        insta::assert_snapshot!(faults.join("\n"));
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,60}") {
            let _ = parse(&text);
            let _ = parse(&format!("{{\n{text}"));
        }
    }
}
