use super::channel_binding;
use super::ntlm::client::Client;
use crate::front::EWS;
use crate::front::testing::Lobby;
use crate::http::testing::{Answer, Wire, tls};
use crate::http::tls::Certificate;
use crate::limits::Limits;
use crate::options::{AuthScheme, ExtendedProtection, Options};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

fn ada() -> Client<'static> {
    Client { user: "ada", domain: "CORP", password: "pässword", mic: true, binding: None, target: None }
}

async fn leg(wire: &mut Wire, value: &str) -> Answer {
    wire.post(EWS, &[("Authorization", value)], "").await
}

/// The whole handshake under this name; what the server says to its last leg.
async fn login(wire: &mut Wire, scheme: &str, client: &Client<'_>) -> Answer {
    let negotiate = Client::negotiate();
    let answer = leg(wire, &format!("{scheme} {}", STANDARD.encode(&negotiate))).await;
    assert_eq!(answer.status, 401);
    let (_, challenge) = answer.header("www-authenticate").split_once(' ').unwrap();
    let challenge = STANDARD.decode(challenge).unwrap();
    let authenticate = client.authenticate(&negotiate, &challenge);
    leg(wire, &format!("{scheme} {}", STANDARD.encode(authenticate))).await
}

#[tokio::test]
async fn a_connection_is_authenticated_once_and_alone() {
    let (rooms, server) = Lobby::plain().serve().await;
    let mut wire = Wire::open(server.address()).await;
    for (scheme, user, domain) in [("NTLM", "ada", "CORP"), ("negotiate", "ADA", "corp"), ("NTLM", "ada@example.com", "")] {
        let answer = login(&mut wire, scheme, &Client { user, domain, ..ada() }).await;
        assert!(answer.status == 200 && answer.text().contains("ada@example.com"), "{scheme}");
        assert_eq!(wire.post(EWS, &[], "").await.status, 200, "the connection stays authenticated");
    }
    let mut other = Wire::open(server.address()).await;
    assert_eq!(other.post(EWS, &[], "").await.status, 401, "another connection is not");
    assert_eq!((rooms.counters.value("auth.logins"), rooms.counters.value("auth.ntlm.legs")), (3, 6));
    rooms.gate.logins.revoke("Ada@example.com");
    assert_eq!(wire.post(EWS, &[], "").await.status, 401, "a revoked login is over");
}

#[tokio::test]
async fn a_login_begun_anew_forgets_the_old_one() {
    let (_rooms, server) = Lobby::plain().serve().await;
    let mut wire = Wire::open(server.address()).await;
    assert_eq!(login(&mut wire, "NTLM", &ada()).await.status, 200);
    leg(&mut wire, &format!("NTLM {}", STANDARD.encode(Client::negotiate()))).await;
    assert_eq!(wire.post(EWS, &[], "").await.status, 401);
}

#[tokio::test]
async fn the_wrong_are_refused_and_told_every_way_there_is() {
    let (rooms, server) = Lobby::plain().serve().await;
    let mut wire = Wire::open(server.address()).await;
    for client in [Client { password: "x", ..ada() }, Client { user: "bob", ..ada() }, Client { domain: "OTHER", ..ada() }] {
        let answer = login(&mut wire, "NTLM", &client).await;
        let offers: Vec<_> = answer.headers.all("www-authenticate").map(|it| it.split(' ').next().unwrap()).collect();
        assert_eq!((answer.status, offers), (401, vec!["Negotiate", "NTLM", "Basic", "Bearer"]));
    }
    for value in ["NTLM", "NTLM !!", "NTLM TlRMTVNTUAAD", "Negotiate YII=", "Digest x", "Basic x", "Bearer x", ""] {
        assert_eq!(leg(&mut wire, value).await.status, 401, "{value}");
    }
    assert!(rooms.counters.value("auth.refused") >= 3);
    assert_eq!(rooms.counters.value("auth.logins"), 0);
}

#[tokio::test]
async fn an_answer_counts_only_on_the_connection_of_its_challenge() {
    let (_rooms, server) = Lobby::plain().serve().await;
    let (mut one, mut two) = (Wire::open(server.address()).await, Wire::open(server.address()).await);
    let negotiate = Client::negotiate();
    let first = format!("NTLM {}", STANDARD.encode(&negotiate));
    let answer = leg(&mut one, &first).await;
    leg(&mut two, &first).await;
    let challenge = STANDARD.decode(answer.header("www-authenticate").split_once(' ').unwrap().1).unwrap();
    let last = format!("NTLM {}", STANDARD.encode(ada().authenticate(&negotiate, &challenge)));
    assert_eq!(leg(&mut two, &last).await.status, 401);
    assert_eq!(leg(&mut one, &last).await.status, 200);
    assert_eq!(leg(&mut one, &last).await.status, 401, "and only once");
}

#[tokio::test]
async fn extended_protection_binds_a_login_to_its_tls_connection() {
    let certificate = Arc::new(Certificate::generate(&[]).unwrap());
    let right = channel_binding(&certificate.server_end_point());
    for (protection, binding, status) in [
        (ExtendedProtection::Required, Some(right), 200),
        (ExtendedProtection::Required, Some([0; 16]), 401),
        (ExtendedProtection::Required, None, 401),
        (ExtendedProtection::Allowed, None, 200),
        (ExtendedProtection::Allowed, Some([1; 16]), 401),
        (ExtendedProtection::Off, Some([1; 16]), 200),
    ] {
        let options = Options { extended_protection: protection, ..Options::default() };
        let (_rooms, server) = Lobby::new(options, &[], Limits::default(), Vec::new()).serve_tls(certificate.clone()).await;
        let mut wire = Wire::over(tls(server.address(), certificate.ca_pem(), "localhost").await.unwrap());
        let answer = login(&mut wire, "NTLM", &Client { binding, ..ada() }).await;
        assert_eq!(answer.status, status, "{protection:?} {binding:?}");
    }
}

#[tokio::test]
async fn what_is_not_offered_is_not_taken() {
    let options = Options { auth: vec![AuthScheme::Ntlm], ..Options::default() };
    let (_rooms, server) = Lobby::new(options, &[], Limits::default(), Vec::new()).serve().await;
    let mut wire = Wire::open(server.address()).await;
    let basic = format!("Basic {}", STANDARD.encode("ada:pässword"));
    let answer = leg(&mut wire, &basic).await;
    assert_eq!((answer.status, answer.headers.all("www-authenticate").collect::<Vec<_>>()), (401, vec!["NTLM"]));
    assert_eq!(login(&mut wire, "NTLM", &ada()).await.status, 200);
}

#[tokio::test]
async fn basic_may_be_advertised_though_it_is_off() {
    let options = Options { auth: vec![AuthScheme::Ntlm], ..Options::default() };
    let (_rooms, server) = Lobby::new(options, &["basic-advertised"], Limits::default(), Vec::new()).serve().await;
    let mut wire = Wire::open(server.address()).await;
    let offers = wire.post(EWS, &[], "").await;
    assert!(offers.headers.all("www-authenticate").any(|it| it.starts_with("Basic ")));
    assert_eq!(leg(&mut wire, &format!("Basic {}", STANDARD.encode("ada:pässword"))).await.status, 401);
}

#[tokio::test]
async fn a_server_may_know_ntlm_by_the_name_negotiate_alone() {
    let (_rooms, server) = Lobby::with_quirks(&["negotiate-only"]).serve().await;
    let mut wire = Wire::open(server.address()).await;
    let offers = wire.post(EWS, &[], "").await;
    assert!(offers.headers.all("www-authenticate").all(|it| it != "NTLM"));
    let answer = leg(&mut wire, &format!("NTLM {}", STANDARD.encode(Client::negotiate()))).await;
    assert!(answer.header("www-authenticate").starts_with("Negotiate TlRM"));
    assert_eq!(login(&mut wire, "NTLM", &ada()).await.status, 200);
}

#[tokio::test]
async fn wrong_passwords_lock_an_account_where_that_is_the_habit() {
    for (quirks, status) in [(&["account-lock"][..], 401), (&[], 200)] {
        let (_rooms, server) = Lobby::with_quirks(quirks).serve().await;
        let mut wire = Wire::open(server.address()).await;
        for _ in 0..5 {
            assert_eq!(leg(&mut wire, &format!("Basic {}", STANDARD.encode("ada:wrong"))).await.status, 401);
        }
        assert_eq!(leg(&mut wire, &format!("Basic {}", STANDARD.encode("ada:pässword"))).await.status, status);
        assert_eq!(login(&mut wire, "NTLM", &ada()).await.status, status);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_ends_after_a_minute() {
    let logins = super::Logins::default();
    for _ in 0..5 {
        assert!(!logins.is_locked("ada"));
        logins.wrong("Ada");
    }
    assert!(logins.is_locked("ADA"));
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    assert!(!logins.is_locked("ada"));
    for _ in 0..4 {
        logins.wrong("ada");
    }
    logins.right("ada");
    logins.wrong("ada");
    assert!(!logins.is_locked("ada"));
}
