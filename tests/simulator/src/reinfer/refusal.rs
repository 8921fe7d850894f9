//! Refusals, and the envelope every answer but a raw file comes in: `{"status": "ok", ...}` or `{"status": "error", "message": ...}`.

use crate::http::{Headers, Response};
use serde_json::{Map, Value};

/// A refusal: a status and words for the log. There is no code; clients tell refusals apart by the status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) headers: Headers,
}

/// What an operation answers.
pub(crate) type Answer = Result<Response, Refusal>;

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), headers: Headers::new() }
    }

    /// Something of the wrong shape: not there, of another type, or unknown. `path` is the place in the JSON document.
    pub(crate) fn shape(path: &str, what: impl AsRef<str>) -> Self {
        Self::new(400, format!("{path}: {}", what.as_ref()))
    }

    /// Something of the right shape whose value is not allowed.
    pub(crate) fn value(path: &str, what: impl AsRef<str>) -> Self {
        Self::new(422, format!("{path}: {}", what.as_ref()))
    }

    /// What is not there.
    pub(crate) fn missing() -> Self {
        Self::new(404, "404 Not Found")
    }

    /// Adds a header field.
    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// The answer that says so.
    pub(crate) fn response(&self) -> Response {
        let mut response = Response::json(self.status, &serde_json::json!({ "status": "error", "message": self.message }));
        for (name, value) in self.headers.iter() {
            response.headers.push(name, value);
        }
        response
    }
}

/// A success with these members beside the status.
pub(crate) fn ok(members: Value) -> Answer {
    let mut whole = Map::new();
    whole.insert("status".to_owned(), "ok".into());
    if let Value::Object(members) = members {
        whole.extend(members);
    }
    Ok(Response::json(200, &Value::Object(whole)))
}

/// A success that has nothing to say.
pub(crate) fn done() -> Answer {
    ok(Value::Null)
}
