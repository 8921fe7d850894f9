//! Microsoft Graph v1.0: mail of the same mailboxes that EWS serves.
//!
//! [`handle`] takes a request from its token to its record; [`serve`] does what a request on its own and one inside a batch have in
//! common: budget, faults, permission; [`route`] finds the resource. Each resource takes a [`Call`] and gives an [`Answer`].

mod address;
mod batch;
pub(crate) mod call;
mod dress;
pub(crate) mod error;
mod filter;
mod folder_change;
mod folder_delta;
mod folders;
mod messages;
mod permission;
pub(crate) mod prefer;
pub(crate) mod query;
pub(crate) mod reply;
mod serve;
pub(crate) mod subscriptions;
#[cfg(test)]
mod tests;
mod throttle;
mod token;

pub(crate) use address::encode;
pub(crate) use call::{Answer, Call};
pub(crate) use error::GraphError;

use crate::accounts::App;
use crate::fault;
use crate::http::{Request, Response, compress};
use crate::state::State;
use crate::store::Mailbox;
use serve::{Asked, Ids, Served};
use std::sync::Arc;

/// The path everything of Graph lies below.
pub(crate) const GRAPH: &str = "/v1.0";

/// The application permissions this server knows (documentation page "Microsoft Graph permissions reference").
pub(crate) const PERMISSIONS: [&str; 6] =
    ["Mail.ReadBasic", "Mail.ReadBasic.All", "Mail.Read", "Mail.ReadWrite", "User.Read.All", "Directory.Read.All"];

/// What Graph remembers between requests.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Who has how many requests open, and how many there were.
    pub(crate) throttle: throttle::Throttle,
    /// How far the links of deltas have come.
    pub(crate) generations: messages::Generations,
    /// Subscriptions, and what is under way to their receivers.
    pub(crate) webhooks: subscriptions::Webhooks,
}

/// Whether a path belongs to Graph.
pub(crate) fn owns(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    first.eq_ignore_ascii_case("v1.0") || first.eq_ignore_ascii_case("beta")
}

/// Answers a request for Graph.
pub(crate) async fn handle(state: &Arc<State>, request: &Request) -> Response {
    let ids = Ids::of(&request.headers);
    let Served { response, operation, faults } = served(state, request, &ids).await;
    let response = dress::dress(response, &ids);
    let (response, broken) = fault::damage(response, &faults, operation);
    // What is recorded is to be read by people and validators: before it is packed.
    let response = match &state.gate.recorder {
        Some(recorder) => recorder.begin(operation, request).tee(response, broken),
        None => response,
    };
    compress(response, request)
}

async fn served(state: &Arc<State>, request: &Request, ids: &Ids) -> Served {
    let refused = |error: GraphError| Served { response: ids.refuse(state, &error), operation: "graph.Unknown", faults: Vec::new() };
    let path = request.path.trim_start_matches('/');
    let (version, path) = path.split_once('/').unwrap_or((path, ""));
    if !version.eq_ignore_ascii_case("v1.0") {
        return refused(GraphError::new(404, "UnsupportedApiVersion", format!("The version '{version}' is not served.")));
    }
    let origin = request.origin();
    let app = match token::identify(state, &request.headers, &origin) {
        Ok(app) => app,
        Err(error) => return refused(error),
    };
    let asked = Asked {
        method: &request.method,
        path,
        query: request.query.as_deref(),
        headers: &request.headers,
        body: &request.body,
        origin: &origin,
    };
    let batch = crate::http::percent_decode(path.trim_end_matches('/'));
    if !batch.eq_ignore_ascii_case("$batch") {
        return serve::serve(state, app, asked, ids).await;
    }
    let operation = "graph.Batch";
    state.counters.add(operation, 1);
    let faults = state.faults.for_wire(operation, None);
    tokio::time::sleep(fault::delay(&faults)).await;
    let response = match serve::refused_by(&faults) {
        Some(error) => ids.refuse(state, &error),
        None => match fault::replacement(&faults) {
            Some(response) => response,
            None if request.method != "POST" => ids.refuse(state, &GraphError::unsupported(405)),
            None => match batch::handle(state, app, &request.body, &origin).await {
                Ok(response) => response,
                Err(error) => ids.refuse(state, &error),
            },
        },
    };
    Served { response, operation, faults }
}

/// The mailbox `user` names, if `app` may open it: object id or user principal name.
///
/// # Errors
/// Graph's words for a user that does not exist, has no mailbox or is out of the application's reach.
pub(crate) fn open(state: &State, app: &App, user: &str) -> Result<Mailbox, GraphError> {
    let mailbox = permission::find(state, user)?;
    permission::admit(app, &mailbox)?;
    Ok(mailbox)
}

/// Routes a call to the room of its resource.
pub(crate) async fn route(call: &Call<'_>) -> Answer {
    match call.path().as_slice() {
        [] => user(call),
        ["subscriptions", ..] => subscriptions::handle(call).await,
        ["messages", ..] | ["mailFolders", _, "messages", ..] | ["translateExchangeIds"] => messages::handle(call).await,
        ["mailFolders", ..] => folders::handle(call),
        [first, ..] => Err(GraphError::segment(first)),
    }
}

/// `GET /users/{id}`: who it is.
fn user(call: &Call<'_>) -> Answer {
    if call.method != "GET" {
        return Err(GraphError::unsupported(405));
    }
    let mailbox = call.mailbox()?;
    let body = serde_json::json!({
        "@odata.context": format!("{}/$metadata#users/$entity", call.root),
        "id": mailbox.guid().text(),
        "userPrincipalName": mailbox.address(),
        "mail": mailbox.address(),
        "displayName": mailbox.display_name(),
    });
    reply::entity(200, &call.selected(body))
}
