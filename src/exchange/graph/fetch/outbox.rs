//! The way of one message's parts out of its lane, and what happens when nobody takes them.

use std::time::Duration;

use bytes::Bytes;
use tokio::{
    sync::{mpsc::Sender, watch},
    time::timeout,
};

use super::{super::retry::Failed, job::Job};
use crate::mail::Part;

/// How long a connection is kept open for bytes that nobody takes; the server gives up about then.
const STALL: Duration = Duration::from_secs(120);

/// The largest piece that is passed on: what waits in channels is counted in pieces.
const PIECE: usize = 64 * 1024;

/// What comes out of a lane for one message. Its sender is dropped behind the last of it.
pub enum Out {
    /// A part.
    Part(Part),
    /// The message is not there.
    Absent(Box<Job>),
    /// Trouble that concerns more than the message.
    Failed(Box<Failed>),
}

/// Sends them.
pub struct Outbox {
    out: Sender<Out>,
    place: usize,
    head: watch::Receiver<usize>,
}

/// Nobody took the bytes for so long that no connection should be held meanwhile.
pub struct Stalled;

impl Outbox {
    /// Into `out`, for the message at `place`; `head` tells the place of the one that is being taken.
    pub fn new(out: Sender<Out>, place: usize, head: watch::Receiver<usize>) -> Self {
        Self { out, place, head }
    }

    /// Waits until all messages before this one have been taken, so that whatever is sent is taken too.
    pub async fn at_head(&self) {
        // An error means that nobody takes anything any more.
        let _ = self.head.clone().wait_for(|head| *head >= self.place).await;
    }

    /// Sends, however long that takes. Senders and receivers are dropped together, so a closed channel is seen by nobody.
    pub async fn send(&self, out: Out) {
        let _ = self.out.send(out).await;
    }

    /// Sends a part, however long that takes.
    pub async fn part(&self, part: Part) {
        self.send(Out::Part(part)).await;
    }

    /// Sends bytes, however long that takes.
    pub async fn patiently(&self, index: usize, mut bytes: Bytes) {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(PIECE));
            self.part(Part::Mime { index, chunk }).await;
        }
    }

    /// Sends bytes while a connection waits.
    pub async fn bytes(&self, index: usize, mut bytes: Bytes) -> Result<(), Stalled> {
        while !bytes.is_empty() {
            let chunk = bytes.split_to(bytes.len().min(PIECE));
            timeout(STALL, self.out.send(Out::Part(Part::Mime { index, chunk }))).await.map_or(Err(Stalled), |_| Ok(()))?;
        }
        Ok(())
    }
}
