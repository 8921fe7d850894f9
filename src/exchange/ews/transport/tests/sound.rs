//! When a connection is used again, and when it is not.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::{FutureExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[tokio::test]
async fn requests_carry_the_headers_and_share_a_connection() {
    let server = Scripted::start(|heard| reply("200 OK", &[("Set-Cookie", "exchangecookie=e1; path=/")], &heard.turn.to_string())).await;
    let transport = basic(&server);
    assert_eq!((ask(&transport).await.unwrap(), ask(&transport).await.unwrap()), ("0".into(), "1".into()));
    let heard = server.heard();
    assert!(heard[0].head.starts_with("POST /EWS/Exchange.asmx HTTP/1.1\r\n"), "{}", heard[0].head);
    for (name, value) in [
        ("host", server.address.to_string().as_str()),
        ("content-type", "text/xml; charset=utf-8"),
        ("accept", "text/xml"),
        ("content-length", "11"),
        ("user-agent", crate::http::USER_AGENT),
        ("x-anchormailbox", "a@example.com"),
        ("return-client-request-id", "true"),
        ("authorization", "Basic Q09OVE9TT1xzdmM6aHVudGVyMg=="),
    ] {
        assert_eq!(heard[0].header(name), Some(value), "{name}");
    }
    assert_eq!((heard[0].header("cookie"), heard[1].header("cookie")), (None, Some("exchangecookie=e1")));
    assert_ne!(heard[0].header("client-request-id"), heard[1].header("client-request-id"));
    assert_eq!(connections(&server), [0, 0]);
}

#[tokio::test]
async fn an_answer_not_accepted_or_not_of_status_200_ends_its_connection() {
    let server = Scripted::start(|heard| reply(if heard.connection == 1 { "500 Fault" } else { "200 OK" }, &[], "x")).await;
    let transport = basic(&server);
    drop(transport.send(outgoing()).await.unwrap());
    assert_eq!(ask(&transport).await.unwrap(), "x");
    ask(&transport).await.unwrap();
    assert_eq!(connections(&server), [0, 1, 2]);
}

#[tokio::test]
async fn a_second_answer_nobody_asked_for_is_never_taken_for_the_next() {
    let server = Scripted::start(|heard| match heard.connection {
        0 => [reply("200 OK", &[], "mine"), reply("200 OK", &[], "stray")].concat(),
        _ => reply("200 OK", &[], "mine"),
    })
    .await;
    let transport = basic(&server);
    assert_eq!((ask(&transport).await.unwrap(), ask(&transport).await.unwrap()), ("mine".into(), "mine".into()));
    assert_eq!(connections(&server), [0, 1]);
}

#[tokio::test]
async fn a_used_connection_that_fails_is_replaced_once() {
    for failing in [Vec::new(), reply("408 Request Timeout", &[], ""), reply("400 Bad Request", &[("Connection", "close")], "")] {
        let server = Scripted::start(move |heard| match heard.turn {
            0 => reply("200 OK", &[], "x"),
            _ => failing.clone(),
        })
        .await;
        let transport = basic(&server);
        assert_eq!((ask(&transport).await.unwrap(), ask(&transport).await.unwrap()), ("x".into(), "x".into()));
        assert_eq!(connections(&server), [0, 0, 1]);
    }
}

#[tokio::test]
async fn a_fresh_connection_that_fails_is_an_error() {
    let server = Scripted::start(|_| Vec::new()).await;
    let error = ask(&basic(&server)).await.unwrap_err();
    assert_eq!((error.kind, error.passing()), (Kind::Cut, true));
    assert!(error.to_string().contains(server.heard()[0].header("client-request-id").unwrap()), "{error}");
    assert_eq!(connections(&server), [0]);
}

/// A server that says this and closes.
async fn says(bytes: &'static str) -> Transport {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings::new(Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"<Envelope/>") {
            request.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(bytes.as_bytes()).await.unwrap();
    });
    transport(settings, Credentials::Basic(login()))
}

#[tokio::test]
async fn an_answer_cut_off_is_an_error_both_by_length_and_by_chunk() {
    for bytes in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
    ] {
        let mut answer = says(bytes).await.send(outgoing()).await.unwrap();
        let mut text = Vec::new();
        let error = answer.body.read_to_end(&mut text).await.unwrap_err();
        let inner = TransportError::of(&error).unwrap();
        assert_eq!((inner.kind, text.as_slice()), (Kind::Cut, &b"abc"[..]));
        assert_eq!(inner.request_id.as_deref(), Some(answer.request_id.as_str()));
        assert!(inner.cause.contains("3 bytes had arrived"), "{inner}");

        let answer = says(bytes).await.send(outgoing()).await.unwrap();
        assert_eq!(answer.body.accept().await.unwrap_err().kind, Kind::Cut, "what is cut off cannot be accepted");
    }
}

#[tokio::test]
async fn a_silent_server_is_a_timeout_before_and_within_the_answer() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = Settings::new(Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap());
    settings.inactivity = Duration::from_millis(30);
    let error = transport(settings, Credentials::Basic(login())).send(outgoing()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Timeout(Phase::Head));

    let server = Scripted::start(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".to_vec()).await;
    let brief = Outgoing { inactivity: Some(Duration::from_millis(30)), ..outgoing() };
    let mut answer = basic(&server).send(brief).await.unwrap();
    assert_eq!(answer.body.next().await.unwrap().unwrap(), "abc");
    let error = answer.body.next().await.unwrap().unwrap_err();
    assert_eq!(TransportError::of(&error).unwrap().kind, Kind::Timeout(Phase::Body));
    assert!(answer.body.next().await.is_none());
}

#[tokio::test]
async fn the_cap_on_connections_makes_others_wait() {
    let server = Scripted::start(|_| reply("200 OK", &[], "x")).await;
    let transport = transport(Settings { connections: 1, ..settings(&server) }, Credentials::Basic(login()));
    let first = transport.send(outgoing()).await.unwrap();
    let mut second = Box::pin(transport.send(outgoing()));
    assert!((&mut second).now_or_never().is_none());
    assert_eq!(server.heard().len(), 1);
    first.body.accept().await.unwrap();
    second.await.unwrap();
    assert_eq!(connections(&server), [0, 0]);
}

#[tokio::test]
async fn who_is_overtaken_while_queueing_sends_nothing() {
    let server = Scripted::start(|_| reply("200 OK", &[], "x")).await;
    let transport = transport(Settings { connections: 1, ..settings(&server) }, Credentials::Basic(login()));
    let (first, clear) = (transport.send(outgoing()).await.unwrap(), AtomicBool::new(true));
    let may = || clear.load(Ordering::SeqCst);
    let mut second = Box::pin(transport.send_if(outgoing(), &may));
    assert!((&mut second).now_or_never().is_none());
    clear.store(false, Ordering::SeqCst);
    first.body.accept().await.unwrap();
    assert!(second.await.unwrap().is_none());
    assert_eq!((server.heard().len(), transport.0.pool.idle_count()), (1, 1), "and the connection is kept for others");
}

#[tokio::test]
async fn old_connections_are_retired() {
    let server = Scripted::start(|_| reply("200 OK", &[], "x")).await;
    let transport = transport(Settings { idle: Duration::from_secs(100), ..settings(&server) }, Credentials::Basic(login()));
    ask(&transport).await.unwrap();
    assert_eq!(transport.0.pool.idle_count(), 1);
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(130)).await;
    assert_eq!(transport.0.pool.idle_count(), 0);
}

#[tokio::test]
async fn redirects_and_junk_are_errors() {
    for (bytes, kind) in [
        (reply("302 Found", &[("Location", "https://other.example.com/x")], ""), Kind::Redirect { passing: false }),
        (reply("302 Found", &[("Location", "/ews/genericerrorpage.htm?x")], ""), Kind::Redirect { passing: true }),
        (b"SSH-2.0-server\r\n\r\n".to_vec(), Kind::Protocol),
    ] {
        let server = Scripted::start(move |_| bytes.clone()).await;
        assert_eq!(ask(&basic(&server)).await.unwrap_err().kind, kind);
        assert_eq!(server.heard().len(), 1);
    }
}

#[tokio::test]
async fn nobody_there_and_no_such_name() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    for (url, kind) in [(url.as_str(), Kind::Connect), ("http://name.invalid/", Kind::Dns)] {
        let settings = Settings::new(Url::parse(url).unwrap());
        assert_eq!(transport(settings, Credentials::Basic(login())).send(outgoing()).await.unwrap_err().kind, kind);
    }
}

#[tokio::test]
async fn a_long_rest_behind_an_accepted_answer_costs_its_connection() {
    let server = Scripted::start(|_| reply("200 OK", &[], &" ".repeat(70_000))).await;
    let transport = basic(&server);
    transport.send(outgoing()).await.unwrap().body.accept().await.unwrap();
    transport.send(outgoing()).await.unwrap();
    assert_eq!(connections(&server), [0, 1]);
}

#[test]
fn impossible_endpoints_are_refused() {
    for url in ["ftp://mail.example.com/", "https://svc:hunter2@mail.example.com/EWS/Exchange.asmx"] {
        let settings = Settings::new(Url::parse(url).unwrap());
        let error = Transport::with_environment(settings, Credentials::Basic(login()), |_| None).unwrap_err();
        assert_eq!(error.setting, "ews_endpoint");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[tokio::test]
async fn the_body_of_a_fault_that_comes_behind_its_head_is_read_whole() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings::new(Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap());
    let (ask_for_body, asked_for_body) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"<Envelope/>") {
            request.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 9\r\n\r\n").await.unwrap();
        let _: Result<(), _> = asked_for_body.await;
        let _ = stream.write_all(b"the fault").await;
        let _ = stream.read_u8().await;
    });
    let transport = transport(settings, Credentials::Basic(login()));
    let mut answer = transport.send(outgoing()).await.unwrap();
    ask_for_body.send(()).unwrap();
    assert_eq!(answer.body.excerpt(100).await, "the fault");
    answer.body.accept().await.unwrap();
    assert_eq!(transport.0.pool.idle_count(), 0, "behind a fault a connection is not used again");
}
