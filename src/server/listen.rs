//! The port, and the connections to it.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{Settings, routes, timed::Timed};
use crate::watch::Hands;

/// Connections at a time. Half of them may be watchers of events; others than these wait until one ends, which takes no longer than the times below.
const CONNECTIONS: usize = 128;

/// A request's head must be there within this time, also the next one's of a kept connection.
const HEAD: Duration = Duration::from_secs(10);

/// A head's most bytes, and about what hyper keeps of an answer beside the piece that is being sent.
const BUFFER: usize = 16 << 10;

/// Whoever takes nothing of an answer for so long is gone.
const TAKES_NOTHING: Duration = Duration::from_secs(30);

/// Answers under way at the end are given so long.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A port that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("listening on {address} failed: {}", cause(source))]
pub struct Unbound {
    address: SocketAddr,
    source: io::Error,
}

/// What is the matter, and what helps.
fn cause(error: &io::Error) -> String {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => "; another program has this port: name another one in --bind",
        io::ErrorKind::AddrNotAvailable => "; no interface of this machine has this address: for all of them use 0.0.0.0 or [::] in --bind",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege: name a higher one in --bind",
        _ => "",
    };
    format!("{error}{hint}")
}

/// A port that is ours. Whoever connects waits until it is served.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
}

/// Takes the port.
pub async fn bind(address: SocketAddr) -> Result<Listening, Unbound> {
    let unbound = |source| Unbound { address, source };
    let listener = TcpListener::bind(address).await.map_err(unbound)?;
    let address = listener.local_addr().map_err(unbound)?;
    Ok(Listening { listener, address })
}

impl Listening {
    /// Where it listens; with the port that the system chose if it was asked to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until [`stop`](Serving::stop) or the drop of what this returns.
    pub fn serve(self, settings: Settings) -> Serving {
        let ending = CancellationToken::new();
        let shared = Arc::new(routes::Shared::new(settings, ending.clone()));
        let task = tokio::spawn(accept(self.listener, routes::routes(shared.clone()), ending.clone()));
        Serving { shared, ending, task }
    }
}

/// A server at work; dropped it ends at once.
pub struct Serving {
    shared: Arc<routes::Shared>,
    ending: CancellationToken,
    task: JoinHandle<()>,
}

impl Serving {
    /// The work begins: what is asked is done by these hands, and from now on a board without mailboxes means that there are none, and not that they are
    /// yet to come.
    pub fn begun(&self, hands: Arc<dyn Hands>) {
        self.shared.begin(hands);
    }

    /// Tells all watchers the last state, and ends.
    pub async fn stop(mut self) {
        self.ending.cancel();
        // It was not cancelled, and what it runs does not panic.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, routes: Router, ending: CancellationToken) {
    let seats = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let next = async || {
        let seat = seats.clone().acquire_owned().await;
        (seat, listener.accept().await)
    };
    loop {
        tokio::select! {
            () = ending.cancelled() => break,
            (seat, accepted) = next() => match accepted {
                Ok((stream, _)) => {
                    let connection = connection(stream, routes.clone(), ending.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(seat);
                    });
                }
                Err(error) => {
                    // Such as too many open files, which goes by.
                    tracing::debug!(%error, "taking a watcher's connection failed");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    let rest = async { while connections.join_next().await.is_some() {} };
    // Those who take nothing are cut off with the set.
    let _ = timeout(LAST_WORDS, rest).await;
}

fn connection(stream: TcpStream, routes: Router, ending: CancellationToken) -> impl Future<Output = ()> {
    // Events are small and are to arrive at once.
    let _ = stream.set_nodelay(true);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(Timed::new(stream, TAKES_NOTHING)), TowerToHyperService::new(routes));
    async move {
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = ending.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            // A matter of whoever watches: they go away in the middle of things.
            tracing::debug!(%error, "a watcher's connection ended");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_that_is_taken_is_told_with_what_helps() {
        let first = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        assert_ne!(first.address().port(), 0);
        let refused = bind(first.address()).await.unwrap_err().to_string();
        let expected = format!("listening on {} failed: ", first.address());
        assert!(refused.starts_with(&expected) && refused.contains("another program has this port"), "{refused}");
        let elsewhere = bind("192.0.2.1:0".parse().unwrap()).await.unwrap_err().to_string();
        assert!(elsewhere.contains("no interface of this machine"), "{elsewhere}");
    }
}
