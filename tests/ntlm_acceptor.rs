//! NTLM against an acceptor of other hands: `tests/clients/ntlm_acceptor.py`, which is pyspnego behind a socket.
//!
//! `EXCHANGE_SYNC_PYTHON` names a Python that has the packages `pyspnego` and `cryptography`; without it the tests say so and pass.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
};

use bytes::Bytes;
use exchange_sync::{
    auth::{Login, Secret},
    exchange::ews::transport::{Credentials, Kind, Outgoing, Settings, Transport, TransportError},
};
use openssl::{asn1::Asn1Time, bn::BigNum, hash::MessageDigest, pkey::PKey, rsa::Rsa, x509::X509};
use tempfile::TempDir;

const PASSWORD: &str = "Pässwörd€𝄞日本";

struct Acceptor {
    child: Child,
    said: BufReader<ChildStdout>,
    port: u16,
    _files: TempDir,
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts one behind TLS, with a certificate signed by way of `digest`. `None` where there is no Python for it.
fn acceptor(digest: MessageDigest, arguments: &[&str]) -> Option<Acceptor> {
    let Ok(python) = std::env::var("EXCHANGE_SYNC_PYTHON") else {
        eprintln!("skipped: EXCHANGE_SYNC_PYTHON names no Python with pyspnego and cryptography");
        return None;
    };
    let files = tempfile::tempdir().unwrap();
    let (cert, key) = certificate(&files, digest);
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients/ntlm_acceptor.py");
    let mut child = Command::new(python)
        .arg(script)
        .args(["--user", "CONTOSO\\jürgen.müller", "--user", "alice@contoso.example", "--password", PASSWORD])
        .arg("--cert")
        .arg(cert)
        .arg("--key")
        .arg(key)
        .args(arguments)
        .env("PYTHONUTF8", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    let port = line.strip_prefix("READY ").expect("the acceptor starts").trim().parse().unwrap();
    Some(Acceptor { child, said, port, _files: files })
}

fn certificate(files: &TempDir, digest: MessageDigest) -> (PathBuf, PathBuf) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(9).unwrap()).unwrap();
    builder.sign(&key, digest).unwrap();
    let paths = (files.path().join("cert.pem"), files.path().join("key.pem"));
    std::fs::write(&paths.0, builder.build().to_pem().unwrap()).unwrap();
    std::fs::write(&paths.1, key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    paths
}

impl Acceptor {
    fn transport(&self, user: &str, password: &str) -> Transport {
        let mut settings = Settings::new(format!("https://localhost:{}/EWS/Exchange.asmx", self.port).parse().unwrap());
        settings.verify = false;
        Transport::new(settings, Credentials::Ntlm(Login { user: user.into(), password: Secret::new(password) })).unwrap()
    }

    /// What it printed about logins, up to and with the first line that holds `last`.
    fn lines_to(&mut self, last: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line: &String| !line.contains(last)) {
            let mut line = String::new();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "it ended after {lines:?}");
            lines.push(line.trim().to_owned());
        }
        lines
    }
}

async fn ask(transport: &Transport) -> Result<String, TransportError> {
    let outgoing = Outgoing { body: Bytes::from_static(b"<Envelope/>"), anchor: None, inactivity: None };
    let mut answer = transport.send(outgoing).await?;
    let text = answer.body.excerpt(10_000).await;
    answer.body.accept().await?;
    Ok(String::from_utf8(text.to_vec()).unwrap())
}

#[tokio::test]
async fn a_bound_login_in_every_spelling_of_the_user() {
    let Some(acceptor) = acceptor(MessageDigest::sha256(), &["--require-binding"]) else { return };
    for user in ["CONTOSO\\jürgen.müller", "CONTOSO\\JÜRGEN.Müller", "alice@contoso.example"] {
        let transport = acceptor.transport(user, PASSWORD);
        for turn in 1..=3 {
            let text = ask(&transport).await.unwrap();
            assert!(text.contains(&format!("turn=\"{turn}\" received=\"11\"")), "{text}");
        }
    }
}

#[tokio::test]
async fn the_binding_holds_for_other_signatures() {
    let Some(acceptor) = acceptor(MessageDigest::sha384(), &["--require-binding"]) else { return };
    ask(&acceptor.transport("alice@contoso.example", PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn a_binding_nobody_asked_for_does_no_harm() {
    let Some(acceptor) = acceptor(MessageDigest::sha256(), &[]) else { return };
    ask(&acceptor.transport("CONTOSO\\jürgen.müller", PASSWORD)).await.unwrap();
}

#[tokio::test]
async fn a_server_that_closes_every_third_time_costs_a_new_login_and_no_error() {
    let Some(mut acceptor) = acceptor(MessageDigest::sha256(), &["--require-binding", "--close-every", "3"]) else { return };
    let transport = acceptor.transport("alice@contoso.example", PASSWORD);
    for _ in 0..10 {
        ask(&transport).await.unwrap();
    }
    let text = ask(&transport).await.unwrap();
    assert!(text.contains("connection=\"3\""), "{text}");
    for _ in 0..4 {
        assert!(acceptor.lines_to("").iter().all(|line| line.starts_with("LOGIN")));
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_at_once_and_not_tried_again() {
    let Some(mut acceptor) = acceptor(MessageDigest::sha256(), &["--require-binding"]) else { return };
    let transport = acceptor.transport("alice@contoso.example", "wrong");
    for _ in 0..3 {
        let error = ask(&transport).await.unwrap_err();
        assert_eq!(error.kind, Kind::Unauthorized { worked: false });
        assert!(error.to_string().contains("Extended Protection"), "{error}");
    }
    // Somebody else's login ends the list: before it there is one refusal.
    ask(&acceptor.transport("alice@contoso.example", PASSWORD)).await.unwrap();
    let lines = acceptor.lines_to("LOGIN");
    assert_eq!(lines.iter().filter(|line| line.starts_with("REFUSED")).count(), 1, "{lines:?}");
}
