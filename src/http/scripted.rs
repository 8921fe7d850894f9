//! For tests: a server that says what a script tells it to, over real sockets.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use openssl::ssl::{Ssl, SslContext};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_openssl::SslStream;

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Heard {
    /// On which connection, counted from 0.
    pub connection: usize,
    /// The how-many-th on it, counted from 0.
    pub turn: usize,
    /// Request line and headers.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Heard {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let find = |line: &'_ &str| line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name));
        self.head.lines().find(find).and_then(|line| line.split_once(':')).map(|(_, value)| value.trim())
    }
}

/// What to say; nothing at all closes the connection.
pub type Reply = Vec<u8>;

/// A complete answer.
pub fn reply(status: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The server.
pub struct Scripted {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Scripted {
    /// Starts one that speaks plainly.
    pub async fn start(script: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(None, script).await
    }

    /// Starts one, behind TLS if there is a context.
    pub async fn listen(tls: Option<SslContext>, script: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let (script, log) = (Arc::new(script), Arc::clone(&heard));
        tokio::spawn(async move {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, log, tls) = (Arc::clone(&script), Arc::clone(&log), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => converse(stream, connection, &*script, &log).await,
                        Some(context) => {
                            let mut stream = SslStream::new(Ssl::new(&context).unwrap(), stream).unwrap();
                            if std::pin::Pin::new(&mut stream).accept().await.is_ok() {
                                converse(stream, connection, &*script, &log).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, heard }
    }

    /// All requests so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    script: impl Fn(&Heard) -> Reply,
    log: &Mutex<Vec<Heard>>,
) {
    let mut stream = BufReader::new(stream);
    for turn in 0.. {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if !stream.read_line(&mut head).await.is_ok_and(|length| length > 0) {
                return;
            }
        }
        let mut heard = Heard { connection, turn, head, body: String::new() };
        let length = heard.header("content-length").map_or(0, |text| text.parse().unwrap());
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        heard.body = String::from_utf8(body).unwrap();
        let reply = script(&heard);
        log.lock().unwrap().push(heard);
        if reply.is_empty() || stream.write_all(&reply).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}
