//! The way to Graph: one request with a token, one answer.
//!
//! Over HTTP/1.1, a connection for each request under way. Over HTTP/2 all mailboxes would share one connection, and a body whose taker stands
//! still would hold the others back.

use std::{io, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use reqwest::{Client, RequestBuilder, Response};

use super::{link::Endpoint, trouble::Trouble};
use crate::{
    auth::oauth::{Bearer, TokenError, Tokens},
    http as ours,
};

/// A connection that is not made in this time is not made.
const CONNECT: Duration = Duration::from_secs(10);

/// Idle connections kept, and for how long.
const IDLE: usize = 64;
const IDLE_TIME: Duration = Duration::from_secs(60);

/// A request as it goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to, whole.
    pub url: String,
    /// `Prefer`.
    pub prefer: Option<String>,
    /// JSON to be posted; without it a GET.
    pub body: Option<String>,
    /// `client-request-id`.
    pub id: String,
}

/// An answer whose body is still to come.
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, decompressed; it ends cleanly only where the server ended it.
    pub body: BoxStream<'static, io::Result<Bytes>>,
}

/// Whoever can send a request.
#[async_trait]
pub trait Wire: Send + Sync + 'static {
    /// Where requests go.
    fn endpoint(&self) -> &Endpoint;

    /// Gets ready what a request is sent with, so that sending waits for nothing else.
    async fn prepare(&self) -> Result<(), Trouble> {
        Ok(())
    }

    /// Sends one request; whatever status comes back is an answer. A link that leads elsewhere is not followed.
    async fn send(&self, outgoing: &Outgoing) -> Result<Reply, Trouble>;
}

/// The real way.
pub struct Http {
    client: Client,
    endpoint: Endpoint,
    tokens: Arc<Tokens>,
}

impl Http {
    /// A way to `endpoint` with these tokens. `Err` is a setting's fault.
    pub fn new(endpoint: Endpoint, tokens: Arc<Tokens>) -> Result<Self, String> {
        let builder = ours::builder()?.http1_only().connect_timeout(CONNECT);
        let client = ours::built(builder.pool_max_idle_per_host(IDLE).pool_idle_timeout(IDLE_TIME))?;
        Ok(Self { client, endpoint, tokens })
    }

    async fn try_with(&self, outgoing: &Outgoing, bearer: &Bearer) -> Result<Response, Trouble> {
        let authorization = bearer.authorization().ok_or_else(|| {
            Trouble::NoToken(TokenError {
                cause: "the identity provider gave a token that fits no header".to_owned(),
                hint: None,
                code: None,
                fatal: false,
                retry_after: None,
            })
        })?;
        let request: RequestBuilder = match &outgoing.body {
            None => self.client.get(&outgoing.url),
            Some(body) => self.client.post(&outgoing.url).header("content-type", "application/json").body(body.clone()),
        };
        let request = request.header(AUTHORIZATION, authorization).header("client-request-id", &outgoing.id);
        let request = request.header("return-client-request-id", "true");
        let request = match outgoing.prefer.as_deref().map(HeaderValue::try_from) {
            Some(Ok(prefer)) => request.header("prefer", prefer),
            _ => request,
        };
        request.send().await.map_err(|error| match error.is_connect() {
            true => Trouble::Cut(format!("cannot reach {}: {}", self.endpoint.below(""), ours::cause(error))),
            false => Trouble::Cut(ours::cause(error)),
        })
    }
}

#[async_trait]
impl Wire for Http {
    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    async fn prepare(&self) -> Result<(), Trouble> {
        self.tokens.bearer().await.map(drop).map_err(Trouble::NoToken)
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<Reply, Trouble> {
        if !self.endpoint.owns(&outgoing.url) {
            return Err(Trouble::Foreign);
        }
        let mut bearer = self.tokens.bearer().await.map_err(Trouble::NoToken)?;
        let mut response = self.try_with(outgoing, &bearer).await?;
        // A token may have been revoked before its end. All who are refused with it get the same new one.
        if response.status().as_u16() == 401 {
            self.tokens.refused(&bearer).await;
            bearer = self.tokens.bearer().await.map_err(Trouble::NoToken)?;
            response = self.try_with(outgoing, &bearer).await?;
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes_stream().map(|piece| piece.map_err(|error| io::Error::other(ours::cause(error)))).boxed();
        Ok(Reply { status, headers, body })
    }
}

#[cfg(test)]
mod tests;
