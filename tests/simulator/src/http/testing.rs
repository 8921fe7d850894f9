//! A client for tests that sees every byte.

use super::{Headers, Peer, Request, Response, Server, ServerHandle, Service};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Any byte stream.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Bytes for T {}

/// One connection.
pub(crate) struct Wire {
    stream: Box<dyn Bytes>,
    inbox: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.value(name).unwrap_or_default()
    }
}

impl Wire {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }

    pub(crate) fn over(stream: impl Bytes + 'static) -> Self {
        Self { stream: Box::new(stream), inbox: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Sends a POST with these further header lines and reads the answer.
    pub(crate) async fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let fields: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.send(format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: {}\r\n\r\n{body}", body.len())).await;
        self.answer().await.unwrap()
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.inbox).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    pub(crate) async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.inbox.windows(2).position(|pair| pair == b"\r\n") {
                let line: Vec<u8> = self.inbox.drain(..end + 2).take(end).collect();
                return Ok(String::from_utf8(line).unwrap());
            }
            self.more().await?;
        }
    }

    async fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.inbox.len() < length {
            self.more().await?;
        }
        Ok(self.inbox.drain(..length).collect())
    }

    /// Reads one chunk; none for the last.
    pub(crate) async fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let size = usize::from_str_radix(&self.line().await?, 16).unwrap();
        let chunk = self.exactly(size).await?;
        assert_eq!(self.line().await?, "");
        Ok((size > 0).then_some(chunk))
    }

    pub(crate) async fn head(&mut self) -> io::Result<(u16, Headers)> {
        let status = self.line().await?;
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Headers::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(": ") else {
                return Ok((status, headers));
            };
            headers.push(name, value);
        }
    }

    /// Reads one whole response.
    pub(crate) async fn answer(&mut self) -> io::Result<Answer> {
        let (status, headers) = self.head().await?;
        let mut body = Vec::new();
        if headers.value("transfer-encoding").is_some() {
            while let Some(chunk) = self.chunk().await? {
                body.extend(chunk);
            }
        } else if let Some(length) = headers.value("content-length") {
            body = self.exactly(length.parse().unwrap()).await?;
        } else if headers.has_token("connection", "close") {
            body = self.rest().await?;
        }
        Ok(Answer { status, headers, body })
    }

    /// Everything up to the end of the connection.
    pub(crate) async fn rest(&mut self) -> io::Result<Vec<u8>> {
        while match self.more().await {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => false,
            Err(error) => return Err(error),
        } {}
        Ok(std::mem::take(&mut self.inbox))
    }

    /// Whether the connection has ended without another byte.
    pub(crate) async fn is_over(&mut self) -> bool {
        matches!(self.rest().await, Ok(rest) if rest.is_empty())
    }
}

/// A service made of a function.
pub(crate) struct Answering<F>(pub(crate) F);

impl<F: Fn(Request) -> Response + Send + Sync + 'static> Service for Answering<F> {
    type Session = ();

    async fn call(&self, request: Request, _: &Peer, (): &mut ()) -> Response {
        (self.0)(request)
    }
}

/// Serves a function on a free port.
pub(crate) async fn serving(answer: impl Fn(Request) -> Response + Send + Sync + 'static) -> ServerHandle {
    let any = "127.0.0.1:0".parse().unwrap();
    Server::bind(any).await.unwrap().start(Arc::new(Answering(answer)))
}

/// A TLS connection that trusts this authority alone.
pub(crate) async fn tls(address: SocketAddr, ca_pem: &str, name: &str) -> io::Result<impl Bytes + use<>> {
    use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(address).await?;
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(name.to_owned()).unwrap(), socket).await
}

impl Wire {
    /// Reads so many bytes away.
    pub(crate) async fn skip(&mut self, length: usize) {
        self.exactly(length).await.unwrap();
    }

    /// Reads to the end of the connection: true if no last chunk came before it.
    pub(crate) async fn chunk_or_rest(&mut self) -> bool {
        self.rest().await.map_or(true, |rest| !rest.ends_with(b"0\r\n\r\n") && !rest.ends_with(b"</s:Envelope>"))
    }
}
