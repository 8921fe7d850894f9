//! Whole documents: wrong ones with their messages, the manuals' ones, and who wins over whom.

mod cloud;
mod layering;
mod manuals;
mod validator;
mod wrong;

use std::path::Path;

use serde_json::{Value, json};

use super::{Env, Examination, Purpose, examine};

/// A good configuration to spoil.
fn ntlm() -> Value {
    json!({
        "host": "https://mail.example.com",
        "port": 443,
        "auth_user": "EXAMPLE\\svc",
        "auth_password": "hunter2",
        "mailboxes": { "abc@example.com": { "bucket": { "owner": "project", "name": "bucket" } } }
    })
}

/// Another one.
fn oauth() -> Value {
    json!({
        "ews_endpoint": "https://outlook.office365.com/EWS/Exchange.asmx",
        "auth_type": "oauth2",
        "auth_oauth_authority": "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/",
        "auth_oauth_client_id": "66666666-7777-8888-9999-000000000000",
        "auth_oauth_client_secret": "hunter2",
        "access_type": "impersonation",
        "mailboxes": { "abc@example.com": { "bucket": { "owner": "project", "name": "bucket" } } }
    })
}

/// With another value at a JSON pointer; null takes the key away.
fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let members = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    let key = key.replace("~1", "/");
    if value.is_null() {
        members.shift_remove(&key);
    } else {
        members.insert(key, value);
    }
    document
}

fn judged(document: &Value, env: &Env, purpose: Purpose) -> Examination {
    examine(&document.to_string(), Path::new(""), env, purpose)
}

/// A private key and its self-signed certificate, made for this test, as PEM; and the certificate's thumbprint as other hands compute it.
fn key_and_certificate() -> (String, String, String) {
    use openssl::{asn1::Asn1Time, ec, hash::MessageDigest, nid::Nid, pkey::PKey, sha::sha1, x509::X509};
    let group = ec::EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(ec::EcKey::generate(&group).unwrap()).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    let certificate = builder.build();
    let text = |pem: Vec<u8>| String::from_utf8(pem).unwrap();
    let thumbprint = sha1(&certificate.to_der().unwrap()).iter().map(|byte| format!("{byte:02X}")).collect();
    (text(key.private_key_to_pem_pkcs8().unwrap()), text(certificate.to_pem().unwrap()), thumbprint)
}
