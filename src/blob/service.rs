//! The HTTP under object_store: our own client, and answers that refuse kept whole. object_store passes on neither the headers of a refusal (its code,
//! how long to wait, the server's clock) nor which of its errors is which, so a refusal leaves here as an error that holds all of it.

use std::{fmt, sync::Arc, time::SystemTime};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode, header::DATE};
use http_body_util::BodyExt;
use object_store::{
    ClientOptions,
    client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService},
};
use std::time::Duration;

use super::credential::Credentials;
use crate::http::{capped, cause, parse_date, retry_after};

/// Descriptions of errors have a kilobyte or two.
const CAP: usize = 64 * 1024;

/// An answer other than the one hoped for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// Such as `ContainerNotFound` (Blob Storage error codes).
    pub(super) code: Option<String>,
    /// The first line of the description.
    pub(super) message: String,
    /// How long the server asks to wait.
    pub(super) retry_after: Option<Duration>,
    /// The server's clock minus ours, in seconds.
    pub(super) skew: Option<i64>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {} {}", self.status, self.code.as_deref().unwrap_or_default())
    }
}

impl std::error::Error for Refusal {}

/// No answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreached(pub(super) String);

/// Our client, as object_store wants it.
#[derive(Clone, Debug)]
pub(super) struct Service {
    client: reqwest::Client,
    credentials: Arc<Credentials>,
}

impl Service {
    pub(super) fn new(client: reqwest::Client, credentials: Arc<Credentials>) -> Self {
        Self { client, credentials }
    }
}

impl HttpConnector for Service {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let url = head.uri.to_string().parse().map_err(|error| HttpError::new(HttpErrorKind::Unknown, UrlError(error)))?;
        let mut request = reqwest::Request::new(head.method, url);
        *request.headers_mut() = head.headers;
        *request.body_mut() = Some(reqwest::Body::wrap(body));
        let answer = self.client.execute(request).await.map_err(unanswered)?;
        if answer.status().is_success() || answer.status() == StatusCode::NOT_MODIFIED {
            let (head, body) = http::Response::<reqwest::Body>::from(answer).into_parts();
            return Ok(HttpResponse::from_parts(head, HttpResponseBody::new(body.map_err(unanswered))));
        }
        let refusal = refusal(answer).await;
        tracing::debug!(status = refusal.status, code = refusal.code.as_deref(), "Azure refused a request");
        if refusal.status == 401 {
            self.credentials.refused().await;
        }
        // What passes by itself is tried again by object_store where that does no harm, unless the server named a time.
        let kind = match (refusal.status, refusal.retry_after) {
            (408 | 500..=599, None) => HttpErrorKind::Interrupted,
            _ => HttpErrorKind::Unknown,
        };
        Err(HttpError::new(kind, refusal))
    }
}

/// The address itself stays out of it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UrlError(url::ParseError);

fn unanswered(error: reqwest::Error) -> HttpError {
    let mut kind = match () {
        () if error.is_connect() => HttpErrorKind::Connect,
        () if error.is_timeout() => HttpErrorKind::Timeout,
        () => HttpErrorKind::Interrupted,
    };
    let text = cause(error);
    if crate::http::distrusted(&text) {
        kind = HttpErrorKind::Unknown;
    }
    HttpError::new(kind, Unreached(text))
}

async fn refusal(answer: reqwest::Response) -> Refusal {
    let status = answer.status().as_u16();
    let now = SystemTime::now();
    let retry_after = retry_after(answer.headers(), now);
    let skew = skew(answer.headers(), now);
    let code = answer.headers().get("x-ms-error-code").and_then(|code| code.to_str().ok()).map(str::to_owned);
    let body = capped(answer.bytes_stream(), CAP).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    let code =
        code.or_else(|| element(&text, "Code").map(str::to_owned)).filter(|code| code.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let message = element(&text, "Message").unwrap_or_default().lines().next().unwrap_or_default();
    // What the service adds to a failed authentication says more than its message: a signature that does not fit, or one out of its time.
    let detail =
        element(&text, "AuthenticationErrorDetail").filter(|detail| detail.starts_with("Sign") && !detail.contains("String to sign"));
    let told = [Some(message), detail].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let message = told.chars().filter(|c| !c.is_control()).take(300).collect();
    Refusal { status, code, message, retry_after, skew }
}

/// The text of a flat element; descriptions of errors have no nested ones.
fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(value, _)| value)
}

fn skew(headers: &HeaderMap, now: SystemTime) -> Option<i64> {
    let theirs = parse_date(headers.get(DATE)?.to_str().ok()?)?;
    Some((theirs - DateTime::<Utc>::from(now)).num_seconds())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::scripted::{Scripted, reply};

    async fn refused(status: &'static str, headers: &'static [(&'static str, &'static str)], body: &'static str) -> Refusal {
        let server = Scripted::start(move |_| reply(status, headers, body)).await;
        let answer = crate::http::client().unwrap().get(format!("http://{}/", server.address)).send().await.unwrap();
        refusal(answer).await
    }

    #[tokio::test]
    async fn a_refusal_is_kept_whole() {
        let body =
            "<?xml version=\"1.0\"?><Error><Code>ServerBusy</Code><Message>The server is busy.\nRequestId:1\nTime:2</Message></Error>";
        let busy = refused("503 x", &[("Retry-After", "7"), ("x-ms-error-code", "ServerBusy")], body).await;
        assert_eq!((busy.status, busy.code.as_deref(), busy.message.as_str()), (503, Some("ServerBusy"), "The server is busy."));
        assert_eq!(busy.retry_after, Some(Duration::from_secs(7)));
        let bare = refused("404 x", &[("Date", "Sun, 06 Nov 1994 08:49:37 GMT")], "").await;
        assert_eq!((bare.code, bare.message.as_str(), bare.retry_after), (None, "", None));
        assert!(bare.skew.unwrap() < -900_000_000);
    }

    #[tokio::test]
    async fn details_of_a_signature_are_told_but_not_what_was_signed() {
        let late = "<Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request.</Message>\
            <AuthenticationErrorDetail>Signature not valid in the specified time frame</AuthenticationErrorDetail>";
        assert!(
            refused("403 x", &[], late)
                .await
                .message
                .ends_with("authenticate the request. Signature not valid in the specified time frame")
        );
        let wrong = "<Code>AuthenticationFailed</Code><AuthenticationErrorDetail>Signature did not match. String to sign used was GET</AuthenticationErrorDetail>";
        let wrong = refused("403 x", &[], wrong).await;
        assert_eq!((wrong.code.as_deref(), wrong.message.as_str()), (Some("AuthenticationFailed"), ""));
        assert_eq!(refused("403 x", &[], "<Code>a b</Code>").await.code, None);
    }
}
