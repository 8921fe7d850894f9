//! One request, one answer.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{HeaderValue, Method, header::AUTHORIZATION};
use reqwest::{RequestBuilder, Response};
use serde::de::DeserializeOwned;
use url::Url;

use super::{
    Error,
    answer::{self, Question},
    endpoint::Endpoint,
};
use crate::{auth::Secret, http as ours, mail::Bucket};

/// The official client's own patience with one request.
const TIMEOUT: Duration = Duration::from_secs(240);

/// Longer than any request may take: reqwest counts the time until the first byte of an answer as one read, also while a large body is being sent.
const READ: Duration = Duration::from_secs(3600);

/// Idle connections are given up before a gateway does it in the middle of a request.
const IDLE: Duration = Duration::from_secs(20);

/// The way to the API. Clones share connections, and what is known of buckets.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    pub(super) endpoint: Endpoint,
    token: Arc<Secret>,
    pub(super) timeout: Duration,
    pub(super) ids: Arc<Mutex<HashMap<Bucket, String>>>,
}

impl Client {
    /// A way to `endpoint`, which may or may not end in `/api/`, with a token. `Err` is a setting's fault.
    pub fn new(endpoint: &Url, token: Secret) -> Result<Self, String> {
        let endpoint = Endpoint::new(endpoint)?;
        let token = Arc::new(Secret::new(token.reveal().trim()));
        if token.is_empty() {
            return Err("the API's token is empty: set REINFER_API_TOKEN".to_owned());
        }
        if authorization(&token).is_none() {
            return Err("the API's token in REINFER_API_TOKEN holds characters that no token has".to_owned());
        }
        let builder = ours::builder()?.http1_only().read_timeout(READ).pool_idle_timeout(IDLE);
        Ok(Self { http: ours::built(builder)?, endpoint, token, timeout: TIMEOUT, ids: Arc::default() })
    }

    /// The same with another patience than 240 s with each request; uploads of large messages are granted more.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// A request with the token, to be finished and sent.
    pub(super) fn request(&self, method: Method, segments: &[&str]) -> RequestBuilder {
        self.request_to(method, self.endpoint.below(segments))
    }

    /// The same for a URL below the endpoint.
    pub(super) fn request_to(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.http.request(method, url).timeout(self.timeout);
        match authorization(&self.token) {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        }
    }

    /// Sends a request, and reads an answer that says `ok`.
    pub(super) async fn ask<T: DeserializeOwned>(&self, question: &Question, request: RequestBuilder) -> Result<T, Error> {
        answer::ok(question, self.send(question, request).await?).await
    }

    /// Sends a request; whatever status comes back is an answer.
    pub(super) async fn send(&self, question: &Question, request: RequestBuilder) -> Result<Response, Error> {
        request.send().await.map_err(|error| {
            let unreachable = error.is_connect();
            let cause = ours::cause(error);
            let host = self.endpoint.below(&[]);
            Error::cut(
                &question.attempt,
                if unreachable { format!("cannot reach {}: {cause}", host.host_str().unwrap_or_default()) } else { cause },
            )
        })
    }
}

fn authorization(token: &Secret) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.reveal())).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
