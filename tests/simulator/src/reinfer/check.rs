//! Strict reading of what clients send: every member named, of its type, and none besides. Refusals name the place in the document.

use super::refusal::Refusal;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// The members of an object, taken out one by one.
#[derive(Debug)]
pub(super) struct Fields {
    path: String,
    members: Map<String, Value>,
}

/// A body as JSON.
///
/// # Errors
/// 415 where the header does not call it JSON, 400 where it is none.
pub(super) fn body(request: &crate::http::Request) -> Result<Fields, Refusal> {
    is_json(request)?;
    let value = serde_json::from_slice(&request.body).map_err(not_json)?;
    Fields::of(String::new(), value)
}

/// Whether a body is said to be JSON, and comes unpacked.
///
/// # Errors
/// 415.
pub(super) fn is_json(request: &crate::http::Request) -> Result<(), Refusal> {
    let kind = request.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(Refusal::new(415, format!("415 Unsupported Media Type: expected application/json, not {kind:?}")));
    }
    match request.header("content-encoding") {
        None => Ok(()),
        Some(coding) if coding.eq_ignore_ascii_case("identity") => Ok(()),
        Some(coding) => Err(Refusal::new(415, format!("415 Unsupported Media Type: content coding {coding:?}"))),
    }
}

/// What serde has to say of a body.
pub(super) fn not_json(error: serde_json::Error) -> Refusal {
    Refusal::new(400, format!("the body is not JSON: {error}"))
}

impl Fields {
    /// The members of a value that must be an object.
    ///
    /// # Errors
    /// 400 where it is none.
    pub(super) fn of(path: String, value: Value) -> Result<Self, Refusal> {
        match value {
            Value::Object(members) => Ok(Self { path, members }),
            other => {
                Err(Refusal::shape(if path.is_empty() { "the body" } else { &path }, format!("expected an object, not {}", kind(&other))))
            }
        }
    }

    /// Where a member stands.
    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Takes a member out, if it is there. `null` is there.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    /// Whether a member is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    fn wrong(&self, name: &str, expected: &str, found: &Value) -> Refusal {
        Refusal::shape(&self.at(name), format!("expected {expected}, not {}", kind(found)))
    }

    /// A member that must be there.
    ///
    /// # Errors
    /// 400 where it is not.
    pub(super) fn need<T>(&self, name: &str, member: Option<T>) -> Result<T, Refusal> {
        member.ok_or_else(|| Refusal::shape(&self.at(name), "is missing"))
    }

    /// An object.
    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, Refusal> {
        let path = self.at(name);
        self.take(name).map(|value| Self::of(path, value)).transpose()
    }

    /// A text.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, "a string", &other)),
        }
    }

    /// A text that must be there and not be empty.
    pub(super) fn words(&mut self, name: &str) -> Result<String, Refusal> {
        let text = self.text(name)?;
        let text = self.need(name, text)?;
        if text.is_empty() { Err(Refusal::value(&self.at(name), "must not be empty")) } else { Ok(text) }
    }

    /// True or false.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.wrong(name, "a boolean", &other)),
        }
    }

    /// A whole number of 32 bits that is not negative.
    pub(super) fn count(&mut self, name: &str) -> Result<Option<i32>, Refusal> {
        let Some(value) = self.take(name) else { return Ok(None) };
        if !(value.is_i64() || value.is_u64()) {
            return Err(self.wrong(name, "an integer", &value));
        }
        let number = value.as_i64().and_then(|number| i32::try_from(number).ok()).filter(|number| *number >= 0);
        number.map(Some).ok_or_else(|| Refusal::value(&self.at(name), format!("{value} is not between 0 and {}", i32::MAX)))
    }

    /// A list.
    pub(super) fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(other) => Err(self.wrong(name, "an array", &other)),
        }
    }

    /// A list of texts.
    pub(super) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        let Some(list) = self.list(name)? else { return Ok(None) };
        let text = |(at, value)| match value {
            Value::String(text) => Ok(text),
            other => Err(Refusal::shape(&format!("{}[{at}]", self.at(name)), format!("expected a string, not {}", kind(&other)))),
        };
        list.into_iter().enumerate().map(text).collect::<Result<_, _>>().map(Some)
    }

    /// A moment: RFC 3339, in UTC.
    pub(super) fn moment(&mut self, name: &str) -> Result<Option<DateTime<Utc>>, Refusal> {
        let text = self.text(name)?;
        text.map(|text| moment(&text).ok_or_else(|| Refusal::value(&self.at(name), format!("{text:?} is not a UTC time of RFC 3339"))))
            .transpose()
    }

    /// The text of such a moment.
    pub(super) fn moment_text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        let text = self.members.get(name).and_then(Value::as_str).map(str::to_owned);
        self.moment(name).map(|moment| moment.and(text))
    }

    /// The same, or `null`.
    pub(super) fn moment_or_null(&mut self, name: &str) -> Result<Option<DateTime<Utc>>, Refusal> {
        self.drop_null(name);
        self.moment(name)
    }

    /// Lets `null` stand for what is not there.
    pub(super) fn drop_null(&mut self, name: &str) {
        if self.members.get(name).is_some_and(Value::is_null) {
            self.members.remove(name);
        }
    }

    /// Nothing may be left.
    ///
    /// # Errors
    /// 400 with the name of the first unknown member.
    pub(super) fn end(self) -> Result<(), Refusal> {
        match self.members.keys().next() {
            None => Ok(()),
            Some(name) => Err(Refusal::shape(&self.at(name), "is unknown")),
        }
    }
}

/// A time of RFC 3339 whose offset is that of UTC.
pub(super) fn moment(text: &str) -> Option<DateTime<Utc>> {
    let moment = DateTime::parse_from_rfc3339(text).ok()?;
    let utc = moment.offset().local_minus_utc() == 0 && text.contains(['T', 't']);
    utc.then(|| moment.with_timezone(&Utc))
}

/// A moment as this API writes it.
pub(super) fn written(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
