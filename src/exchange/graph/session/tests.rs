use std::sync::atomic::Ordering;

use chrono::Utc;
use futures::{FutureExt, future::join_all};
use serde_json::{Value, json};

use super::super::{
    double::{Double, Say, json, refuse, throttle},
    verdict::{Action, Scope},
};
use super::*;
use crate::{event::Event, exchange::Verdict, watch::Events};

const LATENCY: Duration = Duration::from_millis(50);

fn call() -> Call {
    Call::get("test", "/messages")
}

async fn ask(session: &Session) -> Result<Answered<Value>, Failed> {
    session.ask(&call()).await
}

async fn open(session: &Session, call: &Call) -> Result<Opened, Trouble> {
    session.open_once(&mut Patience::default(), call).await
}

/// First these, then success.
fn after(first: Vec<fn() -> Say>) -> Arc<Double> {
    Double::new(LATENCY, move |_, turn| first.get(turn).map_or_else(|| json("{}"), |say| say()))
}

#[tokio::test(start_paused = true)]
async fn an_answer_tells_its_value_and_its_id_form() {
    let double = Double::new(LATENCY, |_, turn| {
        let applied = [r#"odata.maxpagesize=5, IdType="ImmutableId""#, "respond-async"][turn];
        Say::Whole(200, vec![("preference-applied", applied.to_owned())], r#"{"a":1}"#.into())
    });
    let session = double.session();
    let first = ask(&session).await.unwrap();
    assert_eq!((first.value, first.immutable), (json!({"a": 1}), true));
    assert!(!ask(&session).await.unwrap().immutable);
    let sent = double.heard();
    assert_eq!(sent[0].url, "https://graph.example.com/v1.0/users/ann%40example.com/messages");
    assert_eq!(sent[0].prefer.as_deref(), Some(r#"IdType="ImmutableId""#));
    assert_ne!(sent[0].id, sent[1].id);
}

#[tokio::test(start_paused = true)]
async fn passing_trouble_is_waited_out() {
    let html: fn() -> Say = || Say::Whole(502, vec![], "<html><title>Bad Gateway</title></html>".into());
    let page: fn() -> Say = || Say::Whole(200, vec![], "<html><title>Sign in</title></html>".into());
    let lost: fn() -> Say = || Say::Whole(404, vec![], "".into());
    let double = after(vec![html, page, || Say::Nothing, || Say::Part(200, r#"{"a":"#.into()), lost, || json("")]);
    let events = Events::new();
    let mut told = events.listen();
    assert!(ask(&double.session_with(events)).await.is_ok());
    assert_eq!(double.heard().len(), 7);
    let mut retried = std::iter::from_fn(|| told.try_recv().ok()).filter(|event| matches!(event, Event::RequestRetried { .. }));
    assert!(matches!(retried.next(), Some(Event::RequestRetried { reason, .. }) if reason == "HTTP 502"));
    assert!(matches!(retried.next(), Some(Event::RequestRetried { reason, .. }) if reason.contains("Sign in")));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_takes_long_is_had_before_the_fence_is_passed() {
    let double = after(vec![]);
    *double.readiness.lock().unwrap() = Duration::from_secs(10);
    let (session, begun) = (double.session(), Instant::now());
    let refused = async {
        sleep(Duration::from_secs(5)).await;
        let gate = &session.desk.gate;
        let sent = gate.fence().pass().await.unwrap();
        gate.throttled(&session.desk.mailbox, sent, Some(Duration::from_secs(20)));
    };
    let (answered, ()) = futures::join!(ask(&session), refused);
    assert!(answered.is_ok());
    assert!(double.times()[0] - begun >= Duration::from_secs(25), "not while the fence stands");
}

#[tokio::test(start_paused = true)]
async fn patience_has_an_end() {
    for (say, requests, verdict) in [
        ((|| Say::Nothing) as fn() -> Say, 7, Verdict::Later),
        (|| refuse(500, "InternalServerError"), 3, Verdict::SkipFolder),
        (|| refuse(504, "UnknownError"), 3, Verdict::Later),
        (|| refuse(400, "NeverHeardOf"), 3, Verdict::SkipFolder),
        (|| refuse(500, "ErrorMimeContentConversionFailed"), 1, Verdict::SkipFolder),
        (|| refuse(403, "ErrorAccessDenied"), 1, Verdict::SkipFolder),
        (|| refuse(410, "syncStateNotFound"), 1, Verdict::Resync),
        (|| refuse(404, "ErrorItemNotFound"), 1, Verdict::FolderGone),
    ] {
        let double = Double::new(LATENCY, move |_, _| say());
        let error = ask(&double.session()).await.unwrap_err().into_error(Scope::Folder, "listing");
        assert_eq!((double.heard().len(), error.verdict), (requests, verdict), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_names_the_request_and_what_helps() {
    let double = Double::new(LATENCY, |_, _| {
        let body = r#"{"error":{"code":"ErrorAccessDenied","message":"Access to OData is disabled."}}"#;
        Say::Whole(403, vec![("request-id", "r-7".to_owned())], body.into())
    });
    let error = ask(&double.session()).await.unwrap_err().into_error(Scope::Mailbox, "listing folders of ann@example.com");
    assert_eq!(
        error.to_string(),
        "listing folders of ann@example.com failed: ErrorAccessDenied: Access to OData is disabled. (request-id r-7) (the application \
         needs the permission Mail.Read, and an application access policy or role may keep it from this mailbox)"
    );
    assert!(error.denied());
}

#[tokio::test(start_paused = true)]
async fn one_throttled_request_stops_the_whole_mailbox() {
    let double = Double::new(LATENCY, |_, turn| if turn == 1 { throttle(429, 10) } else { json("{}") });
    let events = Events::new();
    let mut told = events.listen();
    let session = double.session_with(events);
    let start = Instant::now();
    let asked = join_all((0..12).map(|_| ask(&session))).await;
    assert!(asked.iter().all(Result::is_ok));
    let times: Vec<Duration> = double.times().into_iter().map(|time| time - start).collect();
    assert_eq!(times.len(), 13);
    // Four were under way, nothing moved for ten seconds, and then the rest went on.
    let early = times.iter().filter(|time| **time < Duration::from_secs(10)).count();
    assert!(early <= 8, "{times:?}");
    assert!(times.iter().all(|time| *time <= LATENCY || *time >= Duration::from_secs(10)), "{times:?}");
    let wait = std::iter::from_fn(|| told.try_recv().ok()).find_map(|event| match event {
        Event::RequestThrottled { reason, wait, .. } if reason == "TooManyRequests" => Some(wait),
        _ => None,
    });
    assert!(wait.unwrap() >= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_date_is_a_time_to_wait_for_too() {
    let double = Double::new(LATENCY, |_, turn| {
        let date = (Utc::now() + Duration::from_secs(20)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if turn == 0 { Say::Whole(503, vec![("retry-after", date)], "".into()) } else { json("{}") }
    });
    let start = Instant::now();
    ask(&double.session()).await.unwrap();
    assert!((18..=23).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_is_handed_up_and_nothing_is_sent_before_its_end() {
    let double = Double::new(LATENCY, |_, turn| if turn == 0 { throttle(509, 120) } else { json("{}") });
    let session = double.session();
    for _ in 0..3 {
        let verdict = ask(&session).await.unwrap_err().into_error(Scope::Items, "x").verdict;
        let Verdict::WaitFor(wait) = verdict else { panic!("{verdict:?}") };
        assert!((120..=133).contains(&wait.as_secs()), "{wait:?}");
    }
    assert_eq!(double.heard().len(), 1);
    sleep(Duration::from_secs(133)).await;
    assert!(ask(&session).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn waits_without_a_time_grow() {
    let double = Double::new(LATENCY, |_, turn| if turn < 3 { refuse(429, "ApplicationThrottled") } else { json("{}") });
    let start = Instant::now();
    ask(&double.session()).await.unwrap();
    // Each a share, of a second at least, of 4, 8 and 16 seconds.
    assert!((3..=29).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_the_mailboxs_matter_once_it_opened_another() {
    let double = Double::new(LATENCY, |_, turn| if turn == 1 { json("{}") } else { refuse(401, "InvalidAuthenticationToken") });
    let session = double.session();
    let error = ask(&session).await.unwrap_err().into_error(Scope::Mailbox, "x");
    assert_eq!(error.verdict, Verdict::Refused);
    assert!(error.hint.is_some_and(|hint| hint.contains("Mail.Read")));
    ask(&session).await.unwrap();
    assert_eq!(ask(&session).await.unwrap_err().into_error(Scope::Mailbox, "x").verdict, Verdict::StopMailbox);
}

#[tokio::test(start_paused = true)]
async fn a_link_elsewhere_is_not_followed() {
    let double = after(vec![]);
    let session = double.session();
    let follow = Call::follow("next", "https://graph.example.org/v1.0/users/x/messages/delta?$skiptoken=a");
    let failed = session.ask::<Value>(&follow).await.unwrap_err();
    assert_eq!(failed.action, Some(Action::Resync));
    assert_eq!(failed.into_error(Scope::Folder, "x").verdict, Verdict::Resync);
    assert!(double.heard().is_empty());
    let own = "https://graph.example.com/v1.0/users/x/messages/delta?$skiptoken=R0%2fus~m'c+%20";
    session.ask::<Value>(&Call::follow("next", own).page(500)).await.unwrap();
    assert_eq!(double.heard()[0].url, own);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_four_are_under_way_and_a_body_counts() {
    let double = after(vec![]);
    let session = double.session();
    join_all((0..20).map(|_| ask(&session))).await;
    assert_eq!(double.most.load(Ordering::SeqCst), 4);

    let fetch = call().kind(Kind::Fetch);
    let mut bodies = join_all((0..3).map(|_| open(&session, &fetch))).await;
    assert!(bodies.iter().all(Result::is_ok));
    let mut waiting = Box::pin(open(&session, &fetch));
    assert!(tokio::time::timeout(LATENCY * 4, &mut waiting).await.is_err());
    assert!(ask(&session).await.is_ok(), "a question finds a place beside downloads that stand still");
    let mut body = bodies.pop().unwrap().unwrap();
    assert_eq!(body.chunk().await, Ok(Some(Bytes::from_static(b"{}"))));
    assert_eq!(body.chunk().await, Ok(None));
    assert!((&mut waiting).now_or_never().is_none());
    drop(body);
    assert!(waiting.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_says_so() {
    let double = Double::new(LATENCY, |_, _| Say::Part(200, "Subject: a".into()));
    let mut body = open(&double.session(), &call()).await.unwrap();
    assert_eq!(body.chunk().await, Ok(Some(Bytes::from_static(b"Subject: a"))));
    assert_eq!(body.chunk().await, Err(Trouble::Cut("connection reset".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_end_is_not_read_to_it() {
    let double = Double::new(LATENCY, |_, _| json(format!("{{\"a\":\"{}\"}}", "x".repeat(JSON))));
    let trouble = double.session().ask_once::<Value>(&mut Patience::default(), &call()).await.unwrap_err();
    assert!(matches!(&trouble, Trouble::Broken(text) if text.contains("larger than")), "{trouble}");
    let double = Double::new(LATENCY, |_, _| Say::Whole(413, vec![], "x".repeat(WORDS + 1).into()));
    assert_eq!(ask(&double.session()).await.unwrap_err().action, Some(Action::Item));
}

#[tokio::test(start_paused = true)]
async fn many_requests_stay_within_the_budget() {
    let double = after(vec![]);
    let session = double.session();
    join_all((0..4).map(async |_| {
        for _ in 0..3_000 {
            ask(&session).await.unwrap();
        }
    }))
    .await;
    let times = double.times();
    let most =
        (0..times.len()).map(|from| times[from..].iter().take_while(|time| **time - times[from] <= Duration::from_secs(600)).count());
    assert!(most.max().unwrap() <= 10_000);
}
