//! Configurations of appliances: raw files, read back as they were stored.

use super::multipart;
use super::refusal::{Answer, Refusal, ok};
use super::store::{Reinfer, check_name};
use crate::http::{Request, Response};
use serde_json::json;

/// `GET`: the stored bytes, in no envelope.
pub(super) fn show(reinfer: &Reinfer, owner: &str, key: &str) -> Answer {
    let content = reinfer.config(owner, key).ok_or_else(Refusal::missing)?;
    Ok(Response::new(200).header("Content-Type", "application/octet-stream").bytes(content))
}

/// `PUT`: an octet-stream, or a form with the field `file`.
pub(super) fn store(reinfer: &Reinfer, owner: &str, key: &str, request: &Request) -> Answer {
    check_name("the owner", owner)?;
    check_name("the key", key)?;
    let kind = request.header("content-type").unwrap_or_default();
    let name = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let content = match name.as_str() {
        "multipart/form-data" => multipart::field(kind, &request.body, "file")?,
        "application/octet-stream" => request.body.clone(),
        _ => {
            let text = format!("415 Unsupported Media Type: expected multipart/form-data or application/octet-stream, not {name:?}");
            return Err(Refusal::new(415, text));
        }
    };
    if content.is_empty() {
        return Err(Refusal::value("file", "must not be empty"));
    }
    let changed = reinfer.config(owner, key).is_none_or(|known| known != content);
    reinfer.set_config(owner, key, Some(content));
    ok(json!({ "changes": { "changed": changed } }))
}
