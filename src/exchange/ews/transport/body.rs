//! An answer's body, as it arrives.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use futures::{Stream, StreamExt};
use hyper::body::{Body as _, Incoming};
use tokio::{
    io::{AsyncBufRead, AsyncRead, ReadBuf},
    time::{Instant, Sleep},
};

use super::{Kind, Phase, TransportError, connection::broke, pool::Place};

/// What may be left of a sound answer behind the end of its envelope.
const REST: usize = 64 * 1024;

/// The body of an answer, and the connection it comes over. Reading it is bounded by the inactivity limit: the wait for each next piece, not the whole.
/// A body that ends before its declared length, or before its last chunk, ends in an error. Its errors hold a [`TransportError`]: see
/// [`TransportError::of`].
pub struct Body {
    incoming: Incoming,
    place: Option<Place>,
    reusable: bool,
    piece: Bytes,
    waiting: Option<Pin<Box<Sleep>>>,
    limit: Duration,
    read: u64,
    state: State,
    request_id: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Ended,
    Broken,
}

impl Body {
    /// `place` holds the connection that the body arrives on; it is given back on acceptance where it is `reusable`, else it ends with the body.
    pub(super) fn new(incoming: Incoming, place: Place, reusable: bool, limit: Duration, request_id: &str) -> Self {
        let place = Some(place);
        Self {
            incoming,
            place,
            reusable,
            piece: Bytes::new(),
            waiting: None,
            limit,
            read: 0,
            state: State::Open,
            request_id: request_id.to_owned(),
        }
    }

    /// The answer was sound: its connection may be used again. What is left of the body, at most 64 KiB, is read first; `Err` if it breaks off there.
    ///
    /// To be called after a complete, faultless envelope only: some servers send a second, unasked answer behind a fault.
    pub async fn accept(mut self) -> Result<(), TransportError> {
        let mut left = REST;
        while let Some(piece) = self.next().await {
            let piece = piece.map_err(|error| self.unwrap(error))?;
            match left.checked_sub(piece.len()) {
                Some(less) => left = less,
                // Endless blanks are not worth a connection.
                None => return Ok(()),
            }
        }
        if let Some(place) = self.place.take().filter(|_| self.reusable) {
            place.give_back();
        }
        Ok(())
    }

    /// The next bytes, at most `limit`, for a log or to see what an answer is that is not XML. That the body breaks off is no error here.
    pub async fn excerpt(&mut self, limit: usize) -> Bytes {
        let mut excerpt = BytesMut::new();
        while excerpt.len() < limit {
            let Some(Ok(piece)) = self.next().await else { break };
            excerpt.extend_from_slice(&piece);
        }
        excerpt.truncate(limit);
        excerpt.freeze()
    }

    /// How many bytes have arrived.
    pub fn bytes_read(&self) -> u64 {
        self.read
    }

    fn unwrap(&self, error: io::Error) -> TransportError {
        TransportError::of(&error).cloned().unwrap_or_else(|| TransportError::new(Kind::Cut, error.to_string()))
    }

    fn fail(&mut self, error: TransportError) -> io::Error {
        self.state = State::Broken;
        self.place = None;
        error.request(&self.request_id).into_io()
    }

    /// The next piece from the connection; `None` at the end.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        match self.state {
            State::Open => {}
            State::Ended => return Poll::Ready(None),
            State::Broken => return Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::BrokenPipe)))),
        }
        loop {
            match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.waiting = None;
                    // Trailers say nothing of interest, and an empty piece would look like the end.
                    if let Some(piece) = frame.into_data().ok().filter(|piece| !piece.is_empty()) {
                        self.read += piece.len() as u64;
                        return Poll::Ready(Some(Ok(piece)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    let mut error = broke(&error);
                    error.cause = format!("{} ({} bytes had arrived)", error.cause, self.read);
                    return Poll::Ready(Some(Err(self.fail(error))));
                }
                Poll::Ready(None) => {
                    self.state = State::Ended;
                    return Poll::Ready(None);
                }
                Poll::Pending => {
                    let limit = self.limit;
                    let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + limit)));
                    ready!(waiting.as_mut().poll(cx));
                    let cause = format!("the answer stopped for {} s after {} bytes", limit.as_secs(), self.read);
                    return Poll::Ready(Some(Err(self.fail(TransportError::new(Kind::Timeout(Phase::Body), cause)))));
                }
            }
        }
    }
}

impl Stream for Body {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if !self.piece.is_empty() {
            return Poll::Ready(Some(Ok(std::mem::take(&mut self.piece))));
        }
        match ready!(self.poll_piece(cx)) {
            // A stream is over after its error.
            Some(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Poll::Ready(None),
            other => Poll::Ready(other),
        }
    }
}

impl AsyncBufRead for Body {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.piece.is_empty() {
            match ready!(this.poll_piece(cx)) {
                Some(Ok(piece)) => this.piece = piece,
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => {}
            }
        }
        Poll::Ready(Ok(&this.piece))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        let amount = amount.min(self.piece.len());
        self.piece.advance(amount);
    }
}

impl AsyncRead for Body {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let available = ready!(self.as_mut().poll_fill_buf(cx))?;
        let amount = available.len().min(buffer.remaining());
        buffer.put_slice(available.get(..amount).unwrap_or_default());
        self.consume(amount);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("read", &self.read).finish_non_exhaustive()
    }
}
