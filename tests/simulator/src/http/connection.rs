//! One connection: requests in, responses out, one after the other.

use super::read::{Unreadable, read_body, read_head};
use super::stream::Stream;
use super::write::{Fate, Outlet, Wanted};
use super::{ConnectionId, Intake, Request, Response};
use bytes::BytesMut;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// What a client may ask of a connection.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a request head. 64 KiB, room for the largest Kerberos ticket.
    pub head: usize,
    /// Bytes of a request body. 35,000,000, as Exchange's own web.config has it.
    pub body: usize,
    /// How long a connection may be idle between requests before it is closed. 120 s, as IIS has it.
    pub idle: Duration,
    /// How long a request may take to arrive once begun. 120 s.
    pub arrival: Duration,
    /// How long a client may refuse to read any byte. 300 s.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 64 * 1024,
            body: 35_000_000,
            idle: Duration::from_secs(120),
            arrival: Duration::from_secs(120),
            patience: Duration::from_secs(300),
        }
    }
}

/// The other end of a connection.
#[derive(Clone, Debug)]
pub struct Peer {
    /// This connection's number.
    pub id: ConnectionId,
    /// The client's address.
    pub address: SocketAddr,
    /// The hash of the server's own certificate that a channel binding of type `tls-server-end-point` must name (RFC 5929 section 4);
    /// absent without TLS.
    pub server_end_point: Option<Arc<[u8]>>,
}

/// A room that answers requests.
pub trait Service: Send + Sync + 'static {
    /// What the room remembers of one connection, such as who has authenticated on it.
    type Session: Default + Send;

    /// How the body of a request is taken, decided by its head: `head` has no body yet.
    fn intake(&self, _head: &Request) -> Intake {
        Intake::default()
    }

    /// Answers one request.
    fn call<'a>(&'a self, request: Request, peer: &'a Peer, session: &'a mut Self::Session) -> impl Future<Output = Response> + Send + 'a;
}

/// Serves one connection to its end. `closing` turns true when the server shuts down: an idle connection then ends at once.
pub(super) async fn serve<S: Service>(service: &S, mut stream: Stream, peer: Peer, limits: &Limits, mut closing: watch::Receiver<bool>) {
    let mut session = S::Session::default();
    let mut inbox = BytesMut::new();
    let mut notice = None;
    loop {
        if inbox.is_empty() {
            let began = tokio::select! {
                began = first_byte(&mut stream, &mut inbox, limits.idle, notice.take()) => began,
                () = async { let _ = closing.wait_for(|closing| *closing).await; } => false,
            };
            if !began {
                return end(stream, Fate::Close).await;
            }
        }
        let arrival = timeout(limits.arrival, async {
            let head = read_head(&mut stream, &mut inbox, limits).await?;
            let wanted =
                Wanted { head_only: head.method == "HEAD", ancient: head.ancient, keep_alive: head.wants_more() && !*closing.borrow() };
            let mut request = head.into_request(peer.id, peer.server_end_point.is_some());
            let mut intake = service.intake(&request);
            let taken = read_body(&mut stream, &mut inbox, &request.headers, limits, &mut intake).await?;
            (request.body, request.spooled) = (taken.bytes, taken.spooled);
            Ok((wanted, request, intake))
        });
        let (wanted, request, intake) = match arrival.await {
            Ok(Ok(arrived)) => arrived,
            Ok(Err(Unreadable::Gone)) => return,
            Ok(Err(Unreadable::Refused(status, why))) => {
                return refuse(stream, inbox, limits, Response::text(status, why)).await;
            }
            Ok(Err(Unreadable::Answered(response))) => return refuse(stream, inbox, limits, *response).await,
            Err(_) => return refuse(stream, inbox, limits, Response::text(408, "the request came too slowly")).await,
        };
        let response = service.call(request, &peer, &mut session).await;
        drop(intake);
        notice = response.wire.timeout_notice;
        let mut outlet = Outlet::new(&mut stream, &mut inbox, limits.patience);
        match outlet.respond(response, wanted).await {
            Ok(Fate::KeepAlive) => {}
            Ok(fate) => return end(stream, fate).await,
            Err(_) => return,
        }
    }
}

/// Waits for the next request to begin. False when the connection is to be closed instead.
async fn first_byte(stream: &mut Stream, inbox: &mut BytesMut, idle: Duration, notice: Option<Duration>) -> bool {
    let wait = notice.unwrap_or(idle);
    match timeout(wait, stream.read_buf(inbox)).await {
        Ok(Ok(count)) => count > 0,
        Ok(Err(_)) => false,
        Err(_) => {
            if notice.is_some() {
                let text = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                let _ = stream.write_all(text).await;
            }
            false
        }
    }
}

async fn refuse(mut stream: Stream, mut inbox: BytesMut, limits: &Limits, response: Response) {
    let wanted = Wanted { head_only: false, ancient: false, keep_alive: false };
    let mut outlet = Outlet::new(&mut stream, &mut inbox, limits.patience);
    if outlet.respond(response, wanted).await.is_ok() {
        end(stream, Fate::Close).await;
    }
}

/// Ends the connection. A proper close waits a moment for what the client still sends, since closing over unread bytes would reset the
/// connection and could lose the response.
async fn end(mut stream: Stream, fate: Fate) {
    match fate {
        Fate::Reset => {
            let _ = stream.close_by_reset();
        }
        Fate::Drop => {}
        Fate::KeepAlive | Fate::Close => {
            if stream.shutdown().await.is_err() {
                return;
            }
            let until = Instant::now() + Duration::from_secs(1);
            let mut rest = BytesMut::with_capacity(4096);
            while Instant::now() < until {
                rest.clear();
                match timeout(Duration::from_millis(500), stream.read_buf(&mut rest)).await {
                    Ok(Ok(count)) if count > 0 => {}
                    _ => return,
                }
            }
        }
    }
}
