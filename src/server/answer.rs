//! Answers: JSON, and errors that are JSON, too.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use serde::Serialize;
use serde_json::json;
use tokio::sync::OwnedSemaphorePermit;

/// An answer in JSON.
pub fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(text) => with_type(text.into(), "application/json"),
        Err(error) => Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, format!("writing the answer failed: {error}")).into_response(),
    }
}

/// The same of what may take megabytes: whoever waits to make another one may when this one was taken.
pub fn large(value: &impl Serialize, leave: Option<OwnedSemaphorePermit>) -> Response {
    let mut response = json(value);
    *response.body_mut() = held(std::mem::take(response.body_mut()), leave);
    response
}

/// A body that keeps its leave until it was taken.
pub fn held(body: Body, leave: Option<OwnedSemaphorePermit>) -> Body {
    Body::from_stream(body.into_data_stream().map(move |piece| {
        let _kept = &leave;
        piece
    }))
}

/// An answer of some type. It is of this moment, so nobody keeps it.
pub fn with_type(body: Body, kind: &'static str) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What was not done, and why.
#[derive(Debug)]
pub struct Refusal {
    status: StatusCode,
    words: String,
}

impl Refusal {
    /// With these words.
    pub fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self { status, words: words.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = json(&json!({"error": self.words}));
        *response.status_mut() = self.status;
        match self.status {
            StatusCode::UNAUTHORIZED => drop(response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            StatusCode::SERVICE_UNAVAILABLE => drop(response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"))),
            _ => {}
        }
        response
    }
}
