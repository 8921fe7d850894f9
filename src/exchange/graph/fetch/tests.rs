use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use serde_json::json;

use super::{
    super::double::{Double, Say, inbox, json as say, refuse, throttle},
    *,
};
use crate::{
    exchange::Verdict,
    mail::{IdForm, ItemId, Origin},
};

/// Messages m0, m1, … without a date, so that each is described by itself.
fn listed(count: usize) -> Vec<Listed> {
    (0..count).map(|index| Listed::bare(ItemId(format!("m{index}")))).collect()
}

fn body(bytes: impl Into<Bytes>) -> Say {
    Say::Whole(200, Vec::new(), bytes.into())
}

/// What is answered to questions that no test is about: descriptions in batches and alone, and the root folder.
fn usual(url: &str, request: Option<&str>) -> Option<Say> {
    if url.ends_with("/$batch") {
        let request: serde_json::Value = serde_json::from_str(request.unwrap()).unwrap();
        let answer = |inner: &serde_json::Value| {
            let id = inner["url"].as_str().unwrap().split("/messages/").nth(1).unwrap().split('?').next().unwrap();
            json!({"id": inner["id"], "status": 200, "body": {"id": id, "subject": format!("about {id}")}})
        };
        let responses: Vec<_> = request["requests"].as_array().unwrap().iter().map(answer).collect();
        return Some(say(json!({"responses": responses}).to_string()));
    }
    if url.contains("msgfolderroot") {
        return Some(say(r#"{"id":"root"}"#));
    }
    let rest = url.split("/messages/").nth(1)?;
    let (id, _) = rest.split_once('?')?;
    (!id.contains('/')).then(|| {
        say(json!({"id": id, "subject": format!("about {id}"), "body": {"contentType": "html", "content": "<p>hi</p>"}}).to_string())
    })
}

/// Answers contents as `script` says to a message's id and how often it was asked for before.
fn serve(script: impl Fn(&str, usize) -> Say + Send + Sync + 'static) -> Arc<Double> {
    let asked: std::sync::Mutex<BTreeMap<String, usize>> = Default::default();
    Double::new(Duration::from_millis(10), move |outgoing, _| {
        let url = &outgoing.url;
        let content = url.split("/messages/").nth(1).and_then(|rest| rest.strip_suffix("/$value"));
        match content {
            Some(id) => {
                let mut asked = asked.lock().unwrap();
                let times = asked.entry(id.to_owned()).or_default();
                *times += 1;
                script(id, *times - 1)
            }
            None => usual(url, outgoing.body.as_deref()).unwrap_or_else(|| refuse(404, "ErrorItemNotFound")),
        }
    })
}

#[derive(Debug, Default, PartialEq)]
struct Got {
    bytes: Vec<u8>,
    restarts: usize,
    end: Option<Part>,
}

/// Runs a download to its end, checking that the parts of one message follow each other.
async fn run(double: &Arc<Double>, count: usize) -> (Vec<Got>, Option<Error>) {
    let session = double.session();
    session.desk.memory.learn_form(IdForm::GraphImmutable);
    let mut parts = session.fetch(inbox(), listed(count));
    let mut got: Vec<Got> = (0..count).map(|_| Got::default()).collect();
    let mut current = None;
    while let Some(part) = parts.next().await {
        let part = match part {
            Ok(part) => part,
            Err(error) => return (got, Some(error)),
        };
        let (Part::Mime { index, .. }
        | Part::Restarted { index }
        | Part::Read { index, .. }
        | Part::Unreadable { index, .. }
        | Part::Gone { index }) = part;
        assert!(current.is_none_or(|current| current == index), "two messages at once");
        assert_eq!(got[index].end, None, "a message goes on behind its end");
        current = Some(index);
        match part {
            Part::Mime { chunk, .. } => {
                assert!(!chunk.is_empty() && chunk.len() <= 64 * 1024);
                got[index].bytes.extend_from_slice(&chunk);
            }
            Part::Restarted { .. } => {
                got[index].bytes.clear();
                got[index].restarts += 1;
            }
            end => {
                got[index].end = Some(end);
                current = None;
            }
        }
    }
    (got, None)
}

fn code(got: &Got) -> &str {
    match &got.end {
        Some(Part::Unreadable { failure, .. }) => &failure.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn messages_come_whole_and_described() {
    let double = serve(|id, _| body(vec![0xFF; 100_000 + id.len()]));
    let (got, error) = run(&double, 30).await;
    assert_eq!(error, None);
    for (index, got) in got.iter().enumerate() {
        assert_eq!(got.bytes.len(), 100_000 + format!("m{index}").len());
        let Some(Part::Read { properties, origin: Origin::Mime, .. }) = &got.end else { panic!("{:?}", got.end) };
        assert_eq!(properties.subject, Some(format!("about m{index}")));
    }
    let most = double.most.load(Ordering::SeqCst);
    assert!((2..=4).contains(&most), "{most} at a time");
    // Of the four places the download holds one, so three descriptions go together.
    assert_eq!(double.heard().len(), 30 + 10);
}

#[tokio::test(start_paused = true)]
async fn nothing_happens_before_the_first_look_and_all_ends_with_the_stream() {
    let double = serve(|_, _| body("x"));
    let session = double.session();
    let mut parts = session.clone().fetch(inbox(), listed(3));
    assert!(double.heard().is_empty());
    assert!(parts.next().now_or_never().is_none());
    drop(parts);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(double.heard().len() <= 1);
    for _ in 0..3 {
        assert!(session.desk.gate.pass(Kind::Fetch).now_or_never().is_some(), "a place was kept");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_transfer_begins_anew() {
    let double = serve(|_, times| if times == 0 { Say::Part(200, Bytes::from_static(b"half a mess")) } else { body("whole") });
    let (got, error) = run(&double, 1).await;
    assert_eq!((error, got[0].bytes.as_slice(), got[0].restarts), (None, b"whole".as_slice(), 1));
}

#[tokio::test(start_paused = true)]
async fn a_login_page_under_200_is_no_message() {
    let page = || Say::Whole(200, vec![("content-type", "Text/HTML; charset=utf-8".to_owned())], "<html>Sign in</html>".into());
    let double = serve(move |_, times| if times < 2 { page() } else { body("whole") });
    let (got, error) = run(&double, 1).await;
    assert_eq!((error, got[0].bytes.as_slice()), (None, b"whole".as_slice()));
}

#[tokio::test(start_paused = true)]
async fn retries_of_the_first_do_not_wait_for_those_ahead_of_it() {
    // Each of the others is larger than what may wait for its taker, so their lanes stand still with their places.
    let double = serve(|id, times| match (id, times) {
        ("m0", 0..3) => Say::Part(200, Bytes::from_static(b"half")),
        _ => body(vec![1; 2_000_000]),
    });
    let (got, error) = run(&double, 6).await;
    assert_eq!(error, None);
    assert!(got.iter().all(|got| got.bytes.len() == 2_000_000));
}

#[tokio::test(start_paused = true)]
async fn a_transfer_that_is_always_cut_blames_the_message_only_in_a_mailbox_that_is_well() {
    let double = serve(|id, _| if id == "m1" { Say::Part(200, Bytes::from_static(b"half")) } else { body("whole") });
    let (got, error) = run(&double, 3).await;
    assert_eq!((error, code(&got[1])), (None, "TransferCut"));
    assert_eq!((got[0].bytes.as_slice(), got[2].bytes.as_slice()), (b"whole".as_slice(), b"whole".as_slice()));

    let broken = AtomicUsize::new(0);
    let ill = Double::new(Duration::ZERO, move |outgoing, _| {
        if outgoing.url.ends_with("/$value") {
            broken.store(1, Ordering::SeqCst);
        }
        match broken.load(Ordering::SeqCst) {
            0 => usual(&outgoing.url, outgoing.body.as_deref()).unwrap(),
            _ => Say::Nothing,
        }
    });
    let (got, error) = run(&ill, 2).await;
    assert_eq!((got[0].end.clone(), error.unwrap().verdict), (None, Verdict::Later));
}

#[tokio::test(start_paused = true)]
async fn what_is_listed_but_not_there_is_asked_for_again_behind_the_others() {
    let double = serve(|id, times| if id == "m0" && times < 2 { refuse(404, "ErrorItemNotFound") } else { body("late") });
    let (got, error) = run(&double, 3).await;
    assert_eq!((error, got[0].bytes.as_slice()), (None, b"late".as_slice()));
    let gone = serve(|id, _| if id == "m0" { refuse(404, "ErrorItemNotFound") } else { body("there") });
    let (got, error) = run(&gone, 3).await;
    assert_eq!((error, &got[0].end), (None, &Some(Part::Gone { index: 0 })));
    assert_eq!(gone.heard().iter().filter(|outgoing| outgoing.url.ends_with("/m0/$value")).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_message_without_mime_is_written_from_its_properties_at_once() {
    for code in ["ErrorMimeContentConversionFailed", "ErrorMessageSizeExceeded"] {
        let double = serve(move |_, _| refuse(500, code));
        let (got, error) = run(&double, 1).await;
        assert_eq!(error, None);
        assert!(matches!(got[0].end, Some(Part::Read { origin: Origin::Properties, .. })), "{:?}", got[0].end);
        let text = String::from_utf8(got[0].bytes.clone()).unwrap();
        assert!(text.contains("Subject: about m0\r\n") && text.trim_end().ends_with("--"), "{text}");
        assert_eq!(double.heard().iter().filter(|outgoing| outgoing.url.ends_with("$value")).count(), 1, "never asked for twice");
    }
}

#[tokio::test(start_paused = true)]
async fn attachments_are_poured_into_what_is_written() {
    let double = Double::new(Duration::ZERO, |outgoing, turn| {
        let url = &outgoing.url;
        if url.ends_with("/messages/m0/$value") {
            return refuse(500, "ErrorMimeContentConversionFailed");
        }
        if url.contains("/attachments?") {
            return say(json!({"value": [
                {"@odata.type": "#microsoft.graph.fileAttachment", "id": "f", "name": "a.bin", "contentType": "application/pdf"},
                {"@odata.type": "#microsoft.graph.itemAttachment", "id": "i", "name": "Fwd"},
                {"@odata.type": "#microsoft.graph.referenceAttachment", "id": "r", "name": "shared.docx"},
                {"@odata.type": "#microsoft.graph.fileAttachment", "id": "bad", "name": "bad.ole"}]})
            .to_string());
        }
        match url.split("/attachments/").nth(1) {
            // Cut once: the whole begins anew.
            Some("f/$value") if turn < 5 => Say::Part(200, Bytes::from_static(b"con")),
            Some("f/$value") => body("content of the file"),
            Some("i/$value") => body("Subject: inner\r\n\r\n"),
            Some("bad/$value") => refuse(500, "ErrorCannotOpenFileAttachment"),
            Some(other) => panic!("{other}"),
            None => usual(url, outgoing.body.as_deref()).unwrap(),
        }
    });
    let (got, error) = run(&double, 1).await;
    assert_eq!((error, matches!(got[0].end, Some(Part::Read { origin: Origin::Properties, .. }))), (None, true));
    let text = String::from_utf8(got[0].bytes.clone()).unwrap();
    let line = |content: &str| crate::exchange::compose::lines(content.as_bytes());
    assert!(text.contains(&line("content of the file")) && text.contains(&line("Subject: inner\r\n\r\n")), "{text}");
    assert!(text.contains("filename*=utf-8''Fwd.eml") && text.contains("filename*=utf-8''shared.docx"));
    assert!(!text.contains("filename*=utf-8''bad.ole"), "what the server cannot open is left out");
    assert!(got[0].restarts >= 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_told_at_all_is_unreadable_with_the_first_reason() {
    let double = Double::new(Duration::ZERO, |outgoing, _| match outgoing.url.ends_with("/$value") {
        true => refuse(500, "ErrorCorruptData"),
        false => refuse(500, "ErrorContentConversionFailed"),
    });
    let (got, error) = run(&double, 1).await;
    assert_eq!((error, code(&got[0])), (None, "ErrorCorruptData"));
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_is_tried_again_and_then_written_from_properties() {
    let double = serve(|_, times| body(if times == 0 { "" } else { "there" }));
    assert_eq!(run(&double, 1).await.0[0].bytes, b"there");
    let empty = serve(|_, _| body(""));
    let (got, error) = run(&empty, 1).await;
    assert_eq!((error, matches!(got[0].end, Some(Part::Read { origin: Origin::Properties, .. }))), (None, true));
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_never_one_messages_fault() {
    let double = serve(|_, _| refuse(403, "ErrorAccessDenied"));
    let (got, error) = run(&double, 2).await;
    let error = error.unwrap();
    assert_eq!((&got[0].end, error.code.as_deref()), (&None, Some("ErrorAccessDenied")));
    assert!(error.hint.unwrap().contains("Mail.Read"));
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_ends_the_batch_and_a_short_one_does_not() {
    let long = serve(|_, _| throttle(429, 300));
    let (_, error) = run(&long, 2).await;
    assert!(matches!(error.unwrap().verdict, Verdict::WaitFor(_)));
    let short = serve(|_, times| if times == 0 { throttle(429, 3) } else { body("whole") });
    let (got, error) = run(&short, 5).await;
    assert_eq!(error, None);
    assert!(got.iter().all(|got| got.bytes == b"whole"));
}

#[tokio::test(start_paused = true)]
async fn a_taker_that_stands_still_costs_a_connection_and_no_bytes() {
    let double = serve(|_, _| body(vec![7; 3_000_000]));
    let session = double.session();
    session.desk.memory.learn_form(IdForm::GraphImmutable);
    let mut parts = session.fetch(inbox(), listed(1));
    let first = parts.next().await;
    assert!(matches!(first, Some(Ok(Part::Mime { .. }))));
    tokio::time::sleep(Duration::from_secs(600)).await;
    let (mut bytes, mut restarts) = (0, 0);
    while let Some(part) = parts.next().await {
        match part.unwrap() {
            Part::Mime { chunk, .. } => bytes += chunk.len(),
            Part::Restarted { .. } => (bytes, restarts) = (0, restarts + 1),
            Part::Read { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((bytes, restarts), (3_000_000, 1));
}

#[tokio::test(start_paused = true)]
async fn a_message_written_ahead_does_not_keep_the_turn_from_the_one_before_it() {
    // The second is known to need writing first, and what is written of it is more than may wait for its taker.
    let large = "x".repeat(2_000_000);
    let double = Double::new(Duration::from_millis(10), move |outgoing, turn| {
        let url = &outgoing.url;
        match url.split("/messages/").nth(1) {
            Some("m0/$value") if turn < 6 => Say::Nothing,
            Some(rest) if rest.ends_with("/$value") => refuse(500, "ErrorMimeContentConversionFailed"),
            Some(rest) if rest.contains("attachments") => say(r#"{"value":[]}"#),
            Some(rest) if !url.ends_with("/$batch") => {
                let id = rest.split('?').next();
                say(json!({"id": id, "subject": "s", "body": {"contentType": "text", "content": large}}).to_string())
            }
            _ => usual(url, outgoing.body.as_deref()).unwrap(),
        }
    });
    // Turns are shared with other tests, each on a clock of its own, so a paused clock would run out while one of them has it.
    let (alarm, rang) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_secs(60));
        alarm.send(())
    });
    let (got, error) = tokio::select! {
        ended = run(&double, 3) => ended,
        _ = rang => panic!("the batch stands still for ever"),
    };
    assert_eq!(error, None);
    assert!(got.iter().all(|got| matches!(got.end, Some(Part::Read { origin: Origin::Properties, .. }))));
}

#[tokio::test(start_paused = true)]
async fn whatever_a_well_mailbox_answers_for_one_message_stops_no_other() {
    let answers: [fn() -> Say; 7] = [
        || Say::Whole(502, Vec::new(), "bad gateway".into()),
        || refuse(500, "ErrorInternalServerTransientError"),
        || refuse(404, "ResourceNotFound"),
        || refuse(404, "ErrorFolderNotFound"),
        || refuse(423, "resourceLocked"),
        || refuse(400, "SomethingNew"),
        || refuse(401, "Unauthenticated"),
    ];
    for answer in answers {
        let double = serve(move |id, _| if id == "m1" { answer() } else { body("whole") });
        let (got, error) = run(&double, 3).await;
        assert_eq!(error, None);
        assert!(got[1].end.is_some() && got[2].bytes == b"whole");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_told_may_break_off_for_ever_too() {
    let double = Double::new(Duration::from_millis(10), |outgoing, _| {
        let url = &outgoing.url;
        match url.split("/messages/").nth(1) {
            Some(rest) if rest.ends_with("/$value") => refuse(500, "ErrorMimeContentConversionFailed"),
            Some(rest) if rest.contains("attachments") => say(r#"{"value":[]}"#),
            Some(rest) if rest.contains("body") => Say::Part(200, Bytes::from_static(b"{")),
            _ => usual(url, outgoing.body.as_deref()).unwrap(),
        }
    });
    let (got, error) = run(&double, 1).await;
    assert_eq!((error, matches!(got[0].end, Some(Part::Read { origin: Origin::Properties, .. }))), (None, true));
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_attachments_always_break_off_is_unreadable_rather_than_stored_without_them() {
    let double = Double::new(Duration::from_millis(10), |outgoing, _| {
        let url = &outgoing.url;
        match url.split("/messages/").nth(1) {
            Some(rest) if rest.contains("attachments") => Say::Part(200, Bytes::from_static(b"{")),
            Some(rest) if rest.ends_with("/$value") => refuse(500, "ErrorMimeContentConversionFailed"),
            _ => usual(url, outgoing.body.as_deref()).unwrap(),
        }
    });
    let (got, error) = run(&double, 1).await;
    assert_eq!((error, code(&got[0])), (None, "ErrorMimeContentConversionFailed"));
}
