//! Against a scripted token endpoint.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openssl::{
    asn1::Asn1Time,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::{Padding, Rsa},
    sign::{RsaPssSaltlen, Verifier},
    x509::{X509, X509Builder},
};
use serde_json::{Value, json};

use super::*;
use crate::http::scripted::{Heard, Reply, Scripted, reply};

fn settings(server: &Scripted, proof: Proof) -> Settings {
    let authority = format!("http://{}/tenant/", server.address);
    Settings { authority, client_id: "app".into(), proof, scope: "https://outlook.office365.com/.default".into() }
}

fn by_secret(server: &Scripted) -> Tokens {
    Tokens::new(settings(server, Proof::Secret(Secret::new("hunter2~+/=")))).unwrap()
}

fn granted(token: &str, expires_in: Value) -> Reply {
    reply("200 OK", &[], &json!({ "token_type": "Bearer", "access_token": token, "expires_in": expires_in }).to_string())
}

fn refused(status: &str, headers: &[(&str, &str)], description: &str) -> Reply {
    reply(status, headers, &json!({ "error": "invalid_client", "error_description": description }).to_string())
}

fn fields(heard: &Heard) -> std::collections::HashMap<String, String> {
    url::form_urlencoded::parse(heard.body.as_bytes()).into_owned().collect()
}

#[test]
fn the_token_url_is_made_of_the_authority() {
    for authority in ["https://login.example.com/t", "https://login.example.com/t/", " https://login.example.com/t/oauth2/v2.0/token "] {
        assert_eq!(token_url(authority), "https://login.example.com/t/oauth2/v2.0/token");
    }
}

#[tokio::test]
async fn many_who_wait_cause_one_request() {
    let server = Scripted::start(|_| granted("t", json!(3600))).await;
    let tokens = by_secret(&server);
    let all = futures::future::join_all((0..50).map(|_| tokens.bearer())).await;
    assert!(all.iter().all(|outcome| outcome.is_ok()));
    let heard = server.heard();
    assert_eq!(heard.len(), 1);
    assert!(heard[0].head.starts_with("POST /tenant/oauth2/v2.0/token "));
    let fields = fields(&heard[0]);
    assert_eq!((fields["grant_type"].as_str(), fields["client_secret"].as_str()), ("client_credentials", "hunter2~+/="));
    assert_eq!(all[0].as_ref().unwrap().authorization().unwrap(), "Bearer t");
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_a_short_life_is_halved() {
    let count = AtomicUsize::new(0);
    let server = Scripted::start(move |_| granted(&format!("t{}", count.fetch_add(1, Ordering::Relaxed)), json!("3599"))).await;
    let tokens = by_secret(&server);
    let first = tokens.bearer().await.unwrap();
    tokens.refused(&first).await;
    let second = tokens.bearer().await.unwrap();
    // Another caller learns late that the first was refused: the second stays.
    tokens.refused(&first).await;
    assert_eq!(tokens.bearer().await.unwrap(), second);
    assert_ne!(first, second);
    assert_eq!(server.heard().len(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end() {
    let server = Scripted::start(|heard| granted(&format!("t{}", heard.turn), json!(400))).await;
    let tokens = by_secret(&server);
    tokens.bearer().await.unwrap();
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(199)).await;
    tokens.bearer().await.unwrap();
    assert_eq!(server.heard().len(), 1);
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    tokio::time::resume();
    tokens.bearer().await.unwrap();
    assert_eq!(server.heard().len(), 2);
}

#[tokio::test]
async fn a_fatal_refusal_is_told_with_its_remedy_and_not_asked_again() {
    let server = Scripted::start(|_| refused("401 No", &[], "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: x")).await;
    let tokens = by_secret(&server);
    let error = tokens.bearer().await.unwrap_err();
    assert_eq!((error.code, error.fatal), (Some(7_000_215), true));
    let text = error.to_string();
    assert!(text.contains("auth_oauth_client_secret") && !text.contains("hunter2") && !text.contains("Trace"), "{text}");
    assert_eq!(tokens.bearer().await.unwrap_err(), error);
    assert_eq!(server.heard().len(), 1);
}

#[tokio::test]
async fn a_long_wait_is_left_to_the_caller() {
    let server = Scripted::start(|_| refused("429 Slow", &[("Retry-After", "60")], "")).await;
    let error = by_secret(&server).bearer().await.unwrap_err();
    assert_eq!((error.fatal, error.retry_after.map(|wait| wait.as_secs())), (false, Some(60)));
}

#[tokio::test]
async fn passing_trouble_is_tried_again() {
    let server = Scripted::start(|heard| match heard.turn {
        0 => refused("503 Busy", &[("Retry-After", "1")], ""),
        _ => granted("t", Value::Null),
    })
    .await;
    assert!(by_secret(&server).bearer().await.is_ok());
    assert_eq!(server.heard().len(), 2);
}

#[tokio::test]
async fn a_wrong_clock_is_named() {
    let server = Scripted::start(|_| {
        refused("401 No", &[("Date", "Sun, 06 Nov 2994 08:49:37 GMT")], "AADSTS700024: not within its valid time range")
    })
    .await;
    let text = by_secret(&server).bearer().await.unwrap_err().to_string();
    assert!(text.contains("this machine's clock is") && text.contains("s behind"), "{text}");
}

#[tokio::test]
async fn what_is_no_token_endpoint_is_said_to_be_none() {
    let server = Scripted::start(|_| reply("200 OK", &[], "<html>")).await;
    let tokens = by_secret(&server);
    let (outcome, ()) = tokio::join!(tokens.bearer(), async {});
    assert!(outcome.unwrap_err().to_string().contains("is it the token endpoint?"));
}

#[test]
fn authorities_without_a_tenant_are_refused() {
    for authority in ["https://login.microsoftonline.com/common", "contoso", ""] {
        let proof = Proof::Secret(Secret::new("x"));
        let settings = Settings { authority: authority.into(), client_id: "a".into(), proof, scope: "s".into() };
        assert!(Tokens::new(settings).unwrap_err().starts_with("auth_oauth_authority"), "{authority}");
    }
}

fn key_and_certificate() -> (PKey<Private>, X509) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(9).unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (key, builder.build())
}

fn pem(key: &PKey<Private>, certificates: &[&X509]) -> Secret {
    let mut text = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    for certificate in certificates {
        text.push_str(&String::from_utf8(certificate.to_pem().unwrap()).unwrap());
    }
    Secret::new(text)
}

/// Header and claims of an assertion whose signature is right.
fn verified(assertion: &str, key: &PKey<Private>) -> (Value, Value) {
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let header: Value = serde_json::from_slice(&decode(header)).unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), key).unwrap();
    if header["alg"] == "PS256" {
        verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
    }
    assert!(verifier.verify_oneshot(&decode(signature), signed.as_bytes()).unwrap());
    (header, serde_json::from_slice(&decode(claims)).unwrap())
}

#[tokio::test]
async fn a_certificate_is_tried_in_the_current_form_and_then_in_the_older() {
    let (key, certificate) = key_and_certificate();
    let (_, other) = key_and_certificate();
    let server = Scripted::start(|heard| match heard.turn {
        0 => refused("401 No", &[], "AADSTS700027: The certificate with identifier used to sign the client assertion is not registered"),
        _ => granted("t", json!(3600)),
    })
    .await;
    // The PEM may hold a chain: the certificate is the one of this key.
    let proof = Proof::Certificate(Certificate::new(&pem(&key, &[&other, &certificate]), None).unwrap());
    let tokens = Tokens::new(settings(&server, proof)).unwrap();
    let bearer = tokens.bearer().await.unwrap();
    tokens.refused(&bearer).await;
    tokens.bearer().await.unwrap();

    let assertions: Vec<_> = server.heard().iter().map(|heard| verified(&fields(heard)["client_assertion"], &key)).collect();
    let thumbprint = |kind| BASE64_URL_SAFE_NO_PAD.encode(certificate.digest(kind).unwrap());
    assert_eq!(assertions[0].0, json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint(MessageDigest::sha256()) }));
    assert_eq!(assertions[1].0, json!({ "alg": "RS256", "typ": "JWT", "x5t": thumbprint(MessageDigest::sha1()) }));
    assert_eq!(assertions[2].0["alg"], "RS256", "what worked is remembered");
    let claims = &assertions[0].1;
    assert_eq!((&claims["aud"], &claims["iss"], &claims["sub"]), (&json!(tokens.url()), &json!("app"), &json!("app")));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["nbf"].as_u64().unwrap(), 600);
    assert_ne!(claims["jti"], assertions[1].1["jti"]);
}

#[tokio::test]
async fn neither_form_known_is_fatal() {
    let (key, certificate) = key_and_certificate();
    let server = Scripted::start(|_| refused("401 No", &[], "AADSTS700027: unknown")).await;
    let proof = Proof::Certificate(Certificate::new(&pem(&key, &[&certificate]), None).unwrap());
    let error = Tokens::new(settings(&server, proof)).unwrap().bearer().await.unwrap_err();
    assert!(error.fatal && !error.to_string().contains("eyJ"), "{error}");
    assert_eq!(server.heard().len(), 2);
}

#[test]
fn a_key_needs_a_certificate_or_a_fitting_thumbprint() {
    let (key, certificate) = key_and_certificate();
    let (alone, both) = (pem(&key, &[]), pem(&key, &[&certificate]));
    let sha1 = hex::encode(certificate.digest(MessageDigest::sha1()).unwrap());
    let error = |pem: &Secret, thumbprint: Option<&str>| Certificate::new(pem, thumbprint).unwrap_err();

    assert_eq!(Certificate::new(&alone, Some(&sha1)).unwrap().first_form(), assertion::Form::Older);
    assert_eq!(Certificate::new(&alone, Some(&sha1)).unwrap().form_after(assertion::Form::Older), None);
    assert_eq!(Certificate::new(&alone, Some(&"ab".repeat(32))).unwrap().first_form(), assertion::Form::Current);
    let colons = sha1.to_uppercase().as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect::<Vec<_>>().join(":");
    assert!(Certificate::new(&both, Some(&colons)).is_ok());

    assert!(error(&alone, None).contains("without its certificate"));
    assert!(error(&both, Some(&"00".repeat(20))).contains("not that of the certificate"));
    assert!(error(&alone, Some("12")).contains("2 digits"));
    assert!(error(&alone, Some("x")).contains("hexadecimal"));
    assert!(error(&Secret::new("nothing"), None).contains("no private key"));
    let locked = key.private_key_to_pem_pkcs8_passphrase(openssl::symm::Cipher::aes_128_cbc(), b"x").unwrap();
    assert!(error(&Secret::new(String::from_utf8(locked).unwrap()), None).contains("encrypted"));
    assert!(!format!("{:?}", Certificate::new(&both, None)).contains("PRIVATE"));
}
