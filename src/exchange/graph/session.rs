//! One mailbox spoken to: a request, its answer, and what is done about trouble.

use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use http::{HeaderMap, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep},
};

use super::{
    call::{Call, Target},
    desk::Desk,
    refusal::Refusal,
    retry::{Failed, Patience},
    trouble::Trouble,
    wire::{Outgoing, Reply, Wire},
};
use crate::{
    event::Event,
    exchange::gate::{Kind, Pass},
    http::{TooLarge, capped, guid, retry_after},
};

/// The largest JSON answer that is read, in bytes after decompression: a page of 1,000 messages with their extended properties has 2 MB.
const JSON: usize = 16 * 1024 * 1024;

/// The largest refusal that is read; of a longer one only the status counts.
const WORDS: usize = 64 * 1024;

/// A mailbox and the way to its server.
#[derive(Clone)]
pub struct Session {
    /// The way.
    pub wire: Arc<dyn Wire>,
    /// What is remembered of the mailbox.
    pub desk: Arc<Desk>,
}

/// A JSON answer.
#[derive(Clone, Debug)]
pub struct Answered<T> {
    /// What it says.
    pub value: T,
    /// Whether the server says that its ids are the ones that survive moves; silence does not mean that they are not.
    pub immutable: bool,
}

/// An answer of success whose body is still to come. It keeps its place among the mailbox's requests until it is dropped.
pub struct Opened {
    /// Its headers.
    pub headers: HeaderMap,
    body: BoxStream<'static, io::Result<Bytes>>,
    _leave: Leave,
}

/// Leave to be under way; ends when dropped.
pub(super) struct Leave {
    _pass: Option<Pass>,
    _spare: Vec<OwnedSemaphorePermit>,
}

impl Leave {
    /// How many places it holds.
    pub(super) fn places(&self) -> usize {
        1 + self._spare.len()
    }
}

impl Session {
    /// Asks until there is an answer or patience is over.
    pub async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<Answered<T>, Failed> {
        let mut patience = Patience::default();
        loop {
            match self.ask_once(&mut patience, call).await {
                Ok(answered) => return Ok(answered),
                Err(trouble) => patience.after(trouble, &self.desk).await?,
            }
        }
    }

    /// Asks once, for one who has a patience of his own.
    pub async fn ask_once<T: DeserializeOwned>(&self, patience: &mut Patience, call: &Call) -> Result<Answered<T>, Trouble> {
        let opened = self.open_once(patience, call).await?;
        let immutable = applied(&opened.headers);
        let value = opened.json().await?;
        Ok(Answered { value, immutable })
    }

    /// The same up to the answer's body, whose bytes are then taken as they come.
    pub async fn open_once(&self, patience: &mut Patience, call: &Call) -> Result<Opened, Trouble> {
        let leave = self.leave(call.kind, 0).await?;
        self.open(patience, call, leave).await
    }

    /// The same for one who has a place of his own, and keeps it through every retry.
    pub async fn open_within(&self, patience: &mut Patience, call: &Call) -> Result<Opened, Trouble> {
        self.open(patience, call, Leave { _pass: None, _spare: Vec::new() }).await
    }

    async fn open(&self, patience: &mut Patience, call: &Call, leave: Leave) -> Result<Opened, Trouble> {
        let outgoing = self.outgoing(call)?;
        self.count(patience, 1).await?;
        let opened = self.send(call.name, &outgoing, leave).await?;
        self.desk.gate.well(&self.desk.mailbox, patience.sent);
        Ok(opened)
    }

    fn outgoing(&self, call: &Call) -> Result<Outgoing, Trouble> {
        let endpoint = self.wire.endpoint();
        let url = match &call.target {
            Target::Mailbox(path) => endpoint.below(&format!("{}{path}", self.desk.user)),
            Target::Link(link) if endpoint.owns(link) => link.clone(),
            Target::Link(_) => return Err(Trouble::Foreign),
        };
        Ok(Outgoing { url, prefer: call.prefer(), body: call.body.as_ref().map(ToString::to_string), id: guid() })
    }

    /// Waits for a place, and takes up to `spare` more if they are free.
    pub(super) async fn leave(&self, kind: Kind, spare: usize) -> Result<Leave, Trouble> {
        // Who is to wait for long need not queue for it.
        self.desk.gate.fence().pass().await.map_err(Trouble::Fenced)?;
        let pass = self.desk.gate.pass(kind).await;
        Ok(Leave { _pass: Some(pass), _spare: self.desk.gate.spare(spare) })
    }

    /// Waits until `weight` requests may go out. To be called last: nothing may come between the fence and the request.
    pub(super) async fn count(&self, patience: &mut Patience, weight: u32) -> Result<(), Trouble> {
        // A token may take as long to get as a fence stands.
        self.wire.prepare().await?;
        loop {
            patience.sent = self.desk.gate.fence().pass().await.map_err(Trouble::Fenced)?;
            match self.desk.budget.take(weight) {
                Ok(()) => return Ok(()),
                Err(wait) => sleep(wait).await,
            }
        }
    }

    /// Sends a request that has leave.
    pub(super) async fn send(&self, name: &'static str, outgoing: &Outgoing, leave: Leave) -> Result<Opened, Trouble> {
        let (mailbox, id, began) = (&self.desk.mailbox, &outgoing.id, Instant::now());
        let sent = self.wire.send(outgoing).await;
        let took = began.elapsed();
        let ms = took.as_millis();
        let outcome = match sent {
            Ok(reply) if (200..300).contains(&reply.status) => {
                tracing::debug!(%mailbox, request = name, status = reply.status, ms, client_request_id = id, "answered");
                self.desk.heard();
                self.tell(name, took, Some(reply.status), None);
                return Ok(Opened { headers: reply.headers, body: reply.body, _leave: leave });
            }
            Ok(reply) => Trouble::Refused(refused(reply).await),
            Err(trouble) => trouble,
        };
        tracing::debug!(%mailbox, request = name, ms, client_request_id = id, trouble = %outcome, "no answer");
        self.tell(name, took, outcome.refusal().map(|refusal| refusal.status), Some(outcome.reason()));
        Err(outcome)
    }

    fn tell(&self, what: &'static str, took: Duration, status: Option<u16>, code: Option<String>) {
        let (mailbox, budget) = (self.desk.mailbox.clone(), Some(self.desk.budget.granted()));
        self.desk.events.tell(Event::RequestAnswered { mailbox, what, status, code, took, budget });
    }
}

impl Opened {
    /// Whether it is a page of HTML.
    pub fn is_page(&self) -> bool {
        let kind = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        kind.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
    }

    /// The next bytes, never none of them; `None` where the server ended the body.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Trouble> {
        while let Some(piece) = self.body.next().await {
            match piece {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Ok(Some(bytes)),
                Err(error) => return Err(Trouble::Cut(error.to_string())),
            }
        }
        Ok(None)
    }

    /// The whole body as JSON.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Trouble> {
        let bytes = capped(self.body, JSON).await.map_err(|error| match error {
            TooLarge::Over(_) => Trouble::Broken(error.to_string()),
            TooLarge::Read(error) => Trouble::Cut(error.to_string()),
        })?;
        // The parser's words tell a place, and nothing of the content.
        serde_json::from_slice(&bytes).map_err(|error| match bytes.first() {
            None => Trouble::Broken("the answer is empty".to_owned()),
            Some(b'{' | b'[') => Trouble::Broken(format!("the answer is not the JSON that was asked for: {error}")),
            Some(_) => Trouble::Broken(format!("the answer is no JSON: {}", Refusal::new(200, &bytes).text)),
        })
    }
}

/// The refusal in a reply.
async fn refused(reply: Reply) -> Refusal {
    let wait = waits(&reply.headers);
    let text = |name: &str| reply.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let request_id = text("request-id");
    let body = capped(reply.body, WORDS).await;
    let refusal = match body {
        Ok(bytes) => Refusal::new(reply.status, &bytes),
        Err(error) => Refusal { status: reply.status, text: error.to_string(), ..Refusal::default() },
    };
    Refusal { wait, request_id: refusal.request_id.clone().or(request_id), ..refusal }
}

/// What Retry-After asks for.
pub(super) fn waits(headers: &HeaderMap) -> Option<Duration> {
    retry_after(headers, SystemTime::now())
}

/// Whether `Preference-Applied` (RFC 7240, section 3) names the ids that survive moves.
fn applied(headers: &HeaderMap) -> bool {
    let values = headers.get_all("preference-applied");
    values.iter().filter_map(|value| value.to_str().ok()).any(|value| value.to_ascii_lowercase().contains("immutableid"))
}

#[cfg(test)]
mod tests;
