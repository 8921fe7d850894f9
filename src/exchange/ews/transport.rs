//! HTTP to one EWS endpoint, over connections of our own.
//!
//! NTLM logs in a connection, not a request, and Extended Protection ties that login to the TLS certificate, so the pool, the login and the TLS
//! socket have to be in one hand. The rules of the road:
//!
//! - a connection is used again only after its answer was read to the end and the caller found it sound ([`Body::accept`]); otherwise it is closed;
//! - every request is a read, so one that breaks on a connection used before, ahead of any answer, is sent once more on a fresh one;
//! - no redirect is followed, and `Authorization` never goes to another host.

mod error;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use url::Url;

pub use error::{Kind, Phase, SetupError, TlsFault, TransportError};

use crate::auth::{Login, oauth::Tokens};

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

// Signatures, bodies to follow:
//
// #[derive(Clone)] pub struct Transport;                       // cheap clone; one pool, one identity, one endpoint
// impl Transport {
//     pub fn new(settings: Settings, credentials: Credentials) -> Result<Self, SetupError>;
//     pub async fn send(&self, outgoing: Outgoing) -> Result<Answer, TransportError>;
//     pub fn endpoint(&self) -> &Url;
// }
//
// pub struct Body;                                             // Send + Unpin + 'static; AsyncRead + AsyncBufRead + Stream<Item = io::Result<Bytes>>
// impl Body {
//     /// The answer was sound: reads what is left (at most 64 KiB) and gives the connection back to the pool.
//     /// Err: the body broke off before its end. Use `reader.into_inner().accept().await` after parsing to the end of the envelope.
//     pub async fn accept(self) -> Result<(), TransportError>;
//     /// The body's next bytes up to `limit`, for the log or for sniffing what a non-XML answer is; an early end is not an error here.
//     pub async fn excerpt(&mut self, limit: usize) -> Bytes;
// }
//
// Errors of reading `Body` are io::Error whose inside is a TransportError: TransportError::of(&io_error).
// Retry-After of an answer: crate::http::retry_after(&answer.headers, now: SystemTime) -> Option<Duration> (clamped).
// Back-off: crate::http::Backoff { first, cap }.delay(attempt: u32, random: f64 in 0..1) -> Duration.
