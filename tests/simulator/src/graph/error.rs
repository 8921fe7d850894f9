//! Refusals in Graph's shape (documentation page "Microsoft Graph error responses and resource types").

use crate::graph::reply;
use crate::http::{Headers, Response};
use crate::store::StoreError;
use chrono::Utc;
use serde_json::{Value, json};

/// A refusal: a status, Graph's code and text, and header fields that go with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GraphError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) headers: Headers,
}

impl GraphError {
    pub(crate) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), headers: Headers::new() }
    }

    /// Adds a header field.
    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// A query Exchange cannot answer: 400 `ErrorInvalidUrlQuery`.
    pub(crate) fn query(message: impl Into<String>) -> Self {
        Self::new(400, "ErrorInvalidUrlQuery", message)
    }

    /// An address that fits no resource: 400 `RequestBroker--ParseUri`.
    pub(crate) fn segment(name: &str) -> Self {
        Self::new(400, "RequestBroker--ParseUri", format!("Resource not found for the segment '{name}'."))
    }

    /// An address that exists, asked for in a way it does not answer.
    pub(crate) fn unsupported(status: u16) -> Self {
        Self::new(status, "ErrorInvalidRequest", "The OData request is not supported.")
    }

    /// A body or parameter that makes no sense: 400 `ErrorInvalidArgument`-like.
    pub(crate) fn request(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// An identifier nobody ever gave out: 400 `ErrorInvalidIdMalformed`.
    pub(crate) fn malformed_id() -> Self {
        Self::new(400, "ErrorInvalidIdMalformed", "Id is malformed.")
    }

    /// What was there and is no more, or never was: 404 `ErrorItemNotFound`.
    pub(crate) fn not_found() -> Self {
        Self::new(404, "ErrorItemNotFound", "The specified object was not found in the store.")
    }

    /// The answer that says so. `spelling` decides the variants real gateways show.
    pub(crate) fn response(&self, request_id: &str, client_request_id: &str, spelling: Spelling) -> Response {
        let date = Utc::now().format("%Y-%m-%dT%H:%M:%S").to_string();
        let inner = json!({"date": date, "request-id": request_id, "client-request-id": client_request_id});
        let body = match spelling {
            Spelling::Usual => json!({"error": {"code": self.code, "message": self.message, "innerError": inner}}),
            Spelling::LowerCase => json!({"error": {"code": lower(&self.code), "message": self.message, "innererror": inner}}),
            Spelling::Nested => {
                let mut nested = inner;
                if let Value::Object(fields) = &mut nested {
                    fields.insert("code".to_owned(), self.code.clone().into());
                }
                json!({"error": {"code": "UnknownError", "message": "", "innerError": nested}})
            }
        };
        let mut response = reply::json(self.status, &body);
        for (name, value) in self.headers.iter() {
            response.headers.push(name, value);
        }
        response
    }
}

/// How an error body is spelt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// As documented.
    #[default]
    Usual,
    /// `innererror`, and a code that begins with a small letter.
    LowerCase,
    /// The code that matters stands in `innerError`, below `UnknownError`.
    Nested,
}

fn lower(code: &str) -> String {
    let mut letters = code.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_lowercase().to_string() + letters.as_str())
}

impl From<StoreError> for GraphError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::ItemNotFound | StoreError::FolderNotFound => Self::not_found(),
            StoreError::FolderExists => Self::new(409, "ErrorFolderExists", "A folder with the specified name already exists."),
            StoreError::WellKnownFolder => {
                Self::new(403, "ErrorDeleteDistinguishedFolder", "Distinguished folders cannot be changed this way.")
            }
            StoreError::FolderCycle => Self::request("ErrorMoveCopyFailed", "The folder cannot be moved below itself."),
            StoreError::SearchFolder => Self::request("ErrorInvalidOperation", "The operation is not valid for a search folder."),
            StoreError::PositionUnknown => Self::new(410, "SyncStateNotFound", "The sync state generation is not found."),
        }
    }
}
