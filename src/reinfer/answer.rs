//! Reads an answer: the envelope `{"status": "ok", ...}`, an error of the API, or something from in between.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::StatusCode;
use reqwest::Response;
use serde::{Deserialize, de::DeserializeOwned};

use super::{Error, Kind};
use crate::http::{TooLarge, capped, cause, retry_after};

/// Answers that tell no more than that it worked.
pub(super) const SMALL: usize = 1 << 20;

/// Lists, and files.
pub(super) const LARGE: usize = 64 << 20;

/// So much of a text that is no JSON is told.
const SLICE: usize = 200;

/// What a request was about.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// What is attempted on what.
    pub attempt: String,
    /// The right that a 403 misses.
    pub right: &'static str,
    /// What helps against a 404.
    pub missing: String,
    /// The most bytes of an answer.
    pub cap: usize,
}

#[derive(Deserialize)]
struct Envelope {
    status: Option<String>,
    message: Option<String>,
}

/// The answer's body as it is.
pub(super) async fn raw(question: &Question, response: Response) -> Result<Bytes, Error> {
    let status = response.status();
    let wait = retry_after(response.headers(), SystemTime::now());
    match capped(response.bytes_stream(), question.cap).await {
        Ok(body) if status.is_success() => Ok(body),
        Ok(body) => Err(refused(question, status, wait, &body)),
        // The status alone says it, whatever became of the words.
        Err(_) if status == StatusCode::PAYLOAD_TOO_LARGE => Err(refused(question, status, wait, b"")),
        Err(TooLarge::Read(error)) => Err(Error { retry_after: wait, ..Error::cut(&question.attempt, cause(error)) }),
        Err(too_large) => Err(Error { retry_after: wait, ..strange(question, status, too_large.to_string()) }),
    }
}

/// The fields of an answer that says `ok`.
pub(super) async fn ok<T: DeserializeOwned>(question: &Question, response: Response) -> Result<T, Error> {
    let status = response.status();
    let body = raw(question, response).await?;
    let envelope: Envelope = serde_json::from_slice(&body).map_err(|_| strange(question, status, slice(&body)))?;
    match envelope.status.as_deref() {
        Some("ok") => {}
        _ => return Err(strange(question, status, envelope.message.map_or_else(|| slice(&body), |message| slice(message.as_bytes())))),
    }
    serde_json::from_slice(&body).map_err(|error| strange(question, status, format!("the answer is not as expected: {error}")))
}

/// An answer that does not fit the question.
fn strange(question: &Question, status: StatusCode, cause: String) -> Error {
    Error {
        attempt: question.attempt.clone(),
        code: Some(code(status)),
        cause,
        hint: status
            .is_success()
            .then(|| "is this the API's endpoint? A sign-in page or a proxy may have answered in its place".to_owned()),
        kind: Kind::Passing,
        retry_after: None,
    }
}

fn refused(question: &Question, status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Error {
    let envelope: Option<Envelope> = serde_json::from_slice(body).ok();
    // What is neither JSON nor empty was not written by the API, so it does not judge what was sent. But whoever stands before it may have limits.
    let of_the_api = envelope.is_some() || body.iter().all(u8::is_ascii_whitespace) || status == StatusCode::PAYLOAD_TOO_LARGE;
    let kind = match status.as_u16() {
        413 => Kind::TooLarge,
        _ if !of_the_api => Kind::Passing,
        400 | 422 => Kind::Unprocessable,
        401 => Kind::Token,
        403 => Kind::Forbidden,
        404 => Kind::Missing,
        _ => Kind::Passing,
    };
    let hint = match status.as_u16() {
        401 => Some("the token in REINFER_API_TOKEN is not accepted: is it complete, of this tenant, and not revoked?".to_owned()),
        403 => Some(format!("the token's user needs the right to {} in this project, and the licence must not be used up", question.right)),
        404 if of_the_api => Some(question.missing.clone()),
        300..=399 | 404 => Some("is this the API's endpoint? --reinfer-api-endpoint names it".to_owned()),
        407 => Some("the proxy wants a login: HTTPS_PROXY=http://user:password@host:port".to_owned()),
        _ => None,
    };
    let reason = status.canonical_reason().unwrap_or("an unknown status");
    let cause = match envelope {
        Some(Envelope { message: Some(message), .. }) => slice(message.as_bytes()),
        Some(_) => reason.to_owned(),
        None if body.iter().all(u8::is_ascii_whitespace) => reason.to_owned(),
        None => slice(body),
    };
    Error { attempt: question.attempt.clone(), code: Some(code(status)), cause, hint, kind, retry_after }
}

fn code(status: StatusCode) -> String {
    format!("HTTP {}", status.as_u16())
}

/// The beginning of a text, on one line.
fn slice(body: &[u8]) -> String {
    let head = &body[..body.len().min(4 * SLICE)];
    let words = String::from_utf8_lossy(head).split_whitespace().collect::<Vec<_>>().join(" ");
    let words: String = words.chars().filter(|c| !c.is_control()).collect();
    if words.is_empty() {
        return "an empty answer".to_owned();
    }
    match words.char_indices().nth(SLICE) {
        Some((end, _)) => format!("{}...", &words[..end]),
        None => words,
    }
}
