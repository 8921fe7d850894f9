//! Exchange Web Services: one SOAP operation in, one envelope out.
//!
//! The way of a request: `envelope` takes it apart and has `schema` check it against `grammar`; `session` settles whose rights it
//! has; a file for each family of operations answers from the store; `soap` wraps the answer. Large bodies (`mime`) are made only as
//! they are sent. Errors of a whole request become SOAP faults under HTTP 500, errors of single subjects stand in their response message.

mod address;
mod change_items;
mod create_item;
mod directory;
mod envelope;
mod error;
mod fields;
mod find_item;
mod folder;
mod folders;
mod get_attachment;
mod get_item;
mod grammar;
mod item;
mod mime;
mod notify;
mod paging;
mod regenerated;
mod restriction;
mod schema;
mod session;
mod shape;
mod soap;
mod streaming;
mod subscription;
mod sync;
mod sync_state;
#[cfg(test)]
mod tests;
mod value;
mod xml;

pub(crate) use regenerated::stream as regenerated;
pub use subscription::Subscriptions;

use crate::auth::Identity;
use crate::http::{Request, Response};
use crate::state::State;
use envelope::Refused;
use futures::StreamExt as _;
use roxmltree::Node;
use session::Session;
use std::sync::Arc;
use xml::{Piece, Xml};

/// Answers a request for `POST /EWS/Exchange.asmx` whose origin is proven.
pub async fn handle(state: &Arc<State>, request: &Request, identity: &Identity) -> Response {
    match answer(state, request, identity).await {
        Ok(response) => response,
        Err(refused) => {
            if let Refused::Exchange(error) = &refused {
                state.counters.add(&format!("ews.fault.{}", error.code), 1);
            }
            let write = if state.quirks.has("bare-faults") { soap::bare_fault } else { soap::fault };
            send(500, write(&refused, session::illegal(state))).await
        }
    }
}

async fn answer(state: &Arc<State>, request: &Request, identity: &Identity) -> Result<Response, Refused> {
    let text = envelope::decode(&request.body)?;
    let document = envelope::parse(&text)?;
    let read = envelope::read(&document, !state.quirks.has("schema-unchecked"))?;
    let operation = read.operation;
    let name = operation.tag_name().name();
    state.counters.add(&format!("ews.{name}"), 1);
    let session = Session::open(state, identity, name, read.head)?;
    if name == "GetStreamingEvents" {
        return Ok(streaming::open(session, operation)?);
    }
    let messages = run(&session, operation).await?;
    Ok(send(200, soap::answer(name, messages, session.build())).await)
}

async fn run(session: &Session, operation: Node<'_, '_>) -> Result<Xml, Refused> {
    let done = match operation.tag_name().name() {
        "GetFolder" => folders::get(session, operation),
        "FindFolder" => folders::find(session, operation),
        "CreateFolder" => folders::create(session, operation),
        "UpdateFolder" => folders::update(session, operation),
        "MoveFolder" => folders::relocate(session, operation),
        "DeleteFolder" => folders::delete(session, operation),
        "EmptyFolder" => folders::empty(session, operation),
        "SyncFolderHierarchy" => sync::hierarchy(session, operation),
        "SyncFolderItems" => sync::items(session, operation),
        "FindItem" => find_item::find(session, operation),
        "GetItem" => get_item::get(session, operation).await,
        "GetAttachment" => get_attachment::get(session, operation).await,
        "CreateItem" => create_item::create(session, operation),
        "MoveItem" => change_items::relocate(session, operation, false),
        "CopyItem" => change_items::relocate(session, operation, true),
        "UpdateItem" => change_items::update(session, operation),
        "DeleteItem" => change_items::delete(session, operation),
        "SendItem" => change_items::send(session, operation),
        "Subscribe" => notify::subscribe(session, operation),
        "Unsubscribe" => notify::unsubscribe(session, operation),
        "GetEvents" => notify::events(session, operation),
        "ConvertId" => directory::convert_id(session, operation),
        "ResolveNames" => directory::resolve_names(session, operation),
        "GetServerTimeZones" => directory::time_zones(session, operation),
        other => Err(error::EwsError::invalid_operation(format!("The operation {other} is not offered by this server."))),
    };
    match done {
        // A property that cannot be had is told once for each subject, as are errors of the subjects themselves.
        Err(error) if error.code == "ErrorInvalidPropertyRequest" => Ok(session.batch(0..subjects(operation), |_, _| Err(error.clone()))),
        other => other.map_err(Refused::from),
    }
}

/// How many subjects an operation names.
fn subjects(operation: Node<'_, '_>) -> usize {
    ["ItemIds", "FolderIds", "ParentFolderIds"]
        .iter()
        .find_map(|name| envelope::part(operation, name))
        .map_or(1, |list| envelope::elements(list).count())
}

/// A whole response where the document is small, else one made as it is sent.
async fn send(status: u16, document: Xml) -> Response {
    let pieces = document.into_pieces();
    if pieces.iter().all(|piece| matches!(piece, Piece::Text(_))) {
        let text: String = pieces
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Mime(_) => String::new(),
            })
            .collect();
        return Response::xml(status, text);
    }
    Response::xml_stream(status, mime::stream(pieces).boxed())
}
