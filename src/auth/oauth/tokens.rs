//! The token cache.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use http::HeaderValue;
use reqwest::Client;
use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};

use super::{Proof, Settings, TokenError, assertion::Form, error::UNKNOWN_SIGNATURE, grant, token_url};
use crate::{auth::Secret, http::Backoff};

/// A token is renewed so long before its end.
const MARGIN: Duration = Duration::from_secs(300);
/// Tries of one request for a token, while the trouble may pass.
const TRIES: u32 = 3;
/// Between them.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(8) };
/// A longer wait than this is the caller's to plan.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// How long a refusal is handed on without asking again: for one that a person must mend, and for one that may pass.
const HOLD: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(5));

/// A bearer token in use.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(Secret);

impl Bearer {
    /// The `Authorization` value, marked sensitive; `None` if the provider's token cannot stand in a header.
    pub fn authorization(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::try_from(format!("Bearer {}", self.0.reveal())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The token itself, for a client that makes its own header of it.
    pub fn token(&self) -> &Secret {
        &self.0
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(..)")
    }
}

/// Bearer tokens of one application for one resource.
pub struct Tokens {
    client: Client,
    url: String,
    settings: Settings,
    // Held while a token is asked for: the others wait here, then find it.
    state: Mutex<State>,
    issued: Box<Issued>,
}

/// Who is told when a token that was issued ends.
type Issued = dyn Fn(DateTime<Utc>) + Send + Sync;

#[derive(Default)]
struct State {
    token: Option<(Bearer, Validity)>,
    /// The signature form that worked last.
    form: Option<Form>,
    /// The last refusal, and until when it stands.
    refusal: Option<(TokenError, Instant)>,
}

struct Validity {
    renew: Instant,
    end: Instant,
}

impl Tokens {
    /// A cache that is empty at first. `Err` tells which setting cannot work.
    pub fn new(settings: Settings) -> Result<Self, String> {
        let url = token_url(&settings.authority);
        match url::Url::parse(&url) {
            Ok(parsed) if matches!(parsed.scheme(), "https" | "http") && parsed.has_host() => {}
            _ => return Err("auth_oauth_authority is not a URL such as https://login.microsoftonline.com/TENANT".to_owned()),
        }
        for tenant in ["/common", "/organizations", "/consumers"] {
            if settings.authority.trim().trim_end_matches('/').ends_with(tenant) {
                return Err(format!("auth_oauth_authority ends in {tenant}, but an application logs in to one tenant: name it"));
            }
        }
        let client = crate::http::client()?;
        Ok(Self { client, url, settings, state: Mutex::default(), issued: Box::new(|_| {}) })
    }

    /// Tells the end of each token that is issued.
    pub fn telling(self, issued: impl Fn(DateTime<Utc>) + Send + Sync + 'static) -> Self {
        Self { issued: Box::new(issued), ..self }
    }

    /// The token URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A valid token: the one at hand, or a new one. Many callers at once cause one request.
    pub async fn bearer(&self) -> Result<Bearer, TokenError> {
        let mut state = self.state.lock().await;
        let now = Instant::now();
        let usable = match &state.token {
            Some((bearer, validity)) if now < validity.renew => return Ok(bearer.clone()),
            Some((bearer, validity)) if now < validity.end => Some(bearer.clone()),
            _ => None,
        };
        let error = match &state.refusal {
            Some((error, until)) if now < *until => error.clone(),
            _ => match self.ask(&mut state).await {
                Ok(bearer) => return Ok(bearer),
                Err(error) => error,
            },
        };
        // A token that is about to end still works: the next caller asks again.
        usable.ok_or(error)
    }

    /// The server refused this token: the next call of [`Tokens::bearer`] asks for a new one. A token already replaced is not dropped twice.
    pub async fn refused(&self, bearer: &Bearer) {
        let mut state = self.state.lock().await;
        if state.token.as_ref().is_some_and(|(current, _)| current == bearer) {
            state.token = None;
        }
    }

    async fn ask(&self, state: &mut State) -> Result<Bearer, TokenError> {
        let mut attempt = 0;
        let error = loop {
            let form = match &self.settings.proof {
                Proof::Certificate(certificate) => Some(state.form.unwrap_or_else(|| certificate.first_form())),
                Proof::Secret(_) | Proof::Federated(_) => None,
            };
            let error = match grant::request(&self.client, &self.url, &self.settings, form).await {
                Ok(granted) => {
                    (self.issued)(Utc::now() + life(&granted));
                    return Ok(state.keep(granted));
                }
                Err(error) => error,
            };
            if let (Some(UNKNOWN_SIGNATURE), Some(other)) = (error.code, self.form_after(form)) {
                state.form = Some(other);
                continue;
            }
            attempt += 1;
            let wait = error.retry_after.unwrap_or_else(|| BACKOFF.draw(attempt - 1));
            if error.fatal || attempt == TRIES || wait > LONGEST_WAIT {
                break error;
            }
            sleep(wait).await;
        };
        let hold = if error.fatal { HOLD.0 } else { error.retry_after.unwrap_or(HOLD.1) };
        state.refusal = Some((error.clone(), Instant::now() + hold));
        if error.code == Some(UNKNOWN_SIGNATURE) {
            // Neither form was known; begin with the current one when the certificate has been uploaded.
            state.form = None;
        }
        Err(error)
    }

    fn form_after(&self, form: Option<Form>) -> Option<Form> {
        match &self.settings.proof {
            Proof::Certificate(certificate) => certificate.form_after(form?),
            Proof::Secret(_) | Proof::Federated(_) => None,
        }
    }
}

/// A day is more than any provider grants, and bounds a nonsensical number.
fn life(granted: &grant::Granted) -> Duration {
    granted.life.min(Duration::from_secs(86_400))
}

impl State {
    fn keep(&mut self, granted: grant::Granted) -> Bearer {
        let now = Instant::now();
        // A life shorter than twice the margin is used by half.
        let life = life(&granted);
        let renew = now + life.saturating_sub(MARGIN).max(life / 2);
        let bearer = Bearer(granted.token);
        self.token = Some((bearer.clone(), Validity { renew, end: now + life }));
        self.refusal = None;
        bearer
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("url", &self.url).field("client_id", &self.settings.client_id).finish_non_exhaustive()
    }
}
