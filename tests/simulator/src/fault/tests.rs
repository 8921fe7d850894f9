use super::{Action, Arrival, EwsFault, Faults, Rule, Shape, WireFault};
use crate::http::{Response, body_stream};
use futures::StreamExt;
use std::time::Duration;

fn rule(toml: &str) -> Result<Rule, toml::de::Error> {
    toml::from_str(toml)
}

fn strikes(rule: Rule, requests: u32) -> Vec<u32> {
    let faults = Faults::new(vec![rule], 7);
    (1..=requests).filter(|_| !faults.for_wire("GetItem", Some("ada@example.com")).is_empty()).collect()
}

#[test]
fn every_kind_can_be_written_and_read_back() {
    for (text, action) in [
        (r#"action = { kind = "delay", ms = 5 }"#, WireFault::Delay { ms: 5 }.into()),
        (r#"action = { kind = "byte_order_mark" }"#, WireFault::ByteOrderMark.into()),
        (r#"action = { kind = "answer_lost" }"#, WireFault::AnswerLost.into()),
        (r#"action = { kind = "cut_request", after_bytes = 9 }"#, WireFault::CutRequest { after_bytes: 9 }.into()),
        (r#"action = { kind = "hang", carried_out = true }"#, WireFault::Hang { carried_out: true }.into()),
        (
            r#"action = { kind = "reinfer_error", status = 429, retry_after_s = 30 }"#,
            WireFault::ReinferError { status: 429, message: None, retry_after_s: Some(30), retry_after_date: false }.into(),
        ),
        (r#"action = { kind = "mime_cut", after = 9 }"#, EwsFault::MimeCut { after: 9 }.into()),
        (
            r#"action = { kind = "response_error", code = "ErrorServerBusy", back_off_ms = 9, shape = "inner" }"#,
            EwsFault::ResponseError { code: "ErrorServerBusy".into(), message: None, back_off_ms: Some(9), shape: Shape::Inner }.into(),
        ),
    ] {
        let read = rule(text).unwrap();
        assert_eq!(read.action, action);
        let json = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), read);
    }
}

/// Every kind of a fault in the meaning must be known to the reader, or it would be looked for among the others.
#[test]
fn faults_in_the_meaning_are_found_by_their_kind() {
    let item = EwsFault::ItemError { code: "X".into(), message: None, back_off_ms: None, positions: vec![1] };
    let all = [
        item,
        EwsFault::ResponseError { code: "X".into(), message: None, back_off_ms: None, shape: Shape::Policy },
        EwsFault::BatchStopped { after: 1 },
        EwsFault::RepeatItem,
        EwsFault::SyncStartsOver,
        EwsFault::MimeMissing,
        EwsFault::MimeEmpty,
        EwsFault::MimeLineBreaks,
        EwsFault::MimeCarriageReturns,
        EwsFault::MimeNoPadding,
        EwsFault::MimeCut { after: 1 },
        EwsFault::UnknownElement,
    ];
    for fault in all {
        let action = Action::from(fault);
        let text = serde_json::to_string(&action).unwrap();
        assert_eq!(serde_json::from_str::<Action>(&text).unwrap(), action, "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    for (text, named) in [
        (r#"action = { kind = "delay", seconds = 5 }"#, "seconds"),
        (r#"action = { kind = "dealy", ms = 5 }"#, "dealy"),
        (r#"action = { ms = 5 }"#, "kind"),
        ("opration = \"GetItem\"\naction = { kind = \"junk\" }", "opration"),
    ] {
        let error = rule(text).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
    assert!(rule("nth = 0\naction = { kind = \"junk\" }").unwrap().complaint().is_some());
    assert!(rule("probability = 1.5\naction = { kind = \"junk\" }").unwrap().complaint().is_some());
}

#[test]
fn a_rule_strikes_when_it_says() {
    let always = || Rule::always(WireFault::Junk);
    assert_eq!(strikes(always(), 3), [1, 2, 3]);
    assert_eq!(strikes(always().times(2), 4), [1, 2]);
    assert_eq!(strikes(Rule { nth: Some(3), ..always() }, 5), [3]);
    assert_eq!(strikes(Rule { every: Some(2), count: Some(2), ..always() }, 8), [2, 4]);
    assert_eq!(strikes(always().on("Subscribe"), 3), [0; 0]);
    assert_eq!(strikes(Rule { mailbox: Some("bob@example.com".into()), ..always() }, 3), [0; 0]);
    assert_eq!(strikes(Rule { mailbox: Some("ADA@example.com".into()), ..always().on("getitem") }, 2), [1, 2]);
}

#[test]
fn chance_is_the_same_in_every_run_and_about_as_often_as_it_says() {
    let often = Rule { probability: Some(0.25), ..Rule::always(WireFault::Junk) };
    let first = strikes(often.clone(), 1000);
    assert_eq!(first, strikes(often, 1000));
    assert!((200..300).contains(&first.len()), "{}", first.len());
    assert_eq!(strikes(Rule { probability: Some(0.0), ..Rule::always(WireFault::Junk) }, 100), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_window_of_time_opens_and_closes() {
    let faults = Faults::new(vec![Rule { from_s: Some(10.0), until_s: Some(20.0), ..Rule::always(WireFault::Junk) }], 0);
    for (wait, expected) in [(5, 0), (6, 1), (10, 0)] {
        tokio::time::advance(Duration::from_secs(wait)).await;
        assert_eq!(faults.for_wire("GetItem", None).len(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn each_family_is_asked_for_alone_and_waits_are_remembered() {
    let busy = EwsFault::ItemError { code: "ErrorServerBusy".into(), message: None, back_off_ms: Some(1000), positions: Vec::new() };
    let faults = Faults::new(vec![Rule::always(busy).times(1), Rule::always(WireFault::Junk)], 0);
    assert_eq!(faults.for_wire("GetItem", Some("a")), [WireFault::Junk]);
    assert_eq!(faults.arrives("a"), Arrival::Free);
    assert_eq!(faults.for_operation("GetItem", Some("A")).len(), 1);
    assert_eq!(faults.arrives("a"), Arrival::Free, "the answer is still on its way");
    tokio::time::advance(Duration::from_millis(300)).await;
    assert_eq!([faults.arrives("a"), faults.arrives("b")], [Arrival::Early, Arrival::Free]);
    tokio::time::advance(Duration::from_millis(750)).await;
    let (asked, lost) = (Duration::from_secs(1), Duration::from_millis(50));
    assert_eq!([faults.arrives("a"), faults.arrives("a")], [Arrival::After { asked, lost }, Arrival::Free]);
}

#[test]
fn rules_come_and_go_while_it_runs() {
    let faults = Faults::new(Vec::new(), 0);
    let id = faults.add(Rule::always(WireFault::Junk));
    faults.for_wire("GetItem", None);
    assert_eq!(faults.list().first().map(|(id, _, struck)| (*id, *struck)), Some((id, 1)));
    assert!(faults.remove(id) && !faults.remove(id));
    faults.add(Rule::always(WireFault::Junk));
    faults.clear();
    assert!(faults.list().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_comes_at_its_pace_and_whole() {
    let faults = [WireFault::Slow { bytes_per_second: 100 }];
    let (response, broken) = super::damage(Response::text(200, "x".repeat(1000)), &faults, "graph.GetMime");
    let (start, mut body, mut length) = (tokio::time::Instant::now(), body_stream(response.body), 0);
    while let Some(piece) = body.next().await {
        length += piece.unwrap().len();
    }
    assert_eq!((length, start.elapsed().as_secs(), broken), (1000, 10, false));
}

#[test]
fn errors_of_graph_and_slow_bodies_are_written_as_rules() {
    let text = r#"action = { kind = "graph_error", status = 429, code = "TooManyRequests", retry_after_s = 5 }"#;
    assert!(matches!(rule(text).unwrap().action, Action::Wire(WireFault::GraphError { status: 429, retry_after_s: Some(5), .. })));
    assert!(rule(r#"action = { kind = "graph_error", status = 429 }"#).unwrap_err().to_string().contains("code"));
    assert!(matches!(rule(r#"action = { kind = "slow", bytes_per_second = 9 }"#).unwrap().action, Action::Wire(WireFault::Slow { .. })));
}
