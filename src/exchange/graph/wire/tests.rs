use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::{
    auth::{
        Secret,
        oauth::{self, Proof},
    },
    http::{
        USER_AGENT,
        scripted::{Reply as Said, Scripted, reply},
    },
};

/// An identity provider that numbers its tokens.
async fn provider() -> Scripted {
    let granted = AtomicUsize::new(0);
    Scripted::start(move |_| {
        let number = granted.fetch_add(1, Ordering::SeqCst);
        reply("200 OK", &[], &format!(r#"{{"token_type":"Bearer","expires_in":3599,"access_token":"token-{number}"}}"#))
    })
    .await
}

fn http(graph: std::net::SocketAddr, provider: std::net::SocketAddr) -> Http {
    let settings = oauth::Settings {
        authority: format!("http://{provider}/tenant"),
        client_id: "client".to_owned(),
        proof: Proof::Secret(Secret::new("secret")),
        scope: "https://graph.microsoft.com/.default".to_owned(),
    };
    Http::new(Endpoint::new(&format!("http://{graph}")).unwrap(), Arc::new(Tokens::new(settings).unwrap())).unwrap()
}

fn to(http: &Http, path: &str) -> Outgoing {
    Outgoing { url: http.endpoint().below(path), prefer: Some("p=1".to_owned()), body: None, id: "the-id".to_owned() }
}

async fn whole(reply: Reply) -> io::Result<Vec<u8>> {
    let mut body = reply.body;
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}

#[tokio::test]
async fn a_request_says_who_asks_for_what() {
    let provider = provider().await;
    let graph = Scripted::start(|_| reply("200 OK", &[("request-id", "r")], "{}")).await;
    let http = http(graph.address, provider.address);
    let link = "/users/x/messages/delta?$skiptoken=R0%2Fus~m%20c+%e4&$x=(a,b;c)";
    let answer = http.send(&to(&http, link)).await.unwrap();
    assert_eq!((answer.status, answer.headers["request-id"].to_str().unwrap()), (200, "r"));
    assert_eq!(whole(answer).await.unwrap(), b"{}");
    let heard = graph.heard().remove(0);
    assert!(heard.head.starts_with(&format!("GET /v1.0{link} HTTP/1.1\r\n")), "{}", heard.head);
    for (name, value) in [
        ("authorization", "Bearer token-0"),
        ("prefer", "p=1"),
        ("client-request-id", "the-id"),
        ("return-client-request-id", "true"),
        ("user-agent", USER_AGENT),
        ("accept-encoding", "gzip"),
    ] {
        assert_eq!(heard.header(name), Some(value), "{name}");
    }
    http.send(&Outgoing { body: Some("{\"a\":1}".to_owned()), ..to(&http, "/$batch") }).await.unwrap();
    let posted = graph.heard().remove(1);
    assert!(posted.head.starts_with("POST /v1.0/$batch "));
    assert_eq!((posted.header("content-type"), posted.body.as_str()), (Some("application/json"), "{\"a\":1}"));
}

#[tokio::test]
async fn a_token_refused_to_many_is_renewed_once() {
    let provider = provider().await;
    let script = |heard: &crate::http::scripted::Heard| -> Said {
        match heard.header("authorization") {
            Some("Bearer token-0") => {
                reply("401 Unauthorized", &[], r#"{"error":{"code":"InvalidAuthenticationToken","message":"expired"}}"#)
            }
            _ => reply("200 OK", &[], "{}"),
        }
    };
    let graph = Scripted::start(script).await;
    let http = http(graph.address, provider.address);
    let outgoing = to(&http, "/users/x");
    let answers = join_all((0..8).map(|_| http.send(&outgoing))).await;
    assert!(answers.iter().all(|answer| answer.as_ref().is_ok_and(|answer| answer.status == 200)));
    assert_eq!(provider.heard().len(), 2);
}

#[tokio::test]
async fn a_token_refused_twice_is_an_answer() {
    let provider = provider().await;
    let graph = Scripted::start(|_| reply("401 Unauthorized", &[], "")).await;
    let http = http(graph.address, provider.address);
    assert_eq!(http.send(&to(&http, "/users/x")).await.unwrap().status, 401);
    assert_eq!((graph.heard().len(), provider.heard().len()), (2, 2));
}

#[tokio::test]
async fn without_a_token_nothing_is_asked() {
    let refusal = r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."}"#;
    let provider = Scripted::start(move |_| reply("401 Unauthorized", &[], refusal)).await;
    let graph = Scripted::start(|_| reply("200 OK", &[], "{}")).await;
    let http = http(graph.address, provider.address);
    let Err(trouble) = http.send(&to(&http, "/users/x")).await else { panic!("sent") };
    assert_eq!(trouble.action(), Some(super::super::verdict::Action::Final(crate::exchange::Verdict::Refused)));
    assert_eq!(trouble.code().as_deref(), Some("AADSTS7000215"));
    assert!(!trouble.to_string().contains("secret\""), "{trouble}");
    assert!(graph.heard().is_empty());
}

#[tokio::test]
async fn a_token_goes_nowhere_else() {
    let provider = provider().await;
    let elsewhere = Scripted::start(|_| reply("200 OK", &[], "{}")).await;
    let there = format!("http://{}/v1.0/users/x", elsewhere.address);
    let location = there.clone();
    let graph = Scripted::start(move |_| reply("302 Found", &[("Location", &location)], "")).await;
    let http = http(graph.address, provider.address);
    assert_eq!(http.send(&to(&http, "/users/x")).await.unwrap().status, 302);
    let sent = http.send(&Outgoing { url: there, ..to(&http, "") }).await;
    assert!(matches!(sent, Err(Trouble::Foreign)));
    assert!(elsewhere.heard().is_empty());
}

/// A server that says these bytes to the first request of each connection and then hangs up.
async fn hangs_up(bytes: &'static [u8]) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(bytes).await;
        }
    });
    address
}

#[tokio::test]
async fn only_the_servers_own_end_is_an_end() {
    let provider = provider().await;
    for (bytes, complete) in [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n\xe4bc\x00d\r\n0\r\n\r\n" as &[u8], true),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n\xe4bc\x00d\r\n", false),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n\xe4b", false),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n\xe4bc\x00d", false),
    ] {
        let http = http(hangs_up(bytes).await, provider.address);
        let answer = http.send(&to(&http, "/users/x/messages/y/$value")).await.unwrap();
        let body = whole(answer).await;
        assert_eq!(body.as_deref().ok(), complete.then_some(b"\xe4bc\x00d" as &[u8]), "{body:?}");
    }
    let silent = http(hangs_up(b"").await, provider.address);
    assert!(matches!(silent.send(&to(&silent, "/users/x")).await, Err(Trouble::Cut(text)) if !text.contains("users")));
}

#[tokio::test]
async fn compressed_answers_are_read_and_broken_ones_noticed() {
    // `{"value":[]}` as gzip (RFC 1952), one stored block.
    const GZIP: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n\
        \x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x01\x0c\x00\xf3\xff{\"value\":[]}";
    let provider = provider().await;
    let mut sound = GZIP.to_vec();
    let mut crc = 0xffff_ffff_u32;
    for byte in b"{\"value\":[]}" {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    sound.extend_from_slice(&(!crc).to_le_bytes());
    sound.extend_from_slice(&12_u32.to_le_bytes());
    let whole_one = http(hangs_up(sound.leak()).await, provider.address);
    let answer = whole_one.send(&to(&whole_one, "/users/x")).await.unwrap();
    assert_eq!(whole(answer).await.unwrap(), b"{\"value\":[]}");
    let cut = http(hangs_up(GZIP).await, provider.address);
    let answer = cut.send(&to(&cut, "/users/x")).await.unwrap();
    assert!(whole(answer).await.is_err());
}
