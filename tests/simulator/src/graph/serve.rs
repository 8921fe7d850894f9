//! One request served: its budget, its faults, its resource. A request on its own and one inside a batch go the same way.

use super::address::Address;
use super::call::{Answer, Call};
use super::error::{GraphError, Spelling};
use super::permission::{self, Reach};
use super::prefer::Prefer;
use super::query::Query;
use super::throttle::Permit;
use crate::accounts::App;
use crate::fault::{self, WireFault};
use crate::http::{Body, Headers, Response};
use crate::oauth::guid;
use crate::state::State;
use crate::store::Mailbox;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use std::sync::Arc;
use std::task::Poll;

/// What is asked: the parts of a request that one inside a batch has too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a str,
    /// What follows `/v1.0/`.
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) headers: &'a Headers,
    pub(super) body: &'a Bytes,
    /// `http://host:port`.
    pub(super) origin: &'a str,
}

/// The ids an answer carries.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    pub(super) request: String,
    pub(super) client: String,
}

impl Ids {
    /// A new id, and the client's own where it named one.
    pub(super) fn of(headers: &Headers) -> Self {
        let request = guid();
        let client = headers.value("client-request-id").map_or_else(|| request.clone(), str::to_owned);
        Self { request, client }
    }

    /// A refusal as an answer, spelt as the habits in force ask.
    pub(super) fn refuse(&self, state: &State, error: &GraphError) -> Response {
        state.counters.add(&format!("graph.error.{}", error.code), 1);
        let spelling = if state.quirks.has("graph-errors-nested") {
            Spelling::Nested
        } else if state.quirks.has("graph-errors-lower-case") {
            Spelling::LowerCase
        } else {
            Spelling::Usual
        };
        error.response(&self.request, &self.client, spelling)
    }
}

/// What became of a request.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) response: Response,
    pub(super) operation: &'static str,
    /// Faults that still have to damage the answer's bytes.
    pub(super) faults: Vec<WireFault>,
}

/// Serves one request of an application.
pub(super) async fn serve(state: &Arc<State>, app: &App, asked: Asked<'_>, ids: &Ids) -> Served {
    let counters = &state.counters;
    counters.add("graph.requests", 1);
    let address = match Address::parse(asked.path) {
        Ok(address) => address,
        Err(error) => return Served { response: ids.refuse(state, &error), operation: "graph.Unknown", faults: Vec::new() },
    };
    let operation = address.operation(asked.method);
    counters.add(operation, 1);
    let mailbox = address.user.as_deref().map(|user| permission::find(state, user)).transpose();
    let owner = mailbox.as_ref().ok().and_then(Option::as_ref).map(Mailbox::address);
    let owner = owner.map(str::to_owned);
    let owner = owner.as_deref();
    let faults = state.faults.for_wire(operation, owner);
    let (mut permit, mut refusal) = (None, None);
    let mut early = false;
    if let Some(owner) = owner {
        let sent = if asked.method == "GET" { 0 } else { asked.body.len() as u64 };
        let entry = state.graph.throttle.enter(&app.client_id, owner, sent, state.gate.budgets.limits());
        counters.add(&format!("graph.requests.{owner}"), 1);
        counters.raise("graph.most_in_flight", u64::from(entry.in_flight));
        early = entry.early;
        if let Some((asked, lost)) = entry.waited {
            counters.waited("graph", asked, lost);
        }
        match entry.leave {
            Ok(leave) => permit = Some(leave),
            Err(error) => refusal = Some(error),
        }
    }
    if early {
        counters.add("graph.early_requests", 1);
    }
    // The budget is charged while the answer takes its time, as it is on a server at work.
    let delay = state.gate.next_delay().saturating_add(fault::delay(&faults));
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    let response = match (refused_by(&faults), fault::replacement(&faults), refusal) {
        (Some(error), _, _) => ids.refuse(state, &error),
        (None, Some(response), _) => untyped(response),
        (None, None, Some(error)) => ids.refuse(state, &error),
        (None, None, None) => match answer(state, app, asked, address, mailbox, operation).await {
            Ok(response) => response,
            Err(error) => ids.refuse(state, &error),
        },
    };
    if response.status == 429 {
        counters.add("graph.429", 1);
    }
    let seconds = response.headers.value("retry-after").and_then(|value| value.parse().ok());
    // A date says whole seconds, so it is up to one earlier than what the fault was made of.
    let dated = || fault::wait(&faults).map(|wait| wait.as_secs().saturating_sub(1));
    if let (Some(owner), Some(seconds)) = (owner, seconds.or_else(dated)) {
        state.graph.throttle.told(&app.client_id, owner, seconds);
    }
    let response = match permit {
        Some(permit) => hold(response, permit),
        None => response,
    };
    Served { response, operation, faults }
}

/// The refusal a fault gives instead of the answer.
pub(super) fn refused_by(faults: &[WireFault]) -> Option<GraphError> {
    faults.iter().find_map(|fault| match fault {
        WireFault::GraphError { status, code, message, retry_after_s, retry_after_date } => {
            let text = message.clone().unwrap_or_else(|| format!("The request failed with {code}."));
            let error = GraphError::new(*status, code.clone(), text);
            Some(match retry_after_s {
                Some(seconds) => error.header("Retry-After", fault::retry_after(*seconds, *retry_after_date)),
                None => error,
            })
        }
        _ => None,
    })
}

/// A fault that empties an answer knows only XML.
fn untyped(mut response: Response) -> Response {
    if matches!(&response.body, Body::Full(bytes) if bytes.is_empty()) && response.headers.value("content-type").is_some() {
        response.headers.set("Content-Type", "text/plain");
    }
    response
}

async fn answer(
    state: &Arc<State>,
    app: &App,
    asked: Asked<'_>,
    address: Address,
    mailbox: Result<Option<Mailbox>, GraphError>,
    operation: &'static str,
) -> Answer {
    let query = Query::parse(asked.query)?;
    permission::check(app, operation, &query)?;
    let mailbox = mailbox?;
    if let Some(mailbox) = &mailbox {
        permission::admit(app, mailbox)?;
    }
    let mut prefer = Prefer::of(asked.headers);
    prefer.immutable &= !state.quirks.has("immutable-ids-not-honoured");
    let immutable = prefer.immutable;
    let call = Call {
        state,
        app,
        mailbox,
        method: asked.method,
        segments: address.segments,
        query,
        prefer,
        basic: permission::reach(app) == Some(Reach::Basic),
        headers: asked.headers,
        body: asked.body,
        root: format!("{}/v1.0", asked.origin),
        user: address.written,
    };
    let mut response = super::route(&call).await?;
    if immutable && response.status < 300 {
        response.headers.push("Preference-Applied", "IdType=\"ImmutableId\"");
    }
    Ok(response)
}

/// Keeps the permit until the last byte of a streamed body is made. It is given back before the client can see the end, so that who waits
/// for one answer before it asks the next is never refused.
fn hold(mut response: Response, permit: Permit) -> Response {
    if let Body::Stream(stream) = &mut response.body {
        let inner = std::mem::replace(stream, futures::stream::empty().boxed());
        *stream = until_end(inner, permit).boxed();
    }
    response
}

fn until_end<S: Stream + Send + Unpin + 'static>(stream: S, permit: Permit) -> impl Stream<Item = S::Item> + Send {
    let mut held = Some(permit);
    let end = futures::stream::poll_fn(move |_| {
        held.take();
        Poll::Ready(None)
    });
    stream.chain(end)
}
