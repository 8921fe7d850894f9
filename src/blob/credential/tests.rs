use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use openssl::{asn1::Asn1Time, hash::MessageDigest, pkcs12::Pkcs12, pkey::PKey, rsa::Rsa, x509::X509Builder};

use super::*;
use crate::http::scripted::{Heard, Scripted, reply};

fn refused_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// An environment without any machine around it.
fn env(variables: &[(&str, &str)]) -> Env {
    let nothing = refused_port();
    Env::from_iter([("AZURE_POD_IDENTITY_AUTHORITY_HOST", nothing.as_str())].into_iter().chain(variables.iter().copied()))
}

async fn token(variables: &[(&str, &str)]) -> Result<String, Denied> {
    match &*Credentials::chain(&env(variables), None).unwrap().token().await? {
        AzureCredential::BearerToken(text) => Ok(text.clone()),
        other => panic!("{other:?}"),
    }
}

fn granting(token: &'static str) -> impl Fn(&Heard) -> Vec<u8> + Send + Sync + 'static {
    move |_| reply("200 OK", &[], &format!(r#"{{"access_token": "{token}", "expires_in": "3600"}}"#))
}

const APPLICATION: [(&str, &str); 2] = [("AZURE_TENANT_ID", "contoso.example.com"), ("AZURE_CLIENT_ID", "app")];

#[tokio::test]
async fn where_nothing_is_set_up_each_way_says_why() {
    let error = token(&[]).await.unwrap_err();
    assert_eq!(error.denial, Denial::Unavailable);
    for why in [
        "environment: neither AZURE_CLIENT_SECRET nor",
        "workload identity: AZURE_FEDERATED_TOKEN_FILE is not set",
        "managed identity: no answer from the metadata service",
        "Azure CLI: az is not installed",
    ] {
        assert!(error.cause.contains(why), "{error}");
    }
    assert!(error.hint.unwrap().contains("docs/azure.md"));
    let note = Credentials::chain(&env(&[]), Some("the string is of another account".into())).unwrap().token().await.unwrap_err();
    assert!(note.cause.contains("of another account; environment"), "{note}");
    let half = token(&[("AZURE_CLIENT_SECRET", "s3cret"), ("AZURE_TENANT_ID", "t")]).await.unwrap_err();
    assert!(half.cause.contains("AZURE_CLIENT_ID is not set") && !half.cause.contains("s3cret"), "{half}");
}

#[tokio::test]
async fn an_application_logs_in_by_its_secret() {
    let server = Scripted::start(granting("t1")).await;
    let host = format!("http://{}/", server.address);
    let secret = [&APPLICATION[..], &[("AZURE_CLIENT_SECRET", "s3cret"), ("AZURE_AUTHORITY_HOST", host.as_str())]].concat();
    assert_eq!(token(&secret).await.unwrap(), "t1");
    let heard = &server.heard()[0];
    assert!(heard.head.starts_with("POST /contoso.example.com/oauth2/v2.0/token "), "{}", heard.head);
    assert!(
        heard.body.contains("client_secret=s3cret") && heard.body.contains("scope=https%3A%2F%2Fstorage.azure.com%2F.default"),
        "{}",
        heard.body
    );
}

#[tokio::test]
async fn who_is_rejected_does_not_become_somebody_else() {
    let machine = Scripted::start(granting("of the machine")).await;
    let body = r#"{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret provided."}"#;
    let server = Scripted::start(move |_| reply("401 No", &[], body)).await;
    let (host, metadata) = (format!("http://{}", server.address), format!("http://{}", machine.address));
    let variables =
        [("AZURE_CLIENT_SECRET", "s3cret"), ("AZURE_AUTHORITY_HOST", host.as_str()), ("AZURE_POD_IDENTITY_AUTHORITY_HOST", &metadata)];
    let error = token(&[&APPLICATION[..], &variables].concat()).await.unwrap_err();
    assert_eq!(error.denial, Denial::Rejected);
    assert!(error.cause.starts_with("environment: ") && error.hint.as_ref().unwrap().contains("AZURE_CLIENT_SECRET must be"), "{error:?}");
    assert!(machine.heard().is_empty());
    // What is not set up at all is passed over.
    assert_eq!(token(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &metadata)]).await.unwrap(), "of the machine");
}

/// A key with its certificate, as a PEM file, an encrypted one, and a PKCS #12 file.
fn certificate_files(folder: &Path) -> [(PathBuf, Option<&'static str>); 3] {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(9).unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    let certificate = builder.build();
    let cipher = openssl::symm::Cipher::aes_128_cbc();
    let plain = [key.private_key_to_pem_pkcs8().unwrap(), certificate.to_pem().unwrap()].concat();
    let locked = [certificate.to_pem().unwrap(), key.private_key_to_pem_pkcs8_passphrase(cipher, b"pw").unwrap()].concat();
    let pfx = Pkcs12::builder().name("x").pkey(&key).cert(&certificate).build2("pw").unwrap().to_der().unwrap();
    [("plain.pem", plain, None), ("locked.pem", locked, Some("pw")), ("x.pfx", pfx, Some("pw"))].map(|(name, bytes, password)| {
        std::fs::write(folder.join(name), bytes).unwrap();
        (folder.join(name), password)
    })
}

#[tokio::test]
async fn an_application_logs_in_by_its_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let server = Scripted::start(granting("t1")).await;
    let host = format!("http://{}", server.address);
    for (path, password) in certificate_files(dir.path()) {
        let path = path.to_str().unwrap();
        let mut variables = [&APPLICATION[..], &[("AZURE_CLIENT_CERTIFICATE_PATH", path), ("AZURE_AUTHORITY_HOST", &host)]].concat();
        variables.extend(password.map(|password| ("AZURE_CLIENT_CERTIFICATE_PASSWORD", password)));
        assert_eq!(token(&variables).await.unwrap(), "t1", "{path}");
        assert!(server.heard().last().unwrap().body.contains("client_assertion=eyJ"));
        if password.is_some() {
            variables.pop();
            let error = Credentials::chain(&env(&variables), None).err().unwrap();
            assert!(error.contains("AZURE_CLIENT_CERTIFICATE_PASSWORD") && error.contains(path), "{error}");
        }
    }
    let missing = [&APPLICATION[..], &[("AZURE_CLIENT_CERTIFICATE_PATH", "/nowhere/x.pem")]].concat();
    assert!(Credentials::chain(&env(&missing), None).err().unwrap().contains("/nowhere/x.pem"));
}

#[tokio::test]
async fn a_pod_logs_in_by_the_token_in_its_file_as_it_is_then() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "first\n").unwrap();
    let server = Scripted::start(granting("t1")).await;
    let host = format!("http://{}", server.address);
    let variables = [("AZURE_FEDERATED_TOKEN_FILE", file.to_str().unwrap()), ("AZURE_AUTHORITY_HOST", &host)];
    let credentials = Credentials::chain(&env(&[&APPLICATION[..], &variables].concat()), None).unwrap();
    credentials.token().await.unwrap();
    std::fs::write(&file, "second").unwrap();
    credentials.token().await.unwrap();
    assert_eq!(server.heard().len(), 1, "a token is kept while it is good");
    credentials.refused().await;
    credentials.token().await.unwrap();
    let heard = server.heard();
    assert!(heard[0].body.contains("client_assertion=first") && heard[1].body.contains("client_assertion=second"));
}

#[tokio::test]
async fn a_machine_has_an_identity_of_its_own() {
    let server = Scripted::start(|heard| match heard.header("metadata") {
        None => reply("400 Bad", &[], r#"{"error": "invalid_request"}"#),
        Some(_) => reply("200 OK", &[], r#"{"access_token": "t1", "expires_on": "4102444800"}"#),
    })
    .await;
    let host = format!("http://{}", server.address);
    let variables = [("AZURE_POD_IDENTITY_AUTHORITY_HOST", host.as_str()), ("AZURE_CLIENT_ID", "the-one")];
    assert_eq!(token(&variables).await.unwrap(), "t1");
    let heard = server.heard();
    assert_eq!(heard.len(), 2, "it is found out first whether anybody is there");
    for part in
        ["/metadata/identity/oauth2/token?", "api-version=2018-02-01", "resource=https%3A%2F%2Fstorage.azure.com", "client_id=the-one"]
    {
        assert!(heard[1].head.contains(part), "{}", heard[1].head);
    }
    let unknown = Scripted::start(|heard| match heard.header("metadata") {
        None => reply("400 Bad", &[], ""),
        Some(_) => reply("400 Bad", &[], r#"{"error": "invalid_request", "error_description": "Identity not found"}"#),
    })
    .await;
    let error = token(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &format!("http://{}", unknown.address))]).await.unwrap_err();
    assert!(error.denial == Denial::Unavailable && error.cause.contains("assign one to it"), "{error}");
}

#[tokio::test]
async fn app_service_and_arc_are_asked_in_their_own_way() {
    let server = Scripted::start(granting("t1")).await;
    let endpoint = format!("http://{}/msi/token", server.address);
    assert_eq!(token(&[("IDENTITY_ENDPOINT", &endpoint), ("IDENTITY_HEADER", "h1")]).await.unwrap(), "t1");
    assert_eq!(server.heard()[0].header("x-identity-header"), Some("h1"));
    assert!(server.heard()[0].head.contains("api-version=2019-08-01"));
    // The agent of Arc must name a file in its own folder: who else asks for files may be anybody.
    let arc = Scripted::start(|_| reply("401 No", &[("WWW-Authenticate", "Basic realm=/etc/passwd")], "")).await;
    let endpoint = format!("http://{}/token", arc.address);
    let error = token(&[("IDENTITY_ENDPOINT", &endpoint), ("IMDS_ENDPOINT", "http://x")]).await.unwrap_err();
    assert!(error.denial == Denial::Rejected && error.cause.contains("named no key file"), "{error}");
}

fn az(folder: &Path, script: &str) {
    let path = folder.join("az");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_person_is_logged_in_by_the_cli() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    az(
        dir.path(),
        r#"case "$*" in *"--resource https://storage.azure.com"*) echo '{"accessToken": "t1", "expires_on": 4102444800}';; esac"#,
    );
    assert_eq!(token(&[("PATH", path)]).await.unwrap(), "t1");
    az(dir.path(), "echo '{\"accessToken\": \"t2\", \"expiresOn\": \"2100-01-01 00:00:00.000000\"}'");
    assert_eq!(token(&[("PATH", path), ("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")]).await.unwrap(), "t2");
    az(dir.path(), "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1");
    let error = token(&[("PATH", path), ("AZURE_TOKEN_CREDENTIALS", "dev")]).await.unwrap_err();
    assert!(error.denial == Denial::Unavailable && error.cause.contains("run `az login`"), "{error}");
    az(dir.path(), "echo 'ERROR: AADSTS70043: expired' >&2; exit 1");
    let error = token(&[("PATH", path)]).await.unwrap_err();
    assert!(error.denial == Denial::Rejected && error.cause.contains("AADSTS70043"), "{error}");
    // Narrowed to what runs in production, nobody's own login is used.
    az(dir.path(), "echo '{\"accessToken\": \"t3\", \"expires_on\": 4102444800}'");
    assert!(!token(&[("PATH", path), ("AZURE_TOKEN_CREDENTIALS", "prod")]).await.unwrap_err().cause.contains("Azure CLI"));
    assert!(Credentials::chain(&env(&[("AZURE_TOKEN_CREDENTIALS", "vscode")]), None).err().unwrap().contains("known here are"));
}

#[test]
fn no_credential_is_ever_shown() {
    let key = object_store::azure::AzureAccessKey::try_new("c2VjcmV0").unwrap();
    assert_eq!(format!("{:?}", Credentials::explicit(AzureCredential::AccessKey(key))), "Credentials(..)");
}
