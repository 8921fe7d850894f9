//! Requests to an instance, and what their answers mean.

use std::{fmt, time::Duration};

use exchange_sync_tui::{Action, Status, status::Listing};
use reqwest::{Method, RequestBuilder, Response, StatusCode, header};
use serde::{Deserialize, de::DeserializeOwned};

use super::{Address, sse};
use crate::{
    auth::Secret,
    http::{self, DISTRUSTED, TooLarge, capped, cause, distrusted},
    server::TOKEN,
    words::visible,
};

/// A connection must stand within this time.
const CONNECT: Duration = Duration::from_secs(10);

/// Whoever says nothing for so long is gone; a stream has a heartbeat every ten seconds.
pub const SILENCE: Duration = Duration::from_secs(30);

/// The most bytes of a refusal that are read.
const REFUSAL: usize = 16 << 10;

/// Why an instance did not answer as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble(String);

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What others say may be meant for a terminal.
        f.write_str(&visible(&self.0))
    }
}

impl std::error::Error for Trouble {}

impl Trouble {
    pub(super) fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }

    pub(super) fn of(error: reqwest::Error) -> Self {
        let timed_out = error.is_timeout();
        let cause = cause(error);
        Self(match () {
            () if distrusted(&cause) => format!("{cause} ({DISTRUSTED})"),
            () if timed_out => format!("it did not answer in time: {cause}"),
            () => cause,
        })
    }
}

/// One instance, and how it is asked.
pub struct Client {
    address: Address,
    token: Option<Secret>,
    client: reqwest::Client,
}

impl Client {
    /// `Err` is a setting's fault.
    pub fn new(address: Address, token: Option<Secret>) -> Result<Self, String> {
        let mut builder = http::builder()?.connect_timeout(CONNECT).read_timeout(SILENCE);
        if address.is_local() {
            builder = builder.no_proxy();
        }
        Ok(Self { address, token, client: http::built(builder)? })
    }

    /// The state at once, with folders, requests, log and history if `whole`.
    pub async fn status(&self, whole: bool) -> Result<Status, Trouble> {
        let mut url = self.address.route("status");
        url.set_query(whole.then_some("folders=true"));
        read(self.answer(self.client.get(url)).await?).await
    }

    /// Whether it is ready; where not the trouble says why.
    pub async fn ready(&self) -> Result<(), Trouble> {
        self.answer(self.client.get(self.address.route("readyz"))).await.map(drop)
    }

    /// The stream of events, from where a mark was.
    pub(super) async fn events(&self, mark: Option<&str>) -> Result<Response, Trouble> {
        let mut request = self.request(Method::GET, "events").header(header::ACCEPT, "text/event-stream");
        if let Some(mark) = mark {
            request = request.header("last-event-id", mark);
        }
        let answer = self.answer(request).await?;
        of_type(&answer, "text/event-stream")?;
        Ok(answer)
    }

    /// Asks for something to be done.
    pub async fn act(&self, action: &Action) -> Result<String, Trouble> {
        #[derive(Deserialize)]
        struct Done {
            answer: String,
        }
        let Some(token) = &self.token else {
            return Err(Trouble::new(format!(
                "no action is asked for without a token: set the environment variable {TOKEN} to the instance's"
            )));
        };
        let request = self.request(Method::POST, "actions").bearer_auth(token.reveal()).json(action);
        Ok(read::<Done>(self.answer(request).await?).await?.answer)
    }

    /// What is in quarantine, as far as it is shown.
    pub async fn quarantine(&self) -> Result<Listing, Trouble> {
        read(self.answer(self.request(Method::GET, "quarantine")).await?).await
    }

    fn request(&self, method: Method, route: &str) -> RequestBuilder {
        self.client.request(method, self.address.route(route))
    }

    /// A good answer, or why there is none.
    async fn answer(&self, request: RequestBuilder) -> Result<Response, Trouble> {
        let answer = request.send().await.map_err(Trouble::of)?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let elsewhere = answer.headers().get(header::LOCATION).and_then(|place| place.to_str().ok()).map(str::to_owned);
        let refusal = refusal(answer).await;
        Err(Trouble::new(match (status, elsewhere, refusal) {
            (_, _, Some(words)) => words,
            (status, Some(place), _) if status.is_redirection() => format!("it is elsewhere: use {place}"),
            (StatusCode::NOT_FOUND, ..) => "HTTP status 404: that is no exchange-sync, or it is below another path".to_owned(),
            (status, ..) => format!("HTTP status {status}: that is no exchange-sync, or something in between refuses"),
        }))
    }
}

/// The words of a refusal of ours.
async fn refusal(answer: Response) -> Option<String> {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    let text = capped(answer.bytes_stream(), REFUSAL).await.ok()?;
    serde_json::from_slice::<Refused>(&text).ok().map(|refused| refused.error)
}

/// An answer in JSON.
async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, Trouble> {
    of_type(&answer, "application/json")?;
    let text = capped(answer.bytes_stream(), sse::LIMIT).await.map_err(|error| match error {
        TooLarge::Read(error) => Trouble::of(error),
        over => Trouble::new(over.to_string()),
    })?;
    serde_json::from_slice(&text).map_err(not_understood)
}

/// JSON of another program, or of another version of this one.
pub(super) fn not_understood(error: serde_json::Error) -> Trouble {
    Trouble::new(format!("its answer is not understood: {error}; is it of another version than this one ({})?", env!("CARGO_PKG_VERSION")))
}

fn of_type(answer: &Response, expected: &str) -> Result<(), Trouble> {
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("nothing that has a type");
    match kind.starts_with(expected) {
        true => Ok(()),
        false => Err(Trouble::new(format!("that is no exchange-sync: it answers with {kind}"))),
    }
}
