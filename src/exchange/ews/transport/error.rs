//! What can go wrong between a request and the first byte of its answer, and while the answer's bytes arrive.

use std::{fmt, io, time::Duration};

/// Which part of a TLS handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFault {
    /// The certificate is another host's.
    Name,
    /// The certificate's issuer is unknown, or it is expired, revoked or damaged.
    Trust,
    /// No protocol version or cipher in common, or what answered is not TLS.
    Protocol,
}

/// What did not happen in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The connection: name look-up, TCP, proxy, TLS.
    Connect,
    /// The answer's head.
    Head,
    /// The next bytes of the answer's body.
    Body,
}

/// The kinds of [`TransportError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The host name has no address.
    Dns,
    /// No TCP connection: refused, unreachable, reset.
    Connect,
    /// No TLS connection.
    Tls(TlsFault),
    /// Something took too long.
    Timeout(Phase),
    /// The connection broke before the answer was complete.
    Cut,
    /// What came back is not HTTP.
    Protocol,
    /// Credentials refused.
    Unauthorized {
        /// Whether the same credentials were accepted before: then the server may be throttling, or the password just changed.
        worked: bool,
    },
    /// No access token: the identity provider refused (`fatal`: until a person acts) or could not be reached.
    Token {
        /// Whether asking again is useless until a person acts.
        fatal: bool,
    },
    /// The HTTP proxy refused (`fatal`: until a person acts) or failed.
    Proxy {
        /// Whether asking again is useless until a person acts.
        fatal: bool,
    },
    /// A redirect, which is never followed. `passing`: it leads to Exchange's own page for a passing outage.
    Redirect {
        /// Whether it is known to pass by itself.
        passing: bool,
    },
}

/// A request that got no answer worth reading, or an answer that broke off. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportError {
    /// What went wrong.
    pub kind: Kind,
    /// The cause, with host or address where it helps.
    pub cause: String,
    /// The setting or the act that helps, where one is known.
    pub hint: Option<String>,
    /// How long the other side asked to wait.
    pub retry_after: Option<Duration>,
    /// The `client-request-id` sent, by which an administrator finds the request in Exchange's logs.
    pub request_id: Option<String>,
}

impl TransportError {
    pub(crate) fn new(kind: Kind, cause: impl Into<String>) -> Self {
        Self { kind, cause: cause.into(), hint: None, retry_after: None, request_id: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn request(mut self, id: &str) -> Self {
        self.request_id.get_or_insert_with(|| id.to_owned());
        self
    }

    /// Whether the same request may succeed later without anybody's act.
    pub fn passing(&self) -> bool {
        match self.kind {
            Kind::Dns | Kind::Connect | Kind::Timeout(_) | Kind::Cut | Kind::Protocol => true,
            Kind::Tls(_) => false,
            Kind::Token { fatal } | Kind::Proxy { fatal } => !fatal,
            Kind::Unauthorized { worked: passing } | Kind::Redirect { passing } => passing,
        }
    }

    /// Wraps it for a reader's `io::Result`; [`TransportError::of`] gets it back.
    pub(crate) fn into_io(self) -> io::Error {
        let kind = match self.kind {
            Kind::Timeout(_) => io::ErrorKind::TimedOut,
            Kind::Cut => io::ErrorKind::UnexpectedEof,
            Kind::Protocol => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, self)
    }

    /// The transport error inside an error that reading an answer's body gave.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)?;
        if let Some(id) = &self.request_id {
            write!(f, ", client-request-id {id}")?;
        }
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for TransportError {}

/// A setting that cannot work, found before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupError {
    /// The configuration key or environment variable.
    pub setting: &'static str,
    /// What is wrong with it.
    pub cause: String,
}

impl SetupError {
    pub(crate) fn new(setting: &'static str, cause: impl Into<String>) -> Self {
        Self { setting, cause: cause.into() }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.setting, self.cause)
    }
}

impl std::error::Error for SetupError {}
