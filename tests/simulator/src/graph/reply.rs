//! Answers that succeed.

use super::Answer;
use crate::http::Response;
use bytes::Bytes;
use serde_json::Value;

const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// A JSON document as Graph labels it.
pub(crate) fn json(status: u16, body: &Value) -> Response {
    Response::new(status).header("Content-Type", JSON).bytes(body.to_string())
}

/// JSON that is written already.
pub(crate) fn raw(status: u16, body: Bytes) -> Response {
    Response::new(status).header("Content-Type", JSON).bytes(body)
}

/// The same as an [`Answer`].
pub(crate) fn entity(status: u16, body: &Value) -> Answer {
    Ok(json(status, body))
}
