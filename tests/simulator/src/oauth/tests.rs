use super::Audience;
use crate::front::testing::{APP, APP_PEM, Lobby, SECRET, TENANT};
use crate::http::testing::{Answer, Wire};
use crate::limits::Limits;
use crate::options::Options;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Utc;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use std::time::Duration;

const EWS_SCOPE: &str = "https://outlook.office365.com/.default";
const KEY: &str = include_str!("testdata/app.key");
const STRANGER: &str = include_str!("testdata/stranger.key");

fn form(pairs: &[(&str, &str)]) -> String {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    pairs.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect::<Vec<_>>().join("&")
}

fn path() -> String {
    format!("/{TENANT}/oauth2/v2.0/token")
}

async fn ask_with(lobby: Lobby, path: &str, headers: &[(&str, &str)], pairs: &[(&str, &str)]) -> Answer {
    let (_rooms, server) = lobby.serve().await;
    Wire::open(server.address()).await.post(path, headers, &form(pairs)).await
}

async fn ask(pairs: &[(&str, &str)]) -> Answer {
    ask_with(Lobby::plain(), &path(), &[], pairs).await
}

fn by_secret<'a>(secret: &'a str, scope: &'a str) -> [(&'a str, &'a str); 4] {
    [("grant_type", "client_credentials"), ("client_id", APP), ("client_secret", secret), ("scope", scope)]
}

fn outcome(answer: &Answer) -> (u16, u64) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    let code = body["error_codes"][0].as_u64().unwrap_or_default();
    if code != 0 {
        assert!(body["error_description"].as_str().unwrap().starts_with(&format!("AADSTS{code}: ")), "{body}");
        assert!(body["correlation_id"].is_string() && body["trace_id"].is_string());
    } else {
        assert!(body["access_token"].is_string() && body["token_type"] == "Bearer", "{body}");
    }
    (answer.status, code)
}

#[tokio::test]
async fn a_secret_buys_a_token_that_opens_ews() {
    let (rooms, server) = Lobby::plain().serve().await;
    let mut wire = Wire::open(server.address()).await;
    let answer = wire.post(&path(), &[], &form(&by_secret(SECRET, EWS_SCOPE))).await;
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status, body["expires_in"].as_i64()), (200, Some(3599)));
    let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
    let call = async |wire: &mut Wire| wire.post(crate::front::EWS, &[("Authorization", &bearer)], "").await;
    let opened = call(&mut wire).await;
    assert!(opened.status == 200 && opened.text().contains(APP));
    rooms.gate.logins.revoke(APP);
    let refused = call(&mut wire).await;
    let challenge = refused.headers.all("www-authenticate").find(|it| it.starts_with("Bearer")).unwrap();
    assert!(refused.status == 401 && challenge.contains("invalid_token"), "{challenge}");
    assert_eq!(rooms.counters.value("oauth.tokens"), 1);
}

#[tokio::test]
async fn a_secret_may_come_in_the_header() {
    let pairs = [("grant_type", "client_credentials"), ("scope", EWS_SCOPE)];
    let value = format!("Basic {}", STANDARD.encode(format!("{APP}:s3cret~%2B%2F%3D")));
    assert_eq!(outcome(&ask_with(Lobby::plain(), &path(), &[("Authorization", &value)], &pairs).await), (200, 0));
}

#[tokio::test]
async fn each_mistake_has_entra_s_code() {
    let other = |name: &'static str, value: &'static str| {
        let mut pairs = by_secret(SECRET, EWS_SCOPE).to_vec();
        pairs.retain(|(key, _)| *key != name);
        if !value.is_empty() {
            pairs.push((name, value));
        }
        pairs
    };
    for (pairs, status, code) in [
        (other("client_secret", "wrong"), 401, 7_000_215),
        (other("client_secret", ""), 401, 7_000_218),
        (other("client_id", "00000000-0000-0000-0000-000000000000"), 400, 700_016),
        (other("client_id", ""), 400, 900_144),
        (other("grant_type", "password"), 400, 70_003),
        (other("grant_type", ""), 400, 900_144),
        (other("scope", ""), 400, 900_144),
        (other("scope", "https://outlook.office365.com/Mail.Read"), 400, 70_011),
        (other("scope", "https://outlook.office365.com/.default https://graph.microsoft.com/.default"), 400, 70_011),
        (other("scope", "https://elsewhere.example.com/.default"), 400, 500_011),
    ] {
        assert_eq!(outcome(&ask(&pairs).await), (status, code), "{pairs:?}");
    }
    for (tenant, code) in [("common", 50_194), ("organizations", 50_194), ("nowhere.example.com", 90_002)] {
        let answer = ask_with(Lobby::plain(), &format!("/{tenant}/oauth2/v2.0/token"), &[], &by_secret(SECRET, EWS_SCOPE)).await;
        assert_eq!(outcome(&answer), (400, code), "{tenant}");
    }
}

#[tokio::test]
async fn a_token_for_graph_or_past_its_time_does_not_open_ews() {
    for (scope, life, status) in
        [("https://graph.microsoft.com/.default", 600, 401), (EWS_SCOPE, 0, 401), ("http://localhost/.default", 600, 200)]
    {
        let options = Options { token_life: Duration::from_secs(life), ..Options::default() };
        let (_rooms, server) = Lobby::new(options, &[], Limits::default(), Vec::new()).serve().await;
        let mut wire = Wire::open(server.address()).await;
        let answer = wire.post(&path(), &[], &form(&by_secret(SECRET, scope))).await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        let bearer = format!("Bearer {}", body["access_token"].as_str().unwrap());
        assert_eq!(wire.post(crate::front::EWS, &[("Authorization", &bearer)], "").await.status, status, "{scope} {life}");
        let forged = format!("{}x", bearer.trim_end_matches(char::is_alphanumeric));
        assert_eq!(wire.post(crate::front::EWS, &[("Authorization", &forged)], "").await.status, 401);
    }
}

/// An assertion made by hand from the documentation.
struct Assertion {
    algorithm: &'static str,
    thumbprint: &'static str,
    key: &'static str,
    claims: Value,
}

impl Assertion {
    fn right() -> Self {
        let now = Utc::now().timestamp();
        let claims = json!({
            "aud": format!("http://localhost/{TENANT}/oauth2/v2.0/token"),
            "iss": APP, "sub": APP, "jti": super::guid(), "nbf": now, "iat": now, "exp": now + 600,
        });
        Self { algorithm: "PS256", thumbprint: "x5t#S256", key: KEY, claims }
    }

    fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.claims[claim] = value.into();
        self
    }

    fn sign(&self) -> String {
        let der = CertificateDer::from_pem_slice(APP_PEM.as_bytes()).unwrap();
        let print = match self.thumbprint {
            "x5t" => base64::engine::general_purpose::URL_SAFE.encode(Sha1::digest(&der)),
            // The classic mistake: the text of the hash instead of its bytes.
            "hex" => URL_SAFE_NO_PAD.encode(hex::encode(Sha256::digest(&der))),
            _ => URL_SAFE_NO_PAD.encode(Sha256::digest(&der)),
        };
        let name = if self.thumbprint == "hex" { "x5t#S256" } else { self.thumbprint };
        let head = json!({ "typ": "JWT", "alg": self.algorithm, name: print });
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(head.to_string()), URL_SAFE_NO_PAD.encode(self.claims.to_string()));
        let key = PrivatePkcs8KeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
        let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
        let mut signature = vec![0; key.public().modulus_len()];
        let padding: &dyn ring::signature::RsaEncoding = if self.algorithm == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
        key.sign(padding, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn by_assertion(assertion: &str) -> [(&str, &str); 5] {
    [
        ("grant_type", "client_credentials"),
        ("client_id", APP),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
        ("scope", EWS_SCOPE),
    ]
}

async fn assert_with(quirks: &[&str], assertion: Assertion) -> (u16, u64) {
    outcome(&ask_with(Lobby::with_quirks(quirks), &path(), &[], &by_assertion(&assertion.sign())).await)
}

#[tokio::test]
async fn both_forms_of_assertion_are_taken_and_one_can_be_switched_off() {
    let old = || Assertion { algorithm: "RS256", thumbprint: "x5t", ..Assertion::right() };
    assert_eq!(assert_with(&[], Assertion::right()).await, (200, 0));
    assert_eq!(assert_with(&[], old()).await, (200, 0));
    assert_eq!(assert_with(&["only-x5t"], Assertion::right()).await, (401, 700_027));
    assert_eq!(assert_with(&["only-x5t"], old()).await, (200, 0));
    let fractions = Assertion::right().with("exp", Utc::now().timestamp() as f64 + 599.5);
    assert_eq!(assert_with(&[], fractions).await, (200, 0), "fractions of a second are no fault");
}

#[tokio::test]
async fn an_assertion_that_does_not_hold_is_refused() {
    let now = Utc::now().timestamp();
    for (assertion, code) in [
        (Assertion { key: STRANGER, ..Assertion::right() }, 700_027),
        (Assertion { thumbprint: "hex", ..Assertion::right() }, 700_027),
        (Assertion { algorithm: "HS256", ..Assertion::right() }, 700_027),
        (Assertion::right().with("aud", "https://login.microsoftonline.com/x/oauth2/v2.0/token"), 700_023),
        (Assertion::right().with("iss", "somebody"), 700_021),
        (Assertion::right().with("exp", now - 400), 700_024),
        (Assertion::right().with("exp", now + 3600), 700_024),
        (Assertion::right().with("nbf", now + 400), 700_024),
        (Assertion::right().with("jti", ""), 50_027),
        (Assertion::right().with("exp", "soon"), 50_027),
    ] {
        let claims = assertion.claims.clone();
        assert_eq!(assert_with(&[], assertion).await, (401, code), "{claims}");
    }
}

#[tokio::test]
async fn an_assertion_holds_once() {
    let (rooms, server) = Lobby::plain().serve().await;
    let mut wire = Wire::open(server.address()).await;
    let body = Assertion::right().sign();
    let body = form(&by_assertion(&body));
    assert_eq!(outcome(&wire.post(&path(), &[], &body).await), (200, 0));
    assert_eq!(outcome(&wire.post(&path(), &[], &body).await), (401, 50_013));
    assert_eq!((rooms.counters.value("oauth.tokens"), rooms.counters.value("oauth.refused")), (1, 1));
}

#[tokio::test]
async fn client_libraries_find_the_endpoints() {
    let (_rooms, server) = Lobby::plain().serve().await;
    let mut wire = Wire::open(server.address()).await;
    let ask = async |wire: &mut Wire, target: &str| -> Value {
        wire.send(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await;
        serde_json::from_slice(&wire.answer().await.unwrap().body).unwrap()
    };
    let found = ask(
        &mut wire,
        &format!("/common/discovery/instance?api-version=1.1&authorization_endpoint=http://localhost/{TENANT}/oauth2/v2.0/authorize"),
    )
    .await;
    let next = found["tenant_discovery_endpoint"].as_str().unwrap().strip_prefix("http://localhost").unwrap().to_owned();
    let configuration = ask(&mut wire, &next).await;
    assert_eq!(configuration["token_endpoint"], format!("http://localhost{}", path()));
}

#[test]
fn a_token_says_what_was_granted_and_cannot_be_changed() {
    let tokens = super::Tokens::default();
    let grant = super::Grant {
        aud: "https://outlook.office365.com".into(),
        service: Audience::Exchange,
        appid: APP.into(),
        tid: TENANT.into(),
        roles: Vec::new(),
        nbf: 1,
        exp: 2,
        generation: 0,
        jti: super::guid(),
    };
    let token = tokens.issue(&grant);
    assert_eq!(tokens.read(&token), Some(grant));
    assert_eq!(super::Tokens::default().read(&token), None);
    for damaged in [token.replace('.', ""), token.replacen("ey", "eY", 1), String::new(), "..".into()] {
        assert_eq!(tokens.read(&damaged), None);
    }
}
