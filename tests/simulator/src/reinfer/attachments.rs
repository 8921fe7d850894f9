//! Contents of attachments that an email lists.

use super::multipart;
use super::refusal::{Answer, Refusal, ok};
use super::store::Reinfer;
use crate::http::{Request, Response};
use serde_json::json;
use sha2::{Digest, Sha256};

/// `PUT buckets/id:ID/emails/{email}/attachments/{number}`: a form with the field `file`.
pub(super) fn store(reinfer: &Reinfer, bucket: &str, email: &str, number: &str, request: &Request) -> Answer {
    let number: usize = number.parse().map_err(|_| Refusal::new(400, "the number of an attachment counts from 0"))?;
    let kind = request.header("content-type").unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("multipart/form-data") {
        return Err(Refusal::new(415, "415 Unsupported Media Type: expected multipart/form-data"));
    }
    let content = multipart::field(kind, &request.body, "file")?;
    let hash = hex::encode(Sha256::digest(&content));
    let mut shelves = reinfer.shelves();
    let listed = shelves.by_id(bucket).and_then(|shelf| shelf.email(email)).is_some_and(|email| number < email.attachments.len());
    if !listed {
        return Err(Refusal::missing());
    }
    shelves.contents.insert(hash.clone(), content);
    ok(json!({ "content_hash": hash }))
}

/// `GET attachments/{reference}`: the bytes, in no envelope. The reference is the hash that the upload answered.
pub(super) fn show(reinfer: &Reinfer, reference: &str) -> Answer {
    let content = reinfer.shelves().contents.get(reference).cloned().ok_or_else(Refusal::missing)?;
    Ok(Response::new(200).header("Content-Type", "application/octet-stream").bytes(content))
}
