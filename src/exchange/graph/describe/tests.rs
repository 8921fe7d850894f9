use std::time::Duration;

use serde_json::json;

use super::{
    super::double::{Double, inbox, json as say, refuse},
    *,
};
use crate::mail::{IdForm, ItemId};

fn listed(count: i64) -> Vec<Listed> {
    let at = |index| DateTime::from_timestamp(1_700_000_000 + index * 60, 0);
    (0..count).map(|index| Listed { received: at(index), ..Listed::bare(ItemId(format!("m{index}"))) }).collect()
}

fn entry(index: i64) -> Value {
    let received = DateTime::from_timestamp(1_700_000_000 + index * 60, 0).unwrap();
    json!({"id": format!("m{index}"), "subject": format!("about m{index}"), "isRead": false, "isDraft": false,
        "receivedDateTime": received.to_rfc3339_opts(SecondsFormat::Secs, true),
        "singleValueExtendedProperties": [{"id": "Integer 0xe08", "value": "4711"}, {"id": "Binary 0x300b", "value": "AQI="},
            {"id": "Integer 0xe07", "value": "33"}, {"id": "String 0x1a", "value": "IPM.Note"}]})
}

fn subject(answer: &Lookup) -> Option<&str> {
    match answer {
        Lookup::Found(properties) => properties.subject.as_deref(),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_described_by_one_listing() {
    let double = Double::new(Duration::ZERO, |_, _| say(json!({"value": (0..80).rev().map(entry).collect::<Vec<_>>()}).to_string()));
    let session = double.session();
    let found = session.complete(&inbox(), listed(80)).await.unwrap();
    assert_eq!(double.heard().len(), 1);
    let last = &found[79];
    assert_eq!((last.size, last.class.as_deref(), last.flags), (Some(4711), Some("IPM.Note"), Some(0x20)));
    assert_eq!(last.search_key.as_deref(), Some([1, 2].as_slice()));
    let url = double.heard()[0].url.clone();
    let filter = url::Url::parse(&url).unwrap().query_pairs().find(|(name, _)| name == "$filter").unwrap().1.into_owned();
    assert_eq!(filter, "receivedDateTime lt 2023-11-14T23:32:21Z and receivedDateTime ge 2023-11-14T22:13:20Z");
}

#[tokio::test(start_paused = true)]
async fn what_a_window_misses_is_asked_for_by_itself() {
    let double = Double::new(Duration::ZERO, |outgoing, _| match outgoing.url.contains("/mailFolders/") {
        true => say(json!({"value": [entry(0), entry(2)]}).to_string()),
        false => say(entry(1).to_string()),
    });
    let found = double.session().lookup(&inbox(), &listed(3)).await.unwrap();
    assert_eq!(found.iter().map(subject).collect::<Vec<_>>(), [Some("about m0"), Some("about m1"), Some("about m2")]);
}

#[tokio::test(start_paused = true)]
async fn gone_unreadable_and_foreign_ids_are_told_apart() {
    let double = Double::new(Duration::ZERO, |outgoing, _| {
        let request: Value = serde_json::from_str(outgoing.body.as_deref().unwrap()).unwrap();
        let answer = |inner: &Value| {
            let url = inner["url"].as_str().unwrap();
            let (status, code) = match () {
                _ if url.contains("/m0?") => (404, "ErrorItemNotFound"),
                _ if url.contains("/m1?") => (400, "ErrorInvalidIdMalformed"),
                _ => (500, "ErrorCorruptData"),
            };
            json!({"id": inner["id"], "status": status, "body": {"error": {"code": code, "message": "no"}}})
        };
        let responses: Vec<Value> = request["requests"].as_array().unwrap().iter().map(answer).collect();
        say(json!({"responses": responses}).to_string())
    });
    let bare: Vec<Listed> = (0..3).map(|index| Listed::bare(ItemId(format!("m{index}")))).collect();
    let found = double.session().lookup(&inbox(), &bare).await.unwrap();
    assert!(matches!(&found[..], [Lookup::Gone, Lookup::Gone, Lookup::Unreadable(failure)] if failure.code == "ErrorCorruptData"));
}

#[tokio::test(start_paused = true)]
async fn a_window_over_which_the_server_breaks_down_is_narrowed() {
    let double = Double::new(Duration::ZERO, |outgoing, _| {
        if outgoing.url.contains("/mailFolders/") {
            return refuse(500, "InternalServerError");
        }
        if outgoing.url.ends_with("/$batch") {
            let request: Value = serde_json::from_str(outgoing.body.as_deref().unwrap()).unwrap();
            let answer = |inner: &Value| json!({"id": inner["id"], "status": 200, "body": entry(3)});
            let responses: Vec<Value> = request["requests"].as_array().unwrap().iter().map(answer).collect();
            return say(json!({"responses": responses}).to_string());
        }
        say(entry(3).to_string())
    });
    let found = double.session().lookup(&inbox(), &listed(20)).await.unwrap();
    assert!(found.iter().all(|answer| subject(answer) == Some("about m3")));
}

#[tokio::test(start_paused = true)]
async fn a_server_without_such_windows_is_not_asked_for_them_again() {
    let double = Double::new(Duration::ZERO, |outgoing, _| match outgoing.url.contains("/mailFolders/") {
        true => refuse(400, "InefficientFilter"),
        false => {
            let request: Value = serde_json::from_str(outgoing.body.as_deref().unwrap()).unwrap();
            let answer = |inner: &Value| json!({"id": inner["id"], "status": 200, "body": entry(3)});
            let responses: Vec<Value> = request["requests"].as_array().unwrap().iter().map(answer).collect();
            say(json!({"responses": responses}).to_string())
        }
    });
    let session = double.session();
    session.desk.memory.learn_form(IdForm::GraphImmutable);
    for _ in 0..2 {
        session.lookup(&inbox(), &listed(3)).await.unwrap();
    }
    assert_eq!(double.heard().iter().filter(|outgoing| outgoing.url.contains("/mailFolders/")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_closed_mailbox_is_an_error_and_no_answer() {
    let double = Double::new(Duration::ZERO, |_, _| refuse(404, "MailboxNotEnabledForRESTAPI"));
    let error = double.session().lookup(&inbox(), &listed(5)).await.unwrap_err();
    assert_eq!(error.verdict, crate::exchange::Verdict::StopMailbox);
}
