//! An HTTP/1.1 server written out by hand.
//!
//! The simulator must be able to break a response at any byte: cut it, reset it, stall it, answer twice. A library server hides exactly
//! those bytes, so this one parses heads with `httparse` and does the rest itself (RFC 9110, RFC 9112): persistent connections, both body
//! framings, `Expect: 100-continue`, limits, time-outs and a graceful end.
//!
//! A room that answers requests implements [`Service`]; [`Server`] runs it on a socket, plain or over TLS.

mod connection;
mod date;
mod gzip;
mod headers;
mod intake;
mod read;
mod request;
mod response;
mod server;
mod stream;
pub mod tls;
mod write;

pub use connection::{Limits, Peer, Service};
pub use date::http_date;
pub(crate) use gzip::compress;
pub use headers::Headers;
pub(crate) use headers::is_secret;
pub use intake::{Intake, Spooled};
pub use request::{ConnectionId, Request, form_pairs, percent_decode};
pub use response::{Body, Ending, Framing, Response, Wire};
pub use server::{Server, ServerHandle};
pub(crate) use write::{body_stream, reason};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
