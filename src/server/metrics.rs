//! Figures for Prometheus, in its text format.

use std::sync::Arc;

use axum::{extract::State, response::Response};

use super::routes::Shared;

/// All figures of the run and its mailboxes.
pub async fn metrics(State(_shared): State<Arc<Shared>>) -> Response {
    super::answer::with_type(String::new().into(), "text/plain; version=0.0.4; charset=utf-8")
}
