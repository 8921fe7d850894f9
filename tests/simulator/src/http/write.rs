//! Responses onto the wire.

use super::response::{Body, Ending, Framing, Response, Wire};
use super::stream::Stream;
use super::{Headers, http_date};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use std::fmt::Write;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Bytes a client may send ahead while its answer is still being made; reading stops there.
const AHEAD: usize = 256 * 1024;
/// Small writes are gathered up to this size, so that head and body leave in one packet.
const GATHER: usize = 16 * 1024;

/// What becomes of the connection after a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It waits for the next request.
    KeepAlive,
    /// It is closed properly, the response safely delivered.
    Close,
    /// It is dropped as it is.
    Drop,
    /// It is reset.
    Reset,
}

/// What the request says about its response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub(super) head_only: bool,
    pub(super) ancient: bool,
    pub(super) keep_alive: bool,
}

/// The writing side of a connection. Every write must make progress within `patience`, so a client who stops reading is dropped.
pub(super) struct Outlet<'a> {
    stream: &'a mut Stream,
    inbox: &'a mut BytesMut,
    patience: Duration,
    gathered: Vec<u8>,
}

impl<'a> Outlet<'a> {
    pub(super) fn new(stream: &'a mut Stream, inbox: &'a mut BytesMut, patience: Duration) -> Self {
        Self { stream, inbox, patience, gathered: Vec::new() }
    }

    /// Writes a whole response, well or badly as its [`Wire`] says.
    pub(super) async fn respond(&mut self, response: Response, wanted: Wanted) -> io::Result<Fate> {
        let Response { status, headers, body, wire } = response;
        let bodiless = wanted.head_only || matches!(status, 100..=199 | 204 | 304);
        let framing = frame(&body, &wire, wanted.ancient);
        let keep_alive = wanted.keep_alive && !wire.close && framing != Framing::UntilClose;
        if !wire.no_head {
            let head = head_text(status, &headers, framing, keep_alive);
            let most = wire.head_stops_after.map_or(head.len(), |bytes| bytes.min(head.len() - 1));
            self.put(head.as_bytes().get(..most).unwrap_or_default()).await?;
        }
        let whole = bodiless || self.send_body(body, framing, &wire).await?;
        self.flush().await?;
        if !whole {
            return Ok(match wire.ending {
                Ending::Cut | Ending::Finish => Fate::Drop,
                Ending::Reset => Fate::Reset,
                Ending::Stall => {
                    client_gone(self.stream, self.inbox).await;
                    Fate::Drop
                }
            });
        }
        if let Some(epilogue) = &wire.epilogue {
            self.put(epilogue).await?;
            self.flush().await?;
        }
        Ok(if keep_alive && !wire.vanish { Fate::KeepAlive } else { Fate::Close })
    }

    /// Sends the body; false when it was stopped before its end.
    async fn send_body(&mut self, body: Body, framing: Framing, wire: &Wire) -> io::Result<bool> {
        let finishing = wire.ending == Ending::Finish;
        let mut left = wire.stop_after.unwrap_or(u64::MAX);
        let mut source = match body {
            Body::Full(bytes) => Source::Whole(Some(bytes)),
            Body::Stream(stream) => Source::Made(stream),
        };
        let mut cutter = Cutter::new(wire.tiny_chunks);
        while left > 0 {
            let Some(item) = self.next_item(&mut source).await? else {
                return self.end_body(framing).await;
            };
            for piece in cutter.cut(item) {
                let size = piece.len() as u64;
                let stops = left <= size;
                let part = piece.slice(..usize::try_from(left.min(size)).unwrap_or(piece.len()));
                // A body that is cut has announced more than comes; one that is truncated politely has not.
                let announced = if finishing { part.len() } else { piece.len() };
                if framing == Framing::Chunked {
                    self.put(format!("{announced:x}\r\n").as_bytes()).await?;
                    self.put(&part).await?;
                    if !stops || finishing {
                        self.put(b"\r\n").await?;
                    }
                } else {
                    self.put(&part).await?;
                }
                left -= part.len() as u64;
                if stops {
                    break;
                }
                if wire.tiny_chunks.is_some() {
                    self.flush().await?;
                }
            }
            if matches!(source, Source::Made(_)) {
                self.flush().await?;
            }
        }
        if finishing {
            return self.end_body(framing).await;
        }
        Ok(false)
    }

    async fn end_body(&mut self, framing: Framing) -> io::Result<bool> {
        if framing == Framing::Chunked {
            self.put(b"0\r\n\r\n").await?;
        }
        Ok(true)
    }

    /// The next item of the body. While one is being made the client is watched, so that a hanging answer ends with its reader.
    async fn next_item(&mut self, source: &mut Source) -> io::Result<Option<Bytes>> {
        match source {
            Source::Whole(bytes) => Ok(bytes.take().filter(|bytes| !bytes.is_empty())),
            Source::Made(stream) => loop {
                let item = tokio::select! {
                    biased;
                    item = stream.next() => item,
                    () = client_gone(self.stream, self.inbox) => {
                        return Err(io::ErrorKind::ConnectionAborted.into());
                    }
                };
                match item.transpose()? {
                    Some(bytes) if bytes.is_empty() => {}
                    other => return Ok(other),
                }
            },
        }
    }

    async fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.gathered.len() + bytes.len() <= GATHER {
            self.gathered.extend_from_slice(bytes);
            return Ok(());
        }
        self.write_gathered().await?;
        self.write(bytes).await
    }

    async fn flush(&mut self) -> io::Result<()> {
        self.write_gathered().await?;
        patiently(self.patience, self.stream.flush()).await
    }

    async fn write_gathered(&mut self) -> io::Result<()> {
        let mut gathered = std::mem::take(&mut self.gathered);
        let written = self.write(&gathered).await;
        gathered.clear();
        self.gathered = gathered;
        written
    }

    async fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = patiently(self.patience, self.stream.write(bytes)).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}

/// Where the items of a body come from.
enum Source {
    Whole(Option<Bytes>),
    Made(BoxStream<'static, io::Result<Bytes>>),
}

/// Cuts items into pieces of changing small sizes, or leaves them whole.
struct Cutter {
    max: Option<usize>,
    turn: usize,
}

impl Cutter {
    fn new(max: Option<usize>) -> Self {
        Self { max: max.map(|max| max.max(1)), turn: 0 }
    }

    fn cut(&mut self, mut item: Bytes) -> impl Iterator<Item = Bytes> + '_ {
        std::iter::from_fn(move || {
            if item.is_empty() {
                return None;
            }
            let size = match self.max {
                None => item.len(),
                Some(max) => {
                    self.turn = self.turn.wrapping_mul(5).wrapping_add(3);
                    (self.turn % max + 1).min(item.len())
                }
            };
            Some(item.split_to(size))
        })
    }
}

/// Chooses the framing of a body.
fn frame(body: &Body, wire: &Wire, ancient: bool) -> Framing {
    let length = match body {
        Body::Full(bytes) => Some(bytes.len() as u64),
        Body::Stream(_) => None,
    };
    let chunks = if ancient { Framing::UntilClose } else { Framing::Chunked };
    let framing = match wire.framing {
        _ if wire.tiny_chunks.is_some() => chunks,
        Framing::Natural => length.map_or(chunks, Framing::Declared),
        Framing::Chunked => chunks,
        other => other,
    };
    match (framing, wire.ending, wire.stop_after) {
        (Framing::Declared(length), Ending::Finish, Some(stop)) => Framing::Declared(length.min(stop)),
        _ => framing,
    }
}

fn head_text(status: u16, headers: &Headers, framing: Framing, keep_alive: bool) -> String {
    let mut text = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    let mut field = |name: &str, value: &str| {
        let _ = write!(text, "{name}: {value}\r\n");
    };
    for (name, value) in headers.iter() {
        field(name, value);
    }
    match framing {
        Framing::Declared(length) if status != 204 && status != 304 => {
            field("Content-Length", &length.to_string());
        }
        Framing::Chunked => field("Transfer-Encoding", "chunked"),
        _ => {}
    }
    if !keep_alive {
        field("Connection", "close");
    }
    if headers.value("date").is_none() {
        field("Date", &http_date(chrono::Utc::now()));
    }
    text.push_str("\r\n");
    text
}

/// The reason phrase that goes with a status, in the words of RFC 9110 section 15.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        440 => "Login Timeout",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        507 => "Insufficient Storage",
        _ => "Status",
    }
}

/// Returns when the client has ended its side; bytes it sends ahead are kept for the next request.
pub(super) async fn client_gone(stream: &mut Stream, inbox: &mut BytesMut) {
    loop {
        if inbox.len() > AHEAD {
            return std::future::pending().await;
        }
        match stream.read_buf(inbox).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}

async fn patiently<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(patience, work).await {
        Ok(done) => done,
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// A single whole item as a stream, for those who wrap bodies.
pub(crate) fn body_stream(body: Body) -> BoxStream<'static, io::Result<Bytes>> {
    match body {
        Body::Full(bytes) => stream::iter([Ok(bytes)]).boxed(),
        Body::Stream(stream) => stream,
    }
}
