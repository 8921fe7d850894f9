//! From a host name to a stream that HTTP can be spoken on: name look-up, TCP, proxy, TLS.

use std::{io, net::SocketAddr, time::Duration};

use openssl::ssl::SslConnector;
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout, timeout_at},
};
use url::Url;

use super::{
    Kind, Phase, Settings, SetupError, TransportError,
    io::Io,
    proxy::{self, Proxy},
    tls,
};
use crate::auth::ntlm::Binding;

/// A peer that vanished without a word is noticed after about two minutes, also under a request that hangs by design.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEPALIVE_PROBES: u32 = 3;

/// Makes connections to one endpoint.
pub struct Dialer {
    host: String,
    port: u16,
    proxy: Option<Proxy>,
    tls: Option<SslConnector>,
    verify: bool,
    limit: Duration,
}

impl Dialer {
    /// A dialer for the settings' endpoint; `variable` reads the environment.
    pub fn new(settings: &Settings, variable: impl Fn(&str) -> Option<String>) -> Result<Self, SetupError> {
        let endpoint: &Url = &settings.endpoint;
        let wrong = |cause: String| SetupError::new("ews_endpoint", cause);
        let tls = match endpoint.scheme() {
            "https" => Some(tls::connector(settings)?),
            "http" => None,
            other => return Err(wrong(format!("it begins with {other}://, but EWS is reached by https:// or http://"))),
        };
        if !endpoint.username().is_empty() || endpoint.password().is_some() {
            return Err(wrong("it holds a login, which belongs into auth_user and auth_password".to_owned()));
        }
        let host = endpoint.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it names no host".to_owned()))?;
        let port = endpoint.port_or_known_default().unwrap_or(443);
        let proxy = proxy::proxy_for(endpoint, variable)?;
        Ok(Self { host: proxy::bare(host), port, proxy, tls, verify: settings.verify, limit: settings.connect })
    }

    /// The endpoint's host, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// A new connection, and the channel binding of its TLS, if it has one.
    pub async fn dial(&self) -> Result<(Io, Option<Binding>), TransportError> {
        let Ok(outcome) = timeout(self.limit, self.connect()).await else {
            let cause = format!("no connection to {}:{} within {} s", self.host, self.port, self.limit.as_secs());
            return Err(
                TransportError::new(Kind::Timeout(Phase::Connect), cause).hint("is the host right, and does a firewall let us through?")
            );
        };
        outcome
    }

    async fn connect(&self) -> Result<(Io, Option<Binding>), TransportError> {
        let mut stream: Io = match &self.proxy {
            None => Box::new(tcp(&self.host, self.port, self.limit).await?),
            Some(proxy) => {
                let reached = tcp(&proxy.host, proxy.port, self.limit).await;
                let mut stream: Io = Box::new(reached.map_err(|error| {
                    TransportError::new(Kind::Proxy { fatal: false }, format!("no connection to the {}: {}", proxy.name(), error.cause))
                })?);
                proxy.tunnel(&mut stream, &self.host, self.port).await?;
                stream
            }
        };
        let mut binding = None;
        if let Some(connector) = &self.tls {
            (stream, binding) = tls::handshake(connector, self.verify, &self.host, stream).await?;
        }
        Ok((stream, binding))
    }
}

/// TCP to the first address that answers. Each address has its share of the time, so that a dead first one does not use it up.
async fn tcp(host: &str, port: u16, limit: Duration) -> Result<TcpStream, TransportError> {
    let no_name = |cause: String| {
        TransportError::new(Kind::Dns, format!("the name {host} has no address: {cause}"))
            .hint("check the host in ews_endpoint and the DNS")
    };
    let addresses: Vec<SocketAddr> = lookup_host((host, port)).await.map_err(|error| no_name(error.to_string()))?.collect();
    let mut failure = None;
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let end = Instant::now() + limit;
    for address in addresses {
        let share = end.saturating_duration_since(Instant::now()) / left.max(1);
        left = left.saturating_sub(1);
        match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                tune(&stream);
                return Ok(stream);
            }
            Ok(Err(error)) => failure = Some(unreachable(host, address, &error)),
            Err(_) => {
                let cause = format!("{host} ({address}) does not answer");
                failure = Some(TransportError::new(Kind::Timeout(Phase::Connect), cause).hint("does a firewall let us through?"));
            }
        }
    }
    Err(failure.unwrap_or_else(|| no_name("the answer is empty".to_owned())))
}

fn unreachable(host: &str, address: SocketAddr, error: &io::Error) -> TransportError {
    let cause = match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("{host} ({address}) refuses the connection"),
        _ => format!("no connection to {host} ({address}): {error}"),
    };
    TransportError::new(Kind::Connect, cause).hint("check the server's address and port in the configuration")
}

/// A socket that refuses an option still works, so failures do not count.
fn tune(stream: &TcpStream) {
    use rustix::net::sockopt;
    let _ = stream.set_nodelay(true);
    let _ = sockopt::set_socket_keepalive(stream, true);
    let _ = sockopt::set_tcp_keepidle(stream, KEEPALIVE_IDLE);
    let _ = sockopt::set_tcp_keepintvl(stream, KEEPALIVE_INTERVAL);
    let _ = sockopt::set_tcp_keepcnt(stream, KEEPALIVE_PROBES);
}
