//! One token request.

use std::time::{Duration, SystemTime};

use http::header::DATE;
use reqwest::{Client, Response};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Proof, Settings, TokenError,
    assertion::Form,
    error::{OUT_OF_TIME, hint, is_fatal, number},
};
use crate::{
    auth::Secret,
    http::{capped, parse_date, retry_after},
};

/// Token answers have a few kilobytes.
const CAP: usize = 256 * 1024;
/// Assumed where the provider does not say how long a token lives: the shortest life it gives.
const DEFAULT_LIFE: Duration = Duration::from_secs(3600);

/// A token and how long it lives.
pub struct Granted {
    pub token: Secret,
    pub life: Duration,
}

#[derive(Deserialize)]
struct Success {
    access_token: String,
    /// A number, or a number as text.
    #[serde(default)]
    expires_in: Value,
}

#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// Asks once.
pub async fn request(client: &Client, url: &str, settings: &Settings, form: Option<Form>) -> Result<Granted, TokenError> {
    let mut fields =
        vec![("grant_type", "client_credentials"), ("client_id", settings.client_id.as_str()), ("scope", settings.scope.as_str())];
    let assertion;
    match (&settings.proof, form) {
        (Proof::Secret(secret), _) => fields.push(("client_secret", secret.reveal())),
        (Proof::Certificate(certificate), form) => {
            let form = form.unwrap_or_else(|| certificate.first_form());
            assertion = certificate
                .assertion(form, url, &settings.client_id, SystemTime::now())
                .map_err(|cause| TokenError { fatal: true, ..TokenError::passing(cause) })?;
            fields.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
            fields.push(("client_assertion", assertion.reveal()));
        }
        (Proof::Federated(path), _) => {
            let read = tokio::fs::read_to_string(path).await;
            let text = read.map_err(|error| TokenError::passing(format!("cannot read {}: {error}", path.display())))?;
            assertion = Secret::new(text.trim());
            fields.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
            fields.push(("client_assertion", assertion.reveal()));
        }
    }
    let response = client.post(url).form(&fields).send().await.map_err(|error| unreached(url, crate::http::cause(error)))?;
    let status = response.status().as_u16();
    let wait = retry_after(response.headers(), SystemTime::now());
    let skew = skew(&response, SystemTime::now());
    let body = capped(response.bytes_stream(), CAP).await.map_err(|error| match error {
        crate::http::TooLarge::Read(error) => TokenError::passing(format!("cannot reach {url}: {}", crate::http::cause(error))),
        over => TokenError::passing(format!("{url}: {over}")),
    })?;
    if status == 200 {
        let success: Success = serde_json::from_slice(&body)
            .map_err(|_| TokenError::passing(format!("{url} answered 200 without an access token: is it the token endpoint?")))?;
        return Ok(Granted { token: Secret::new(success.access_token), life: life(&success.expires_in) });
    }
    Err(refusal(url, status, &body, wait, skew))
}

/// No answer. A certificate that is not accepted is not accepted the next time either.
fn unreached(url: &str, cause: String) -> TokenError {
    let distrusted = crate::http::distrusted(&cause);
    let hint = distrusted.then(|| crate::http::DISTRUSTED.to_owned());
    TokenError { hint, fatal: distrusted, ..TokenError::passing(format!("cannot reach {url}: {cause}")) }
}

fn life(expires_in: &Value) -> Duration {
    let seconds = match expires_in {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    seconds.and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(DEFAULT_LIFE)
}

/// The provider's clock minus ours, in seconds.
fn skew(response: &Response, now: SystemTime) -> Option<i64> {
    let theirs = parse_date(response.headers().get(DATE)?.to_str().ok()?)?;
    Some((theirs - chrono::DateTime::<chrono::Utc>::from(now)).num_seconds())
}

fn refusal(url: &str, status: u16, body: &[u8], retry_after: Option<Duration>, skew: Option<i64>) -> TokenError {
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let code = number(&refusal.error_description);
    // The first line is the reason; trace and correlation ids follow it, on lines of their own or on the same one.
    let reason = refusal.error_description.lines().next().unwrap_or_default();
    let reason = reason.split(" Trace ID:").next().unwrap_or(reason);
    // The number is told beside the reason already.
    let numbered = code.map(|code| format!("AADSTS{code}: "));
    let reason = numbered.as_deref().and_then(|number| reason.strip_prefix(number)).unwrap_or(reason);
    let reason: String = if reason.is_empty() { &refusal.error } else { reason }.chars().filter(|c| !c.is_control()).take(300).collect();
    let mut cause = format!("{url} answered HTTP {status}");
    if !reason.is_empty() {
        cause = format!("{cause}: {reason}");
    }
    if let (Some(OUT_OF_TIME), Some(skew)) = (code, skew) {
        let direction = if skew > 0 { "behind" } else { "ahead of" };
        cause = format!("{cause}; this machine's clock is {} s {direction} the identity provider's", skew.abs());
    }
    TokenError { cause, hint: hint(code).map(str::to_owned), code, fatal: is_fatal(code, status), retry_after }
}
