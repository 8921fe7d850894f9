//! How the server listens and whom it lets in: what is not part of the world it serves.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Extended Protection for Authentication, as the IIS setting of a virtual directory (RFC 5929, MS-NLMP 3.2.5.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum ExtendedProtection {
    /// Channel bindings are not looked at.
    Off,
    /// A channel binding that is there must be right.
    #[default]
    Allowed,
    /// A right channel binding must be there, wherever the connection is TLS.
    Required,
}

/// A way to log in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum AuthScheme {
    /// `Negotiate`, carrying NTLM.
    Negotiate,
    /// `NTLM`.
    Ntlm,
    /// `Basic`.
    Basic,
    /// `Bearer`, with tokens of this server's own token endpoint.
    Bearer,
}

/// How the server listens and whom it lets in.
#[derive(Clone, Debug)]
pub struct Options {
    /// The plain address (port 0 for any).
    pub listen: SocketAddr,
    /// The TLS address; `None` for no TLS.
    pub tls_listen: Option<SocketAddr>,
    /// More host names for the certificate.
    pub names: Vec<String>,
    /// Where the certificates are written as PEM (`ca.pem`, `server.pem`).
    pub cert_dir: Option<PathBuf>,
    /// The admin API's address; `None` for no admin API.
    pub admin: Option<SocketAddr>,
    /// Where traffic is recorded.
    pub record: Option<PathBuf>,
    /// Extended Protection.
    pub extended_protection: ExtendedProtection,
    /// Ways to log in, in the order they are offered.
    pub auth: Vec<AuthScheme>,
    /// The largest request body taken, in bytes.
    pub max_request: u64,
    /// Silence on a kept-alive connection before it is closed.
    pub idle: Duration,
    /// The pause between two heartbeats of a streaming connection (Exchange: 45 s).
    pub heartbeat: Duration,
    /// Life of a token.
    pub token_life: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let any = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        Self {
            listen: any,
            tls_listen: None,
            names: Vec::new(),
            cert_dir: None,
            admin: None,
            record: None,
            extended_protection: ExtendedProtection::default(),
            auth: vec![AuthScheme::Negotiate, AuthScheme::Ntlm, AuthScheme::Basic, AuthScheme::Bearer],
            max_request: 50 << 20,
            idle: Duration::from_secs(120),
            heartbeat: Duration::from_secs(45),
            token_life: Duration::from_secs(3599),
        }
    }
}
