//! The state of the run, at once.

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{
    answer::{self, Refusal},
    routes::Shared,
};

/// Head and mailboxes; with `folders=true` all that there is.
pub async fn status(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let whole = match folders(query.as_deref().unwrap_or_default()) {
        Ok(whole) => whole,
        Err(refusal) => return refusal.into_response(),
    };
    let leave = shared.large().await;
    let status = if whole { shared.whole() } else { shared.overview() };
    answer::large(&status, leave)
}

/// Whether folders are asked for. A mistyped query is told of: its answer would be taken for another one.
fn folders(query: &str) -> Result<bool, Refusal> {
    let mut folders = false;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        folders = match pair {
            "folders" | "folders=true" | "folders=1" => true,
            "folders=false" | "folders=0" => false,
            _ => return Err(Refusal::new(StatusCode::BAD_REQUEST, "the only query known here is folders=true or folders=false")),
        };
    }
    Ok(folders)
}
