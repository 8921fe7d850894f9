//! A listening socket and its connections.

use super::ConnectionId;
use super::connection::{self, Limits, Peer, Service};
use super::stream::Stream;
use super::tls::Certificate;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// How long a shutdown waits for answers under way.
const GRACE: Duration = Duration::from_secs(2);
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// Connections are numbered over all servers of the process, so that a number never means two.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A server about to run: a bound socket.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
    certificate: Option<Arc<Certificate>>,
}

/// A running server. Dropping it ends the server at once; [`ServerHandle::shutdown`] ends it gracefully.
#[derive(Debug)]
pub struct ServerHandle {
    address: SocketAddr,
    tls: bool,
    closing: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Server {
    /// Binds a socket; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, limits: Limits::default(), certificate: None })
    }

    /// Speaks TLS 1.2 and 1.3 with this certificate.
    #[must_use]
    pub fn with_tls(mut self, certificate: Arc<Certificate>) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// Sets other limits than the usual.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to serve.
    pub fn start<S: Service>(self, service: Arc<S>) -> ServerHandle {
        let (closing, watcher) = watch::channel(false);
        ServerHandle { address: self.address, tls: self.certificate.is_some(), closing, task: tokio::spawn(self.accept(service, watcher)) }
    }

    async fn accept<S: Service>(self, service: Arc<S>, mut closing: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        let limits = Arc::new(self.limits);
        loop {
            let accepted = tokio::select! {
                () = async { let _ = closing.wait_for(|closing| *closing).await; } => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((socket, address)) = accepted else {
                // Out of file descriptors: wait for connections to end.
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            let service = service.clone();
            let certificate = self.certificate.clone();
            let limits = limits.clone();
            let closing = closing.clone();
            connections.spawn(async move {
                let peer = Peer {
                    id: ConnectionId(NEXT.fetch_add(1, Ordering::Relaxed)),
                    address,
                    server_end_point: certificate.as_ref().map(|it| it.server_end_point()),
                };
                if let Some(stream) = open(socket, certificate).await {
                    connection::serve(service.as_ref(), stream, peer, &limits, closing).await;
                }
            });
        }
        drop(self.listener);
        let all = async { while connections.join_next().await.is_some() {} };
        if timeout(GRACE, all).await.is_err() {
            connections.shutdown().await;
        }
    }
}

/// Gets a socket ready for HTTP: small packets leave at once, and TLS is agreed on.
async fn open(socket: TcpStream, certificate: Option<Arc<Certificate>>) -> Option<Stream> {
    socket.set_nodelay(true).ok()?;
    let Some(certificate) = certificate else {
        return Some(Stream::Plain(socket));
    };
    let acceptor = TlsAcceptor::from(certificate.server_config());
    match timeout(HANDSHAKE, acceptor.accept(socket)).await {
        Ok(Ok(tls)) => Some(Stream::Tls(Box::new(tls))),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}

impl ServerHandle {
    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as a URL without a path, such as `https://127.0.0.1:4433`.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Ends at once, every connection with it; once this returns, the address is free.
    pub async fn kill(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    /// Takes no more connections, lets answers under way finish for two seconds, and ends.
    pub async fn shutdown(mut self) {
        let _ = self.closing.send(true);
        let _ = (&mut self.task).await;
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}
