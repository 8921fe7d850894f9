//! Requests off the wire.

use super::connection::Limits;
use super::intake::{Intake, Sink, Taken};
use super::{ConnectionId, Headers, Request, Response};
use bytes::{Buf, Bytes, BytesMut};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Header fields a request may have.
const MAX_FIELDS: usize = 128;

/// Why no request could be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// The client went away, between requests or in the middle of one.
    Gone,
    /// What came is not HTTP, or more of it than is allowed: answer with this status and reason, then close.
    Refused(u16, &'static str),
    /// A room refuses the body: answer so, then close.
    Answered(Box<Response>),
}

impl From<io::Error> for Unreadable {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// The head of a request, before its body.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Headers,
    /// HTTP/1.0: no chunks, and the connection ends unless asked to stay.
    pub(super) ancient: bool,
}

impl Head {
    /// Whether the client wants the connection to live on.
    pub(super) fn wants_more(&self) -> bool {
        if self.ancient { self.headers.has_token("connection", "keep-alive") } else { !self.headers.has_token("connection", "close") }
    }

    /// The request, as yet without its body.
    pub(super) fn into_request(self, connection: ConnectionId, tls: bool) -> Request {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (self.target, None),
        };
        Request { method: self.method, path, query, headers: self.headers, body: Bytes::new(), spooled: None, connection, tls }
    }
}

/// Reads until a head is complete. What follows it stays in `inbox`.
pub(super) async fn read_head<R: AsyncRead + Unpin>(stream: &mut R, inbox: &mut BytesMut, limits: &Limits) -> Result<Head, Unreadable> {
    loop {
        if !inbox.is_empty()
            && let Some(head) = parse_head(inbox)?
        {
            return Ok(head);
        }
        if inbox.len() > limits.head {
            return Err(Unreadable::Refused(431, "the request head is too large"));
        }
        if stream.read_buf(inbox).await? == 0 {
            return Err(Unreadable::Gone);
        }
    }
}

fn parse_head(inbox: &mut BytesMut) -> Result<Option<Head>, Unreadable> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut fields);
    let length = match parsed.parse(inbox) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(Unreadable::Refused(431, "the request has too many header fields"));
        }
        Err(_) => return Err(Unreadable::Refused(400, "the request is not HTTP/1.1")),
    };
    let mut headers = Headers::new();
    for field in parsed.headers.iter() {
        headers.push(field.name, String::from_utf8_lossy(field.value));
    }
    let head = Head {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers,
        ancient: parsed.version == Some(0),
    };
    inbox.advance(length);
    Ok(Some(head))
}

/// Reads the body that belongs to a head with these fields, answering `Expect: 100-continue` first.
pub(super) async fn read_body<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    inbox: &mut BytesMut,
    headers: &Headers,
    limits: &Limits,
    intake: &mut Intake,
) -> Result<Taken, Unreadable> {
    let chunked = match headers.value("transfer-encoding") {
        None => false,
        Some(coding) if coding.trim().eq_ignore_ascii_case("chunked") => true,
        Some(_) => return Err(Unreadable::Refused(501, "this transfer coding is not known")),
    };
    let mut lengths = headers.all("content-length").map(parse_length);
    let length = match (lengths.next(), lengths.next()) {
        _ if chunked => None,
        (None, _) => Some(0),
        (Some(Some(length)), None) => Some(length),
        _ => return Err(Unreadable::Refused(400, "the content length is not a number")),
    };
    let limit = intake.limit.unwrap_or(limits.body);
    if length.is_some_and(|length| length > limit) {
        return Err(intake.refuse());
    }
    if length != Some(0) && headers.has_token("expect", "100-continue") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        stream.flush().await?;
    }
    match length {
        Some(length) if intake.is_plain() => {
            fill(stream, inbox, length).await?;
            Ok(Taken::whole(inbox.split_to(length).freeze()))
        }
        Some(length) => {
            let mut sink = intake.sink();
            pour(stream, inbox, length, &mut sink).await?;
            sink.end()
        }
        None => read_chunks(stream, inbox, limits, limit, intake).await,
    }
}

fn parse_length(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// Reads until `inbox` holds `length` bytes. The buffer grows with what really comes, never by what was announced.
async fn fill<R: AsyncRead + Unpin>(stream: &mut R, inbox: &mut BytesMut, length: usize) -> Result<(), Unreadable> {
    while inbox.len() < length {
        if stream.read_buf(inbox).await? == 0 {
            return Err(Unreadable::Gone);
        }
    }
    Ok(())
}

/// Passes so many bytes on as they come.
async fn pour<R: AsyncRead + Unpin>(stream: &mut R, inbox: &mut BytesMut, mut left: usize, sink: &mut Sink) -> Result<(), Unreadable> {
    const ROOM: usize = 64 * 1024;
    while left > 0 {
        if inbox.is_empty() {
            inbox.reserve(ROOM);
            if stream.read_buf(inbox).await? == 0 {
                return Err(Unreadable::Gone);
            }
        }
        let piece = inbox.split_to(inbox.len().min(left));
        sink.put(&piece)?;
        left -= piece.len();
    }
    Ok(())
}

async fn read_chunks<R: AsyncRead + Unpin>(
    stream: &mut R,
    inbox: &mut BytesMut,
    limits: &Limits,
    limit: usize,
    intake: &mut Intake,
) -> Result<Taken, Unreadable> {
    let mut sink = intake.sink();
    let mut taken = 0;
    loop {
        let size = read_chunk_size(stream, inbox).await?;
        if size == 0 {
            break;
        }
        if size > limit.saturating_sub(taken) {
            return Err(intake.refuse());
        }
        pour(stream, inbox, size, &mut sink).await?;
        taken += size;
        fill(stream, inbox, 2).await?;
        if inbox.split_to(2) != b"\r\n"[..] {
            return Err(Unreadable::Refused(400, "a chunk is longer than it says"));
        }
    }
    skip_trailer(stream, inbox, limits).await?;
    sink.end()
}

async fn read_chunk_size<R: AsyncRead + Unpin>(stream: &mut R, inbox: &mut BytesMut) -> Result<usize, Unreadable> {
    loop {
        match httparse::parse_chunk_size(inbox) {
            Ok(httparse::Status::Complete((used, size))) => {
                inbox.advance(used);
                return usize::try_from(size).map_err(|_| Unreadable::Refused(413, "the request body is too large"));
            }
            Ok(httparse::Status::Partial) if inbox.len() < 4096 => {
                if stream.read_buf(inbox).await? == 0 {
                    return Err(Unreadable::Gone);
                }
            }
            _ => return Err(Unreadable::Refused(400, "a chunk size is not a number")),
        }
    }
}

/// Reads the fields behind the last chunk away, up to the empty line.
async fn skip_trailer<R: AsyncRead + Unpin>(stream: &mut R, inbox: &mut BytesMut, limits: &Limits) -> Result<(), Unreadable> {
    let mut spent = 0;
    loop {
        while let Some(end) = inbox.windows(2).position(|pair| pair == b"\r\n") {
            inbox.advance(end + 2);
            spent += end + 2;
            if end == 0 {
                return Ok(());
            }
        }
        if spent + inbox.len() > limits.head {
            return Err(Unreadable::Refused(431, "the trailer is too large"));
        }
        if stream.read_buf(inbox).await? == 0 {
            return Err(Unreadable::Gone);
        }
    }
}
