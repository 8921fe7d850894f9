//! The Communications Mining API (once called Reinfer), as a program needs it that uploads mailboxes.
//!
//! Below any base it serves `auth/user`, buckets with their emails and sync states, and configurations of appliances. What is sent is held to the
//! letter, since a real server's leniency is not known; what is answered grows no members that its clients would not expect. Sources are two
//! published clients of the API; where they differ, both forms are taken.
//!
//! A request is counted and its sender told by the token ([`token`]), its path and method name an operation ([`address`], [`operation`]), rules may
//! strike, and then [`serve`] lets the operation work on what is kept ([`store`]).

mod address;
mod attachments;
mod buckets;
mod check;
mod configs;
mod email;
mod emails;
mod multipart;
mod operation;
mod refusal;
mod serve;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod throttle;
mod token;

pub(crate) use address::owns;
pub use email::{Attachment, EmailMetadata, Mime, StoredEmail};
pub use state::{BucketSyncState, SyncState, SyncStatus};
pub(crate) use store::is_name;
pub use store::{Bucket, Feeder, Reinfer, Settings};
pub use token::{PERMISSIONS, Token};

use crate::fault::{self, Occasion};
use crate::http::{Intake, Request, Response, compress};
use crate::state::State;
use serve::Served;
use std::sync::Arc;

/// Uploads of more bytes are kept in a file while they are read.
const SPOOLED: usize = 8 << 20;

/// How the body of a request is taken: up to the limit of the world, and beyond it refused in the envelope.
pub(crate) fn intake(state: &Arc<State>, head: &Request) -> Intake {
    let (name, bucket) = serve::named(state, head);
    let occasion = Occasion { operation: name, bucket: bucket.as_deref(), ..Occasion::default() };
    let ticket = state.reinfer.arrivals.enter(&serve::claimed_token(head));
    state.counters.raise("reinfer.most_in_flight", u64::from(ticket.in_flight));
    let refusing = state.clone();
    Intake {
        limit: Some(state.reinfer.settings.max_body),
        too_large: Some(Box::new(move || serve::too_large(&refusing, name))),
        spool_above: (name == "reinfer.PutEmails").then_some(SPOOLED),
        cut_after: state.faults.for_intake(&occasion),
        held: Some(Box::new(ticket)),
    }
}

/// Answers a request for this API.
pub(crate) async fn handle(state: &State, request: &Request) -> Response {
    let began = tokio::time::Instant::now();
    let Served { mut response, operation, faults } = serve::serve(state, request).await;
    let millis = began.elapsed().as_secs_f64() * 1000.0;
    response.headers.push("Server-Timing", format!("total;dur={millis:.1}"));
    let (response, broken) = fault::damage(response, &faults, operation);
    // What is recorded is to be read by people: before it is packed.
    let response = match &state.gate.recorder {
        Some(recorder) => recorder.begin(operation, request).tee(response, broken),
        None => response,
    };
    compress(response, request)
}
