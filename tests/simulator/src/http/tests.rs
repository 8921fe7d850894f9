use super::testing::{Answering, Wire, serving};
use super::tls::Certificate;
use super::{Ending, Framing, Limits, Request, Response, Server};
use bytes::Bytes;
use futures::{StreamExt, stream};
use std::sync::Arc;
use std::time::Duration;

fn echo(request: Request) -> Response {
    Response::text(200, format!("{} {} {}", request.method, request.path, request.text()))
}

async fn broken(spoil: impl Fn(&mut super::Wire) + Send + Sync + 'static) -> (super::ServerHandle, Wire) {
    let server = serving(move |_| {
        let mut response = Response::xml(200, "0123456789");
        spoil(&mut response.wire);
        response
    })
    .await;
    let wire = Wire::open(server.address()).await;
    (server, wire)
}

#[tokio::test]
async fn a_connection_serves_many_requests_even_ahead_of_their_answers() {
    let server = serving(echo).await;
    let mut wire = Wire::open(server.address()).await;
    wire.send("GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiHEAD /c HTTP/1.1\r\n\r\n").await;
    assert_eq!(wire.answer().await.unwrap().text(), "GET /a ");
    assert_eq!(wire.answer().await.unwrap().text(), "POST /b hi");
    let (status, headers) = wire.head().await.unwrap();
    assert_eq!((status, headers.value("content-length")), (200, Some("8")));
    assert_eq!(wire.post("/d", &[], "x").await.text(), "POST /d x");
}

#[tokio::test]
async fn a_chunked_request_is_put_together_and_expectations_are_met() {
    let server = serving(echo).await;
    let mut wire = Wire::open(server.address()).await;
    wire.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(wire.head().await.unwrap().0, 100);
    for part in ["3\r\nab", "c\r", "\n2;x=y\r\nde\r\n0\r\nTrailer: 1\r\n", "\r\n"] {
        wire.send(part).await;
    }
    assert_eq!(wire.answer().await.unwrap().text(), "POST / abcde");
    assert_eq!(wire.post("/", &[], "").await.status, 200);
}

#[tokio::test]
async fn a_stream_comes_chunk_by_chunk_as_it_is_made() {
    let server = serving(|_| {
        let body = stream::iter(["one", "", "two"]).map(|item| Ok(Bytes::from(item)));
        Response::xml_stream(200, body.chain(stream::pending()).boxed())
    })
    .await;
    let mut wire = Wire::open(server.address()).await;
    wire.send("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(wire.head().await.unwrap().1.value("transfer-encoding"), Some("chunked"));
    assert_eq!(wire.chunk().await.unwrap().unwrap(), b"one");
    assert_eq!(wire.chunk().await.unwrap().unwrap(), b"two");
}

/// A hanging answer ends when its reader goes away, so that nothing is made for nobody.
#[tokio::test]
async fn an_answer_whose_reader_left_is_dropped() {
    let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
    let sender = std::sync::Mutex::new(Some(sender));
    let server = serving(move |_| {
        let held = sender.lock().unwrap().take();
        let body = stream::once(async { Ok(Bytes::from_static(b"x")) }).chain(stream::pending());
        Response::xml_stream(200, body.inspect(move |_| assert!(held.is_some())).boxed())
    })
    .await;
    let mut wire = Wire::open(server.address()).await;
    wire.send("GET / HTTP/1.1\r\n\r\n").await;
    wire.head().await.unwrap();
    assert_eq!(wire.chunk().await.unwrap().unwrap(), b"x");
    drop(wire);
    assert!(receiver.await.is_err(), "the body was dropped, and its sender with it");
}

#[tokio::test]
async fn http_1_0_gets_no_chunks_and_its_connection_ends() {
    let server = serving(|_| Response::xml_stream(200, stream::iter([Ok(Bytes::from("abc"))]).boxed())).await;
    let mut wire = Wire::open(server.address()).await;
    wire.send("GET / HTTP/1.0\r\n\r\n").await;
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.header("connection"), answer.text().as_str()), ("close", "abc"));
}

#[tokio::test]
async fn nonsense_and_excess_are_refused_with_the_right_status() {
    let limits = Limits { head: 1000, body: 10, ..Limits::default() };
    let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap().with_limits(limits).start(Arc::new(Answering(echo)));
    let long = format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(2000));
    for (request, status) in [
        ("\x16\x03\x01\x02\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n", 413),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (long.as_str(), 431),
    ] {
        let mut wire = Wire::open(server.address()).await;
        wire.send(request).await;
        let answer = wire.answer().await.unwrap();
        assert_eq!((answer.status, answer.header("connection")), (status, "close"), "{request:?}");
    }
}

#[tokio::test]
async fn a_shutdown_closes_idle_connections() {
    let server = serving(echo).await;
    let mut wire = Wire::open(server.address()).await;
    assert_eq!(wire.post("/", &[], "").await.status, 200);
    let (over, ()) = tokio::join!(wire.is_over(), server.shutdown());
    assert!(over);
}

#[tokio::test]
async fn a_body_can_be_cut_whatever_its_framing() {
    for framing in [Framing::Natural, Framing::Chunked, Framing::UntilClose, Framing::Declared(99)] {
        let (_server, mut wire) = broken(move |wire| {
            wire.framing = framing;
            wire.stop_after = Some(4);
        })
        .await;
        wire.send("GET / HTTP/1.1\r\n\r\n").await;
        wire.head().await.unwrap();
        let rest = String::from_utf8(wire.rest().await.unwrap()).unwrap();
        let expected = if framing == Framing::Chunked { "a\r\n0123" } else { "0123" };
        assert_eq!(rest, expected, "{framing:?}");
    }
}

#[tokio::test]
async fn a_truncated_body_looks_whole() {
    for framing in [Framing::Natural, Framing::Chunked] {
        let (_server, mut wire) = broken(move |wire| {
            wire.framing = framing;
            wire.stop_after = Some(4);
            wire.ending = Ending::Finish;
        })
        .await;
        for _ in 0..2 {
            assert_eq!(wire.post("/", &[], "").await.text(), "0123", "{framing:?}");
        }
    }
}

#[tokio::test]
async fn a_reset_is_an_error_to_the_client() {
    let (_server, mut wire) = broken(|wire| {
        wire.stop_after = Some(0);
        wire.ending = Ending::Reset;
    })
    .await;
    wire.send("GET / HTTP/1.1\r\n\r\n").await;
    let error = loop {
        if let Err(error) = wire.line().await {
            break error;
        }
    };
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn no_response_at_all_is_an_end_without_a_byte() {
    let (_server, mut wire) = broken(|wire| {
        wire.no_head = true;
        wire.stop_after = Some(0);
    })
    .await;
    wire.send("GET / HTTP/1.1\r\n\r\n").await;
    assert!(wire.is_over().await);
}

#[tokio::test]
async fn tiny_chunks_carry_the_same_body() {
    let (_server, mut wire) = broken(|wire| wire.tiny_chunks = Some(3)).await;
    wire.send("GET / HTTP/1.1\r\n\r\n").await;
    wire.head().await.unwrap();
    let mut chunks = Vec::new();
    while let Some(chunk) = wire.chunk().await.unwrap() {
        chunks.push(chunk);
    }
    assert!(chunks.len() > 3 && chunks.iter().all(|chunk| chunk.len() <= 3));
    assert_eq!(chunks.concat(), b"0123456789");
}

#[tokio::test]
async fn a_second_response_arrives_unasked() {
    let (_server, mut wire) =
        broken(|wire| wire.epilogue = Some(Bytes::from_static(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"))).await;
    assert_eq!(wire.post("/", &[], "").await.text(), "0123456789");
    assert_eq!(wire.post("/", &[], "").await.text(), "x", "the next request reads what nobody asked for");
}

#[tokio::test]
async fn an_idle_connection_can_be_told_of_its_end() {
    let (_server, mut wire) = broken(|wire| wire.timeout_notice = Some(Duration::from_millis(1))).await;
    assert_eq!(wire.post("/", &[], "").await.status, 200);
    assert_eq!(wire.answer().await.unwrap().status, 408);
    assert!(wire.is_over().await);
}

#[tokio::test]
async fn a_stalled_answer_stays_open_until_the_client_leaves() {
    let (_server, mut wire) = broken(|wire| {
        wire.stop_after = Some(3);
        wire.ending = Ending::Stall;
    })
    .await;
    wire.send("GET / HTTP/1.1\r\n\r\n").await;
    let (_, headers) = wire.head().await.unwrap();
    assert_eq!(headers.value("content-length"), Some("10"));
    let silence = tokio::time::timeout(Duration::from_millis(50), wire.rest()).await;
    assert!(silence.is_err(), "neither bytes nor an end may come");
}

#[tokio::test]
async fn tls_is_spoken_with_a_certificate_that_its_own_authority_vouches_for() {
    let certificate = Arc::new(Certificate::generate(&["mail.example.com".to_owned()]).unwrap());
    let server = Server::bind("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap()
        .with_tls(certificate.clone())
        .start(Arc::new(Answering(|request: Request| Response::text(200, if request.tls { "secret" } else { "plain" }))));
    for name in ["localhost", "127.0.0.1", "mail.example.com"] {
        let mut wire = Wire::over(super::testing::tls(server.address(), certificate.ca_pem(), name).await.unwrap());
        assert_eq!(wire.post("/", &[], "").await.text(), "secret", "{name}");
    }
    assert!(super::testing::tls(server.address(), certificate.ca_pem(), "other.example.com").await.is_err());
    let folder = tempfile::tempdir().unwrap();
    let files = certificate.write(&folder.path().join("deep")).unwrap();
    assert_eq!(std::fs::read_to_string(files.ca).unwrap(), certificate.ca_pem());
    assert!(!format!("{certificate:?}").contains("PRIVATE"));
}

#[test]
fn a_value_cannot_forge_another_field_and_secrets_are_not_shown() {
    let mut headers = super::Headers::new();
    headers.push("X", "a\r\nEvil: 1");
    headers.push("Authorization", "Basic c2VjcmV0");
    assert_eq!(headers.value("x"), Some("a  Evil: 1"));
    assert!(!format!("{headers:?}").contains("c2VjcmV0"));
}

#[test]
fn forms_are_decoded_and_damage_is_kept() {
    let pairs = super::form_pairs("a=1+2&b=%C3%bc%2&c");
    let expected = [("a", "1 2"), ("b", "ü%2"), ("c", "")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(pairs, expected);
}
