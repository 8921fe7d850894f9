//! A server that answers from a script, in pieces of any size, whole or broken off.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use tokio::time::{Instant, sleep};

use super::super::{
    Access, Ews, Settings,
    post::{Body, Clear, Post, PostError, Reply},
};
use crate::{
    exchange::Verdict,
    mail::{Address, Bucket, Folder, FolderId, Mailbox},
    watch::Events,
};

/// One scripted answer.
#[derive(Clone)]
pub struct Canned {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
    /// Bytes of each piece.
    pub step: usize,
    /// Whether the connection breaks after the last byte.
    pub cut: bool,
    /// Whether no answer comes at all.
    pub refused: bool,
    /// How long the server takes for it.
    pub latency: Duration,
}

impl Canned {
    pub fn new(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, retry_after: None, body: body.into(), step: 4096, cut: false, refused: false, latency: Duration::ZERO }
    }

    pub fn status(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, ..Self::new(body) }
    }
}

/// The server: answers in order, and remembers what it was asked.
pub struct Script {
    answers: Mutex<VecDeque<Canned>>,
    pub asked: Mutex<Vec<String>>,
    times: Mutex<Vec<Instant>>,
    /// How long the next requests queue for a connection.
    pub queue: Mutex<VecDeque<Duration>>,
    pub forgotten: AtomicUsize,
    pub renewed: AtomicUsize,
    pub accepted: Arc<AtomicUsize>,
}

impl Script {
    pub fn new(answers: impl IntoIterator<Item = Canned>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
            times: Mutex::default(),
            queue: Mutex::default(),
            forgotten: AtomicUsize::default(),
            renewed: AtomicUsize::default(),
            accepted: Arc::default(),
        })
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// When it was asked.
    pub fn times(&self) -> Vec<Instant> {
        self.times.lock().unwrap().clone()
    }

    pub fn left(&self) -> usize {
        self.answers.lock().unwrap().len()
    }

    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Post for Script {
    async fn post(&self, _: Option<&str>, envelope: Bytes, clear: &Clear<'_>) -> Result<Option<Reply>, PostError> {
        let queue = self.queue.lock().unwrap().pop_front().unwrap_or_default();
        // Some tests have no clock.
        if !queue.is_zero() {
            sleep(queue).await;
        }
        if !clear() {
            return Ok(None);
        }
        self.asked.lock().unwrap().push(String::from_utf8(envelope.to_vec()).unwrap());
        self.times.lock().unwrap().push(Instant::now());
        let canned = self.answers.lock().unwrap().pop_front().filter(|canned| !canned.refused);
        let Some(canned) = canned else {
            let text = "connection refused".to_owned();
            return Err(PostError { retry: true, verdict: Verdict::Later, code: None, text, hint: None, wait: None });
        };
        // Some tests have no clock.
        if !canned.latency.is_zero() {
            sleep(canned.latency).await;
        }
        let mut pieces: VecDeque<io::Result<Bytes>> =
            canned.body.chunks(canned.step.max(1)).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        if canned.cut {
            pieces.push_back(Err(io::Error::new(io::ErrorKind::UnexpectedEof, "end of file before the announced length")));
        }
        let body = Box::new(Pieces { pieces, accepted: self.accepted.clone() });
        Ok(Some(Reply { status: canned.status, request_id: None, retry_after: canned.retry_after, body }))
    }

    fn forget(&self, _: Option<&str>) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
    }

    async fn renew(&self) {
        self.renewed.fetch_add(1, Ordering::SeqCst);
    }
}

struct Pieces {
    pieces: VecDeque<io::Result<Bytes>>,
    accepted: Arc<AtomicUsize>,
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.pieces.pop_front())
    }
}

#[async_trait]
impl Body for Pieces {
    async fn accept(self: Box<Self>) {
        assert!(self.pieces.is_empty(), "accepted before the end");
        self.accepted.fetch_add(1, Ordering::SeqCst);
    }
}

pub fn mailbox() -> Mailbox {
    let bucket = Bucket { owner: "project".into(), name: "bucket".into() };
    Mailbox { address: Address::new("a@example.com"), bucket, archive: false }
}

pub fn folder(id: &str) -> Folder {
    Folder::bare(FolderId(id.into()), vec!["Inbox".into()])
}

pub fn ews(script: &Arc<Script>) -> (Ews, Events) {
    let events = Events::new();
    let settings = Settings { access: Access::Impersonation, ..Settings::default() };
    (Ews::new(settings, script.clone(), events.clone()), events)
}

/// An envelope around the response messages of an operation.
pub fn answer(operation: &str, messages: &str) -> Canned {
    Canned::new(format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header>\
         <h:ServerVersionInfo xmlns:h=\"http://schemas.microsoft.com/exchange/services/2006/types\" MajorVersion=\"15\"/></s:Header>\
         <s:Body xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><m:{operation}Response \
         xmlns:m=\"http://schemas.microsoft.com/exchange/services/2006/messages\" xmlns:t=\"http://schemas.microsoft.com/exchange/services/2006/types\">\
         <m:ResponseMessages>{messages}</m:ResponseMessages></m:{operation}Response></s:Body></s:Envelope>"
    ))
}

/// A successful response message.
pub fn success(operation: &str, content: &str) -> String {
    format!(
        "<m:{operation}ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>{content}</m:{operation}ResponseMessage>"
    )
}

/// A response message that refuses; `more` follows the code.
pub fn refusal(operation: &str, code: &str, more: &str) -> String {
    format!(
        "<m:{operation}ResponseMessage ResponseClass=\"Error\"><m:MessageText>words of {code}</m:MessageText><m:ResponseCode>{code}</m:ResponseCode>\
         <m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{more}</m:{operation}ResponseMessage>"
    )
}
