use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use tokio::time::Instant;

use super::super::double::{Double, Say, json, refuse};
use super::*;
use crate::exchange::Verdict;

const LATENCY: Duration = Duration::from_millis(50);

fn calls(count: usize) -> Vec<Call> {
    (0..count).map(|index| Call::get("one", format!("/messages/{index}"))).collect()
}

fn requests(outgoing: &Outgoing) -> Vec<Value> {
    let body: Value = serde_json::from_str(outgoing.body.as_deref().unwrap()).unwrap();
    body["requests"].as_array().unwrap().clone()
}

/// Answers every inner request as `inner` says to its number in the list of calls and the number of the batch; the last one first.
fn server(inner: impl Fn(u64, usize) -> Option<Value> + Send + Sync + 'static) -> Arc<Double> {
    Double::new(LATENCY, move |outgoing, turn| {
        let Some(_) = &outgoing.body else { return json("{}") };
        let answer = |request: &Value| {
            let id = request["id"].as_str().unwrap();
            let mut response = inner(id.parse().unwrap(), turn)?;
            response["id"] = id.into();
            Some(response)
        };
        let responses: Vec<Value> = requests(outgoing).iter().rev().filter_map(answer).collect();
        json(json!({ "responses": responses }).to_string())
    })
}

fn good(id: u64) -> Option<Value> {
    Some(json!({"status": 200, "body": {"n": id}}))
}

fn bad(status: u16, code: &str) -> Option<Value> {
    Some(json!({"status": status, "headers": {"Retry-After": "7"}, "body": {"error": {"code": code, "message": "m"}}}))
}

fn sizes(double: &Double) -> Vec<usize> {
    double.heard().iter().filter(|outgoing| outgoing.body.is_some()).map(|outgoing| requests(outgoing).len()).collect()
}

#[tokio::test(start_paused = true)]
async fn many_calls_become_few_requests_and_keep_their_order() {
    let double = server(|id, _| good(id));
    let outcomes = double.session().batch(&calls(45)).await.unwrap();
    let expected: Vec<Outcome> = (0..45).map(|n| Ok(json!({"n": n}))).collect();
    assert_eq!(outcomes, expected);
    assert_eq!(sizes(&double), [20, 20, 5]);
    let first = double.heard().remove(0);
    assert_eq!((first.url.as_str(), &first.prefer), ("https://graph.example.com/v1.0/$batch", &None));
    let expected = json!({
        "id": "0", "method": "GET", "url": "/users/ann%40example.com/messages/0", "headers": {"Prefer": "IdType=\"ImmutableId\""},
    });
    assert_eq!(requests(&first)[0], expected);
    assert_eq!(double.session().batch(&[]).await, Ok(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn posts_and_links_can_be_part_of_it() {
    let double = server(|id, _| good(id));
    let session = double.session();
    let link = "https://graph.example.com/v1.0/users/ann/x?$skiptoken=a";
    session.batch(&[Call::post("p", "/q", json!({"a": 1})), Call::follow("l", link)]).await.unwrap();
    let sent = requests(&double.heard()[0]);
    assert_eq!(
        (&sent[0]["method"], &sent[0]["body"], &sent[0]["headers"]["Content-Type"]),
        (&json!("POST"), &json!({"a": 1}), &json!("application/json"))
    );
    assert_eq!(sent[1]["url"], "/users/ann/x?$skiptoken=a");
    let foreign = session.batch(&[Call::follow("l", "https://graph.example.org/v1.0/x")]).await.unwrap_err();
    assert_eq!(foreign.trouble, Trouble::Foreign);
    assert_eq!(double.heard().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn only_what_was_throttled_is_asked_again_and_not_before_its_time() {
    let double = server(|id, turn| if turn == 0 && id % 2 == 1 { bad(429, "ApplicationThrottled") } else { good(id) });
    let outcomes = double.session().batch(&calls(6)).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(sizes(&double), [6, 3]);
    assert!(double.times()[1] - double.times()[0] >= Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_batch_whose_parts_are_throttled_without_a_time_is_no_good_answer() {
    let busy = || Some(json!({"status": 429, "body": {"error": {"code": "ApplicationThrottled", "message": "m"}}}));
    let double = server(move |id, turn| if turn < 60 { busy() } else { good(id) });
    let session = double.session();
    while let Err(failed) = session.batch(&calls(3)).await {
        let Some(Action::Final(Verdict::WaitFor(wait))) = failed.action else { panic!("{failed:?}") };
        tokio::time::sleep(wait).await;
    }
    let times = double.times();
    let mean = (times[60] - times[10]) / 50;
    assert!((105..=195).contains(&mean.as_secs()), "half of the five minutes that the ceiling has grown to, not {mean:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_an_outcome_and_no_error() {
    let double = server(|id, _| if id == 2 { bad(404, "ErrorItemNotFound") } else { good(id) });
    let outcomes = double.session().batch(&calls(4)).await.unwrap();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    assert!(matches!(&outcomes[2], Err(refusal) if refusal.is("erroritemnotfound") && refusal.status == 404));
    assert_eq!(sizes(&double), [4]);
}

#[tokio::test(start_paused = true)]
async fn one_that_never_works_does_not_spoil_the_others() {
    let double = server(|id, _| if id < 2 { bad(500, "InternalServerError") } else { good(id) });
    let outcomes = double.session().batch(&calls(10)).await.unwrap();
    let refused: Vec<bool> = outcomes.iter().map(|outcome| matches!(outcome, Err(refusal) if refusal.is("InternalServerError"))).collect();
    assert_eq!(refused, [true, true, false, false, false, false, false, false, false, false]);
    assert!(double.heard().len() < 10);
}

#[tokio::test(start_paused = true)]
async fn what_was_left_out_is_asked_again_and_silence_has_an_end() {
    let double = server(|id, turn| if turn == 0 && id > 2 { None } else { good(id) });
    assert!(double.session().batch(&calls(5)).await.unwrap().iter().all(Result::is_ok));
    assert_eq!(sizes(&double), [5, 2]);
    let silent = server(|_, _| None);
    let failed = silent.session().batch(&calls(2)).await.unwrap_err();
    assert!(matches!(failed.trouble, Trouble::Broken(_)));
    let refusing = Double::new(LATENCY, |_, _| refuse(400, "BadRequest"));
    assert_eq!(refusing.session().batch(&calls(2)).await.unwrap_err().action, Some(Action::Misunderstood));
    let garbled = Double::new(LATENCY, |_, turn| {
        if turn == 0 { Say::Part(200, "{\"responses\":[".into()) } else { json(r#"{"responses":[{"id":"0","status":200}]}"#) }
    });
    assert_eq!(garbled.session().batch(&calls(1)).await.unwrap(), [Ok(Value::Null)]);
}

#[tokio::test(start_paused = true)]
async fn beside_downloads_it_asks_for_no_more_than_there_is_room_for() {
    let double = server(|id, _| good(id));
    let session = double.session();
    let fetch = Call::get("fetch", "/x").kind(Kind::Fetch);
    let bodies = join_all((0..2).map(async |_| session.open_once(&mut Patience::default(), &fetch).await)).await;
    session.batch(&calls(5)).await.unwrap();
    assert_eq!(sizes(&double), [2, 2, 1]);
    drop(bodies);
    session.batch(&calls(5)).await.unwrap();
    assert_eq!(sizes(&double)[3..], [5]);
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_has_one_batch_at_a_time_and_each_part_counts() {
    let double = server(|id, _| good(id));
    let session = double.session();
    let start = Instant::now();
    let (two, three) = (calls(20), calls(20));
    let (first, second) = tokio::join!(session.batch(&two), session.batch(&three));
    assert!(first.is_ok() && second.is_ok());
    assert!(start.elapsed() >= LATENCY * 2);
    // 9,900 are granted in all.
    assert_eq!(session.desk.budget.take(9_860), Ok(()));
    assert!(session.desk.budget.take(1).is_err());
}
