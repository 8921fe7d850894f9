//! Which path leads where.

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    body::Body,
    http::{Method, StatusCode, Uri},
    routing::{get, post},
};
use chrono::Utc;
use futures::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::{Settings, actions, answer::Refusal, events, health, metrics, quarantine, status};
use crate::{
    status::{Head, Status},
    watch::Hands,
    words,
};

/// Watchers of events at a time.
pub const WATCHERS: usize = 64;

/// Whole states of a run, which may take megabytes each, on their way at a time.
const LARGE: usize = 4;

/// What the routes share.
pub struct Shared {
    /// What is served.
    pub settings: Settings,
    /// Seats of watchers of events.
    pub watchers: Arc<Semaphore>,
    /// Whether the server is about to end.
    pub ending: CancellationToken,
    large: Arc<Semaphore>,
    hands: OnceLock<Arc<dyn Hands>>,
}

impl Shared {
    /// Nobody watches yet.
    pub fn new(settings: Settings, ending: CancellationToken) -> Self {
        let (watchers, large) = (Arc::new(Semaphore::new(WATCHERS)), Arc::new(Semaphore::new(LARGE)));
        Self { settings, watchers, ending, large, hands: OnceLock::new() }
    }

    /// See [`Serving::begun`](super::Serving::begun).
    pub fn begin(&self, hands: Arc<dyn Hands>) {
        // A run begins once.
        let _ = self.hands.set(hands);
    }

    /// Whether the work has begun.
    pub fn has_begun(&self) -> bool {
        self.hands.get().is_some()
    }

    /// Who does what is asked.
    pub fn hands(&self) -> Result<&dyn Hands, Refusal> {
        let starting = || Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "it is starting; ask again in a moment");
        self.hands.get().map(|hands| &**hands).ok_or_else(starting)
    }

    /// The head as it is served: whether actions are taken is told of this door.
    pub fn head(&self, head: Head) -> Head {
        Head { actions: self.settings.token.is_some(), ..head }
    }

    /// The run and its mailboxes.
    pub fn overview(&self) -> Status {
        let status = self.settings.events.status().overview(Utc::now());
        Status { head: self.head(status.head), ..status }
    }

    /// The text as it may be seen.
    pub fn shown(&self, text: &str) -> String {
        words::shown(text, self.settings.mask).into_owned()
    }

    /// Leave to hold one large answer, until it was taken.
    pub async fn large(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        self.large.clone().acquire_owned().await.ok()
    }
}

/// A large answer; whoever waits to make another one may when this one was taken.
pub fn large(text: Vec<u8>, leave: Option<OwnedSemaphorePermit>) -> Body {
    Body::from_stream(stream::unfold((Some(text), leave), async |(text, leave)| {
        text.map(|text| (Ok::<_, std::convert::Infallible>(text), (None, leave)))
    }))
}

/// All routes.
pub fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/status", get(status::status))
        .route("/events", get(events::events))
        .route("/quarantine", get(quarantine::quarantine))
        .route("/metrics", get(metrics::metrics))
        .route("/actions", post(actions::actions))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(shared)
}

async fn unknown(uri: Uri) -> Refusal {
    let path: String = uri.path().chars().take(100).collect();
    let words = format!("nothing is at {path}; there are /healthz, /readyz, /status, /events, /quarantine, /metrics and /actions");
    Refusal::new(StatusCode::NOT_FOUND, words)
}

async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let use_instead = if uri.path() == "/actions" { "POST" } else { "GET" };
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, format!("{} does not take {method}: use {use_instead}", uri.path()))
}
