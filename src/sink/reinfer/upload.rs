//! One message on its way, and the request that several of them make. Nothing is copied together: a request's body is written while it is sent, as
//! often as it takes.

use std::{io, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use tokio::sync::oneshot;

use super::{content::Raw, deliver::Failed};
use crate::{
    mime::{Plan, Shortener},
    reinfer::{
        Payload,
        email::{Email, TAIL},
        escape::{escape, escaped},
    },
};

/// A message as it is uploaded.
#[derive(Debug)]
pub(super) struct Upload {
    head: Bytes,
    raw: Raw,
    plan: Option<Arc<Plan>>,
    /// The length of its object in the request.
    length: u64,
}

/// A message that somebody waits for.
pub(super) struct Pending {
    pub upload: Arc<Upload>,
    pub reply: oneshot::Sender<Result<(), Failed>>,
}

impl Pending {
    /// The end of it.
    pub(super) fn end(self, outcome: Result<(), Failed>) {
        let Self { upload, reply } = self;
        // The bytes first: whoever waits may be about to ask for room.
        drop(upload);
        let _ = reply.send(outcome);
    }
}

impl Upload {
    /// Prepares a message; reads it once to know its length.
    pub(super) async fn new(email: &Email, raw: Raw, plan: Option<Arc<Plan>>) -> io::Result<Self> {
        let head = Bytes::from(email.head());
        let content = match (&raw, &plan) {
            (Raw::Memory(bytes), None) => escaped(bytes),
            _ => raw.utf8(plan.clone()).try_fold(0, |sum, piece| std::future::ready(Ok(sum + escaped(&piece)))).await?,
        };
        let length = (head.len() + TAIL.len()) as u64 + content;
        Ok(Self { head, raw, plan, length })
    }

    /// The length of its object in a request.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The same without what is attached, if it can be shortened.
    pub(super) async fn shortened(&self) -> io::Result<Option<Self>> {
        let mut shortener = Shortener::default();
        let mut pieces = self.raw.utf8(self.plan.clone());
        while let Some(piece) = pieces.try_next().await? {
            shortener.feed(&piece);
        }
        let Some(short) = shortener.finish().map(Bytes::from) else { return Ok(None) };
        let length = (self.head.len() + TAIL.len()) as u64 + escaped(&short);
        Ok((length < self.length).then(|| Self { head: self.head.clone(), raw: Raw::Memory(short), plan: None, length }))
    }

    fn object(self: Arc<Self>, first: bool) -> BoxStream<'static, io::Result<Bytes>> {
        let comma = Bytes::from_static(if first { b"" } else { b"," });
        let content = self.raw.utf8(self.plan.clone()).map_ok(|piece| {
            let mut out = Vec::with_capacity(piece.len() + piece.len() / 16);
            escape(&piece, &mut out);
            Bytes::from(out)
        });
        let head = stream::iter([Ok(comma), Ok(self.head.clone())]);
        head.chain(content).chain(stream::iter([Ok(Bytes::from_static(TAIL.as_bytes()))])).boxed()
    }
}

const OPEN: &str = "{\"emails\":[";
const CLOSE: &str = "]}";

/// What a request of so many messages has besides them.
pub(super) fn around(messages: usize) -> u64 {
    (OPEN.len() + CLOSE.len() + messages.saturating_sub(1)) as u64
}

/// A request's body.
pub(super) fn payload(batch: &[Pending]) -> Payload {
    let uploads: Vec<Arc<Upload>> = batch.iter().map(|pending| pending.upload.clone()).collect();
    let length = around(uploads.len()) + uploads.iter().map(|upload| upload.length).sum::<u64>();
    let objects = stream::iter(uploads.into_iter().enumerate()).flat_map(|(place, upload)| upload.object(place == 0));
    let open = stream::iter([Ok(Bytes::from_static(OPEN.as_bytes()))]);
    let bytes = open.chain(objects).chain(stream::iter([Ok(Bytes::from_static(CLOSE.as_bytes()))]));
    Payload { length, bytes: bytes.try_filter(|piece| std::future::ready(!piece.is_empty())).boxed() }
}
