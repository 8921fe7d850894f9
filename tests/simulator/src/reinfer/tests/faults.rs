//! Faults and limits.

use super::*;
use crate::fault::{CutFraming, Rule, WireFault};
use std::time::Duration;

const PUT: &str = "reinfer.PutEmails";

fn error(status: u16, wait: Option<i64>, date: bool) -> WireFault {
    WireFault::ReinferError { status, message: None, retry_after_s: wait, retry_after_date: date }
}

fn upload(ids: &[&str]) -> String {
    json!({ "emails": ids.iter().map(|id| email(id)).collect::<Vec<_>>() }).to_string()
}

impl Desk {
    fn fault(&self, rule: Rule) {
        assert_eq!(rule.complaint(), None);
        self.simulator.state().faults.add(rule);
    }

    async fn upload(&mut self, ids: &[&str]) -> Reply {
        self.ask("PUT", EMAILS, JSON, &upload(ids)).await
    }

    async fn until(&self, what: impl Fn(&Self) -> bool) {
        while !what(self) {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn refusals_come_in_the_envelope_as_asked() {
    let mut desk = Desk::new().await;
    for status in [400, 401, 403, 404, 409, 413, 422, 429, 500, 503] {
        desk.fault(Rule::always(error(status, None, false)).on(PUT).times(1));
        let reply = desk.upload(&["1"]).await;
        assert_eq!((reply.status, reply.headers.value("retry-after")), (status, None));
        let body = json_of(&reply);
        assert!(body["status"] == "error" && body["message"].as_str().unwrap().starts_with(&status.to_string()), "{body}");
        assert_eq!(desk.counter(&format!("reinfer.{status}")), 1);
    }
    let page = WireFault::Status {
        status: 502,
        body: None,
        headers: Default::default(),
        retry_after_s: None,
        retry_after_date: false,
        close: false,
    };
    desk.fault(Rule::always(page).on(PUT).times(1));
    let reply = desk.upload(&["1"]).await;
    assert!(reply.status == 502 && reply.header("content-type").starts_with("text/html") && reply.text().contains("<html>"));
    assert_eq!(desk.reinfer().email_count(MAIL), 0, "nothing of it was carried out");
    assert_eq!(desk.upload(&["1"]).await.status, 200);
}

#[tokio::test]
async fn who_comes_before_the_time_it_was_told_is_counted() {
    let mut desk = Desk::new().await;
    desk.fault(Rule::always(error(429, Some(60), false)).on(PUT).times(1));
    assert_eq!(desk.upload(&["1"]).await.header("retry-after"), "60");
    assert_eq!((desk.upload(&["1"]).await.status, desk.counter("reinfer.early_requests")), (200, 0), "the answer was still on its way");
    tokio::time::sleep(Duration::from_millis(300)).await;
    desk.read("/api/_private/buckets/acme/mail").await;
    assert_eq!(desk.counter("reinfer.early_requests"), 0, "another operation was not told to wait");
    desk.upload(&["1"]).await;
    assert_eq!(desk.counter("reinfer.early_requests"), 1);
    desk.fault(Rule::always(error(503, Some(30), true)).on("reinfer.GetBucket").times(1));
    let reply = desk.ask("GET", "/api/_private/buckets/acme/mail", &[], "").await;
    assert!(reply.status == 503 && reply.header("retry-after").ends_with(" GMT"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    desk.read("/api/_private/buckets/acme/mail").await;
    assert_eq!(desk.counter("reinfer.early_requests"), 2);
}

#[tokio::test]
async fn one_email_may_poison_every_upload_that_holds_it() {
    let mut desk = Desk::new().await;
    desk.fault(Rule::always(error(422, None, false)).on(PUT).holding("bad"));
    desk.fault(Rule { body: Some("body of worse".into()), ..Rule::always(error(500, None, false)).on(PUT) });
    for (ids, status) in [
        (&["1", "bad", "2"][..], 422),
        (&["bad"], 422),
        (&["worse"], 500),
        (&["3", "worse"], 500),
        (&["1", "2", "3"], 200),
        (&["bad2"], 200),
    ] {
        assert_eq!(desk.upload(ids).await.status, status, "{ids:?}");
    }
    assert_eq!(desk.reinfer().email_count(MAIL), 4);
}

#[tokio::test]
async fn a_rule_may_name_a_mailbox_and_a_bucket() {
    let mut desk = Desk::of("[[reinfer.tokens]]\ntoken = \"reinfer-token\"\n[[reinfer.buckets]]\nowner = \"acme\"\nname = \"mail\"\n[[reinfer.buckets]]\nowner = \"acme\"\nname = \"other\"").await;
    desk.fault(Rule { mailbox: Some("BOB@example.com".into()), ..Rule::always(error(500, None, false)).on(PUT) });
    desk.fault(Rule { bucket: Some("acme/other".into()), ..Rule::always(error(403, None, false)) });
    assert_eq!(desk.upload(&["1"]).await.status, 200);
    let mut of_bob = email("2");
    of_bob["mailbox"] = json!("bob@example.com");
    desk.refusal("PUT", EMAILS, &json!({ "emails": [email("3"), of_bob] }), 500).await;
    desk.refusal("GET", "/api/_private/buckets/acme/other", &json!(null), 403).await;
    let id = desk.reinfer().bucket("acme/other").unwrap().id;
    desk.refusal("GET", &format!("/api/_private/buckets/id:{id}"), &json!(null), 403).await;
    let wrong = Rule { email: Some("1".into()), ..Rule::always(WireFault::NoResponse).on("GetItem") };
    assert!(wrong.complaint().unwrap().contains("reinfer"));
    let wrong = Rule::always(WireFault::CutRequest { after_bytes: 1 }).holding("1");
    assert!(wrong.complaint().unwrap().contains("cut_request"));
}

#[tokio::test]
async fn connections_end_before_in_and_instead_of_the_answer() {
    let mut desk = Desk::new().await;
    desk.fault(Rule::always(WireFault::NoResponse).on(PUT).times(1));
    let text = desk.text("PUT", EMAILS, JSON, &upload(&["1"]));
    desk.wire.send(&text).await;
    assert!(desk.wire.is_over().await);
    assert_eq!(desk.reinfer().email_count(MAIL), 0, "not carried out");

    desk.wire = desk.other_wire().await;
    desk.fault(Rule::always(WireFault::AnswerLost).on(PUT).times(1));
    desk.wire.send(&text).await;
    assert!(desk.wire.is_over().await);
    assert_eq!(desk.reinfer().email_count(MAIL), 1, "carried out all the same");

    desk.wire = desk.other_wire().await;
    desk.fault(Rule::always(WireFault::Cut { after_bytes: 3, framing: CutFraming::Natural }).on(PUT).times(1));
    desk.wire.send(&text).await;
    assert_eq!(desk.wire.head().await.unwrap().0, 200);
    assert_eq!(desk.wire.rest().await.unwrap(), b"{\"s");
}

#[tokio::test]
async fn a_connection_is_cut_while_the_body_is_coming() {
    let mut desk = Desk::new().await;
    desk.fault(Rule::always(WireFault::CutRequest { after_bytes: 10 }).on(PUT).times(2));
    let head = desk.head("PUT", EMAILS, JSON);
    desk.wire.send(format!("{head}Content-Length: 1000\r\n\r\n{{\"emails\":[")).await;
    assert!(desk.wire.rest().await.map_or(true, |rest| rest.is_empty()), "nothing is answered");
    desk.wire = desk.other_wire().await;
    desk.wire.send(format!("{head}Transfer-Encoding: chunked\r\n\r\nb\r\n{{\"emails\":[\r\n")).await;
    assert!(desk.wire.rest().await.map_or(true, |rest| rest.is_empty()), "nothing is answered");
    desk.wire = desk.other_wire().await;
    assert_eq!(desk.upload(&["1"]).await.status, 200);
    assert_eq!(desk.counter(PUT), 1, "what was cut never became a request");
}

#[tokio::test]
async fn an_answer_may_never_come() {
    let mut desk = Desk::new().await;
    desk.fault(Rule::always(WireFault::Hang { carried_out: true }).on(PUT).times(1));
    let mut silent = desk.other_wire().await;
    silent.send(desk.text("PUT", EMAILS, JSON, &upload(&["1"]))).await;
    desk.until(|desk| desk.reinfer().email_count(MAIL) == 1).await;
    assert!(tokio::time::timeout(Duration::from_millis(50), silent.line()).await.is_err());
    desk.fault(Rule::always(WireFault::Hang { carried_out: false }).on(PUT).times(1));
    let mut silent = desk.other_wire().await;
    silent.send(desk.text("PUT", EMAILS, JSON, &upload(&["2"]))).await;
    assert!(tokio::time::timeout(Duration::from_millis(50), silent.line()).await.is_err());
    assert_eq!(desk.upload(&["3"]).await.status, 200);
    assert_eq!(desk.reinfer().email_count(MAIL), 2);
}

#[tokio::test]
async fn requests_in_flight_are_counted_and_limited() {
    let mut desk = Desk::of("[reinfer]\nmax_in_flight = 2\nretry_after_s = 7").await;
    desk.fault(Rule::always(WireFault::Delay { ms: 600_000 }).on(PUT).times(2));
    let mut slow = Vec::new();
    for id in ["1", "2"] {
        let mut wire = desk.other_wire().await;
        wire.send(desk.text("PUT", EMAILS, JSON, &upload(&[id]))).await;
        slow.push(wire);
    }
    desk.until(|desk| desk.simulator.state().faults.list()[0].2 == 2).await;
    let reply = desk.upload(&["3"]).await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, "7"));
    let mut arriving = desk.other_wire().await;
    arriving.send(desk.head("PUT", EMAILS, JSON) + "Content-Length: 5\r\n\r\n{").await;
    desk.until(|desk| desk.counter("reinfer.most_in_flight") == 3).await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_in_the_envelope() {
    let mut desk = Desk::of("[reinfer]\nmax_body = 1000").await;
    let head = desk.head("PUT", EMAILS, JSON);
    desk.wire.send(format!("{head}Content-Length: 1001\r\n\r\n")).await;
    let reply = desk.wire.answer().await.unwrap();
    let body = json_of(&reply);
    assert!(reply.status == 413 && body["status"] == "error" && body["message"].as_str().unwrap().contains("1000"), "{body}");
    desk.wire = desk.other_wire().await;
    desk.wire.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n3e9\r\n")).await;
    assert_eq!(json_of(&desk.wire.answer().await.unwrap())["status"], "error");
    desk.wire = desk.other_wire().await;
    assert_eq!((desk.counter(PUT), desk.counter("reinfer.413")), (2, 2));
    assert_eq!(desk.upload(&["1"]).await.status, 200);
}

/// More than is held in memory, in two texts of 12 MB: the body goes to a file, and rules see it there.
#[tokio::test]
async fn a_great_upload_is_taken_and_looked_at() {
    let record = tempfile::tempdir().unwrap();
    let options = crate::Options { record: Some(record.path().to_owned()), ..crate::Options::default() };
    let world = World::from_toml("[reinfer]\nkeep = \"digest\"").unwrap();
    let mut desk = Desk::with(Launch { world, options, ..Launch::default() }).await;
    let text = |mark: &str| format!("Subject: big\r\n\r\n{}{mark}", "0123456789\r\n".repeat(1_000_000));
    let (mut first, mut second) = (email("1"), email("2"));
    (first["mime_content"], second["mime_content"]) = (json!(text("a mark")), json!(text("")));
    let body = json!({ "emails": [first, second] });
    desk.fault(Rule { body: Some("9\\r\\na mark".into()), ..Rule::always(error(500, None, false)).on(PUT).times(1) });
    desk.refusal("PUT", EMAILS, &body, 500).await;
    desk.good("PUT", EMAILS, &body).await;
    let emails = desk.reinfer().emails(MAIL);
    assert_eq!(emails.iter().map(|email| email.mime.length).collect::<Vec<_>>(), [12_000_022, 12_000_016]);
    assert_eq!(desk.counter("reinfer.mime_bytes"), 24_000_038);
    let recorded = std::fs::metadata(record.path().join("00001-reinfer.PutEmails.request.json")).unwrap().len();
    assert_eq!(recorded, body.to_string().len() as u64);
    let mut wrong = desk.text("PUT", EMAILS, JSON, &body.to_string());
    wrong.truncate(wrong.len() - 1);
    desk.wire.send(wrong + "]").await;
    assert_eq!(desk.wire.answer().await.unwrap().status, 400);
}
