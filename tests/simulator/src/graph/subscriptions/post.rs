//! A small HTTP/1.1 client: one POST, one connection (RFC 9112). It calls the receivers of notifications.
//!
//! Only plain `http` is spoken. Microsoft Graph insists on `https`; receivers on trial usually have no certificate that anybody trusts.

use crate::graph::address::encode;
use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The longest head and body of an answer, in bytes. Receivers have little to say.
const MOST: usize = 64 << 10;
/// The most header fields of an answer.
const FIELDS: usize = 64;

/// Where a receiver is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Host and port to connect to.
    address: String,
    /// What the field `Host` says.
    host: String,
    /// Path and query, never empty.
    path: String,
}

/// What a receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// The content type without its parameters, in small letters; empty where none is told.
    pub(super) media_type: String,
    pub(super) body: Vec<u8>,
}

impl Target {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(url: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = url.split_once("://").ok_or("it has no scheme")?;
        if !scheme.eq_ignore_ascii_case("http") {
            return Err("this server calls receivers by plain http alone");
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let path = path.split('#').next().unwrap_or_default();
        if url.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err("it holds a blank or a control character");
        }
        if host.is_empty() || host.contains('@') {
            return Err("its host is missing or has credentials before it");
        }
        let port = host.rsplit_once(']').map_or(host, |(_, after)| after).rsplit_once(':').map(|(_, port)| port);
        if port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err("its port is no number");
        }
        let address = if port.is_some() { host.to_owned() } else { format!("{host}:80") };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { address, host: host.to_owned(), path })
    }

    /// The same with one more parameter, encoded.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let joint = if self.path.contains('?') { '&' } else { '?' };
        Self { path: format!("{}{joint}{name}={}", self.path, encode(value)), ..self.clone() }
    }

    /// Posts a body and reads the answer. It takes as long as it takes: the caller knows when to lose patience.
    ///
    /// # Errors
    /// When there is no connection, or what comes over it is no answer of a sensible size.
    pub(super) async fn post(&self, media_type: &str, body: &[u8]) -> io::Result<Reply> {
        let mut stream = TcpStream::connect(&self.address).await?;
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.path,
            self.host,
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body).await?;
        stream.flush().await?;
        Answer { stream, inbox: Vec::new() }.read().await
    }
}

/// How the end of a body is told.
enum Length {
    Known(usize),
    Chunks,
    UntilClose,
}

/// What a head says.
struct Head {
    status: u16,
    media_type: String,
    length: Length,
}

struct Answer {
    stream: TcpStream,
    inbox: Vec<u8>,
}

impl Answer {
    async fn read(mut self) -> io::Result<Reply> {
        let head = loop {
            if let Some((head, used)) = parse(&self.inbox)? {
                self.inbox.drain(..used);
                // An interim answer (100 Continue, 103 Early Hints) is followed by the real one.
                if head.status >= 200 {
                    break head;
                }
                continue;
            }
            self.more().await?;
        };
        let body = match head.length {
            _ if matches!(head.status, 204 | 304) => Vec::new(),
            Length::Known(length) => self.take(length).await?,
            Length::Chunks => self.chunks().await?,
            Length::UntilClose => self.rest().await?,
        };
        Ok(Reply { status: head.status, media_type: head.media_type, body })
    }

    async fn more(&mut self) -> io::Result<()> {
        if self.inbox.len() > MOST {
            return Err(broken("the answer is too long"));
        }
        match self.stream.read_buf(&mut self.inbox).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    async fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        if length > MOST {
            return Err(broken("the answer is too long"));
        }
        while self.inbox.len() < length {
            self.more().await?;
        }
        Ok(self.inbox.drain(..length).collect())
    }

    async fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let (start, size) = loop {
                match httparse::parse_chunk_size(&self.inbox) {
                    Ok(httparse::Status::Complete((start, size))) => break (start, usize::try_from(size).unwrap_or(usize::MAX)),
                    Ok(httparse::Status::Partial) => self.more().await?,
                    Err(_) => return Err(broken("a chunk has no size")),
                }
            };
            self.inbox.drain(..start);
            if size == 0 {
                return Ok(body);
            }
            body.append(&mut self.take(size).await?);
            self.take(2).await?;
            if body.len() > MOST {
                return Err(broken("the answer is too long"));
            }
        }
    }

    async fn rest(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.more().await {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(std::mem::take(&mut self.inbox)),
                Err(error) => return Err(error),
            }
        }
    }
}

/// The head and its length, once it is whole.
fn parse(inbox: &[u8]) -> io::Result<Option<(Head, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut head = httparse::Response::new(&mut fields);
    let used = match head.parse(inbox) {
        Ok(httparse::Status::Complete(used)) => used,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(broken("that is no answer of HTTP")),
    };
    let field = |name: &str| {
        let found = head.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        found.map(|field| String::from_utf8_lossy(field.value).trim().to_ascii_lowercase())
    };
    let length = match (field("transfer-encoding"), field("content-length")) {
        (Some(coding), _) if coding.ends_with("chunked") => Length::Chunks,
        (_, Some(length)) => Length::Known(length.parse().map_err(|_| broken("the length of the answer is no number"))?),
        _ => Length::UntilClose,
    };
    let media_type = field("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
    Ok(Some((Head { status: head.code.unwrap_or_default(), media_type, length }, used)))
}

fn broken(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A receiver that answers with these bytes; the target and what came.
    async fn against(answer: &'static [u8]) -> (io::Result<Reply>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = Vec::new();
            while !seen.ends_with(b"payload") {
                stream.read_buf(&mut seen).await.unwrap();
            }
            stream.write_all(answer).await.unwrap();
            String::from_utf8(seen).unwrap()
        });
        let target = Target::parse(&format!("http://127.0.0.1:{port}/hook?a=b")).unwrap().with("validationToken", "x y&ü");
        let reply = target.post("text/plain; charset=utf-8", b"payload").await;
        (reply, served.await.unwrap())
    }

    #[tokio::test]
    async fn every_framing_is_read() {
        let cases: [(&[u8], u16, &[u8]); 5] = [
            (b"HTTP/1.1 200 OK\r\nContent-Type: Text/Plain; charset=utf-8\r\nContent-Length: 2\r\n\r\nhimore", 200, b"hi"),
            (
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n",
                200,
                b"abcd",
            ),
            (b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\nup to the end", 200, b"up to the end"),
            (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
            (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 500, b""),
        ];
        for (answer, status, body) in cases {
            let (reply, seen) = against(answer).await;
            let reply = reply.unwrap();
            assert_eq!((reply.status, reply.body.as_slice()), (status, body));
            assert_eq!(reply.media_type, if body == b"hi" { "text/plain" } else { "" });
            assert!(seen.starts_with("POST /hook?a=b&validationToken=x%20y%26%C3%BC HTTP/1.1\r\nHost: 127.0.0.1:"), "{seen}");
            assert!(seen.contains("\r\nContent-Length: 7\r\n") && seen.contains("Content-Type: text/plain"), "{seen}");
        }
    }

    #[tokio::test]
    async fn nonsense_is_an_error() {
        let cases: [&[u8]; 6] = [
            b"",
            b"nonsense\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
            b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        ];
        for answer in cases {
            assert!(against(answer).await.0.is_err(), "{}", String::from_utf8_lossy(answer));
        }
    }

    #[test]
    fn addresses_are_read_or_refused() {
        let target = Target::parse("HTTP://[::1]:8080?x").unwrap();
        assert_eq!((target.address.as_str(), target.path.as_str()), ("[::1]:8080", "/?x"));
        let target = Target::parse("http://example.com").unwrap();
        assert_eq!((target.address.as_str(), target.host.as_str(), target.path.as_str()), ("example.com:80", "example.com", "/"));
        for bad in ["", "example.com", "https://example.com/", "http://", "http:///x", "http://a@b/", "http://a:b/", "http://a/\r\nX: y"] {
            assert!(Target::parse(bad).is_err(), "{bad}");
        }
    }
}
