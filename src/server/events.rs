//! The state of the run as it changes: server-sent events, each a frame.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use chrono::Utc;
use futures::stream;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep_until},
};

use super::{
    answer::{self, Refusal},
    mark,
    routes::{Shared, WATCHERS},
};
use crate::status::{Frame, Head, Seen};

/// No two frames are closer than this.
const PACE: Duration = Duration::from_millis(250);

/// Rates and forecasts change by themselves; that is looked for so often only.
const DRIFT: Duration = Duration::from_secs(1);

/// A frame comes at least this often.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// A stream of frames. Whoever comes back within the same run with `Last-Event-ID` is told what changed meanwhile, if that is still known.
pub async fn events(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Result<Response, Refusal> {
    let Ok(seat) = shared.watchers.clone().try_acquire_owned() else {
        return Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, format!("{WATCHERS} watchers are connected, which is the most")));
    };
    let last = headers.get("last-event-id").and_then(|mark| mark.to_str().ok());
    let watcher = Watcher::new(shared, seat, last);
    let body = Body::from_stream(stream::unfold(watcher, async |mut watcher| Some((Ok::<_, Infallible>(watcher.next().await?), watcher))));
    let mut response = answer::with_type(body, "text/event-stream");
    // A proxy that gathers an answer before it passes it on would pass on nothing.
    response.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(response)
}

struct Watcher {
    shared: Arc<Shared>,
    run: String,
    seen: Seen,
    /// The head that was sent last, with nothing in it that only tells the time.
    head: Option<Head>,
    sent: Instant,
    looked: Instant,
    ended: bool,
    /// Leave for a large frame, until it was taken.
    large: Option<OwnedSemaphorePermit>,
    _seat: OwnedSemaphorePermit,
}

impl Watcher {
    fn new(shared: Arc<Shared>, seat: OwnedSemaphorePermit, last: Option<&str>) -> Self {
        let run = shared.settings.events.status().head(Utc::now()).run;
        let seen = last.and_then(|last| mark::read(last, &run)).unwrap_or_default();
        let now = Instant::now();
        Self { shared, run, seen, head: None, sent: now, looked: now, ended: false, large: None, _seat: seat }
    }

    /// The next event, once there is one and whoever watches has taken the one before. None at the end of the run.
    async fn next(&mut self) -> Option<Vec<u8>> {
        self.large = None;
        if self.ended {
            return None;
        }
        if self.head.is_some() {
            self.news().await;
        }
        // What is seen from now on was seen at the end.
        self.ended = self.shared.ending.is_cancelled();
        let frame = match self.is_large() {
            false => self.frame(),
            true => {
                self.large = self.shared.large().await;
                self.frame()
            }
        };
        self.sent = Instant::now();
        Some(self.event(frame))
    }

    /// Whether the whole state is to come. Where that becomes so later, since what changed is no longer known, it is rare.
    fn is_large(&self) -> bool {
        self.head.is_none() && self.seen.mark().0 == 0
    }

    fn frame(&mut self) -> Frame {
        let mut frame = self.shared.settings.events.status().frame(&mut self.seen, Utc::now());
        let head = frame.head_mut();
        *head = self.shared.head(std::mem::take(head));
        self.head = Some(head.timeless());
        frame
    }

    /// Ready when something changed, when it is time for a heartbeat, and at the end.
    async fn news(&mut self) {
        let mut due = self.sent + PACE;
        loop {
            tokio::select! {
                () = sleep_until(due) => {}
                () = self.shared.ending.cancelled() => return,
            }
            let now = Instant::now();
            if now >= self.sent + HEARTBEAT || self.shared.settings.events.status().has_news(&self.seen) {
                return;
            }
            if now >= self.looked + DRIFT {
                self.looked = now;
                let head = self.shared.settings.events.status().head(Utc::now());
                if self.head != Some(self.shared.head(head).timeless()) {
                    return;
                }
            }
            due = now + PACE;
        }
    }

    fn event(&self, frame: Frame) -> Vec<u8> {
        let (kind, data) = match frame {
            Frame::Status(status) => ("status", serde_json::to_vec(&status)),
            Frame::Update(update) => ("update", serde_json::to_vec(&update)),
        };
        // What is written are our own types, with text for keys. JSON has no line breaks, so one line of data is the whole of it.
        let data = data.unwrap_or_default();
        let mut event = Vec::with_capacity(data.len() + 64);
        event.extend_from_slice(format!("event: {kind}\nid: {}\ndata: ", mark::write(&self.run, &self.seen)).as_bytes());
        event.extend_from_slice(&data);
        event.extend_from_slice(b"\n\n");
        event
    }
}
