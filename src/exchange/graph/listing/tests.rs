use std::time::Duration;

use serde_json::json;

use super::{
    super::{
        double::{Double, Say, inbox, json as say, refuse},
        session::Session,
    },
    *,
};
use crate::mail::{ItemId, Listed};

fn time(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(second, 0).unwrap()
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A folder whose messages, in order of receipt, are listed as Graph does.
fn serve(messages: &[(String, i64)], url: &str, poison: Option<&str>) -> Say {
    let filter = parameter(url, "$filter").unwrap();
    let since = DateTime::parse_from_rfc3339(filter.strip_prefix("receivedDateTime ge ").unwrap()).unwrap().timestamp();
    let top: usize = parameter(url, "$top").unwrap().parse().unwrap();
    let skip: usize = parameter(url, "$skip").map_or(0, |skip| skip.parse().unwrap());
    let matching: Vec<_> = messages.iter().filter(|(_, second)| *second >= since).collect();
    let page: Vec<_> = matching.iter().skip(skip).take(top).collect();
    let bare = parameter(url, "$select").unwrap() == BARE;
    if !bare && page.iter().any(|(id, _)| Some(id.as_str()) == poison) {
        return refuse(500, "InternalServerError");
    }
    let value: Vec<Value> = page
        .iter()
        .map(|(id, second)| json!({"id": id, "receivedDateTime": time(*second).to_rfc3339_opts(SecondsFormat::Secs, true)}))
        .collect();
    let mut answer = json!({"value": value});
    if skip + top < matching.len() {
        let whole = url.split("&$skip").next().unwrap();
        answer["@odata.nextLink"] = json!(format!("{whole}&$skip={}", skip + top));
    }
    say(answer.to_string())
}

async fn walk(session: &Session, mut list: Keyset, limit: usize) -> (Vec<String>, Keyset) {
    let mut ids = Vec::new();
    for _ in 0..500 {
        let found = session.listing(&inbox(), list, limit).await.unwrap();
        ids.extend(found.changes.into_iter().map(|change| match change {
            Change::Created(Listed { id: ItemId(id), .. }) => id,
            other => panic!("{other:?}"),
        }));
        let Place::List(next) = found.place else { panic!("not a listing") };
        list = next;
        if found.last {
            return (ids, list);
        }
    }
    panic!("no end");
}

fn session(messages: Vec<(String, i64)>, poison: Option<&'static str>) -> Session {
    Double::new(Duration::ZERO, move |outgoing, _| serve(&messages, &outgoing.url, poison)).session()
}

fn names(seconds: &[i64]) -> Vec<(String, i64)> {
    seconds.iter().enumerate().map(|(index, second)| (format!("m{index}"), *second)).collect()
}

#[tokio::test(start_paused = true)]
async fn every_message_comes_once_whatever_the_size_of_a_page() {
    let mut seconds: Vec<i64> = (0..60).map(|index| 1_700_000_000 + index / 3 * 10).collect();
    seconds.extend([1_700_000_900; 45]);
    seconds.extend([1_700_000_901, 1_700_000_902]);
    let messages = names(&seconds);
    for limit in [1, 2, 7, 40, 1000] {
        let (ids, list) = walk(&session(messages.clone(), None), Keyset::new(Utc::now()), limit).await;
        let mut unique = ids.clone();
        unique.sort();
        unique.dedup();
        assert_eq!((unique.len(), list.caught_up), (messages.len(), true), "limit {limit}");
        assert!(ids.len() <= messages.len() + 45, "limit {limit}: {} entries", ids.len());
        assert_eq!(list.since, time(1_700_000_902) - OVERLAP);
    }
}

#[tokio::test(start_paused = true)]
async fn later_rounds_begin_an_hour_before_the_newest_and_never_creep_back() {
    let (_, list) = walk(&session(names(&[10_000, 20_000]), None), Keyset::new(Utc::now()), 80).await;
    assert_eq!(list.since, time(16_400));
    let (ids, list) = walk(&session(names(&[10_000, 15_000, 20_000, 20_001]), None), list, 80).await;
    assert_eq!(ids, ["m2", "m3"]);
    for _ in 0..3 {
        let (_, next) = walk(&session(vec![], None), list.clone(), 80).await;
        assert_eq!(next, list);
    }
    assert_eq!(list.since, time(16_401));
}

#[tokio::test(start_paused = true)]
async fn a_message_from_the_future_does_not_hide_what_comes_before_it() {
    let now = Utc::now();
    let (_, list) = walk(&session(names(&[10_000, now.timestamp() + 86_400 * 365]), None), Keyset::new(now), 80).await;
    assert!(list.since < now, "{}", list.since);
}

#[tokio::test(start_paused = true)]
async fn an_empty_folder_is_at_its_end() {
    let (ids, list) = walk(&session(vec![], None), Keyset::new(Utc::now()), 80).await;
    assert!(ids.is_empty() && list.caught_up && list.since == BEGINNING);
}

#[tokio::test(start_paused = true)]
async fn a_poisoned_message_is_listed_by_its_id() {
    let messages = names(&(0..100).map(|index| 1_700_000_000 + index).collect::<Vec<_>>());
    let (ids, _) = walk(&session(messages.clone(), Some("m33")), Keyset::new(Utc::now()), 30).await;
    let expected: Vec<String> = messages.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, expected);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_no_size_is_an_error() {
    let double = Double::new(Duration::ZERO, |_, _| refuse(500, "InternalServerError"));
    let failed = double.session().listing(&inbox(), Keyset::new(Utc::now()), 80).await.map(|_| ()).unwrap_err();
    assert_eq!(failed.action, Some(Action::Suspect));
}
