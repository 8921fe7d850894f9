//! What was sent to the Communications Mining API, and what it is to hold.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Admin, Answer, Refusal, bad};
use crate::http::{Request, Response};
use crate::reinfer::{StoredEmail, SyncState, is_name};
use crate::world::TokenSpec;

/// `GET /reinfer`: buckets with their states and the number of their emails, and configurations.
pub(super) fn status(admin: &Admin) -> Value {
    let reinfer = &admin.state.reinfer;
    let buckets: Vec<Value> = reinfer
        .buckets()
        .iter()
        .map(|bucket| {
            let name = format!("{}/{}", bucket.owner, bucket.name);
            let states: Vec<Value> = reinfer.sync_states(&name).iter().map(|(key, state)| shown(key, state)).collect();
            json!({
                "bucket": name, "id": bucket.id, "title": bucket.title, "emails": reinfer.email_count(&name), "sync_states": states,
                "bucket_sync_state": reinfer.bucket_sync_state(&name).map(|state| json!({
                    "sync_state": state.sync_state, "progress_timestamp": state.progress_timestamp,
                    "last_synced_at": state.last_synced_at, "puts": state.puts,
                })),
                "last_updated_by": bucket.last_updated_by, "feeder_updates": bucket.feeder_updates,
            })
        })
        .collect();
    let configs: Vec<String> = reinfer.configs().into_iter().map(|(owner, key)| format!("{owner}/{key}")).collect();
    json!({ "buckets": buckets, "configs": configs })
}

fn shown(key: &str, state: &SyncState) -> Value {
    json!({
        "key": key, "mailbox_name": state.mailbox_name, "folder_id": state.folder_id, "folder_path": state.folder_path,
        "status": state.status.text(), "synced_until": state.synced_until, "last_synced_at": state.last_synced_at,
        "fingerprint": state.fingerprint, "puts": state.puts, "change": state.change,
    })
}

/// `GET /reinfer-emails?bucket=OWNER/NAME`: every email as a line of JSON, in the order they first came.
pub(super) fn emails(admin: &Admin, request: &Request) -> Result<Response, Refusal> {
    let bucket = request.query_value("bucket").ok_or_else(|| bad("which bucket? /reinfer-emails?bucket=OWNER/NAME"))?;
    let reinfer = &admin.state.reinfer;
    if reinfer.bucket(&bucket).is_none() {
        return Err(Refusal { status: 404, text: format!("there is no bucket {bucket:?}") });
    }
    let emails = VecDeque::from(reinfer.emails(&bucket));
    let lines = stream::unfold(emails, |mut emails| async move {
        let email = emails.pop_front()?;
        Some((Ok::<_, io::Error>(line(&email)), emails))
    });
    Ok(Response::new(200).header("Content-Type", "application/x-ndjson").stream(lines.boxed()))
}

fn line(email: &Arc<StoredEmail>) -> Bytes {
    let line = json!({
        "id": email.id, "mailbox": email.mailbox, "timestamp": email.timestamp, "metadata": email.metadata, "attachments": email.attachments,
        "mime": { "sha256": email.mime.sha256, "length": email.mime.length }, "puts": email.puts, "no_charge": email.no_charge,
        "created_at": email.created_at, "updated_at": email.updated_at, "first_change": email.first_change, "last_change": email.last_change,
    });
    Bytes::from(format!("{line}\n"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    owner: String,
    key: String,
    /// Whatever is to be served; none takes the configuration away.
    content: Option<String>,
}

/// `POST /reinfer-config`: what is served, unchecked.
pub(super) fn config(admin: &Admin, call: Config) -> Answer {
    if let Some(wrong) = [&call.owner, &call.key].into_iter().find(|name| !is_name(name)) {
        return Err(bad(format!("{wrong:?} is no name: letters, digits, - and _")));
    }
    let stored = call.content.is_some();
    admin.state.reinfer.set_config(&call.owner, &call.key, call.content.map(Bytes::from));
    Ok(json!({ "config": format!("{}/{}", call.owner, call.key), "stored": stored }))
}

/// Puts a token in force, or takes one out of force.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Token {
    Add(TokenSpec),
    Revoke(String),
}

pub(super) fn token(admin: &Admin, call: Token) -> Answer {
    match call {
        Token::Add(spec) => {
            admin.state.reinfer.add_token(spec.build().map_err(bad)?);
            Ok(json!({ "tokens": admin.state.reinfer.tokens().len() }))
        }
        Token::Revoke(token) if admin.state.reinfer.revoke_token(&token) => Ok(json!({ "tokens": admin.state.reinfer.tokens().len() })),
        Token::Revoke(_) => Err(Refusal { status: 404, text: "there is no such token".to_owned() }),
    }
}
