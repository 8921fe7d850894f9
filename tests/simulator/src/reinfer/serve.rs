//! One request served: who asks, for what, whether a fault strikes or a limit refuses, and the operation itself.

use super::address::{self, BucketRef, Part, Place};
use super::emails::{self, Upload};
use super::operation::{Operation, UNKNOWN};
use super::refusal::{Answer, Refusal, done, ok};
use super::state::{self, NewState};
use super::store::{Reinfer, Shelf};
use super::token::Token;
use super::{attachments, buckets, configs};
use crate::fault::{self, Occasion, Search, WireFault};
use crate::http::{Request, Response};
use crate::state::State;
use serde_json::json;
use std::io::Read as _;

/// What became of a request.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) response: Response,
    pub(super) operation: &'static str,
    /// Faults that still have to damage the answer's bytes.
    pub(super) faults: Vec<WireFault>,
}

/// What was read of a body before it is known whether a fault strikes: rules may ask for an email's id.
enum Read {
    Nothing,
    Emails(Upload),
    State(NewState),
}

/// The operation a head asks for, and the bucket.
pub(super) fn named(state: &State, head: &Request) -> (&'static str, Option<String>) {
    let place = address::parse(&head.path);
    let name = Operation::of(&head.method, &place).map_or(UNKNOWN, |operation| operation.name());
    (name, bucket_of(&state.reinfer, &place))
}

/// The token a request shows, in force or not.
pub(super) fn claimed_token(head: &Request) -> String {
    head.header("authorization")
        .and_then(|value| value.trim().split_once(' '))
        .map(|(_, token)| token.trim().to_owned())
        .unwrap_or_default()
}

/// The answer to a body that is larger than the world allows, counted as any other.
pub(super) fn too_large(state: &State, name: &'static str) -> Response {
    for counter in ["reinfer.requests", name, "reinfer.413"] {
        state.counters.add(counter, 1);
    }
    let limit = state.reinfer.settings.max_body;
    Refusal::new(413, format!("413 Content Too Large: a body may have {limit} bytes")).response()
}

/// Serves one request.
pub(super) async fn serve(state: &State, request: &Request) -> Served {
    let (reinfer, counters) = (&state.reinfer, &state.counters);
    let place = address::parse(&request.path);
    let operation = Operation::of(&request.method, &place);
    let name = operation.as_ref().map_or(UNKNOWN, |operation| operation.name());
    counters.add("reinfer.requests", 1);
    counters.add(name, 1);
    counters.add("reinfer.bytes", request.length());
    if request.path.contains("//") {
        counters.add("reinfer.double_slashes", 1);
    }
    let token = reinfer.tokens.identify(&request.headers);
    let client = claimed_token(request);
    let ticket = reinfer.throttle.enter(&client);
    if reinfer.throttle.is_early(&client, name) {
        counters.add("reinfer.early_requests", 1);
    }
    let bucket = bucket_of(reinfer, &place);
    let admitted = operation.and_then(|operation| {
        let token = token?;
        admit(&token, operation, &place, bucket.as_deref())?;
        Ok((token, operation))
    });
    let read = match &admitted {
        Ok((_, operation)) => read(reinfer, *operation, &place, request).await,
        Err(_) => Ok(Read::Nothing),
    };
    let faults = state.faults.for_call(&occasion(name, bucket.as_deref(), &read, &|wanted| holds(request, wanted)));
    tokio::time::sleep(state.gate.next_delay().saturating_add(fault::delay(&faults))).await;
    let full = reinfer.settings.max_in_flight > 0 && ticket.in_flight > reinfer.settings.max_in_flight;
    let response = match (refused_by(&faults), fault::replacement(&faults)) {
        (Some(refusal), _) => refusal.response(),
        (None, Some(response)) => response,
        (None, None) if full => {
            Refusal::new(429, "429 Too Many Requests").header("Retry-After", reinfer.settings.retry_after_s.to_string()).response()
        }
        (None, None) => {
            let answer = admitted.and_then(|(token, operation)| answer(state, &token, operation, &place, read?, request));
            answer.unwrap_or_else(|refusal| refusal.response())
        }
    };
    counters.add(&format!("reinfer.{}", response.status), 1);
    let seconds = response.headers.value("retry-after").and_then(|value| value.parse().ok());
    // A date says whole seconds, so it is up to one earlier than what the fault was made of.
    let dated = || fault::wait(&faults).map(|wait| wait.as_secs().saturating_sub(1));
    if let Some(seconds) = seconds.or_else(dated) {
        reinfer.throttle.told(&client, name, seconds);
    }
    Served { response, operation: name, faults }
}

/// The full name of the bucket a place is in; of one that is named by an id, only where there is such a bucket.
fn bucket_of(reinfer: &Reinfer, place: &Place) -> Option<String> {
    match place {
        Place::Bucket(BucketRef::Name(owner, name), _) | Place::BucketState(owner, name) => Some(format!("{owner}/{name}")),
        Place::Bucket(BucketRef::Id(id), _) => {
            reinfer.shelves().by_id(id).map(|shelf| format!("{}/{}", shelf.bucket.owner, shelf.bucket.name))
        }
        _ => None,
    }
}

/// Whether a token's user may do it there.
fn admit(token: &Token, operation: Operation, place: &Place, bucket: Option<&str>) -> Result<(), Refusal> {
    let owner = match place {
        Place::Owner(owner) | Place::Config(owner, _) => Some(owner.as_str()),
        _ => bucket.and_then(|bucket| bucket.split_once('/')).map(|(owner, _)| owner),
    };
    if token.allows(operation.permissions(), owner) {
        return Ok(());
    }
    let wanted = operation.permissions().join(" or ");
    Err(Refusal::new(403, format!("403 Forbidden: {wanted} is needed{}", owner.map(|owner| format!(" in {owner}")).unwrap_or_default())))
}

/// Reads what takes long to read, or what rules look at. Big bodies are read where they hold up nobody else.
async fn read(reinfer: &Reinfer, operation: Operation, place: &Place, request: &Request) -> Result<Read, Refusal> {
    const BIG: u64 = 256 * 1024;
    match (operation, place) {
        (Operation::PutEmails, _) => {
            let (keep, max) = (reinfer.settings.keep_mime, reinfer.settings.max_emails);
            if request.length() < BIG {
                return emails::read(request, keep, max).map(Read::Emails);
            }
            let request = request.clone();
            let read = tokio::task::spawn_blocking(move || emails::read(&request, keep, max)).await;
            read.unwrap_or_else(|error| Err(Refusal::new(500, format!("500 Internal Server Error: {error}")))).map(Read::Emails)
        }
        (Operation::StoreSyncState, Place::Bucket(_, Part::State(key))) => state::read(key, request).map(Read::State),
        _ => Ok(Read::Nothing),
    }
}

/// The request as rules see it.
fn occasion<'a>(operation: &'a str, bucket: Option<&'a str>, read: &'a Result<Read, Refusal>, holds: &'a Search<'a>) -> Occasion<'a> {
    let (mailboxes, emails) = match read {
        Ok(Read::Emails(upload)) => (
            upload.emails.iter().map(|email| email.mailbox.as_str()).collect(),
            upload.emails.iter().map(|email| email.id.as_str()).collect(),
        ),
        Ok(Read::State(state)) => (vec![state.mailbox_name.as_str()], Vec::new()),
        _ => Default::default(),
    };
    Occasion { operation, mailboxes, bucket, emails, holds: Some(holds) }
}

/// Whether bytes stand somewhere in a request's body.
fn holds(request: &Request, wanted: &[u8]) -> bool {
    let within = |bytes: &[u8]| wanted.is_empty() || bytes.windows(wanted.len()).any(|window| window == wanted);
    let Some(spooled) = &request.spooled else { return within(&request.body) };
    let (mut reader, mut piece) = (spooled.reader(), vec![0; (1 << 20) + wanted.len()]);
    let mut kept = 0;
    loop {
        let read = piece.get_mut(kept..).map_or(Ok(0), |room| reader.read(room));
        let Ok(read @ 1..) = read else { return false };
        let filled = piece.get(..kept + read).unwrap_or_default();
        if within(filled) {
            return true;
        }
        // What may be the beginning of a find is looked at again with what follows.
        let from = filled.len() - filled.len().min(wanted.len().saturating_sub(1));
        kept = filled.len() - from;
        piece.copy_within(from..from + kept, 0);
    }
}

/// The refusal a fault gives instead of the answer.
fn refused_by(faults: &[WireFault]) -> Option<Refusal> {
    faults.iter().find_map(|fault| match fault {
        WireFault::ReinferError { status, message, retry_after_s, retry_after_date } => {
            let text = message.clone().unwrap_or_else(|| format!("{status} {}", crate::http::reason(*status)));
            let refusal = Refusal::new(*status, text);
            Some(match retry_after_s {
                Some(seconds) => refusal.header("Retry-After", fault::retry_after(*seconds, *retry_after_date)),
                None => refusal,
            })
        }
        _ => None,
    })
}

/// Looks at a bucket that must be there.
fn within(reinfer: &Reinfer, place: &Place, look: impl FnOnce(&mut Shelf) -> Answer) -> Answer {
    let mut shelves = reinfer.shelves();
    let shelf = match place {
        Place::Bucket(BucketRef::Name(owner, name), _) | Place::BucketState(owner, name) => shelves.named(owner, name),
        Place::Bucket(BucketRef::Id(id), _) => shelves.by_id(id),
        _ => None,
    };
    look(shelf.ok_or_else(Refusal::missing)?)
}

fn answer(state: &State, token: &Token, operation: Operation, place: &Place, read: Read, request: &Request) -> Answer {
    let reinfer = &state.reinfer;
    match (operation, place, read) {
        (Operation::GetUser, ..) => ok(json!({ "user": token.user(&reinfer.owners()) })),
        (Operation::RefreshPermissions, ..) => {
            super::check::body(request)?.end()?;
            ok(json!({ "permissions_refreshed": true }))
        }
        (Operation::ListBuckets, Place::Owner(owner), _) => buckets::list(reinfer, token, Some(owner)),
        (Operation::ListBuckets, ..) => buckets::list(reinfer, token, None),
        (Operation::CreateBucket, Place::Bucket(BucketRef::Name(owner, name), _), _) => buckets::create(reinfer, owner, name, request),
        (Operation::GetBucket, ..) => within(reinfer, place, |shelf| buckets::show(shelf)),
        (Operation::UpdateBucket, ..) => within(reinfer, place, |shelf| buckets::update(shelf, request)),
        (Operation::DeleteBucket, Place::Bucket(BucketRef::Id(id), _), _) => {
            within(reinfer, place, |_| done())?;
            buckets::delete(reinfer, id)
        }
        (Operation::GetStatistics, ..) => within(reinfer, place, |shelf| buckets::statistics(shelf)),
        (Operation::PutEmails, Place::Bucket(BucketRef::Name(owner, name), _), Read::Emails(upload)) => {
            emails::put(reinfer, owner, name, upload, &state.counters)
        }
        (Operation::ListEmails, ..) => within(reinfer, place, |shelf| emails::page(shelf, request)),
        (Operation::GetEmail, ..) => within(reinfer, place, |shelf| emails::find(shelf, request)),
        (Operation::QueryEmails, ..) => within(reinfer, place, |shelf| emails::search(shelf, request)),
        (Operation::DeleteEmails, ..) => within(reinfer, place, |shelf| emails::delete(shelf, request)),
        (Operation::PutAttachment, Place::Bucket(BucketRef::Id(id), Part::Content(email, number)), _) => {
            attachments::store(reinfer, id, email, number, request)
        }
        (Operation::GetAttachment, Place::Attachment(reference), _) => attachments::show(reinfer, reference),
        (Operation::ListSyncStates, ..) => within(reinfer, place, |shelf| state::list(shelf)),
        (Operation::ListSyncStateIds, ..) => within(reinfer, place, |shelf| state::ids(shelf, request)),
        (Operation::GetSyncState, Place::Bucket(_, Part::State(key)), _) => within(reinfer, place, |shelf| state::show(shelf, key)),
        (Operation::StoreSyncState, _, Read::State(new)) => {
            let change = reinfer.shelves().change();
            within(reinfer, place, |shelf| state::store(shelf, new, change))
        }
        (Operation::DeleteSyncState, Place::Bucket(_, Part::State(key)), _) => within(reinfer, place, |shelf| state::delete(shelf, key)),
        (Operation::GetBucketSyncState, ..) => within(reinfer, place, |shelf| state::show_bucket(shelf)),
        (Operation::StoreBucketSyncState, Place::BucketState(owner, name), _) => state::store_bucket(reinfer, owner, name, request),
        (Operation::GetConfig, Place::Config(owner, key), _) => configs::show(reinfer, owner, key),
        (Operation::PutConfig, Place::Config(owner, key), _) => configs::store(reinfer, owner, key, request),
        // An operation has one kind of place; this is for the compiler.
        _ => Err(Refusal::missing()),
    }
}
