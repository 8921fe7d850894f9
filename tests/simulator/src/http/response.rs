//! One response, and how its bytes are to be laid on the wire.

use super::Headers;
use bytes::Bytes;
use futures::stream::BoxStream;
use std::time::Duration;
use std::{fmt, io};

/// The body of a response.
pub enum Body {
    /// Known whole; sent with a `Content-Length`.
    Full(Bytes),
    /// Made as it is sent; each item is flushed when it comes, as one HTTP chunk. An error cuts the connection.
    Stream(BoxStream<'static, io::Result<Bytes>>),
}

impl Default for Body {
    fn default() -> Self {
        Self::Full(Bytes::new())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(bytes) => write!(f, "Full({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}

/// How the end of a body is told to the client (RFC 9112 section 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length` for a full body, chunks for a stream.
    #[default]
    Natural,
    /// Chunks, whatever the body is.
    Chunked,
    /// No length at all: the end of the connection ends the body.
    UntilClose,
    /// A `Content-Length` of this many bytes, true or not.
    Declared(u64),
}

/// What happens once [`Wire::stop_after`] bytes of the body are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// The connection is closed in the ordinary way, with the body unfinished.
    #[default]
    Cut,
    /// The connection is reset (RST).
    Reset,
    /// Nothing more comes, for ever; the connection stays open until the client or the simulator ends it.
    Stall,
    /// The body ends here as if it were whole: its framing is finished properly and the connection lives.
    Finish,
}

/// Ways to lay a response on the wire that no well-behaved server needs. The default is a well-behaved response.
#[derive(Clone, Debug, Default)]
pub struct Wire {
    /// How the end of the body is told.
    pub framing: Framing,
    /// Stop after this many bytes of the body (0: after the head), in the way `ending` says.
    pub stop_after: Option<u64>,
    /// What stopping means.
    pub ending: Ending,
    /// The head is not sent either: with `stop_after` 0 the client sees the connection end with no response at all.
    pub no_head: bool,
    /// No more of the head is sent than this, and its last byte never.
    pub head_stops_after: Option<usize>,
    /// Split the body into chunks of 1 to this many bytes, each flushed; makes the framing chunked.
    pub tiny_chunks: Option<usize>,
    /// Raw bytes written straight after the response.
    pub epilogue: Option<Bytes>,
    /// Once the response is out and the connection has been idle this long, send `408 Request Timeout` unasked and close.
    pub timeout_notice: Option<Duration>,
    /// End the connection after this response, and say so in `Connection: close`.
    pub close: bool,
    /// End the connection after this response without having said so.
    pub vanish: bool,
}

/// A response. Build it with [`Response::new`] and the methods that follow it.
#[derive(Debug, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields; `Content-Length`, `Transfer-Encoding`, `Connection` and `Date` are added when it is written.
    pub headers: Headers,
    /// The body.
    pub body: Body,
    /// Departures from good manners, for faults.
    pub wire: Wire,
}

impl Response {
    /// An empty response of this status.
    pub fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push(name, value);
        self
    }

    /// Sets a whole body.
    #[must_use]
    pub fn bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Body::Full(body.into());
        self
    }

    /// Sets a body made as it is sent.
    #[must_use]
    pub fn stream(mut self, body: BoxStream<'static, io::Result<Bytes>>) -> Self {
        self.body = Body::Stream(body);
        self
    }

    /// Ends the connection after this response.
    #[must_use]
    pub fn closing(mut self) -> Self {
        self.wire.close = true;
        self
    }

    /// A whole XML document as Exchange sends it: `text/xml; charset=utf-8`.
    pub fn xml(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status).header("Content-Type", "text/xml; charset=utf-8").bytes(body)
    }

    /// An XML document made as it is sent.
    pub fn xml_stream(status: u16, body: BoxStream<'static, io::Result<Bytes>>) -> Self {
        Self::new(status).header("Content-Type", "text/xml; charset=utf-8").stream(body)
    }

    /// A JSON document.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status).header("Content-Type", "application/json; charset=utf-8").bytes(body.to_string())
    }

    /// A line of plain text.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self::new(status).header("Content-Type", "text/plain; charset=utf-8").bytes(body.into())
    }

    /// An HTML page, as IIS and proxies in front of it answer when Exchange itself does not.
    pub fn html(status: u16, body: impl Into<String>) -> Self {
        Self::new(status).header("Content-Type", "text/html; charset=utf-8").bytes(body.into())
    }
}
