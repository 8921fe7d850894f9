//! What could not be read or stored.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use exchange_sync_tui::status::Quarantined;
use serde_json::json;

use super::{
    answer::{self, Refusal},
    routes::Shared,
};
use crate::watch::QUARANTINE_SHOWN;

/// The items in quarantine, and whether there are more than are shown.
pub async fn quarantine(State(shared): State<Arc<Shared>>) -> Result<Response, Refusal> {
    let failed = |words: String| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, shared.shown(&words));
    let mut items = shared.hands()?.quarantine().await.map_err(failed)?;
    let more = items.len() > QUARANTINE_SHOWN;
    items.truncate(QUARANTINE_SHOWN);
    let items: Vec<Quarantined> = items.into_iter().map(|item| shown(&shared, item)).collect();
    Ok(answer::json(&json!({"items": items, "more": more})))
}

fn shown(shared: &Shared, item: Quarantined) -> Quarantined {
    let folder = item.folder.iter().map(|name| shared.shown(name)).collect();
    Quarantined { mailbox: shared.shown(&item.mailbox), words: shared.shown(&item.words), folder, ..item }
}
