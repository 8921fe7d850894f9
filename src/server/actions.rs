//! What is to be done.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use exchange_sync_tui::Action;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    answer::{self, Refusal},
    routes::Shared,
    token,
};

/// An action's most bytes.
const LIMIT: usize = 16 << 10;

/// An action must be there within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Has an action done, for whoever may ask for it.
pub async fn actions(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Body) -> Result<Response, Refusal> {
    token::admit(&headers, shared.settings.token.as_ref())?;
    let hands = shared.hands()?;
    let action = action(body).await?;
    if let Some(mailbox) = action.mailbox()
        && shared.settings.events.status().named(mailbox).is_none()
    {
        let words = format!("no mailbox of this instance is shown as {}", shared.shown(mailbox));
        return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, words));
    }
    match hands.act(action).await {
        Ok(words) => Ok(answer::json(&json!({"answer": shared.shown(&words)}))),
        Err(words) => Err(Refusal::new(StatusCode::CONFLICT, shared.shown(&words))),
    }
}

async fn action(body: Body) -> Result<Action, Refusal> {
    let bytes = match timeout(PATIENCE, to_bytes(body, LIMIT)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => {
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the action was cut off, or has more than {LIMIT} bytes")));
        }
        Err(_) => return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the action did not arrive in time")),
    };
    let value: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, format!("reading the action failed: it is not JSON: {error}")))?;
    serde_json::from_value(value).map_err(|error| {
        let words = format!("reading the action failed: {error}; write it like {{\"do\": \"pause\", \"mailbox\": \"ann@example.com\"}}");
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, words)
    })
}
