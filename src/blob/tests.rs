use crate::{
    http::scripted::{Heard, Scripted, reply},
    sink::{BlobSink, Verdict},
};

use super::*;

fn env(server: &Scripted) -> Env {
    Env::from_iter([("AZURE_STORAGE_ENDPOINT", format!("http://{}", server.address)), ("AZURE_STORAGE_KEY", "c2VjcmV0".into())])
}

async fn refused(script: impl Fn(&Heard) -> Vec<u8> + Send + Sync + 'static) -> (crate::sink::Error, usize) {
    let server = Scripted::start(script).await;
    let blobs = connect(&Location::parse("az://contosomail/archive").unwrap(), &env(&server)).unwrap();
    (BlobSink::open(blobs).await.unwrap_err(), server.heard().len())
}

#[tokio::test]
async fn the_time_that_a_busy_service_names_arrives() {
    let (busy, asked) = refused(|_| reply("503 Busy", &[("Retry-After", "7"), ("x-ms-error-code", "ServerBusy")], "")).await;
    assert_eq!((busy.verdict, asked), (Verdict::Later(Some(Duration::from_secs(7))), 1), "{busy}");
    assert_eq!(busy.code.as_deref(), Some("ServerBusy"));
    let (short, asked) = refused(|heard| match heard.turn {
        0 | 1 => reply("503 Busy", &[], ""),
        _ => reply("403 No", &[("x-ms-error-code", "AuthorizationPermissionMismatch")], ""),
    })
    .await;
    assert_eq!((short.verdict, asked), (Verdict::Refused, 3), "{short}");
}

#[tokio::test]
async fn a_wrong_clock_shows_in_the_date_of_the_answer() {
    let headers = [("x-ms-error-code", "AuthenticationFailed"), ("Date", "Sun, 06 Nov 2994 08:49:37 GMT")];
    let (skewed, _) = refused(move |_| reply("403 No", &headers, "")).await;
    assert!(skewed.to_string().contains("clock is") && skewed.hint.as_deref() == Some("set this machine's clock"), "{skewed}");
}

#[tokio::test]
async fn neither_key_nor_token_shows_in_an_error() {
    let (error, _) = refused(|_| reply("403 No", &[], "")).await;
    assert!(!format!("{error} {error:?}").contains("c2VjcmV0"));
    let server = Scripted::start(|_| Vec::new()).await;
    let sas = [("AZURE_STORAGE_ENDPOINT", format!("http://{}", server.address)), ("AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=c2VjcmV0".into())];
    let blobs = connect(&Location::parse("az://contosomail/archive").unwrap(), &Env::from_iter(sas)).unwrap();
    let error = BlobSink::open(blobs).await.unwrap_err();
    assert!(server.heard()[0].head.contains("sig=c2VjcmV0"));
    assert!(!format!("{error} {error:?}").contains("c2VjcmV0") && matches!(error.verdict, Verdict::Later(_)), "{error:?}");
}

#[tokio::test]
async fn a_token_goes_over_https_only() {
    let env = Env::from_iter([("AZURE_STORAGE_ENDPOINT", "http://blobs.example.com")]);
    let error = connect(&Location::parse("az://contosomail/archive").unwrap(), &env).unwrap_err();
    assert!(error.to_string().contains("is not https"), "{error}");
}

#[tokio::test]
async fn a_certificate_of_a_named_authority_only_is_trusted() {
    let missing = Env::from_iter([("SSL_CERT_FILE", "/nowhere/ca.pem"), ("AZURE_STORAGE_KEY", "c2VjcmV0")]);
    let error = connect(&Location::parse("az://contosomail/archive").unwrap(), &missing).unwrap_err();
    assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
}
