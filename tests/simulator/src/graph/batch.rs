//! Many requests in one: `$batch` (documentation page "Combine multiple requests in one HTTP call using JSON batching").

use super::call::Answer;
use super::error::GraphError;
use super::reply;
use super::serve::{Asked, Ids, serve};
use crate::accounts::App;
use crate::http::{Headers, Response, body_stream};
use crate::state::State;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Requests of one batch.
const MOST: usize = 20;
/// Inner requests that are worked on at a time, whichever mailboxes they name.
const AT_ONCE: usize = 4;
/// Bytes of one inner answer. What is longer does not pass the gateway.
const LONGEST: usize = 32 << 20;

#[derive(Deserialize)]
struct Batch {
    requests: Vec<Part>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    id: String,
    method: String,
    url: String,
    #[serde(default)]
    headers: HashMap<String, String>,
    #[serde(default)]
    body: Value,
    #[serde(default)]
    depends_on: Vec<String>,
}

/// Answers a batch of an application.
pub(super) async fn handle(state: &Arc<State>, app: &App, body: &Bytes, origin: &str) -> Answer {
    let batch: Batch = serde_json::from_slice(body).map_err(|_| bad("Invalid batch payload format."))?;
    check(&batch.requests)?;
    state.counters.add("graph.batched", batch.requests.len() as u64);
    let mut answers: Vec<Value> = Vec::with_capacity(batch.requests.len());
    let mut status: HashMap<String, u64> = HashMap::new();
    let mut waiting = batch.requests;
    while !waiting.is_empty() {
        let (ready, later): (Vec<Part>, Vec<Part>) =
            waiting.into_iter().partition(|part| part.depends_on.iter().all(|id| status.contains_key(id)));
        if ready.is_empty() {
            return Err(bad("The requests of the batch depend on each other in a circle."));
        }
        let before = status.clone();
        let done: Vec<(String, u64, Value)> = stream::iter(ready)
            .map(|part| {
                let failed = part.depends_on.iter().any(|id| before.get(id).is_some_and(|status| *status >= 400));
                one(state, app, part, origin, failed)
            })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for (id, code, answer) in done {
            status.insert(id, code);
            answers.push(answer);
        }
        waiting = later;
    }
    reply::entity(200, &json!({ "responses": answers }))
}

fn bad(message: impl Into<String>) -> GraphError {
    GraphError::request("BadRequest", message)
}

fn check(parts: &[Part]) -> Result<(), GraphError> {
    if parts.is_empty() {
        return Err(bad("The batch holds no requests."));
    }
    if parts.len() > MOST {
        return Err(bad(format!("Number of batch request steps exceeds the maximum value of {MOST}.")));
    }
    let mut ids = HashSet::new();
    for part in parts {
        if part.id.is_empty() || !ids.insert(part.id.as_str()) {
            return Err(bad(format!("Request id '{}' is empty or used more than once.", part.id)));
        }
        if part.url.contains("://") {
            return Err(bad(format!("The url of request '{}' must be relative.", part.id)));
        }
    }
    match parts.iter().flat_map(|part| &part.depends_on).find(|id| !ids.contains(id.as_str())) {
        Some(unknown) => Err(bad(format!("A request depends on '{unknown}', which is not in the batch."))),
        None => Ok(()),
    }
}

/// Serves one request of a batch and writes its answer. Only its own header fields count.
async fn one(state: &Arc<State>, app: &App, part: Part, origin: &str, failed: bool) -> (String, u64, Value) {
    let mut headers = Headers::new();
    for (name, value) in &part.headers {
        headers.push(name.as_str(), value.as_str());
    }
    let ids = Ids::of(&headers);
    let response = if failed {
        let error = GraphError::new(424, "FailedDependency", "A request this one depends on has failed.");
        ids.refuse(state, &error)
    } else {
        let body = inner_body(&part);
        let path = part.url.trim_start_matches('/');
        let path = path.strip_prefix("v1.0/").unwrap_or(path);
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let method = part.method.to_ascii_uppercase();
        if path.starts_with("$batch") {
            ids.refuse(state, &bad("A batch cannot hold another."))
        } else {
            serve(state, app, Asked { method: &method, path, query, headers: &headers, body: &body, origin }, &ids).await.response
        }
    };
    let (status, answer) = write(state, &part.id, response, &ids).await;
    (part.id, status, answer)
}

/// JSON stands in the batch as it is; text as a string; anything else as base64 for URLs.
fn inner_body(part: &Part) -> Bytes {
    let kind = part.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type")).map_or("", |(_, value)| value.as_str());
    match &part.body {
        Value::Null => Bytes::new(),
        Value::String(text) if kind.starts_with("text/") => Bytes::from(text.clone()),
        Value::String(text) if !kind.contains("json") => match URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')) {
            Ok(bytes) => bytes.into(),
            Err(_) => Bytes::from(text.clone()),
        },
        json => Bytes::from(json.to_string()),
    }
}

async fn write(state: &State, id: &str, mut response: Response, ids: &Ids) -> (u64, Value) {
    let mut bytes = Vec::new();
    let mut body = body_stream(std::mem::take(&mut response.body));
    while let Some(item) = body.next().await {
        match item {
            Ok(piece) if bytes.len() + piece.len() <= LONGEST => bytes.extend_from_slice(&piece),
            _ => {
                let late = ids.refuse(state, &GraphError::new(504, "UnknownError", ""));
                return Box::pin(write(state, id, late, ids)).await;
            }
        }
    }
    let mut fields: Map<String, Value> = Map::new();
    for (name, value) in response.headers.iter() {
        fields.insert(name.to_owned(), value.into());
    }
    fields.insert("Cache-Control".to_owned(), "no-cache".into());
    let kind = response.headers.value("content-type").unwrap_or_default();
    let body = if kind.contains("json") {
        serde_json::from_slice(&bytes).unwrap_or(Value::Null)
    } else if kind.starts_with("text/") {
        // Bytes that are no UTF-8 cannot stand in JSON: they are lost, as they are on the real gateway.
        Value::String(String::from_utf8_lossy(&bytes).into_owned())
    } else if bytes.is_empty() {
        Value::Null
    } else {
        Value::String(URL_SAFE_NO_PAD.encode(&bytes))
    };
    let mut answer = json!({ "id": id, "status": response.status, "headers": fields });
    if let (Value::Object(members), false) = (&mut answer, body.is_null()) {
        members.insert("body".to_owned(), body);
    }
    (u64::from(response.status), answer)
}
