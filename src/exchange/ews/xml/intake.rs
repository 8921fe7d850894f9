//! The way of decoded content out of the parser.

use async_trait::async_trait;
use bytes::Bytes;

use super::Malformed;

/// Who takes decoded MIME content.
#[async_trait]
pub trait MimeSink: Send {
    /// Takes the next bytes, never none. May wait; an error ends the answer.
    async fn chunk(&mut self, chunk: Bytes) -> Result<(), Malformed>;
}

/// The way of one message's MIME content out of the parser, and what became of it.
pub struct Intake<'a> {
    sink: &'a mut dyn MimeSink,
    /// Bytes handed on.
    pub bytes: u64,
    /// Whether it was not base64.
    pub junk: bool,
}

impl<'a> Intake<'a> {
    /// Into `sink`.
    pub fn new(sink: &'a mut dyn MimeSink) -> Self {
        Self { sink, bytes: 0, junk: false }
    }

    pub(super) async fn take(&mut self, chunk: Bytes) -> Result<(), Malformed> {
        if chunk.is_empty() {
            return Ok(());
        }
        self.bytes += chunk.len() as u64;
        self.sink.chunk(chunk).await
    }
}
