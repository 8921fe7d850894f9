//! NTLM over HTTP: the legs of a login, all on one connection (MS-NTHT 3).

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::time::Duration;
use tokio::time::timeout;

use super::{
    Kind, Phase, TransportError,
    connection::{Connection, broke},
    guard::Guard,
    refusal,
    request::{Details, Template},
};
use crate::auth::{
    Login,
    ntlm::{Challenge, Negotiate, Nonces, authenticate},
    offer::{Offer, names, offers},
};

/// What a server may say beside its challenge.
const DRAIN: usize = 256 * 1024;

/// One login, and the request it is for.
pub struct Legs<'a> {
    pub template: &'a Template,
    pub details: &'a Details<'a>,
    pub guard: &'a Guard,
    pub login: &'a Login,
    pub host: &'a str,
    pub limit: Duration,
}

impl Legs<'_> {
    /// Under the guard's permission, logs the connection in and sends the request with the last leg. An answer that comes back is not a 401.
    pub async fn run(&self, connection: &mut Connection, body: Bytes) -> Result<Response<Incoming>, TransportError> {
        let negotiate = Negotiate::new();
        let mut offered = Vec::new();
        // A raw NTLM message may travel under either name; some servers know only the second.
        for scheme in ["NTLM", "Negotiate"] {
            let response = self.leg(connection, Bytes::new(), scheme, negotiate.as_bytes()).await?;
            if response.status() != StatusCode::UNAUTHORIZED {
                return self.unasked(connection, response, body).await;
            }
            offered = offers(response.headers());
            let challenge = challenge(&offered);
            drain(response, self.limit).await?;
            if connection.is_dead() {
                return Err(closed());
            }
            if let Some(bytes) = challenge {
                return self.prove(connection, body, scheme, &negotiate, &bytes).await;
            }
            if offered.iter().any(|offer| offer.is("NTLM")) || !offered.iter().any(|offer| offer.is("Negotiate")) {
                break;
            }
        }
        let cause = format!("HTTP 401 without an NTLM challenge: the server offers {}", names(&offered));
        // A 401 that offers nothing at all is known to pass.
        let error = TransportError::new(Kind::Unauthorized { worked: offered.is_empty() || self.guard.ever_worked() }, cause);
        Err(error.hint("set auth_type to what the server offers, or enable Windows authentication for EWS on it"))
    }

    /// The last leg: the proof, and the request itself.
    async fn prove(
        &self,
        connection: &mut Connection,
        body: Bytes,
        scheme: &str,
        negotiate: &Negotiate,
        challenge: &[u8],
    ) -> Result<Response<Incoming>, TransportError> {
        let broken =
            |error: crate::auth::ntlm::Invalid| TransportError::new(Kind::Protocol, format!("the NTLM login cannot go on: {error}"));
        let challenge = Challenge::parse(challenge).map_err(broken)?;
        let nonces = Nonces::fresh().map_err(broken)?;
        let service = format!("HTTP/{}", self.host);
        let proof = authenticate(negotiate, &challenge, self.login, &service, connection.binding.as_ref(), &nonces);
        let response = self.leg(connection, body, scheme, &proof).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let error = refusal::of_password("NTLM", self.login, response.headers(), self.guard.ever_worked());
            return Err(self.guard.refused(error));
        }
        self.guard.worked();
        connection.logged_in = true;
        Ok(response)
    }

    /// The first leg met no 401. Trouble and redirects are answers; otherwise the server wants no login, and what it said to the empty request does not
    /// count.
    async fn unasked(
        &self,
        connection: &mut Connection,
        response: Response<Incoming>,
        body: Bytes,
    ) -> Result<Response<Incoming>, TransportError> {
        let status = response.status();
        let trouble = status.is_server_error() && status != StatusCode::INTERNAL_SERVER_ERROR;
        if trouble || status.is_redirection() || matches!(status.as_u16(), 403 | 407 | 408 | 429 | 440 | 456) {
            return Ok(response);
        }
        drain(response, self.limit).await?;
        let response = connection.send(self.template.request(self.details, body, None), self.limit).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            return Err(TransportError::new(Kind::Protocol, "the server asks for a login, but not when it is offered one"));
        }
        connection.logged_in = true;
        Ok(response)
    }

    async fn leg(
        &self,
        connection: &mut Connection,
        body: Bytes,
        scheme: &str,
        message: &[u8],
    ) -> Result<Response<Incoming>, TransportError> {
        let mut value = HeaderValue::try_from(format!("{scheme} {}", BASE64_STANDARD.encode(message)))
            .map_err(|_| TransportError::new(Kind::Protocol, "the NTLM message cannot stand in a header"))?;
        value.set_sensitive(true);
        let response = connection.send(self.template.request(self.details, body, Some(value)), self.limit).await?;
        self.details.cookies.keep(self.details.anchor, response.headers());
        Ok(response)
    }
}

/// The challenge among the offers, under whichever name it comes.
fn challenge(offers: &[Offer]) -> Option<Vec<u8>> {
    let ours = offers.iter().filter(|offer| offer.is("NTLM") || offer.is("Negotiate"));
    ours.filter_map(|offer| BASE64_STANDARD.decode(&offer.rest).ok()).find(|bytes| bytes.starts_with(b"NTLMSSP\0"))
}

/// Reads an answer to its end, which the connection needs before its next request.
async fn drain(response: Response<Incoming>, limit: Duration) -> Result<(), TransportError> {
    let mut body = response.into_body();
    let mut left = DRAIN;
    loop {
        match timeout(limit, body.frame()).await {
            Ok(None) => return Ok(()),
            Ok(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                left = left.checked_sub(length).ok_or_else(|| TransportError::new(Kind::Protocol, "the body of a 401 does not end"))?;
            }
            Ok(Some(Err(error))) => return Err(broke(&error)),
            Err(_) => {
                return Err(TransportError::new(
                    Kind::Timeout(Phase::Body),
                    format!("the body of a 401 stopped for {} s", limit.as_secs()),
                ));
            }
        }
    }
}

fn closed() -> TransportError {
    TransportError::new(Kind::Cut, "the connection was closed in the middle of the NTLM login, which logs in one connection")
        .hint("a proxy or load balancer before Exchange must keep connections open and to one server")
}
