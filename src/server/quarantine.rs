//! What could not be read or stored.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use exchange_sync_tui::status::Quarantined;

use super::{
    answer::{self, Refusal},
    routes::Shared,
};
use crate::watch::listing;

/// The items in quarantine, and whether there are more than are shown.
pub async fn quarantine(State(shared): State<Arc<Shared>>) -> Result<Response, Refusal> {
    let hands = shared.hands()?;
    let leave = shared.large().await;
    let failed = |words: String| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, shared.shown(&words));
    let mut told = listing(hands.quarantine().await.map_err(failed)?);
    told.items = told.items.into_iter().map(|item| shown(&shared, item)).collect();
    Ok(answer::large(&told, leave))
}

fn shown(shared: &Shared, item: Quarantined) -> Quarantined {
    let folder = item.folder.iter().map(|name| shared.shown(name)).collect();
    Quarantined { mailbox: shared.shown(&item.mailbox), words: shared.shown(&item.words), folder, ..item }
}
