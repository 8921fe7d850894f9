//! One HTTP/1.1 connection, owned by us.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::http1::{Builder, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};

use super::{Kind, Phase, TransportError, dial::Dialer};
use crate::auth::ntlm::Binding;

/// Bytes read ahead of whoever consumes a body: so much memory a connection at most.
const BUFFER: usize = 64 * 1024;
/// How long a connection may take to become ready for its next request; it is ready at once, or never.
const READY: Duration = Duration::from_secs(5);

/// A connection and what is known of it. Dropping it closes it.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
    /// The channel binding of its TLS.
    pub binding: Option<Binding>,
    /// Whether an answer came over it and was accepted.
    pub used: bool,
    /// Whether the server knows us on it (NTLM).
    pub logged_in: bool,
    /// When it was last given back.
    pub since: Instant,
}

/// The task that moves bytes; it ends with the connection.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// Opens one.
    pub async fn open(dialer: &Dialer) -> Result<Self, TransportError> {
        let (stream, binding) = dialer.dial().await?;
        let mut builder = Builder::new();
        builder.max_buf_size(BUFFER).title_case_headers(true).ignore_invalid_headers_in_responses(true);
        let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(|error| broke(&error))?;
        let driver = Driver(tokio::spawn(async move {
            // Its error reaches whoever waits for the answer.
            let _ = connection.await;
        }));
        Ok(Self { sender, driver, binding, used: false, logged_in: false, since: Instant::now() })
    }

    /// Whether the other side, or bytes nobody asked for, have already ended it.
    pub fn is_dead(&self) -> bool {
        self.sender.is_closed() || self.driver.0.is_finished()
    }

    /// Sends a request and waits for the answer's head.
    pub async fn send(&mut self, request: Request<Full<Bytes>>, limit: Duration) -> Result<Response<Incoming>, TransportError> {
        match timeout(READY, self.sender.ready()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(broke(&error)),
            Err(_) => return Err(TransportError::new(Kind::Cut, "the connection was not free for a request")),
        }
        match timeout(limit, self.sender.send_request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(broke(&error)),
            Err(_) => {
                let cause = format!("no answer within {} s", limit.as_secs());
                Err(TransportError::new(Kind::Timeout(Phase::Head), cause))
            }
        }
    }
}

/// What an error of the HTTP engine means.
pub fn broke(error: &hyper::Error) -> TransportError {
    if error.is_parse() {
        return TransportError::new(Kind::Protocol, format!("the answer is not HTTP: {}", chain(error)))
            .hint("is ews_endpoint an EWS endpoint?");
    }
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return TransportError::new(Kind::Cut, "the server closed the connection before its answer was complete");
    }
    TransportError::new(Kind::Cut, format!("the connection broke: {}", chain(error)))
}

fn chain(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
