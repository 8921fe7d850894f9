//! The admin API: HTTP and JSON on a port of its own, for tests and people who want something to happen now.
//!
//! A refusal is a status of 400 or 404 and `{"error": "..."}`. The paths are listed in [`PATHS`] and described in the README.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::http::{Peer, Request, Response, Service};
use crate::state::State;
use crate::store::{Mailbox, StoreError};

mod folders;
mod items;
mod manifest;
mod place;
mod reinfer;
mod server;
#[cfg(test)]
mod tests;
mod webhooks;

use place::Place;

/// Every path with its method.
pub const PATHS: &[(&str, &str)] = &[
    ("POST", "/deliver"),
    ("POST", "/move"),
    ("POST", "/copy"),
    ("POST", "/delete"),
    ("POST", "/read"),
    ("POST", "/update"),
    ("POST", "/spoil"),
    ("POST", "/create-folder"),
    ("POST", "/rename-folder"),
    ("POST", "/move-folder"),
    ("POST", "/delete-folder"),
    ("POST", "/delete-mailbox"),
    ("POST", "/fault"),
    ("POST", "/quirks"),
    ("POST", "/latency"),
    ("POST", "/revoke"),
    ("POST", "/expire-sync-states"),
    ("POST", "/quota"),
    ("POST", "/change-ids"),
    ("POST", "/lifecycle"),
    ("POST", "/notify"),
    ("POST", "/forget-subscriptions"),
    ("POST", "/reinfer-config"),
    ("POST", "/reinfer-token"),
    ("POST", "/reset-counters"),
    ("GET", "/status"),
    ("GET", "/counters"),
    ("GET", "/faults"),
    ("GET", "/subscriptions"),
    ("GET", "/manifest"),
    ("GET", "/reinfer"),
    ("GET", "/reinfer-emails"),
];

/// The admin API's service.
#[derive(Debug)]
pub struct Admin {
    state: Arc<State>,
    /// Numbers what was delivered, so that no two generated messages are the same.
    delivered: AtomicU64,
}

/// Why a call was refused.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    status: u16,
    text: String,
}

type Answer = Result<Value, Refusal>;

fn bad(text: impl Into<String>) -> Refusal {
    Refusal { status: 400, text: text.into() }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let status = if matches!(error, StoreError::ItemNotFound | StoreError::FolderNotFound) { 404 } else { 400 };
        Self { status, text: error.to_string() }
    }
}

impl Admin {
    /// An admin API over this state.
    pub fn new(state: Arc<State>) -> Self {
        Self { state, delivered: AtomicU64::new(0) }
    }

    fn answer(&self, request: &Request) -> Result<Response, Refusal> {
        let path = request.path.trim_end_matches('/');
        if !PATHS.iter().any(|(_, known)| *known == path) {
            let known: Vec<String> = PATHS.iter().map(|(method, path)| format!("{method} {path}")).collect();
            return Err(Refusal { status: 404, text: format!("no such path: {path}; there are {}", known.join(", ")) });
        }
        if !PATHS.contains(&(request.method.as_str(), path)) {
            return Err(Refusal { status: 405, text: format!("{path} does not answer {}", request.method) });
        }
        let done = match path {
            "/manifest" => return manifest::stream(self, request),
            "/reinfer-emails" => return reinfer::emails(self, request),
            "/deliver" => items::deliver(self, read(request)?),
            "/move" => items::shift(self, read(request)?, true),
            "/copy" => items::shift(self, read(request)?, false),
            "/delete" => items::delete(self, read(request)?),
            "/read" => items::mark(self, read(request)?),
            "/update" => items::update(self, read(request)?),
            "/spoil" => items::spoil(self, read(request)?),
            "/create-folder" => folders::create(self, read(request)?),
            "/rename-folder" => folders::rename(self, read(request)?),
            "/move-folder" => folders::shift(self, read(request)?),
            "/delete-folder" => folders::delete(self, read(request)?),
            "/delete-mailbox" => server::delete_mailbox(self, read(request)?),
            "/fault" => server::fault(self, read(request)?),
            "/quirks" => server::quirks(self, read(request)?),
            "/latency" => server::latency(self, read(request)?),
            "/revoke" => server::revoke(self, read(request)?),
            "/expire-sync-states" => server::expire(self, read(request)?),
            "/quota" => server::quota(self, read(request)?),
            "/change-ids" => server::change_ids(self, read(request)?),
            "/lifecycle" => webhooks::announce(self, read(request)?),
            "/notify" => webhooks::notify(self, read(request)?),
            "/forget-subscriptions" => webhooks::forget(self, read(request)?),
            "/subscriptions" => Ok(webhooks::list(self)),
            "/reinfer-config" => reinfer::config(self, read(request)?),
            "/reinfer-token" => reinfer::token(self, read(request)?),
            "/reinfer" => Ok(reinfer::status(self)),
            "/reset-counters" => server::reset(self),
            "/counters" => Ok(server::counters(self)),
            "/faults" => Ok(server::faults(self)),
            _ => server::status(self),
        };
        done.map(|value| Response::json(200, &value))
    }

    fn mailbox(&self, address: &str) -> Result<Mailbox, Refusal> {
        self.state.store.mailbox(address).ok_or_else(|| Refusal { status: 404, text: format!("there is no mailbox {address:?}") })
    }
}

fn read<T: DeserializeOwned>(request: &Request) -> Result<T, Refusal> {
    serde_json::from_slice(&request.body).map_err(|error| bad(format!("the body of {}: {error}", request.path)))
}

impl Service for Admin {
    type Session = ();

    async fn call<'a>(&'a self, request: Request, _peer: &'a Peer, _session: &'a mut ()) -> Response {
        self.answer(&request).unwrap_or_else(|refusal| Response::json(refusal.status, &json!({ "error": refusal.text })))
    }
}
