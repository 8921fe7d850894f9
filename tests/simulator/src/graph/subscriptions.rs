//! Subscriptions: who wants to be called when messages come, change or go.
//!
//! Source: documentation pages "subscription resource type", "Create subscription" and "Change notifications for Outlook resources".

mod book;
mod notice;
mod order;
mod post;
mod resource;
mod subscription;
#[cfg(test)]
mod tests;
mod watch;

pub(crate) use book::{Chosen, Webhooks};
pub(crate) use notice::{Change, Lifecycle};

use super::{Answer, Call, GraphError, reply};
use crate::http::Response;
use serde_json::{Value, json};
use std::sync::Arc;
use subscription::{Subscription, Term};

/// Subscriptions on one page of a list.
const PAGE: usize = 100;

/// Answers what concerns `/subscriptions`.
pub(crate) async fn handle(call: &Call<'_>) -> Answer {
    match (call.method, call.path().as_slice()) {
        ("POST", [_]) => create(call).await,
        ("GET", [_]) => Ok(list(call)?),
        ("GET", [_, id]) => show(call, 200, find(call, id)?.as_ref()),
        ("PATCH", [_, id]) => renew(call, find(call, id)?.as_ref()),
        ("DELETE", [_, id]) => {
            call.state.graph.webhooks.remove(&find(call, id)?.id);
            Ok(Response::new(204))
        }
        ("POST", [_, id, action]) if action.eq_ignore_ascii_case("reauthorize") => {
            reauthorize(find(call, id)?.as_ref());
            Ok(Response::new(204))
        }
        (_, [_] | [_, _]) => Err(GraphError::unsupported(405)),
        (_, path) => Err(GraphError::segment(path.last().copied().unwrap_or_default())),
    }
}

fn find(call: &Call<'_>, id: &str) -> Result<Arc<Subscription>, GraphError> {
    let missing = || GraphError::new(404, "ResourceNotFound", "The object was not found.");
    call.state.graph.webhooks.find(id, &call.app.client_id).ok_or_else(missing)
}

async fn create(call: &Call<'_>) -> Answer {
    let order = order::Order::read(call)?;
    let webhooks = &call.state.graph.webhooks;
    let full = || GraphError::new(403, "ExtensionError", "Operation: Create; Exception: the mailbox has its 1000 subscriptions already.");
    if !webhooks.has_room(order.mailbox.guid()) {
        return Err(full());
    }
    let subscription = order.prove(call).await?;
    let body = entity(call, &subscription);
    if !webhooks.add(subscription, call.state) {
        return Err(full());
    }
    call.state.counters.add("graph.subscriptions", 1);
    reply::entity(201, &body)
}

fn list(call: &Call<'_>) -> Result<Response, GraphError> {
    let after = match call.query.value("$skiptoken") {
        None => 0,
        Some(token) => token.parse().map_err(|_| GraphError::request("InvalidRequest", "The skip token is not valid."))?,
    };
    let mut page = call.state.graph.webhooks.list(&call.app.client_id, after, PAGE + 1);
    let more = page.len() > PAGE;
    page.truncate(PAGE);
    let values: Vec<Value> = page.iter().map(|(_, subscription)| subscription.json()).collect();
    let mut body = json!({ "@odata.context": format!("{}/$metadata#subscriptions", call.root), "value": values });
    if let (true, Some((last, _)), Some(fields)) = (more, page.last(), body.as_object_mut()) {
        fields.insert("@odata.nextLink".to_owned(), format!("{}/subscriptions?$skiptoken={last}", call.root).into());
    }
    Ok(reply::json(200, &body))
}

fn show(call: &Call<'_>, status: u16, subscription: &Subscription) -> Answer {
    reply::entity(status, &entity(call, subscription))
}

fn entity(call: &Call<'_>, subscription: &Subscription) -> Value {
    let mut body = subscription.json();
    if let Some(fields) = body.as_object_mut() {
        fields.insert("@odata.context".to_owned(), format!("{}/$metadata#subscriptions/$entity", call.root).into());
    }
    body
}

/// Only the end of a subscription can be changed.
fn renew(call: &Call<'_>, subscription: &Subscription) -> Answer {
    let body = call.json()?;
    let fields = body.as_object().ok_or_else(order::no_object)?;
    if let Some(other) = fields.keys().find(|name| *name != "expirationDateTime" && !name.contains('@')) {
        return Err(GraphError::request("InvalidRequest", format!("Property '{other}' of a subscription cannot be changed.")));
    }
    let until = order::expiration(call, fields.get("expirationDateTime"))?;
    subscription.term.send_replace(Term::lasting(until));
    show(call, 200, subscription)
}

/// The owner has shown a fresh token: what it was warned of is put off, the end itself is not.
fn reauthorize(subscription: &Subscription) {
    subscription.term.send_modify(|term| term.warning = term.end);
}
