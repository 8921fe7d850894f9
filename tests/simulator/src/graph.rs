//! Microsoft Graph v1.0: mail of the same mailboxes that EWS serves.

pub(crate) mod call;
pub(crate) mod error;
mod folders;
mod messages;
pub(crate) mod prefer;
pub(crate) mod query;
pub(crate) mod reply;
mod subscriptions;

pub(crate) use call::{Answer, Call};
pub(crate) use error::GraphError;

use crate::http::{Request, Response};
use crate::oauth::guid;
use crate::state::State;
use crate::store::Mailbox;
use std::sync::Arc;

/// Whether a path belongs to Graph.
pub(crate) fn owns(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    first.eq_ignore_ascii_case("v1.0") || first.eq_ignore_ascii_case("beta")
}

/// Answers a request for Graph.
pub(crate) async fn handle(state: &Arc<State>, request: &Request) -> Response {
    let _ = (state, request);
    let error = GraphError::new(404, "UnsupportedApiVersion", "Unsupported API version.");
    error.response(&guid(), &guid(), error::Spelling::Usual)
}

/// The mailbox `user` names, if `app` may open it: object id or user principal name.
///
/// # Errors
/// Graph's words for a user that does not exist, has no mailbox or is out of the application's reach.
pub(crate) fn open(state: &State, app: &crate::accounts::App, user: &str) -> Result<Mailbox, GraphError> {
    let _ = app;
    state.store.mailbox(user).ok_or_else(|| GraphError::new(404, "ErrorInvalidUser", format!("The requested user '{user}' is invalid.")))
}

/// Routes a call to the room of its resource.
pub(crate) async fn route(call: &Call<'_>) -> Answer {
    match call.path().as_slice() {
        ["subscriptions", ..] => subscriptions::handle(call).await,
        ["messages", ..] | ["mailFolders", _, "messages", ..] | ["translateExchangeIds"] => messages::handle(call).await,
        ["mailFolders", ..] => folders::handle(call).await,
        [first, ..] => Err(GraphError::segment(first)),
        [] => Err(GraphError::unsupported(400)),
    }
}
