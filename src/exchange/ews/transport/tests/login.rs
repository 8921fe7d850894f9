//! 401 under each scheme. What an NTLM server of other hands says is tested in `tests/ntlm_acceptor.rs`.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::*;

/// A challenge without target information: enough to see the legs.
fn challenge() -> String {
    let flags = 0x0000_0001u32 | 0x0000_0200;
    let message = [&b"NTLMSSP\0"[..], &[2, 0, 0, 0], &[0; 8], &flags.to_le_bytes(), b"nonce123", &[0; 16]].concat();
    BASE64_STANDARD.encode(message)
}

fn ntlm(server: &Scripted) -> Transport {
    transport(settings(server), Credentials::Ntlm(login()))
}

/// The type of the NTLM message a request carries.
fn leg(heard: &Heard) -> Option<u8> {
    let token = heard.header("authorization")?.split_once(' ')?.1;
    BASE64_STANDARD.decode(token).ok()?.get(8).copied()
}

fn respond(heard: &Heard, name: &str, last: &str) -> Vec<u8> {
    match leg(heard) {
        Some(1) => {
            reply("401 No", &[("WWW-Authenticate", &format!("{name} {}", challenge())), ("Set-Cookie", "lb=7")], "<html>who?</html>")
        }
        _ => reply(last, &[], "x"),
    }
}

#[tokio::test]
async fn ntlm_logs_in_a_connection_once_and_sends_the_body_with_the_last_leg() {
    for name in ["NTLM", "Negotiate"] {
        let server = Scripted::start(move |heard| respond(heard, name, "200 OK")).await;
        let transport = ntlm(&server);
        ask(&transport).await.unwrap();
        ask(&transport).await.unwrap();
        let heard = server.heard();
        assert_eq!(heard.iter().map(leg).collect::<Vec<_>>(), [Some(1), Some(3), None]);
        assert_eq!(heard.iter().map(|heard| heard.header("content-length").unwrap()).collect::<Vec<_>>(), ["0", "11", "11"]);
        assert_eq!(heard[1].header("cookie"), Some("lb=7"));
        assert_eq!(connections(&server), [0, 0, 0]);
    }
}

#[tokio::test]
async fn a_server_that_knows_only_negotiate_is_asked_by_that_name() {
    let server = Scripted::start(|heard| match heard.header("authorization") {
        Some(value) if value.starts_with("Negotiate") => respond(heard, "Negotiate", "200 OK"),
        _ => reply("401 No", &[("WWW-Authenticate", "Negotiate"), ("WWW-Authenticate", "Basic realm=\"x\"")], ""),
    })
    .await;
    ask(&ntlm(&server)).await.unwrap();
    assert_eq!(connections(&server), [0, 0, 0]);
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_however_many_ask() {
    let server = Scripted::start(|heard| respond(heard, "NTLM", "401 No")).await;
    let transport = ntlm(&server);
    let outcomes = futures::future::join_all((0..5).map(|_| ask(&transport))).await;
    for outcome in outcomes {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind, error.passing()), (Kind::Unauthorized { worked: false }, false));
        assert!(error.retry_after.is_some() && !error.to_string().contains("hunter2"));
    }
    assert_eq!(server.heard().iter().filter(|heard| leg(heard) == Some(3)).count(), 1);
}

#[tokio::test]
async fn many_at_once_share_the_first_login_and_the_connections() {
    let server = Scripted::start(|heard| respond(heard, "NTLM", "200 OK")).await;
    let transport = transport(Settings { connections: 4, ..settings(&server) }, Credentials::Ntlm(login()));
    let outcomes = futures::future::join_all((0..40).map(|_| ask(&transport))).await;
    assert!(outcomes.iter().all(Result::is_ok));
    let logins = server.heard().iter().filter(|heard| leg(heard) == Some(3)).count();
    assert!((1..=4).contains(&logins), "{logins}");
    assert_eq!(server.heard().len(), 40 + logins);
}

#[tokio::test]
async fn a_login_that_ran_out_is_renewed_on_a_new_connection() {
    let server = Scripted::start(|heard| match (heard.connection, heard.turn) {
        (0, 2) => reply("401 No", &[("WWW-Authenticate", "NTLM")], ""),
        _ => respond(heard, "NTLM", "200 OK"),
    })
    .await;
    let transport = ntlm(&server);
    ask(&transport).await.unwrap();
    ask(&transport).await.unwrap();
    assert_eq!(connections(&server), [0, 0, 0, 1, 1]);
}

#[tokio::test]
async fn no_ntlm_and_a_connection_closed_between_the_legs_are_told_apart() {
    let server = Scripted::start(|_| reply("401 No", &[("WWW-Authenticate", "Bearer, Basic realm=\"x\"")], "")).await;
    let error = ask(&ntlm(&server)).await.unwrap_err();
    assert!(error.to_string().contains("offers Bearer, Basic"), "{error}");

    let closing = [("WWW-Authenticate", format!("NTLM {}", challenge())), ("Connection", "close".to_owned())];
    let server = Scripted::start(move |_| reply("401 No", &closing.each_ref().map(|(name, value)| (*name, value.as_str())), "")).await;
    let error = ask(&ntlm(&server)).await.unwrap_err();
    assert_eq!(error.kind, Kind::Cut, "{error}");
}

#[tokio::test]
async fn junk_for_a_challenge_is_an_error() {
    for junk in ["NTLM TlRMTVNTUAAC", "NTLM TlRMTVNTUAACAAAA//////////8="] {
        let server = Scripted::start(move |_| reply("401 No", &[("WWW-Authenticate", junk)], "")).await;
        let error = ask(&ntlm(&server)).await.unwrap_err();
        assert_eq!(error.kind, Kind::Protocol, "{error}");
    }
}

#[tokio::test]
async fn a_busy_server_answers_the_first_leg() {
    let server = Scripted::start(|_| reply("503 Busy", &[("Retry-After", "9")], "")).await;
    let answer = ntlm(&server).send(outgoing()).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.headers["retry-after"].to_str().unwrap()), (503, "9"));
}

#[tokio::test]
async fn basic_is_refused_at_once_and_then_not_sent() {
    let server = Scripted::start(|_| reply("401 No", &[("WWW-Authenticate", "NTLM")], "")).await;
    let transport = basic(&server);
    let error = ask(&transport).await.unwrap_err();
    assert!(error.to_string().contains("offers NTLM"), "{error}");
    assert!(ask(&transport).await.unwrap_err().to_string().contains("it was not asked again"));
    assert_eq!(server.heard().len(), 1);
}

async fn oauth(server: &Scripted) -> (Scripted, Transport) {
    let issuer = Scripted::start(|heard| reply("200 OK", &[], &format!(r#"{{"access_token":"t{}","expires_in":3600}}"#, heard.turn))).await;
    let settings = crate::auth::oauth::Settings {
        authority: format!("http://{}/tenant", issuer.address),
        client_id: "app".into(),
        proof: crate::auth::oauth::Proof::Secret(Secret::new("s")),
        scope: "scope".into(),
    };
    let tokens = Arc::new(Tokens::new(settings).unwrap());
    let transport = transport(super::settings(server), Credentials::OAuth(tokens));
    (issuer, transport)
}

#[tokio::test]
async fn a_token_is_renewed_once() {
    let server = Scripted::start(|heard| match heard.header("authorization") {
        Some("Bearer t1") => reply("200 OK", &[], "x"),
        _ => reply("401 No", &[("WWW-Authenticate", "Bearer error=\"invalid_token\"")], ""),
    })
    .await;
    let (issuer, transport) = oauth(&server).await;
    assert_eq!(ask(&transport).await.unwrap(), "x");
    assert_eq!((issuer.heard().len(), server.heard().len()), (2, 2));
}

#[tokio::test]
async fn a_fresh_token_refused_is_final() {
    let server = Scripted::start(|_| reply("401 No", &[("X-MS-Diagnostics", "2000008;reason=\"no role\"")], "")).await;
    let (issuer, transport) = oauth(&server).await;
    let error = ask(&transport).await.unwrap_err();
    assert_eq!(error.kind, Kind::Unauthorized { worked: false });
    assert!(error.to_string().contains("no role") && error.to_string().contains("full_access_as_app"), "{error}");
    assert_eq!((issuer.heard().len(), server.heard().len()), (2, 2));
}
