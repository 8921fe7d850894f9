//! Refusals in Entra's shape (documentation page "Microsoft Entra authentication and authorization error codes").

use crate::http::Response;
use chrono::Utc;
use serde_json::json;

/// A refusal of the token endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Denial {
    pub(super) status: u16,
    pub(super) error: &'static str,
    pub(super) code: u32,
    pub(super) text: String,
}

impl Denial {
    pub(super) fn new(status: u16, error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self { status, error, code, text: text.into() }
    }

    /// The client did not prove who it is: 401 `invalid_client`.
    pub(super) fn client(code: u32, text: impl Into<String>) -> Self {
        Self::new(401, "invalid_client", code, text)
    }

    /// The request makes no sense: 400 `invalid_request`.
    pub(super) fn request(code: u32, text: impl Into<String>) -> Self {
        Self::new(400, "invalid_request", code, text)
    }

    pub(super) fn response(&self) -> Response {
        let now = Utc::now().format("%Y-%m-%d %H:%M:%SZ").to_string();
        let (trace, correlation) = (super::tokens::guid(), super::tokens::guid());
        let description = format!("AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}", self.code, self.text);
        let body = json!({
            "error": self.error,
            "error_description": description,
            "error_codes": [self.code],
            "timestamp": now,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        });
        Response::json(self.status, &body).header("Cache-Control", "no-store")
    }
}
