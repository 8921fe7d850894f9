//! The transport as the operations see it.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::SystemTime,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;

use super::{
    post::{Body, Clear, Post, PostError, Reply},
    transport::{self, Answer, Kind, Outgoing, Phase, TlsFault, Transport, TransportError},
};
use crate::{exchange::Verdict, http::retry_after};

#[async_trait]
impl Post for Transport {
    async fn post(&self, anchor: Option<&str>, envelope: Bytes, clear: &Clear<'_>) -> Result<Option<Reply>, PostError> {
        let outgoing = Outgoing { body: envelope, anchor: anchor.map(str::to_owned), inactivity: None };
        let answer = self.send_if(outgoing, clear).await.map_err(PostError::from)?;
        Ok(answer.map(|Answer { status, headers, body, request_id }| Reply {
            status: status.as_u16(),
            request_id: Some(request_id),
            retry_after: retry_after(&headers, SystemTime::now()),
            body: Box::new(Wire(body)),
        }))
    }

    fn forget(&self, anchor: Option<&str>) {
        self.forget_cookies(anchor);
    }

    async fn renew(&self) {
        self.drop_token().await;
    }
}

/// An answer's body together with its connection.
struct Wire(transport::Body);

impl Stream for Wire {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(cx)
    }
}

#[async_trait]
impl Body for Wire {
    async fn accept(self: Box<Self>) {
        // The answer was sound; a connection that breaks behind it is simply not used again.
        if let Err(error) = self.0.accept().await {
            tracing::debug!(cause = error.cause, "a connection broke behind a sound answer");
        }
    }
}

impl From<TransportError> for PostError {
    fn from(error: TransportError) -> Self {
        let text = match &error.request_id {
            Some(id) => format!("{} (client-request-id {id})", error.cause),
            None => error.cause.clone(),
        };
        let passing = error.passing();
        Self {
            retry: passing,
            verdict: verdict(error.kind),
            code: Some(name(error.kind).to_owned()),
            text,
            hint: error.hint,
            // A wait means throttling; what a person must mend does not come right by waiting.
            wait: error.retry_after.filter(|_| passing),
        }
    }
}

fn verdict(kind: Kind) -> Verdict {
    match kind {
        Kind::Unauthorized { worked: false } | Kind::Token { fatal: true } | Kind::Proxy { fatal: true } => Verdict::Refused,
        // A certificate may be renewed and a redirect taken away, so these are looked at again, slowly.
        Kind::Tls(_) | Kind::Redirect { passing: false } => Verdict::StopMailbox,
        _ => Verdict::Later,
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Dns => "dns",
        Kind::Connect => "connection refused",
        Kind::Tls(TlsFault::Name) => "tls name",
        Kind::Tls(TlsFault::Trust) => "tls trust",
        Kind::Tls(TlsFault::Protocol) => "tls protocol",
        Kind::Timeout(Phase::Connect) => "connect timeout",
        Kind::Timeout(Phase::Head | Phase::Body) => "read timeout",
        Kind::Cut => "connection cut",
        Kind::Protocol => "not http",
        Kind::Unauthorized { .. } => "HTTP 401",
        Kind::Token { .. } => "token",
        Kind::Proxy { .. } => "proxy",
        Kind::Redirect { .. } => "redirect",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_must_mend_is_not_tried_again() {
        let told = |kind| PostError::from(TransportError::new(kind, "cause"));
        for kind in [Kind::Unauthorized { worked: false }, Kind::Token { fatal: true }, Kind::Proxy { fatal: true }] {
            assert_eq!((told(kind).retry, told(kind).verdict), (false, Verdict::Refused), "{kind:?}");
        }
        for kind in [Kind::Cut, Kind::Dns, Kind::Unauthorized { worked: true }, Kind::Token { fatal: false }] {
            assert_eq!((told(kind).retry, told(kind).verdict), (true, Verdict::Later), "{kind:?}");
        }
        assert_eq!(told(Kind::Tls(TlsFault::Trust)).verdict, Verdict::StopMailbox);
    }

    #[test]
    fn a_refused_login_is_no_throttling_though_it_names_a_time() {
        let refused = |worked| {
            let hold = Some(std::time::Duration::from_secs(60));
            PostError::from(TransportError { retry_after: hold, ..TransportError::new(Kind::Unauthorized { worked }, "cause") })
        };
        assert_eq!(refused(false).wait, None, "it would be tried again and again, and lock the account");
        assert!(refused(true).wait.is_some());
    }
}
