//! The front: the way of a request from the socket to the room that answers it, and back.
//!
//! The identity provider and Autodiscover are answered without authentication, as on the real servers. A request for EWS is authenticated
//! first, then fault rules may answer it, then budgets may refuse it; what the operation answers passes the fault rules once more and
//! is written to the record on its way out.

mod gate;
mod manners;
mod peek;

pub use gate::Gate;
pub use peek::{Glance, glance};

use crate::auth::{Doors, Identity, Login, authenticate};
use crate::fault::{self, Arrival, Faults, soap_fault, throttled_message};
use crate::http::{Body, Intake, Peer, Request, Response, Service};
use crate::limits::{Busy, Permit};
use crate::{autodiscover, graph, oauth, reinfer};
use futures::StreamExt;
use std::time::Duration;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

/// The path of EWS.
pub const EWS: &str = "/EWS/Exchange.asmx";

/// What lies behind the front.
pub trait Rooms: Send + Sync + 'static {
    /// What the door needs to know.
    fn doors(&self) -> Doors<'_>;

    /// The faults in force.
    fn faults(&self) -> &Faults;

    /// Whether an address has a mailbox here.
    fn has_mailbox(&self, address: &str) -> bool;

    /// How the body of a request is taken, decided by its head.
    fn intake(&self, head: &Request) -> Intake;

    /// Answers a request for EWS whose origin is proven.
    fn ews<'a>(&'a self, request: &'a Request, identity: &'a Identity) -> impl Future<Output = Response> + Send + 'a;

    /// Answers a request for Graph, from its token to its record.
    fn graph<'a>(&'a self, request: &'a Request) -> impl Future<Output = Response> + Send + 'a;

    /// Answers a request for the Communications Mining API, likewise.
    fn reinfer<'a>(&'a self, request: &'a Request) -> impl Future<Output = Response> + Send + 'a;
}

/// Answers whatever comes to the simulator's Exchange port.
#[derive(Debug)]
pub struct Front<R>(std::sync::Arc<R>);

impl<R: Rooms> Front<R> {
    /// A front before these rooms.
    pub fn new(rooms: std::sync::Arc<R>) -> Self {
        Self(rooms)
    }
}

impl<R: Rooms> Service for Front<R> {
    type Session = Login;

    fn intake(&self, head: &Request) -> Intake {
        self.0.intake(head)
    }

    async fn call(&self, request: Request, peer: &Peer, login: &mut Login) -> Response {
        let rooms = self.0.as_ref();
        let doors = rooms.doors();
        doors.counters.add("http.requests", 1);
        if request.is_at(EWS) {
            return ews(rooms, &request, peer, login).await;
        }
        if graph::owns(&request.path) {
            return rooms.graph(&request).await;
        }
        if reinfer::owns(&request.path) {
            return rooms.reinfer(&request).await;
        }
        let Some((operation, mut response)) = oauth::handle(&doors, &request)
            .map(|response| ("Token", response))
            .or_else(|| autodiscover::handle(&request, |address| rooms.has_mailbox(address)).map(|response| ("Autodiscover", response)))
        else {
            return manners::dress(
                Response::html(404, "<html><head><title>404</title></head><body><h2>404 - File or directory not found.</h2></body></html>"),
                &request,
                &doors,
            );
        };
        let faults = rooms.faults().for_wire(operation, None);
        tokio::time::sleep(fault::delay(&faults)).await;
        if let Some(instead) = fault::replacement(&faults) {
            response = instead;
        }
        let (response, broken) = fault::damage(response, &faults, operation);
        record(&doors, operation, &request, response, broken)
    }
}

async fn ews<R: Rooms>(rooms: &R, request: &Request, peer: &Peer, login: &mut Login) -> Response {
    let doors = rooms.doors();
    let seen = glance(&request.body);
    let operation = seen.operation.as_deref().unwrap_or("Unknown");
    if let Some(response) = manners::refuse_before_login(request, &doors) {
        return record(&doors, operation, request, response, false);
    }
    let proven = match authenticate(&doors, request, peer, login) {
        Ok(proven) => proven,
        Err(response) => return record(&doors, operation, request, manners::dress(*response, request, &doors), false),
    };
    if request.method != "POST" {
        let response = Response::html(
            405,
            "<html><head><title>405</title></head><body><h2>405 - HTTP verb used to access this page is not allowed.</h2></body></html>",
        );
        return record(&doors, operation, request, manners::dress(response.header("Allow", "POST"), request, &doors), false);
    }
    let owner = match (&seen.impersonated, &proven.identity) {
        (Some(address), _) => address.clone(),
        (None, Identity::User { account }) => account.clone(),
        (None, Identity::App { client_id, .. }) => client_id.clone(),
    };
    note_anchor(&doors, request, seen.impersonated.as_deref());
    let arrival = rooms.faults().arrives(&owner);
    let faults = rooms.faults().for_wire(operation, Some(&owner));
    let (entered, early) = doors.gate.budgets.enter(&owner, operation);
    if early || arrival == Arrival::Early {
        doors.counters.add("ews.early_requests", 1);
    }
    if let Arrival::After { asked, lost } = arrival {
        doors.counters.waited("ews", asked, lost);
    }
    // The budget is charged while the answer takes its time, as it is on a server at work.
    tokio::time::sleep(doors.gate.next_delay().saturating_add(fault::delay(&faults))).await;
    let mut response = match (fault::replacement(&faults), entered) {
        (Some(response), _) => {
            if response.status == 401 {
                *login = Login::default();
            }
            response
        }
        (None, Err(busy)) => {
            doors.counters.add("ews.throttled", 1);
            refuse(operation, &busy)
        }
        (None, Ok(permit)) => hold(rooms.ews(request, &proven.identity).await, permit),
    };
    if let Some(last_word) = proven.last_word {
        response.headers.push("WWW-Authenticate", last_word);
    }
    let response = manners::dress(response, request, &doors);
    let response = manners::misbehave(response, request, operation, &doors);
    let (response, broken) = fault::damage(response, &faults, operation);
    record(&doors, operation, request, response, broken)
}

/// An impersonating request should name the mailbox in `X-AnchorMailbox`, so that the front ends route it well (documentation page
/// "Impersonation and EWS in Exchange"). It is answered all the same; only counted.
fn note_anchor(doors: &Doors<'_>, request: &Request, impersonated: Option<&str>) {
    let Some(wanted) = impersonated else {
        return;
    };
    match request.header("x-anchormailbox") {
        None => doors.counters.add("ews.anchor.missing", 1),
        Some(anchor) if !anchor.trim().eq_ignore_ascii_case(wanted) => doors.counters.add("ews.anchor.mismatched", 1),
        Some(_) => {}
    }
}

/// What Exchange answers when a budget is used up: for too many synchronising calls a response message, else a fault.
fn refuse(operation: &str, busy: &Busy) -> Response {
    let text = |wait: Duration| {
        format!(
            "The server cannot service this request right now. Try again later. This operation exceeds the throttling budget for policy part '{}', policy value '{}'. Suggested backoff time {} ms.",
            busy.policy,
            busy.limit,
            wait.as_millis()
        )
    };
    match busy.back_off {
        Some(wait) => {
            let values = [("BackOffMilliseconds", wait.as_millis().to_string())];
            if busy.policy == "ConcurrentSyncCalls" {
                return Response::xml(200, throttled_message(operation, "ErrorServerBusy", &text(wait), &values));
            }
            Response::xml(500, soap_fault("ErrorServerBusy", &text(wait), &values))
        }
        None => {
            let values = [
                ("Policy", busy.policy.to_owned()),
                ("MaxConcurrencyLimit", busy.limit.to_string()),
                ("ErrorMessage", text(Duration::ZERO)),
            ];
            let message = "You have exceeded the available concurrent connections for your account. Try again once your other requests have completed.";
            Response::xml(500, soap_fault("ErrorExceededConnectionCount", message, &values))
        }
    }
}

/// Keeps the permit for as long as the answer is being sent.
fn hold(mut response: Response, permit: Permit) -> Response {
    response.body = match std::mem::take(&mut response.body) {
        Body::Stream(stream) => Body::Stream(
            stream
                .map(move |item| {
                    let _held = &permit;
                    item
                })
                .boxed(),
        ),
        whole => whole,
    };
    response
}

fn record(doors: &Doors<'_>, operation: &str, request: &Request, response: Response, broken: bool) -> Response {
    match &doors.gate.recorder {
        Some(recorder) => recorder.begin(operation, request).tee(response, broken),
        None => response,
    }
}
