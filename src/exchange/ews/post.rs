//! How a request reaches the server: the small trait between the operations and the transport.

use std::{io, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;

use crate::exchange::Verdict;

/// Posts SOAP envelopes to the endpoint, logged in.
#[async_trait]
pub trait Post: Send + Sync + 'static {
    /// Posts one envelope on behalf of `anchor`, the mailbox it concerns (HTTP header X-AnchorMailbox, EWS "Impersonation and EWS in
    /// Exchange"). Returns once the answer's head is there, whatever its status. Whether it may still go is asked of `clear` when a connection is free for
    /// it, which may take a while; none where it may not, and then nothing was sent.
    async fn post(&self, anchor: Option<&str>, envelope: Bytes, clear: &Clear<'_>) -> Result<Option<Reply>, PostError>;

    /// Forgets what ties `anchor` to one server (cookies), since that server no longer has the mailbox.
    fn forget(&self, _anchor: Option<&str>) {}

    /// Logs in anew with the next request: the server answered, but no longer takes what it was shown.
    async fn renew(&self) {}
}

/// Whether a request may still go.
pub type Clear<'a> = dyn Fn() -> bool + Send + Sync + 'a;

/// An answer whose body is still to be read.
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The `client-request-id` under which the server logged the request.
    pub request_id: Option<String>,
    /// What the Retry-After header asks for, already as a duration from now.
    pub retry_after: Option<Duration>,
    /// The body, free of transfer coding. A body that breaks off before its announced end yields an error, not an end.
    pub body: Box<dyn Body>,
}

/// A body, and with it the connection it arrives on. Dropping it closes the connection.
#[async_trait]
pub trait Body: Stream<Item = io::Result<Bytes>> + Send + Unpin {
    /// Tells that the answer was the one asked for and was read to its end, so the connection may serve again.
    async fn accept(self: Box<Self>);
}

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostError {
    /// Whether the same again may succeed within a minute or so.
    pub retry: bool,
    /// What is left to do when it is not retried, or in vain.
    pub verdict: Verdict,
    /// A name for the kind of trouble, such as `HTTP 401` or `dns`.
    pub code: Option<String>,
    /// The cause; never a secret.
    pub text: String,
    /// What a person can do about it.
    pub hint: Option<String>,
    /// How long the server wants to be left alone, where it said so.
    pub wait: Option<Duration>,
}
