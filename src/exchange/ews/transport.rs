//! HTTP to one EWS endpoint, over connections of our own.
//!
//! NTLM logs in a connection, not a request, and Extended Protection ties that login to the TLS certificate, so the pool, the login and the TLS
//! socket have to be in one hand. The rules of the road:
//!
//! - a connection is used again only after its answer was read to the end and the caller found it sound ([`Body::accept`]); otherwise it is closed;
//! - every request is a read, so one that breaks on a connection used before, ahead of any answer, is sent once more on a fresh one;
//! - no redirect is followed, and `Authorization` never goes to another host.

mod body;
mod connection;
mod cookies;
mod dial;
mod error;
mod guard;
mod io;
mod ntlm;
mod pool;
mod proxy;
mod redirect;
mod refusal;
mod request;
#[cfg(test)]
mod tests;
mod tls;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use url::Url;

pub use body::Body;
pub use error::{Kind, Phase, SetupError, TlsFault, TransportError};

use self::{
    connection::Connection,
    cookies::Cookies,
    dial::Dialer,
    guard::Guard,
    ntlm::Legs,
    pool::Pool,
    request::{Details, Template},
};
use super::post::Clear;
use crate::auth::{
    Login, basic,
    oauth::{Bearer, TokenError, Tokens},
};

/// How the endpoint is reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The whole URL, `https://mail.example.com/EWS/Exchange.asmx`.
    pub endpoint: Url,
    /// Whether the server's certificate is verified (`ews_ssl_verify`).
    pub verify: bool,
    /// An OpenSSL cipher list (`ews_ssl_ciphers`).
    pub ciphers: Option<String>,
    /// At most so many connections; further requests wait in order.
    pub connections: usize,
    /// Limit of name look-up, TCP, proxy and TLS together.
    pub connect: Duration,
    /// Limit of the wait for the answer's head, and then for each next piece of its body.
    pub inactivity: Duration,
    /// Connections unused for so long are closed: servers answer 408 on older ones.
    pub idle: Duration,
}

impl Settings {
    /// The defaults for an endpoint: certificates verified, 32 connections, 30 s to connect, 150 s of inactivity (Exchange may think for a minute
    /// about a batch), connections retired after 100 s.
    pub fn new(endpoint: Url) -> Self {
        Self {
            endpoint,
            verify: true,
            ciphers: None,
            connections: 32,
            connect: Duration::from_secs(30),
            inactivity: Duration::from_secs(150),
            idle: Duration::from_secs(100),
        }
    }
}

/// How requests log in.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// Basic, sent with every request.
    Basic(Login),
    /// NTLM, once a connection.
    Ntlm(Login),
    /// OAuth2 bearer tokens.
    OAuth(Arc<Tokens>),
}

/// One request.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The SOAP envelope.
    pub body: Bytes,
    /// The mailbox it concerns: sent as `X-AnchorMailbox`, and the key of the cookies that keep it on one back end.
    pub anchor: Option<String>,
    /// Another inactivity limit than the setting's, for requests that hang by design.
    pub inactivity: Option<Duration>,
}

/// An answer whose body is still to be read. Any status but 401, 407 and redirects arrives here.
#[derive(Debug)]
pub struct Answer {
    /// The status. EWS may report a fault under 200 and under 500.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The `client-request-id` sent with the request.
    pub request_id: String,
    /// The body: a `tokio::io::AsyncBufRead`, and a `futures::Stream` of `io::Result<Bytes>`. Dropping it unread closes the connection.
    pub body: Body,
}

/// A way to one endpoint under one identity. Clones share their connections.
#[derive(Clone)]
pub struct Transport(Arc<Inner>);

struct Inner {
    settings: Settings,
    credentials: Credentials,
    template: Template,
    pool: Arc<Pool>,
    cookies: Cookies,
    guard: Guard,
}

impl Transport {
    /// Checks the settings; nothing is sent yet. The proxy comes from `HTTPS_PROXY` or `ALL_PROXY` and `NO_PROXY` (http:// endpoints are reached
    /// directly), further certificate authorities from `SSL_CERT_FILE`.
    pub fn new(settings: Settings, credentials: Credentials) -> Result<Self, SetupError> {
        Self::with_environment(settings, credentials, |name| std::env::var(name).ok())
    }

    fn with_environment(
        settings: Settings,
        credentials: Credentials,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SetupError> {
        if let Credentials::Basic(login) = &credentials
            && basic::authorization(login).is_none()
        {
            return Err(SetupError::new("auth_user", "a user with a colon cannot log in by Basic"));
        }
        let template = Template::new(&settings.endpoint)?;
        let pool = Pool::new(Dialer::new(&settings, variable)?, settings.connections, settings.idle);
        Ok(Self(Arc::new(Inner { settings, credentials, template, pool, cookies: Cookies::default(), guard: Guard::default() })))
    }

    /// Where requests go.
    pub fn endpoint(&self) -> &Url {
        &self.0.settings.endpoint
    }

    /// Drops the cookies of an anchor mailbox, which tie it to a server: to be done when that server no longer has the mailbox.
    pub fn forget_cookies(&self, anchor: Option<&str>) {
        self.0.cookies.forget(anchor);
    }

    /// Asks for a new access token before the next request. Other logins belong to a connection or to each request, and an answer that refuses
    /// keeps no connection.
    pub async fn drop_token(&self) {
        if let Credentials::OAuth(tokens) = &self.0.credentials
            && let Ok(bearer) = tokens.bearer().await
        {
            tokens.refused(&bearer).await;
        }
    }

    /// Sends a request and returns its answer once the head is there. Waits first for a free connection, in order of asking.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Answer, TransportError> {
        loop {
            // There always is one.
            if let Some(answer) = self.send_if(outgoing.clone(), &|| true).await? {
                return Ok(answer);
            }
        }
    }

    /// The same for a request that may have to stay behind after all: `clear` is asked once there is a free connection. None where it says no, and
    /// then nothing was sent.
    pub async fn send_if(&self, outgoing: Outgoing, clear: &Clear<'_>) -> Result<Option<Answer>, TransportError> {
        let id = crate::http::guid();
        self.0.deliver(&outgoing, &id, clear).await.map_err(|error| error.request(&id))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Inner {
    /// At most one retry of each kind: on a fresh connection after one that had been used before failed, and with a fresh token.
    async fn deliver(&self, outgoing: &Outgoing, id: &str, clear: &Clear<'_>) -> Result<Option<Answer>, TransportError> {
        let mut place = self.pool.place().await;
        let (mut fresh, mut renewed) = (false, false);
        loop {
            let bearer = self.bearer().await?;
            if !clear() {
                return Ok(None);
            }
            let logged_in = if fresh { place.start_afresh() } else { place.reuse() };
            // Asked for before the connection is opened: it may be a while until it is our turn.
            let permission = match &self.credentials {
                Credentials::Basic(_) => Some(self.guard.permission().await?),
                Credentials::Ntlm(_) if !logged_in => Some(self.guard.permission().await?),
                _ => None,
            };
            let connection = place.connect().await?;
            if !clear() {
                return Ok(None);
            }
            let retry = connection.used && !fresh;
            let outcome = self.attempt(connection, outgoing, id, bearer.as_ref()).await;
            // By now the guard knows how the login went.
            drop(permission);
            let response = match outcome {
                Err(error) if retry && matches!(error.kind, Kind::Cut | Kind::Protocol) => {
                    tracing::debug!(id, %error, "a connection used before broke; trying a fresh one");
                    fresh = true;
                    continue;
                }
                outcome => outcome?,
            };
            let status = response.status();
            // An idle connection may hold a 408 nobody waited for, or a 400 that belongs to an earlier request.
            if retry && matches!(status, StatusCode::BAD_REQUEST | StatusCode::REQUEST_TIMEOUT) {
                fresh = true;
                continue;
            }
            if status == StatusCode::UNAUTHORIZED {
                match (&self.credentials, bearer) {
                    (Credentials::OAuth(tokens), Some(bearer)) if !renewed => {
                        tokens.refused(&bearer).await;
                        renewed = true;
                    }
                    (Credentials::Ntlm(_), _) if retry => fresh = true,
                    _ => return Err(self.unauthorized(response.headers())),
                }
                continue;
            }
            if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
                return Err(TransportError::new(Kind::Proxy { fatal: true }, "a proxy in front of the endpoint wants a login (407)")
                    .hint("name the proxy in HTTPS_PROXY, with user and password"));
            }
            if status.is_redirection() {
                return Err(redirect::judge(&self.settings.endpoint, status.as_u16(), response.headers()));
            }
            let (head, incoming) = response.into_parts();
            let body = Body::new(incoming, place, status.is_success(), self.limit(outgoing), id);
            return Ok(Some(Answer { status, headers: head.headers, request_id: id.to_owned(), body }));
        }
    }

    /// The request on one connection, with what its scheme needs.
    async fn attempt(
        &self,
        connection: &mut Connection,
        outgoing: &Outgoing,
        id: &str,
        bearer: Option<&Bearer>,
    ) -> Result<Response<Incoming>, TransportError> {
        let details = Details { anchor: outgoing.anchor.as_deref(), id, cookies: &self.cookies };
        let (body, limit) = (outgoing.body.clone(), self.limit(outgoing));
        let authorization = match &self.credentials {
            Credentials::Ntlm(login) if !connection.logged_in => {
                let host = self.pool.dialer().host();
                let legs = Legs { template: &self.template, details: &details, guard: &self.guard, login, host, limit };
                return legs.run(connection, body).await;
            }
            Credentials::Ntlm(_) => None,
            Credentials::Basic(login) => basic::authorization(login),
            Credentials::OAuth(_) => bearer.and_then(Bearer::authorization),
        };
        let response = connection.send(self.template.request(&details, body, authorization), limit).await?;
        self.cookies.keep(details.anchor, response.headers());
        match (&self.credentials, response.status()) {
            (Credentials::Basic(_), StatusCode::UNAUTHORIZED) => Err(self.unauthorized(response.headers())),
            (Credentials::Ntlm(_), _) | (_, StatusCode::UNAUTHORIZED) => Ok(response),
            _ => {
                self.guard.worked();
                Ok(response)
            }
        }
    }

    async fn bearer(&self) -> Result<Option<Bearer>, TransportError> {
        let Credentials::OAuth(tokens) = &self.credentials else { return Ok(None) };
        let no_token = |error: TokenError| TransportError {
            kind: Kind::Token { fatal: error.fatal },
            cause: format!("no access token: {}", error.cause),
            hint: error.hint,
            retry_after: error.retry_after,
            request_id: None,
        };
        tokens.bearer().await.map(Some).map_err(no_token)
    }

    fn unauthorized(&self, headers: &HeaderMap) -> TransportError {
        let worked = self.guard.ever_worked();
        match &self.credentials {
            Credentials::Basic(login) => self.guard.refused(refusal::of_password("Basic", login, headers, worked)),
            Credentials::Ntlm(login) => refusal::of_password("NTLM", login, headers, worked),
            Credentials::OAuth(_) => refusal::of_token(headers, worked),
        }
    }

    fn limit(&self, outgoing: &Outgoing) -> Duration {
        outgoing.inactivity.unwrap_or(self.settings.inactivity)
    }
}
