//! TLS and proxies.

use openssl::{
    asn1::Asn1Time,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    ssl::{SslContext, SslContextBuilder, SslMethod, SslVersion},
    x509::{X509, X509NameBuilder, extension::SubjectAlternativeName},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::auth::ntlm::Binding;

/// A certificate for `name`, signed by itself.
fn certificate(name: &str, digest: MessageDigest) -> (PKey<Private>, X509) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&subject).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(9).unwrap()).unwrap();
    let names = SubjectAlternativeName::new().dns(name).build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(names).unwrap();
    builder.sign(&key, digest).unwrap();
    (key, builder.build())
}

fn context((key, certificate): &(PKey<Private>, X509)) -> SslContext {
    let mut builder = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
    builder.set_private_key(key).unwrap();
    builder.set_certificate(certificate).unwrap();
    builder.build()
}

fn secure(port: u16) -> Settings {
    Settings::new(Url::parse(&format!("https://localhost:{port}/EWS/Exchange.asmx")).unwrap())
}

#[tokio::test]
async fn an_unknown_issuer_is_refused_unless_verification_is_off() {
    let own = context(&certificate("localhost", MessageDigest::sha256()));
    let server = Scripted::listen(Some(own), |_| reply("200 OK", &[], "x")).await;
    let settings = secure(server.address.port());
    let error = ask(&transport(settings.clone(), Credentials::Basic(login()))).await.unwrap_err();
    assert_eq!(error.kind, Kind::Tls(TlsFault::Trust));
    assert!(error.to_string().contains("SSL_CERT_FILE"), "{error}");
    assert!(server.heard().is_empty(), "nothing is sent to a stranger");
    let lax = Settings { verify: false, ..settings };
    assert_eq!(ask(&transport(lax, Credentials::Basic(login()))).await.unwrap(), "x");
}

#[tokio::test]
async fn ssl_cert_file_adds_an_authority_and_another_name_is_still_refused() {
    let pair = certificate("localhost", MessageDigest::sha256());
    let server = Scripted::listen(Some(context(&pair)), |_| reply("200 OK", &[], "x")).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pair.1.to_pem().unwrap()).unwrap();
    // The environment is a process's own, so a process of its own looks at it.
    let child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["exchange::ews::transport::tests::secure::trusting", "--exact", "--nocapture"])
        .env("SSL_CERT_FILE", file.path())
        .env("EXCHANGE_SYNC_TEST_PORT", server.address.port().to_string())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("trusted"), "{said}{}", String::from_utf8_lossy(&child.stderr));
}

/// The process of the test above.
#[tokio::test]
async fn trusting() {
    let Some(port) = std::env::var("EXCHANGE_SYNC_TEST_PORT").ok().and_then(|port| port.parse().ok()) else { return };
    assert_eq!(ask(&transport(secure(port), Credentials::Basic(login()))).await.unwrap(), "x");
    let mut other = secure(port);
    other.endpoint.set_host(Some("127.0.0.1")).unwrap();
    let error = ask(&transport(other, Credentials::Basic(login()))).await.unwrap_err();
    assert_eq!(error.kind, Kind::Tls(TlsFault::Name), "{error}");
    println!("trusted");
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_that_is_not_trusted() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        let _ = stream.read(&mut [0; 64]).await;
    });
    let error = ask(&transport(secure(port), Credentials::Basic(login()))).await.unwrap_err();
    assert_eq!(error.kind, Kind::Tls(TlsFault::Protocol), "{error}");
}

#[tokio::test]
async fn a_server_of_tls_1_0_is_reached_by_a_cipher_list_of_level_0() {
    let (key, certificate) = certificate("localhost", MessageDigest::sha1());
    let mut old = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
    old.set_security_level(0);
    old.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
    old.set_max_proto_version(Some(SslVersion::TLS1)).unwrap();
    old.set_private_key(&key).unwrap();
    old.set_certificate(&certificate).unwrap();
    let server = Scripted::listen(Some(old.build()), |_| reply("200 OK", &[], "x")).await;
    let settings = Settings { verify: false, ..secure(server.address.port()) };
    let error = ask(&transport(settings.clone(), Credentials::Basic(login()))).await.unwrap_err();
    assert_eq!(error.kind, Kind::Tls(TlsFault::Protocol), "{error}");
    assert!(error.to_string().contains("ews_ssl_ciphers"), "{error}");
    let lower = Settings { ciphers: Some("DEFAULT@SECLEVEL=0".to_owned()), ..settings };
    assert_eq!(ask(&transport(lower, Credentials::Basic(login()))).await.unwrap(), "x");
}

#[test]
fn cipher_lists_are_checked() {
    let with = |list: &str| {
        let settings = Settings { ciphers: Some(list.to_owned()), ..secure(1) };
        Transport::with_environment(settings, Credentials::Basic(login()), |_| None).map(|_| ())
    };
    for list in ["DEFAULT@SECLEVEL=0", "ECDHE-RSA-AES256-SHA384:HIGH:!aNULL", ""] {
        assert_eq!(with(list), Ok(()), "{list}");
    }
    assert_eq!(with("NO-SUCH-CIPHER").unwrap_err().setting, "ews_ssl_ciphers");
}

#[tokio::test]
async fn the_binding_follows_the_hash_of_the_certificates_signature() {
    for (digest, expected) in [
        (MessageDigest::sha1(), MessageDigest::sha256()),
        (MessageDigest::sha256(), MessageDigest::sha256()),
        (MessageDigest::sha384(), MessageDigest::sha384()),
        (MessageDigest::sha512(), MessageDigest::sha512()),
    ] {
        let pair = certificate("localhost", digest);
        let mut weak = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
        weak.set_security_level(0);
        weak.set_private_key(&pair.0).unwrap();
        weak.set_certificate(&pair.1).unwrap();
        let server = Scripted::listen(Some(weak.build()), |_| Vec::new()).await;
        let ciphers = Some("DEFAULT@SECLEVEL=0".to_owned());
        let settings = Settings { verify: false, ciphers, ..secure(server.address.port()) };
        let (_, binding) = Dialer::new(&settings, |_| None).unwrap().dial().await.unwrap();
        let hash = openssl::hash::hash(expected, &pair.1.to_der().unwrap()).unwrap();
        assert_eq!(binding, Some(Binding::of_certificate_hash(&hash)));
    }
}

/// A proxy that grants tunnels, or gives one answer.
async fn proxy(answer: Option<&'static [u8]>) -> (u16, tokio::task::JoinHandle<String>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        match answer {
            Some(answer) => stream.write_all(answer).await.unwrap(),
            None => {
                let port: u16 = head.split([':', ' ']).nth(2).unwrap().parse().unwrap();
                let mut onward = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut stream, &mut onward).await });
            }
        }
        head
    });
    (port, task)
}

fn through(port: u16, settings: Settings) -> Transport {
    let variable = move |name: &str| (name == "HTTPS_PROXY").then(|| format!("http://user:hunter3@127.0.0.1:{port}"));
    Transport::with_environment(settings, Credentials::Basic(login()), variable).unwrap()
}

#[tokio::test]
async fn a_proxy_makes_a_tunnel() {
    let own = context(&certificate("localhost", MessageDigest::sha256()));
    let server = Scripted::listen(Some(own), |_| reply("200 OK", &[], "x")).await;
    let (port, asked) = proxy(None).await;
    let transport = through(port, Settings { verify: false, ..secure(server.address.port()) });
    assert_eq!(ask(&transport).await.unwrap(), "x");
    let head = asked.await.unwrap();
    assert!(head.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", server.address.port())), "{head}");
    assert!(head.contains("Proxy-Authorization: Basic dXNlcjpodW50ZXIz\r\n") && !head.contains("\r\nAuthorization:"), "{head}");
}

#[tokio::test]
async fn a_proxy_that_wants_a_login_is_a_clear_error() {
    let (port, _asked) = proxy(Some(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")).await;
    let error = ask(&through(port, secure(9))).await.unwrap_err();
    assert_eq!(error.kind, Kind::Proxy { fatal: true });
    assert!(error.to_string().contains("407") && !error.to_string().contains("hunter"), "{error}");
}
