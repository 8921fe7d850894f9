//! Budgets and faults.

use super::*;
use crate::fault::{CutFraming, Rule, WireFault};
use flate2::read::GzDecoder;
use std::io::Read;

const INBOX: &str = "/users/alice@example.com/mailFolders/inbox";

fn error(status: u16, code: &str, wait: Option<i64>, date: bool) -> WireFault {
    WireFault::GraphError { status, code: code.to_owned(), message: None, retry_after_s: wait, retry_after_date: date }
}

#[tokio::test]
async fn the_fifth_request_in_flight_is_refused() {
    let mut desk = Desk::new().await;
    let faults = &desk.simulator.state().faults;
    faults.add(Rule::always(WireFault::Delay { ms: 600_000 }).on("graph.GetFolder").times(4));
    let mut slow = Vec::new();
    for _ in 0..4 {
        let mut wire = desk.other_wire().await;
        wire.send(desk.text("GET", INBOX, &[], "")).await;
        slow.push(wire);
    }
    while desk.simulator.state().faults.list().iter().any(|(_, _, struck)| *struck < 4) {
        tokio::task::yield_now().await;
    }
    let reply = desk.get(INBOX).await;
    assert_eq!((refusal(&reply), reply.header("retry-after")), ((429, "ApplicationThrottled".to_owned()), "10"));
    assert!(reply.text().contains("MailboxConcurrency"));
    assert_eq!(desk.get("/users/bob@example.com/mailFolders/inbox").await.status, 200, "another mailbox has its own budget");
    assert_eq!((desk.counter("graph.most_in_flight"), desk.counter("graph.429")), (4, 1));
}

#[tokio::test]
async fn limits_may_be_lifted() {
    let mut desk = Desk::with("[limits]\ngraph_requests = 0\ngraph_concurrency = 0\n", Options::default()).await;
    for _ in 0..20 {
        assert_eq!(desk.get(INBOX).await.status, 200);
    }
    assert_eq!(desk.counter(&format!("graph.requests.{ALICE}")), 20);
}

#[tokio::test]
async fn errors_of_graph_come_as_asked() {
    let mut desk = Desk::new().await;
    let state = desk.simulator.state().clone();
    state.faults.add(Rule::always(error(503, "ErrorMailboxStoreUnavailable", Some(60), false)).on("graph.GetFolder").times(1));
    let reply = desk.get(INBOX).await;
    assert_eq!((refusal(&reply), reply.header("retry-after")), ((503, "ErrorMailboxStoreUnavailable".to_owned()), "60"));
    assert_eq!(desk.get(INBOX).await.status, 200);
    assert_eq!(desk.counter("graph.early_requests"), 0, "the refusal may still have been on its way");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(desk.get(INBOX).await.status, 200);
    assert_eq!(desk.counter("graph.early_requests"), 1);

    state.faults.add(Rule::always(error(429, "TooManyRequests", Some(1), true)).on("graph.GetFolder").times(1));
    assert!(desk.get(INBOX).await.header("retry-after").ends_with(" GMT"));
    state.faults.add(Rule::always(error(429, "ErrorTooManyObjectsOpened", None, false)).on("graph.GetFolder"));
    state.quirks.switch("graph-errors-lower-case", true).unwrap();
    let body = json_of(&desk.get(INBOX).await);
    assert!(body["error"]["code"] == "errorTooManyObjectsOpened" && body["error"]["innererror"].is_object(), "{body}");
    state.quirks.switch("graph-errors-nested", true).unwrap();
    let body = json_of(&desk.get(INBOX).await);
    assert!(body["error"]["innerError"]["code"] == "ErrorTooManyObjectsOpened" && body["error"]["message"] == "", "{body}");
}

#[tokio::test]
async fn answers_without_graph_s_shape_come_as_asked() {
    let mut desk = Desk::new().await;
    let state = desk.simulator.state().clone();
    let status = |status, body: Option<&str>| WireFault::Status {
        status,
        body: body.map(str::to_owned),
        headers: [("Content-Type".to_owned(), "text/plain".to_owned())].into(),
        retry_after_s: None,
        retry_after_date: false,
        close: false,
    };
    for (fault, expected, text) in [
        (status(404, Some("")), 404, ""),
        (status(502, Some("upstream is gone")), 502, "upstream is gone"),
        (WireFault::EmptyBody, 200, ""),
    ] {
        state.faults.add(Rule::always(fault).on("graph.GetFolder").times(1));
        let reply = desk.get(INBOX).await;
        assert_eq!((reply.status, reply.text().as_str(), reply.header("content-type")), (expected, text, "text/plain"));
    }
    state.faults.add(Rule::always(WireFault::HtmlPage).on("graph.GetFolder").times(1));
    assert!(desk.get(INBOX).await.text().starts_with("<!DOCTYPE html>"));
    state.faults.add(Rule::always(error(500, "generalException", None, false)).on("graph.Batch").times(1));
    assert_eq!(desk.refusal("POST", "/$batch", "{}").await, (500, "generalException".to_owned()));

    state.faults.add(Rule::always(WireFault::Cut { after_bytes: 10, framing: CutFraming::Chunked }).on("graph.GetFolder"));
    let text = desk.text("GET", INBOX, &[("Accept-Encoding", "gzip")], "");
    desk.wire.send(text).await;
    assert_eq!(desk.wire.head().await.unwrap().0, 200);
    assert!(desk.wire.chunk_or_rest().await, "the body must be left unfinished");
}

#[tokio::test]
async fn long_answers_are_packed_and_recorded_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let mut desk = Desk::with("", Options { record: Some(folder.path().to_owned()), ..Options::default() }).await;
    let path = "/users/alice@example.com/mailFolders?$top=100";
    let plain = desk.get(path).await.text();
    let reply = desk.ask("GET", path, &[("Accept-Encoding", "gzip, deflate")], "").await;
    assert_eq!(reply.header("content-encoding"), "gzip");
    let mut text = String::new();
    GzDecoder::new(reply.body.as_slice()).read_to_string(&mut text).unwrap();
    assert_eq!(text, plain);
    let recorded = std::fs::read_to_string(folder.path().join("00003-graph.ListFolders.response.json")).unwrap();
    assert_eq!(recorded, plain);
}
