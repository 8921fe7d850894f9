//! For tests: a wire whose answers a script gives, on whatever clock the test runs.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::HeaderMap;
use tokio::time::{Instant, sleep};

use super::{
    desk::Desk,
    link::Endpoint,
    session::Session,
    trouble::Trouble,
    wire::{Outgoing, Reply, Wire},
};
use crate::{
    mail::{Address, Folder, FolderId},
    watch::Events,
};

/// What the script says to a request.
pub enum Say {
    /// Status, headers, body.
    Whole(u16, Vec<(&'static str, String)>, Bytes),
    /// The same, and then the connection breaks.
    Part(u16, Bytes),
    /// No connection.
    Nothing,
}

/// A folder, for whom it does not matter which.
pub fn inbox() -> Folder {
    Folder::bare(FolderId("F".into()), vec!["Inbox".into()])
}

/// JSON with a status of success.
pub fn json(text: impl Into<String>) -> Say {
    Say::Whole(200, Vec::new(), text.into().into())
}

/// A refusal of Graph's.
pub fn refuse(status: u16, code: &str) -> Say {
    Say::Whole(status, Vec::new(), format!(r#"{{"error":{{"code":"{code}","message":"said {code}"}}}}"#).into())
}

/// A refusal that names a time, in seconds.
pub fn throttle(status: u16, seconds: u64) -> Say {
    let body = r#"{"error":{"code":"TooManyRequests","message":""}}"#;
    Say::Whole(status, vec![("retry-after", seconds.to_string())], body.into())
}

type Script = dyn Fn(&Outgoing, usize) -> Say + Send + Sync;

/// The wire.
pub struct Double {
    endpoint: Endpoint,
    script: Box<Script>,
    /// How long an answer takes.
    latency: Duration,
    /// How long it takes to get ready.
    pub readiness: Mutex<Duration>,
    heard: Mutex<Vec<(Instant, Outgoing)>>,
    under_way: AtomicUsize,
    /// The most requests that ever were under way at a time, bodies included.
    pub most: AtomicUsize,
}

impl Double {
    /// Answers as `script` says to a request and how many came before it, after `latency`.
    pub fn new(latency: Duration, script: impl Fn(&Outgoing, usize) -> Say + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            endpoint: Endpoint::new("https://graph.example.com").unwrap(),
            script: Box::new(script),
            latency,
            readiness: Mutex::default(),
            heard: Mutex::default(),
            under_way: AtomicUsize::default(),
            most: AtomicUsize::default(),
        })
    }

    /// A session of ann@example.com over it.
    pub fn session(self: &Arc<Self>) -> Session {
        self.session_with(Events::new())
    }

    /// The same, telling these events.
    pub fn session_with(self: &Arc<Self>, events: Events) -> Session {
        Session { wire: Arc::new(self.clone()), desk: Arc::new(Desk::new(Address::new("ann@example.com"), events, Arc::default())) }
    }

    /// All requests so far.
    pub fn heard(&self) -> Vec<Outgoing> {
        self.heard.lock().unwrap().iter().map(|(_, outgoing)| outgoing.clone()).collect()
    }

    /// When they came.
    pub fn times(&self) -> Vec<Instant> {
        self.heard.lock().unwrap().iter().map(|(time, _)| *time).collect()
    }
}

/// Counts a request for as long as its body lives.
struct UnderWay(Arc<Double>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Wire for Arc<Double> {
    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    async fn prepare(&self) -> Result<(), Trouble> {
        let readiness = *self.readiness.lock().unwrap();
        sleep(readiness).await;
        Ok(())
    }

    async fn send(&self, outgoing: &Outgoing) -> Result<Reply, Trouble> {
        let turn = {
            let mut heard = self.heard.lock().unwrap();
            heard.push((Instant::now(), outgoing.clone()));
            heard.len() - 1
        };
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(under_way, Ordering::SeqCst);
        let guard = UnderWay(self.clone());
        sleep(self.latency).await;
        let (status, headers, body, cut) = match (self.script)(outgoing, turn) {
            Say::Whole(status, headers, body) => (status, headers, body, false),
            Say::Part(status, body) => (status, Vec::new(), body, true),
            Say::Nothing => return Err(Trouble::Cut("connection refused".to_owned())),
        };
        let end = cut.then(|| Err(io::Error::other("connection reset")));
        let pieces: Vec<io::Result<Bytes>> = [Ok(body)].into_iter().chain(end).collect();
        let body = stream::iter(pieces).map(move |piece| (piece, &guard).0).boxed();
        let headers: HeaderMap = headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Ok(Reply { status, headers, body })
    }
}
