//! Against scripted servers, over real sockets on the loopback.

mod login;
mod secure;
mod sound;

use super::*;
use crate::{
    auth::Secret,
    http::scripted::{Heard, Scripted, reply},
};

fn login() -> Login {
    Login { user: "CONTOSO\\svc".into(), password: Secret::new("hunter2") }
}

fn settings(server: &Scripted) -> Settings {
    Settings::new(Url::parse(&format!("http://{}/EWS/Exchange.asmx", server.address)).unwrap())
}

fn transport(settings: Settings, credentials: Credentials) -> Transport {
    Transport::with_environment(settings, credentials, |_| None).unwrap()
}

fn basic(server: &Scripted) -> Transport {
    transport(settings(server), Credentials::Basic(login()))
}

fn outgoing() -> Outgoing {
    Outgoing { body: Bytes::from_static(b"<Envelope/>"), anchor: Some("a@example.com".into()), inactivity: None }
}

/// Sends, reads to the end, accepts.
async fn ask(transport: &Transport) -> Result<String, TransportError> {
    let mut answer = transport.send(outgoing()).await?;
    let text = answer.body.excerpt(usize::MAX).await;
    answer.body.accept().await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// On which connections requests arrived.
fn connections(server: &Scripted) -> Vec<usize> {
    server.heard().iter().map(|heard| heard.connection).collect()
}
