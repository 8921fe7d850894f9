//! The way of parts to their taker, and what happens when nobody takes them.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{sync::mpsc::Sender, time::timeout};

use super::super::xml::{Malformed, MimeSink};
use crate::{exchange::Error, mail::Part};

/// How long a connection is kept open for bytes that nobody takes. The server gives up about then; and a connection held by a download whose
/// taker waits for another download would keep that one from ever getting a connection.
const STALL: Duration = Duration::from_secs(120);

/// Sends parts.
#[derive(Clone)]
pub struct Outbox {
    sender: Sender<Result<Part, Error>>,
}

impl Outbox {
    /// Into `sender`.
    pub fn new(sender: Sender<Result<Part, Error>>) -> Self {
        Self { sender }
    }

    /// Sends one part, however long that takes.
    pub async fn part(&self, part: Part) {
        // Sender and receiver are dropped together, so a closed channel is seen by nobody.
        let _ = self.sender.send(Ok(part)).await;
    }

    /// Sends one part soon, or gives it back when nobody takes it for so long that no connection should be held meanwhile.
    pub async fn soon(&self, part: Part) -> Result<(), Box<Part>> {
        match timeout(STALL, self.sender.reserve()).await {
            Ok(Ok(place)) => place.send(Ok(part)),
            Ok(Err(_)) => {}
            Err(_) => return Err(Box::new(part)),
        }
        Ok(())
    }

    /// Sends the error that ends the stream.
    pub async fn fail(&self, error: Error) {
        let _ = self.sender.send(Err(error)).await;
    }
}

/// One item's content on its way from the parser.
pub struct Tap<'a> {
    outbox: &'a Outbox,
    index: usize,
    /// Whether nobody took a chunk in time.
    pub stalled: bool,
}

impl<'a> Tap<'a> {
    /// For the item at `index`.
    pub fn new(outbox: &'a Outbox, index: usize) -> Self {
        Self { outbox, index, stalled: false }
    }
}

#[async_trait]
impl MimeSink for Tap<'_> {
    async fn chunk(&mut self, chunk: Bytes) -> Result<(), Malformed> {
        match timeout(STALL, self.outbox.sender.send(Ok(Part::Mime { index: self.index, chunk }))).await {
            Ok(_) => Ok(()),
            Err(_) => {
                self.stalled = true;
                Err(Malformed("nobody took the bytes".into()))
            }
        }
    }
}
