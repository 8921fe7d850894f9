//! A request for a subscription: read, and proven at its receivers.

use super::notice::Change;
use super::post::Target;
use super::resource::Resource;
use super::subscription::{Receiver, Subscription, Term};
use crate::graph::messages::ids::from_rest;
use crate::graph::{Call, GraphError};
use crate::oauth::guid;
use crate::store::{FolderId, Guid, Mailbox};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use std::time::Duration;
use tokio::sync::watch;

/// The longest life of a subscription to messages, in minutes.
const LONGEST: i64 = 4230;
/// The same where week-long subscriptions are the habit.
const WEEK: i64 = 10_080;
/// How far ahead of this clock a client's may be, in minutes.
const SKEW: i64 = 1;
/// The longest client state, in characters.
const STATE: usize = 128;
/// How long a receiver has to prove itself.
const PATIENCE: Duration = Duration::from_secs(10);
/// What can be asked for.
const KNOWN: &[&str] = &[
    "changeType",
    "notificationUrl",
    "lifecycleNotificationUrl",
    "resource",
    "expirationDateTime",
    "clientState",
    "latestSupportedTlsVersion",
    "includeResourceData",
];

/// A subscription as asked for.
pub(super) struct Order {
    pub(super) mailbox: Mailbox,
    folder: Option<FolderId>,
    resource: String,
    changes: Vec<Change>,
    until: DateTime<Utc>,
    client_state: Option<String>,
    notify: Receiver,
    lifecycle: Option<Receiver>,
    tls: String,
}

impl Order {
    /// Reads a request.
    pub(super) fn read(call: &Call<'_>) -> Result<Self, GraphError> {
        let body = call.json()?;
        let fields = body.as_object().ok_or_else(no_object)?;
        if let Some(other) = fields.keys().find(|name| !KNOWN.contains(&name.as_str()) && !name.contains('@')) {
            return Err(invalid(format!("The property '{other}' is not served for subscriptions.")));
        }
        if fields.get("includeResourceData").is_some_and(|wanted| *wanted != Value::Bool(false) && !wanted.is_null()) {
            return Err(invalid("Notifications with resource data are not served."));
        }
        let changes = changes(required(fields, "changeType")?)?;
        let notify = receiver("notificationUrl", required(fields, "notificationUrl")?)?;
        let lifecycle = text(fields, "lifecycleNotificationUrl")?.map(|url| receiver("lifecycleNotificationUrl", url)).transpose()?;
        let resource = required(fields, "resource")?;
        let wanted = Resource::parse(resource)?;
        let until = expiration(call, fields.get("expirationDateTime"))?;
        let client_state = text(fields, "clientState")?.map(str::to_owned);
        if client_state.as_ref().is_some_and(|state| state.chars().count() > STATE) {
            return Err(invalid(format!("clientState has more than {STATE} characters.")));
        }
        let tls = text(fields, "latestSupportedTlsVersion")?.unwrap_or("v1_2").to_owned();
        if !["v1_0", "v1_1", "v1_2", "v1_3"].contains(&tls.as_str()) {
            return Err(invalid("latestSupportedTlsVersion is none of v1_0, v1_1, v1_2, v1_3."));
        }
        let mailbox = crate::graph::open(call.state, call.app, &wanted.user)?;
        let folder = wanted.folder.map(|name| folder(&mailbox, &name)).transpose()?;
        Ok(Self { mailbox, folder, resource: resource.to_owned(), changes, until, client_state, notify, lifecycle, tls })
    }

    /// Asks the receivers whether they know of it.
    pub(super) async fn prove(self, call: &Call<'_>) -> Result<Subscription, GraphError> {
        for receiver in std::iter::once(&self.notify).chain(&self.lifecycle) {
            handshake(receiver).await?;
        }
        Ok(Subscription {
            id: guid(),
            app: call.app.client_id.clone(),
            tenant: tenant(&call.app.tenant),
            mailbox: self.mailbox,
            folder: self.folder,
            resource: self.resource,
            changes: self.changes,
            immutable: call.prefer.immutable,
            client_state: self.client_state,
            notify: self.notify,
            lifecycle: self.lifecycle,
            tls: self.tls,
            term: watch::Sender::new(Term::lasting(self.until)),
        })
    }
}

/// The validation of a receiver: it is sent a token and must say it back, decoded, as plain text (documentation page "Receive change
/// notifications through webhooks").
async fn handshake(receiver: &Receiver) -> Result<(), GraphError> {
    let refusal = |text: &str| GraphError::request("ValidationError", format!("Subscription validation request failed. {text}"));
    let token = format!("Validation: Testing client application reachability for subscription Request-Id: {}", guid());
    let target = receiver.target.with("validationToken", &token);
    let reply = match tokio::time::timeout(PATIENCE, target.post("text/plain; charset=utf-8", b"")).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) => return Err(refusal(&format!("The notification endpoint cannot be reached: {error}."))),
        Err(_) => return Err(GraphError::request("ValidationError", "Subscription validation request timed out.")),
    };
    if reply.status != 200 {
        return Err(refusal(&format!("Notification endpoint must respond with 200 OK to validation request, it sent {}.", reply.status)));
    }
    if !reply.media_type.eq_ignore_ascii_case("text/plain") {
        return Err(refusal("Response must have the content type text/plain."));
    }
    if reply.body != token.as_bytes() {
        return Err(refusal("Response must exactly match validationToken query parameter."));
    }
    Ok(())
}

/// When a subscription is to end: in the future, and not too far in it.
pub(super) fn expiration(call: &Call<'_>, value: Option<&Value>) -> Result<DateTime<Utc>, GraphError> {
    let text = value.and_then(Value::as_str).ok_or_else(|| missing("expirationDateTime"))?;
    let until = DateTime::parse_from_rfc3339(text).map_err(|_| invalid("expirationDateTime is no time in UTC."))?.to_utc();
    let now = Utc::now();
    if until <= now {
        return Err(invalid("Subscription expiration must be in the future."));
    }
    let longest = if call.state.quirks.has("week-long-subscriptions") { WEEK } else { LONGEST };
    if until > now + TimeDelta::minutes(longest + SKEW) {
        return Err(GraphError::request("ExtensionError", format!("Subscription expiration can only be {longest} minutes in the future.")));
    }
    Ok(until)
}

fn folder(mailbox: &Mailbox, name: &str) -> Result<FolderId, GraphError> {
    if let Some(id) = mailbox.root_folder(&name.to_ascii_lowercase()) {
        return Ok(id);
    }
    let id = FolderId::parse(&from_rest(name)).map_err(|_| GraphError::malformed_id())?;
    Ok(mailbox.folder(id)?.id)
}

fn changes(text: &str) -> Result<Vec<Change>, GraphError> {
    let mut changes = Vec::new();
    for name in text.split(',') {
        let change =
            Change::parse(name.trim()).ok_or_else(|| invalid(format!("changeType '{name}' is none of created, updated, deleted.")))?;
        if !changes.contains(&change) {
            changes.push(change);
        }
    }
    Ok(changes)
}

fn receiver(name: &str, url: &str) -> Result<Receiver, GraphError> {
    let target = Target::parse(url).map_err(|reason| invalid(format!("{name} is not valid: {reason}.")))?;
    Ok(Receiver { url: url.to_owned(), target })
}

/// Tenants are known by a GUID; one that is known by its domain here gets a GUID made of it.
fn tenant(name: &str) -> String {
    let is_guid = name.len() == 36 && name.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    if is_guid { name.to_owned() } else { Guid::of(0, name).text() }
}

fn required<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, GraphError> {
    text(fields, name)?.filter(|text| !text.is_empty()).ok_or_else(|| missing(name))
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, GraphError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(format!("{name} is not a text."))),
    }
}

fn missing(name: &str) -> GraphError {
    invalid(format!("{name} is a required property for subscription creation."))
}

fn invalid(text: impl Into<String>) -> GraphError {
    GraphError::request("InvalidRequest", text)
}

/// The body is JSON, but no object.
pub(super) fn no_object() -> GraphError {
    invalid("The body is no object.")
}
