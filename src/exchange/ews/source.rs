//! A response body as the parser reads it: sanitized, with a bound on how much one piece of markup may take and a memory of how it began.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, ReadBuf};

use super::{post::Body, sanitize::Sanitizer};

/// How much of the beginning is kept for error texts.
const HEAD: usize = 1024;

/// The sanitized body.
pub struct Source {
    body: Box<dyn Body>,
    sanitizer: Sanitizer,
    chunk: Bytes,
    ended: bool,
    allowance: usize,
    head: Vec<u8>,
}

impl Source {
    /// Reads `body`.
    pub fn new(body: Box<dyn Body>) -> Self {
        Self { body, sanitizer: Sanitizer::default(), chunk: Bytes::new(), ended: false, allowance: 0, head: Vec::new() }
    }

    /// Lets the next `bytes` be consumed; more is an error. The parser buffers a whole tag, so a tag must have a bound.
    pub fn allow(&mut self, bytes: usize) {
        self.allowance = bytes;
    }

    /// The first kilobyte, as text; what has not been read of it yet is read now.
    pub async fn head(&mut self) -> String {
        while self.head.len() < HEAD {
            self.allow(usize::MAX);
            match self.fill_buf().await {
                Ok(more) if !more.is_empty() => {
                    let length = more.len();
                    AsyncBufReadExt::consume(self, length);
                }
                _ => break,
            }
        }
        String::from_utf8_lossy(&self.head).into_owned()
    }

    /// Gives the connection back.
    pub async fn accept(self) {
        self.body.accept().await;
    }
}

impl AsyncBufRead for Source {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.allowance == 0 {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "a single piece of markup is too long")));
        }
        while this.chunk.is_empty() && !this.ended {
            this.chunk = match ready!(futures::Stream::poll_next(Pin::new(&mut this.body), context)) {
                Some(Ok(chunk)) => this.sanitizer.feed(chunk),
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => {
                    this.ended = true;
                    this.sanitizer.finish()
                }
            };
            let room = HEAD.saturating_sub(this.head.len()).min(this.chunk.len());
            this.head.extend_from_slice(&this.chunk[..room]);
        }
        let visible = this.chunk.len().min(this.allowance);
        Poll::Ready(Ok(&this.chunk[..visible]))
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        let this = self.get_mut();
        this.chunk.advance(amount.min(this.chunk.len()));
        this.allowance = this.allowance.saturating_sub(amount);
    }
}

impl AsyncRead for Source {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let available = ready!(self.as_mut().poll_fill_buf(context))?;
        let taken = available.len().min(into.remaining());
        into.put_slice(&available[..taken]);
        self.consume(taken);
        Poll::Ready(Ok(()))
    }
}
