//! Figures for Prometheus, in its text format.

mod mailbox;
mod run;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;

use axum::{extract::State, response::Response};

use self::text::Text;
use super::{
    answer,
    routes::{Shared, large},
};
use crate::status::Status;

/// All figures of the run and its mailboxes.
pub async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let leave = shared.large().await;
    let text = exposition(&shared.overview());
    answer::with_type(large(text.into_bytes(), leave), "text/plain; version=0.0.4; charset=utf-8")
}

/// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>
fn exposition(status: &Status) -> String {
    let mut text = Text::default();
    run::write(&status.head, &mut text);
    mailbox::write(&status.mailboxes, &mut text);
    text.end()
}
