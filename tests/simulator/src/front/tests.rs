use super::EWS;
use super::testing::{Lobby, answer_of};
use crate::fault::{CutFraming, Rule, WireFault};
use crate::http::testing::{Answer, Wire};
use crate::limits::Limits;
use crate::options::Options;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const CALL: &str = "<s:Envelope><s:Body><m:GetItem/></s:Body></s:Envelope>";

fn basic() -> String {
    format!("Basic {}", STANDARD.encode("CORP\\ada:pässword"))
}

async fn call(wire: &mut Wire, body: &str) -> Answer {
    wire.post(EWS, &[("Authorization", &basic())], body).await
}

async fn struck(fault: WireFault) -> Answer {
    let (_rooms, server) = Lobby::with_faults(vec![Rule::always(fault)]).serve().await;
    call(&mut Wire::open(server.address()).await, CALL).await
}

#[tokio::test]
async fn an_answer_wears_what_exchange_s_front_end_adds() {
    let (rooms, server) = Lobby::plain().serve().await;
    let mut wire = Wire::open(server.address()).await;
    let headers = [("Authorization", basic()), ("X-PreferServerAffinity", "true".into()), ("client-request-id", "abc".into())];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = wire.post("/ews/exchange.ASMX", &headers, CALL).await;
    assert_eq!((answer.status, answer.text()), (200, answer_of("ada@example.com")));
    for (name, value) in [("content-type", "text/xml; charset=utf-8"), ("x-feserver", "EXCH01"), ("client-request-id", "abc")] {
        assert_eq!(answer.header(name), value);
    }
    let cookies: Vec<_> = answer.headers.all("set-cookie").collect();
    assert!(
        cookies.iter().any(|it| it.starts_with("exchangecookie=")) && cookies.iter().any(|it| it.starts_with("X-BackEndOverrideCookie="))
    );
    assert_eq!(rooms.counters.value("http.requests"), 1);
}

#[tokio::test]
async fn only_posts_are_answered_and_only_known_paths() {
    let (_rooms, server) = Lobby::plain().serve().await;
    let mut wire = Wire::open(server.address()).await;
    wire.send(format!("GET {EWS} HTTP/1.1\r\nAuthorization: {}\r\n\r\n", basic())).await;
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
    wire.send(format!("GET {EWS} HTTP/1.1\r\n\r\n")).await;
    assert_eq!(wire.answer().await.unwrap().status, 401);
    assert_eq!(wire.post("/owa/", &[], "").await.status, 404);
}

#[tokio::test]
async fn impersonation_without_its_anchor_is_counted() {
    let (rooms, server) = Lobby::plain().serve().await;
    let mut wire = Wire::open(server.address()).await;
    let body = "<Envelope><Header><PrimarySmtpAddress>bob@example.com</PrimarySmtpAddress></Header><Body><GetItem/></Body></Envelope>";
    let authorization = basic();
    for anchor in ["", "x@example.com", "BOB@example.com"] {
        let mut headers = vec![("Authorization", authorization.as_str())];
        if !anchor.is_empty() {
            headers.push(("X-AnchorMailbox", anchor));
        }
        wire.post(EWS, &headers, body).await;
    }
    assert_eq!((rooms.counters.value("ews.anchor.missing"), rooms.counters.value("ews.anchor.mismatched")), (1, 1));
}

#[tokio::test]
async fn a_full_budget_refuses_in_exchange_s_words_until_a_connection_ends() {
    let limits = Limits { hanging: 1, sync_calls: 1, ..Limits::default() };
    let (rooms, server) = Lobby::new(Options::default(), &[], limits, Vec::new()).serve().await;
    let mut first = Wire::open(server.address()).await;
    let mut second = Wire::open(server.address()).await;
    let open = |operation: &str| {
        let body = format!("<Envelope><Body><{operation}/></Body></Envelope>");
        format!("POST {EWS} HTTP/1.1\r\nAuthorization: {}\r\nContent-Length: {}\r\n\r\n{body}", basic(), body.len())
    };
    first.send(open("GetStreamingEvents")).await;
    assert_eq!(first.head().await.unwrap().0, 200);
    second.send(open("GetStreamingEvents")).await;
    let answer = second.answer().await.unwrap();
    assert!(answer.status == 500 && answer.text().contains(r#"<t:Value Name="MaxConcurrencyLimit">1</t:Value>"#), "{}", answer.text());

    let mut third = Wire::open(server.address()).await;
    third.send(open("SyncFolderItems")).await;
    assert_eq!(third.head().await.unwrap().0, 200);
    for _ in 0..2 {
        second.send(open("SyncFolderItems")).await;
        let answer = second.answer().await.unwrap();
        let text = answer.text();
        assert!(answer.status == 200 && text.contains("<m:SyncState/>") && text.contains(r#"Name="BackOffMilliseconds">5000<"#), "{text}");
    }
    assert_eq!((rooms.counters.value("ews.throttled"), rooms.counters.value("ews.early_requests")), (3, 1));
    drop(third);
    loop {
        second.send(open("SyncFolderItems")).await;
        let (_, headers) = second.head().await.unwrap();
        if headers.value("transfer-encoding").is_some() {
            break;
        }
        let length = headers.value("content-length").unwrap().parse().unwrap();
        second.skip(length).await;
    }
}

#[tokio::test]
async fn a_status_comes_instead_of_an_answer() {
    let fault = WireFault::Status {
        status: 503,
        body: None,
        headers: [("X-CasErrorCode".to_owned(), "Busy".to_owned())].into(),
        retry_after_s: Some(7),
        retry_after_date: false,
        close: true,
    };
    let answer = struck(fault).await;
    assert_eq!((answer.status, answer.header("retry-after"), answer.header("connection")), (503, "7", "close"));
    assert_eq!(answer.header("x-caserrorcode"), "Busy");
    let dated = WireFault::Status {
        status: 429,
        body: None,
        headers: Default::default(),
        retry_after_s: Some(60),
        retry_after_date: true,
        close: false,
    };
    assert!(struck(dated).await.header("retry-after").ends_with(" GMT"));
}

#[tokio::test]
async fn a_401_in_the_middle_forgets_the_connection() {
    let rules = vec![Rule {
        nth: Some(2),
        ..Rule::always(WireFault::Status {
            status: 401,
            body: None,
            headers: Default::default(),
            retry_after_s: None,
            retry_after_date: false,
            close: false,
        })
    }];
    let (_rooms, server) = Lobby::with_faults(rules).serve().await;
    let mut wire = Wire::open(server.address()).await;
    for status in [200, 401, 200] {
        assert_eq!(call(&mut wire, CALL).await.status, status);
    }
}

#[tokio::test]
async fn a_fault_that_names_a_wait_makes_the_next_request_early() {
    let fault = WireFault::SoapFault { code: "ErrorServerBusy".into(), message: None, back_off_ms: Some(60_000), status: None };
    let (rooms, server) = Lobby::with_faults(vec![Rule::always(fault).on("getitem").times(1)]).serve().await;
    let mut wire = Wire::open(server.address()).await;
    let answer = call(&mut wire, CALL).await;
    assert!(answer.status == 500 && answer.text().contains(r#"<t:Value Name="BackOffMilliseconds">60000</t:Value>"#));
    // As long as its answer may be on its way, what comes was sent without knowing.
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(call(&mut wire, CALL).await.status, 200);
    assert_eq!(rooms.counters.value("ews.early_requests"), 1);
}

#[tokio::test]
async fn the_text_of_an_answer_is_damaged_as_asked() {
    let whole = answer_of("ada@example.com");
    let declared = r#"<?xml version="1.0" encoding="utf-8"?>"#;
    let cases: [(WireFault, Vec<u8>); 9] = [
        (WireFault::ByteOrderMark, format!("\u{feff}{whole}").into()),
        (WireFault::LeadingWhitespace, format!("\r\n \t\r\n{whole}").into()),
        (WireFault::NoDeclaration, whole.replace(declared, "").into()),
        (WireFault::RawControl { byte: None }, whole.replace("Hello", "\u{1f}Hello").into()),
        (WireFault::IllegalReference { reference: None }, whole.replace("Hello", "&#x1F;Hello").into()),
        (WireFault::Truncate { after_bytes: 20 }, whole.as_bytes()[..20].to_vec()),
        (WireFault::EmptyBody, Vec::new()),
        (WireFault::TinyChunks { max: 5 }, whole.clone().into()),
        (
            WireFault::Prefixes,
            whole
                .replace("<s:", "<SOAP-ENV:")
                .replace("</s:", "</SOAP-ENV:")
                .replace("xmlns:s=", "xmlns:SOAP-ENV=")
                .replace("<m:", "<ns7:")
                .replace("</m:", "</ns7:")
                .replace("xmlns:m=", "xmlns:ns7=")
                .replace("<t:", "<_q:")
                .replace("</t:", "</_q:")
                .replace("xmlns:t=", "xmlns:_q=")
                .into(),
        ),
    ];
    for (fault, expected) in cases {
        let answer = struck(fault.clone()).await;
        assert_eq!((answer.status, answer.text()), (200, String::from_utf8_lossy(&expected).into_owned()), "{fault:?}");
    }
    let invalid = struck(WireFault::InvalidUtf8).await;
    assert!(std::str::from_utf8(&invalid.body).is_err());
    for fault in [WireFault::Junk, WireFault::SecondEnvelope] {
        let text = struck(fault).await.text();
        assert!(text.starts_with(&whole) && text.len() > whole.len());
    }
}

/// The halves of an illegal reference must come in different chunks, since a filter that looks at one at a time would miss it.
#[tokio::test]
async fn an_illegal_reference_is_split_over_chunks() {
    let (_rooms, server) =
        Lobby::with_faults(vec![Rule::always(WireFault::IllegalReference { reference: Some("&#x0;".into()) })]).serve().await;
    let mut wire = Wire::open(server.address()).await;
    wire.send(format!("POST {EWS} HTTP/1.1\r\nAuthorization: {}\r\nContent-Length: 0\r\n\r\n", basic())).await;
    wire.head().await.unwrap();
    let mut chunks = Vec::new();
    while let Some(chunk) = wire.chunk().await.unwrap() {
        chunks.push(String::from_utf8(chunk).unwrap());
    }
    assert!(chunks.concat().contains("&#x0;Hello") && chunks.iter().all(|chunk| !chunk.contains("&#x0;")), "{chunks:?}");
}

#[tokio::test]
async fn types_and_pages_are_changed_as_asked() {
    assert_eq!(struck(WireFault::ContentType { value: "text/html".into() }).await.header("content-type"), "text/html");
    assert_eq!(struck(WireFault::ContentType { value: String::new() }).await.headers.value("content-type"), None);
    let page = struck(WireFault::HtmlPage).await;
    assert!(page.status == 200 && page.text().starts_with("<!DOCTYPE html>"));
}

#[tokio::test]
async fn connections_are_broken_as_asked() {
    for (fault, whole_head) in [
        (WireFault::NoResponse, false),
        (WireFault::Cut { after_bytes: 10, framing: CutFraming::Length }, true),
        (WireFault::Cut { after_bytes: 10, framing: CutFraming::Chunked }, true),
        (WireFault::Reset { after_bytes: 0 }, true),
    ] {
        let (_rooms, server) = Lobby::with_faults(vec![Rule::always(fault.clone())]).serve().await;
        let mut wire = Wire::open(server.address()).await;
        wire.send(format!("POST {EWS} HTTP/1.1\r\nAuthorization: {}\r\nContent-Length: 0\r\n\r\n", basic())).await;
        // A reset may overtake the head.
        let head = wire.head().await.is_ok();
        assert!(head == whole_head || matches!(fault, WireFault::Reset { .. }), "{fault:?}");
        assert!(wire.chunk_or_rest().await, "{fault:?} must leave the body unfinished");
    }
}

#[tokio::test]
async fn a_second_response_and_an_unasked_408_follow_as_asked() {
    let (_rooms, server) = Lobby::with_faults(vec![Rule::always(WireFault::DoubleResponse).times(1)]).serve().await;
    let mut wire = Wire::open(server.address()).await;
    call(&mut wire, CALL).await;
    assert!(call(&mut wire, CALL).await.text().contains("<GetItem/>"));

    let (_rooms, server) = Lobby::with_faults(vec![Rule::always(WireFault::UnsolicitedTimeout { ms: 1 })]).serve().await;
    let mut wire = Wire::open(server.address()).await;
    call(&mut wire, CALL).await;
    assert_eq!(wire.answer().await.unwrap().status, 408);
}

#[tokio::test]
async fn faults_come_under_200_as_asked() {
    let call_fault = "<Envelope><Body><Fault/></Body></Envelope>";
    for (lobby, status) in [
        (Lobby::plain(), 500),
        (Lobby::with_faults(vec![Rule::always(WireFault::FaultsUnder200)]), 200),
        (Lobby::with_quirks(&["faults-under-200"]), 200),
    ] {
        let (_rooms, server) = lobby.serve().await;
        assert_eq!(call(&mut Wire::open(server.address()).await, call_fault).await.status, status);
    }
}

#[tokio::test]
async fn lenient_servers_have_other_manners() {
    let names = ["plain-headers", "unchallenged-405", "no-chunked-requests", "double-response", "mid-size-requests-poison"];
    let (_rooms, server) = Lobby::with_quirks(&names).serve().await;
    let mut wire = Wire::open(server.address()).await;
    let answer = call(&mut wire, CALL).await;
    assert_eq!((answer.header("content-type"), answer.headers.value("x-feserver")), ("text/xml", None));
    wire.send(format!("GET {EWS} HTTP/1.1\r\n\r\n")).await;
    assert_eq!(wire.answer().await.unwrap().status, 405);
    assert_eq!(call(&mut wire, "<Envelope><Body><Fault/></Body></Envelope>").await.status, 500);
    assert!(wire.answer().await.unwrap().text().contains("<Fault/>"), "the second response");
    let big = call(&mut wire, &format!("{CALL}{}", " ".repeat(70_000))).await;
    assert_eq!((big.status, big.headers.value("connection")), (200, None));
    assert_eq!(wire.answer().await.unwrap().status, 400);

    let mut wire = Wire::open(server.address()).await;
    wire.send(format!("POST {EWS} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")).await;
    assert_eq!(wire.answer().await.unwrap().status, 400);
}

#[tokio::test]
async fn autodiscover_and_the_record_are_at_hand() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { record: Some(folder.path().join("traffic")), ..Options::default() };
    let (_rooms, server) = Lobby::new(options, &[], Limits::default(), Vec::new()).serve().await;
    let mut wire = Wire::open(server.address()).await;
    wire.send("GET /autodiscover/autodiscover.json/v1.0/ada@example.com?Protocol=Ews HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(wire.answer().await.unwrap().text(), r#"{"Protocol":"Ews","Url":"http://h/EWS/Exchange.asmx"}"#);
    call(&mut wire, CALL).await;
    let recorded = folder.path().join("traffic/00002-GetItem.response.xml");
    assert_eq!(std::fs::read_to_string(recorded).unwrap(), answer_of("ada@example.com"));
}

/// A slow answer is work under way: the budget must feel it.
#[tokio::test]
async fn a_delayed_answer_occupies_its_budget() {
    let limits = Limits { max_concurrency: 1, ..Limits::default() };
    let rule = Rule::always(WireFault::Delay { ms: 600_000 }).times(1);
    let (rooms, server) = Lobby::new(Options::default(), &[], limits, vec![rule]).serve().await;
    let mut slow = Wire::open(server.address()).await;
    slow.send(format!("POST {EWS} HTTP/1.1\r\nAuthorization: {}\r\nContent-Length: 0\r\n\r\n", basic())).await;
    while rooms.faults.list().iter().all(|(_, _, struck)| *struck == 0) {
        tokio::task::yield_now().await;
    }
    let mut other = Wire::open(server.address()).await;
    let answer = call(&mut other, CALL).await;
    assert!(answer.status == 500 && answer.text().contains("ErrorExceededConnectionCount"), "{}", answer.text());
}
