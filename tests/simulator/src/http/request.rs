//! One request, whole.

use super::{Headers, Spooled};
use bytes::Bytes;

/// Numbers a connection for as long as the process lives; what is bound to a connection (NTLM) is bound to this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// A request with its whole body, which is bounded by [`Limits::body`](super::Limits::body).
#[derive(Clone, Debug)]
pub struct Request {
    /// The method as sent, such as `POST`.
    pub method: String,
    /// The path without the query, percent-encoding kept.
    pub path: String,
    /// What follows the question mark, if there was one.
    pub query: Option<String>,
    /// The header fields.
    pub headers: Headers,
    /// The body with its transfer coding taken off; empty where it went to a file.
    pub body: Bytes,
    /// The body where it went to a file, which it does only where the room asked for it.
    pub spooled: Option<Spooled>,
    /// The connection it came over.
    pub connection: ConnectionId,
    /// Whether it came over TLS.
    pub tls: bool,
}

impl Request {
    /// The first value of a header field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.value(name)
    }

    /// The first value of a query parameter, decoded; the name compares without regard to case, as Exchange does.
    pub fn query_value(&self, name: &str) -> Option<String> {
        form_pairs(self.query.as_deref().unwrap_or_default())
            .into_iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// Whether the path is `path`, without regard to case (IIS does not regard it).
    pub fn is_at(&self, path: &str) -> bool {
        self.path.eq_ignore_ascii_case(path)
    }

    /// Bytes of the body, wherever it is.
    pub fn length(&self) -> u64 {
        self.spooled.as_ref().map_or(self.body.len() as u64, Spooled::len)
    }

    /// The body as text, damaged UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// `http://host:port` or `https://host:port` as the client named this server.
    pub fn origin(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.header("host").unwrap_or("localhost"))
    }
}

/// Splits `a=1&b=2` (a query or an `application/x-www-form-urlencoded` body) into decoded pairs.
pub fn form_pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let decode = |text: &str| percent_decode(&text.replace('+', " "));
            (decode(key), decode(value))
        })
        .collect()
}

/// Undoes percent-encoding; what is not a valid triplet stays as it is, and damaged UTF-8 is replaced.
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        let triplet = match (first, tail) {
            (b'%', [high, low, ..]) => hex_digit(*high).zip(hex_digit(*low)),
            _ => None,
        };
        match triplet {
            Some((high, low)) => {
                out.push(high << 4 | low);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
