use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};

use super::*;
use crate::{
    auth::Secret,
    http::scripted::{Heard, Reply, Scripted, reply},
    mail::{Address, Key, Mailbox},
    sink::Patience,
    watch::Events,
};

const QUICK: Backoff = Backoff { first: Duration::from_millis(1), cap: Duration::from_millis(4) };
const OK: &str = r#"{"status":"ok"}"#;
const NO: &str = r#"{"status":"error","message":"not this"}"#;

struct Bench {
    sink: Arc<ApiSink>,
    server: Scripted,
    events: Events,
    spool: tempfile::TempDir,
}

async fn bench(settings: Settings, patience: Patience, script: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Bench {
    let server = Scripted::start(script).await;
    let client = Client::new(&format!("http://{}/api", server.address).parse().unwrap(), Secret::new("t")).unwrap();
    let (events, spool) = (Events::new(), tempfile::tempdir().unwrap());
    let fence = Fence::new(events.clone(), QUICK, patience);
    let sink = Arc::new(ApiSink::new(client, Settings { backoff: QUICK, ..settings }, fence, spool.path()));
    Bench { sink, server, events, spool }
}

fn envelope(key: &str) -> Envelope {
    let mailbox = Mailbox {
        address: Address::new("Ann@Example.com"),
        bucket: Bucket { owner: "care".into(), name: "support".into() },
        archive: false,
    };
    let received = "2024-05-01T10:20:30Z".parse().ok();
    Envelope { mailbox, folder: ["Inbox".to_owned(), "Work".to_owned()].into(), key: Key(key.into()), received, dated: received }
}

fn mail(text: &str) -> String {
    format!("Subject: x\r\nThread-Topic: =?utf-8?Q?caf=C3=A9?=\r\n\r\n{text}\r\n")
}

fn whole(text: &str) -> Body {
    Body::Whole(text.to_owned().into(), Arc::new(Properties::default()))
}

fn pieces(bytes: Vec<u8>, size: usize) -> Body {
    let (properties, later) = oneshot::channel();
    properties.send(Arc::new(Properties::default())).unwrap();
    let chunks: Vec<_> = bytes.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    Body::Stream(stream::iter(chunks).boxed(), later)
}

impl Bench {
    /// Writes messages of these keys and texts at the same time.
    async fn write(&self, messages: &[(&str, String)]) -> Vec<Result<Stored, Error>> {
        join_all(messages.iter().map(async |(key, text)| self.sink.write(&envelope(key), whole(text)).await)).await
    }

    /// The emails of each request so far.
    fn requests(&self) -> Vec<Vec<Value>> {
        self.server.heard().iter().map(emails).collect()
    }
}

fn emails(heard: &Heard) -> Vec<Value> {
    let body: Value = serde_json::from_str(&heard.body).unwrap();
    body["emails"].as_array().unwrap().clone()
}

fn sizes(requests: &[Vec<Value>]) -> Vec<usize> {
    requests.iter().map(Vec::len).collect()
}

fn four() -> Arc<std::sync::atomic::AtomicUsize> {
    Arc::new(4.into())
}

#[tokio::test]
async fn messages_written_at_once_go_out_together_with_all_that_is_known() {
    let bench = bench(Settings { batch: four(), ..Settings::default() }, Patience::Endless, |_| reply("200 OK", &[], OK)).await;
    let names: Vec<String> = (0..10).map(|n| format!("{n:02}")).collect();
    let messages: Vec<(&str, String)> = names.iter().map(|name| (name.as_str(), mail(&format!("text \"{name}\"\t\u{1}")))).collect();
    for (written, (key, text)) in bench.write(&messages).await.into_iter().zip(&messages) {
        let expected = Stored { object: (*key).to_owned(), bytes: text.len() as u64, sha256: hex::encode(Sha256::digest(text)) };
        assert_eq!(written.unwrap(), expected);
    }
    let requests = bench.requests();
    let mut counts = sizes(&requests);
    counts.sort_unstable();
    assert_eq!(counts, [2, 4, 4]);
    let mut sent: Vec<&Value> = requests.iter().flatten().collect();
    sent.sort_by_key(|email| email["id"].as_str());
    for (email, (key, text)) in sent.into_iter().zip(&messages) {
        let expected = json!({
            "id": key, "mailbox": "ann@example.com", "timestamp": "2024-05-01T10:20:30Z", "mime_content": text,
            "metadata": {"size": text.len(), "has_attachments": false, "conversation_topic": "café", "folder": ["Inbox", "Work"],
                "received_at": "2024-05-01T10:20:30Z"},
        });
        assert_eq!(*email, expected);
    }
}

#[tokio::test]
async fn a_request_has_a_bound_in_bytes_and_one_message_may_exceed_it() {
    let settings = Settings { batch_bytes: 4000, ..Settings::default() };
    let bench = bench(settings, Patience::Endless, |_| reply("200 OK", &[], OK)).await;
    let messages = ["a", "b", "c", "d"].map(|key| (key, mail(&"x".repeat(1200))));
    bench.write(&messages).await.into_iter().for_each(|written| drop(written.unwrap()));
    bench.write(&[("e", mail(&"x".repeat(9000)))]).await.remove(0).unwrap();
    assert_eq!(sizes(&bench.requests()), [2, 2, 1]);
    for heard in bench.server.heard() {
        assert!(heard.body.len() <= 4000 || emails(&heard).len() == 1, "{}", heard.body.len());
    }
}

#[tokio::test]
async fn who_is_refused_alone_is_unacceptable_and_the_others_are_stored() {
    for status in ["422 Unprocessable Content", "400 Bad Request"] {
        let bench = bench(Settings::default(), Patience::Endless, move |heard| match heard.body.contains("poison") {
            true => reply(status, &[], NO),
            false => reply("200 OK", &[], OK),
        })
        .await;
        let written = bench.write(&[("a", mail("well")), ("b", mail("poison")), ("c", mail("well"))]).await;
        let error = written[1].as_ref().unwrap_err();
        assert_eq!(error.verdict, Verdict::Unacceptable);
        assert_eq!(error.code.as_deref(), Some(&format!("HTTP {}", &status[..3])[..]));
        assert_eq!(
            error.to_string(),
            format!("uploading message b of ann@example.com to bucket care/support failed: HTTP {}: not this", &status[..3])
        );
        assert!(written[0].is_ok() && written[2].is_ok());
        assert_eq!(sizes(&bench.requests()), [3, 1, 1, 1]);
        assert_eq!(bench.events.status().sink_trouble(), None);
    }
}

#[tokio::test]
async fn what_is_too_large_goes_in_halves_and_then_without_attachments() {
    let bench = bench(Settings::default(), Patience::Endless, |heard| match heard.body.len() > 3000 {
        true => reply("413 Payload Too Large", &[], "<html>too large</html>"),
        false => reply("200 OK", &[], OK),
    })
    .await;
    let attachment = format!(
        "Subject: y\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9\r\n--b\r\nContent-Type: application/pdf; name=x.pdf\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        "AAAA".repeat(1000)
    );
    let messages =
        [("a", mail(&"a".repeat(1500))), ("b", mail(&"b".repeat(1500))), ("c", attachment.clone()), ("d", mail(&"d".repeat(9000)))];
    let written = bench.write(&messages).await;
    assert!(written[0].is_ok() && written[1].is_ok());
    let stored = written[2].as_ref().unwrap();
    assert_eq!(stored.sha256, hex::encode(Sha256::digest(&attachment)), "the digest is of the original");
    let error = written[3].as_ref().unwrap_err();
    assert_eq!((error.verdict, error.code.as_deref()), (Verdict::Unacceptable, Some("HTTP 413")));
    let requests = bench.requests();
    assert_eq!(sizes(&requests)[..1], [4]);
    let short = requests.iter().rfind(|emails| emails.len() == 1 && emails[0]["id"] == "c").unwrap();
    let expected = "Subject: y\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\ncafé\r\n";
    assert_eq!(short[0]["mime_content"], expected);
    let listed = json!([{"name": "x.pdf", "size": 3000, "content_type": "application/pdf", "inline": false}]);
    assert_eq!(short[0]["attachments"], listed);
}

#[tokio::test]
async fn passing_trouble_is_outlasted() {
    for (status, body) in [
        ("503 Service Unavailable", NO),
        ("500 Internal Server Error", "<html>oops</html>"),
        ("429 Too Many Requests", NO),
        ("409 Conflict", NO),
        ("200 OK", "<html>please sign in</html>"),
        ("403 Forbidden", "<html>blocked</html>"),
        ("", ""),
    ] {
        let left = AtomicUsize::new(3);
        let bench = bench(Settings::default(), Patience::Endless, move |_| {
            match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
                Ok(_) if status.is_empty() => Vec::new(),
                Ok(_) => reply(status, &[], body),
                Err(_) => reply("200 OK", &[], OK),
            }
        })
        .await;
        bench.write(&[("a", mail("x")), ("b", mail("y"))]).await.into_iter().for_each(|written| drop(written.unwrap()));
        assert_eq!(sizes(&bench.requests()), [2, 2, 2, 2], "{status}");
        assert_eq!(bench.events.status().sink_trouble(), None);
    }
}

#[tokio::test]
async fn a_run_that_is_to_end_gives_up() {
    let bench = bench(Settings::default(), Patience::For(Duration::from_millis(20)), |_| reply("503 Service Unavailable", &[], NO)).await;
    let error = bench.write(&[("a", mail("x"))]).await.remove(0).unwrap_err();
    assert_eq!(error.verdict, Verdict::Later(None));
    assert!(error.to_string().contains("HTTP 503"), "{error}");
}

#[tokio::test]
async fn trouble_of_one_batch_is_not_everybodys_and_its_good_messages_get_through() {
    // Whatever holds the poisoned message breaks the server; everything else is taken.
    let bench =
        bench(Settings { batch: four(), uploads: 2.into(), ..Settings::default() }, Patience::For(Duration::from_secs(2)), |heard| {
            match heard.body.contains("poison") {
                true => reply("500 Internal Server Error", &[], NO),
                false => reply("200 OK", &[], OK),
            }
        })
        .await;
    let sink = bench.sink.clone();
    let steady = tokio::spawn(async move {
        for n in 0.. {
            sink.write(&envelope(&format!("steady{n}")), whole(&mail("steady"))).await.unwrap();
        }
    });
    let written = bench.write(&[("a", mail("well")), ("b", mail("poison")), ("c", mail("well")), ("d", mail("well"))]).await;
    steady.abort();
    assert!(written[0].is_ok() && written[2].is_ok() && written[3].is_ok());
    assert_eq!(written[1].as_ref().unwrap_err().verdict, Verdict::Later(None));
}

#[tokio::test]
async fn what_a_person_must_mend_is_refused_with_advice() {
    for (status, advice) in [
        ("401 Unauthorized", "REINFER_API_TOKEN"),
        ("403 Forbidden", "buckets-append"),
        ("404 Not Found", "create the bucket support in the project care"),
    ] {
        let bench = bench(Settings::default(), Patience::Endless, move |_| reply(status, &[], NO)).await;
        for written in bench.write(&[("a", mail("x")), ("b", mail("y"))]).await {
            let error = written.unwrap_err();
            assert_eq!(error.verdict, Verdict::Refused);
            assert!(error.to_string().contains(advice), "{error}");
        }
        assert_eq!(bench.server.heard().len(), 1);
    }
}

#[tokio::test]
async fn a_stream_is_spooled_and_repeated_from_the_file() {
    let left = AtomicUsize::new(2);
    let bench = bench(Settings { spooled: 1, ..Settings::default() }, Patience::Endless, move |_| {
        match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => reply("503 Service Unavailable", &[], NO),
            Err(_) => reply("200 OK", &[], OK),
        }
    })
    .await;
    let latin =
        [&b"Subject: x\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n"[..], &b"caf\xe9 \"line\"\r\n".repeat(50_000)].concat();
    let written = join_all(["a", "b"].map(|key| {
        let (sink, body) = (bench.sink.clone(), pieces(latin.clone(), 100_000));
        async move { sink.write(&envelope(key), body).await }
    }))
    .await;
    for written in written {
        let stored = written.unwrap();
        assert_eq!((stored.bytes, stored.sha256), (latin.len() as u64, hex::encode(Sha256::digest(&latin))));
    }
    let requests = bench.requests();
    assert_eq!(sizes(&requests), [1, 1, 1, 1]);
    let expected = "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n".to_owned()
        + &"café \"line\"\r\n".repeat(50_000);
    for request in &requests {
        assert!(request[0]["mime_content"] == expected.as_str());
    }
    assert_eq!(std::fs::read_dir(bench.spool.path()).unwrap().count(), 0, "files have no names");
}

#[tokio::test]
async fn a_download_that_breaks_stores_nothing_and_gives_its_place_back() {
    let bench = bench(Settings { spooled: 1, ..Settings::default() }, Patience::Endless, |_| reply("200 OK", &[], OK)).await;
    let (properties, later) = oneshot::channel();
    let broken = stream::iter([Ok(Bytes::from_static(b"half a")), Err(Broken)]).boxed();
    let error = bench.sink.write(&envelope("a"), Body::Stream(broken, later)).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Broken);
    drop(properties);
    let (properties, later) = oneshot::channel();
    drop(properties);
    let unknown = stream::iter([Ok(Bytes::from_static(b"whole, but nobody knows of what"))]).boxed();
    let error = bench.sink.write(&envelope("a"), Body::Stream(unknown, later)).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Broken);
    bench.sink.write(&envelope("b"), pieces(mail("x").into_bytes(), 5)).await.unwrap();
    assert_eq!(bench.requests().len(), 1);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_named() {
    let bench = bench(Settings::default(), Patience::Endless, |_| reply("200 OK", &[], OK)).await;
    let spool = bench.spool.path().to_owned();
    drop(bench.spool);
    let error = bench.sink.write(&envelope("a"), pieces(mail("x").into_bytes(), 5)).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Later(None));
    assert!(error.to_string().contains(&spool.display().to_string()) && error.to_string().contains("TMPDIR"), "{error}");
}

#[tokio::test]
async fn bytes_are_held_until_they_are_taken_and_no_longer() {
    struct Watched(Vec<u8>, #[allow(dead_code, reason = "held for its drop")] Arc<()>);
    impl AsRef<[u8]> for Watched {
        fn as_ref(&self) -> &[u8] {
            &self.0
        }
    }
    let bench = bench(Settings::default(), Patience::Endless, |_| reply("200 OK", &[], OK)).await;
    let alive = Arc::new(());
    let bytes = Bytes::from_owner(Watched(mail("x").into_bytes(), alive.clone()));
    bench.sink.write(&envelope("a"), Body::Whole(bytes, Arc::new(Properties::default()))).await.unwrap();
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[tokio::test]
async fn whoever_gives_up_takes_his_message_along() {
    let bench = bench(Settings::default(), Patience::Endless, |heard| match heard.body.contains("poison") {
        true => reply("503 Service Unavailable", &[("Retry-After", "1")], NO),
        false => reply("200 OK", &[], OK),
    })
    .await;
    let (poison, text) = (envelope("a"), mail("poison"));
    let mut given_up = Box::pin(bench.sink.write(&poison, whole(&text)));
    while bench.server.heard().is_empty() {
        assert!(futures::poll!(&mut given_up).is_pending());
        tokio::task::yield_now().await;
    }
    drop(given_up);
    bench.write(&[("b", mail("well"))]).await.remove(0).unwrap();
    assert!(bench.requests().iter().skip(1).flatten().all(|email| email["id"] == "b"));
}

#[tokio::test]
async fn a_bucket_is_marked_once() {
    let by = UpdatedBy { config_owner: "care".into(), config_key: "main".into(), shard_index: 0, num_shards: 1 };
    let settings = Settings { updated_by: Some(by), ..Settings::default() };
    let bench = bench(settings, Patience::Endless, |heard| match heard.head.starts_with("POST") {
        true => reply("200 OK", &[], r#"{"status":"ok","bucket":{}}"#),
        false => reply("200 OK", &[], OK),
    })
    .await;
    for key in ["a", "b", "c"] {
        bench.write(&[(key, mail("x"))]).await.remove(0).unwrap();
    }
    let marks = bench.server.heard().iter().filter(|heard| heard.body.contains("last_updated_by")).count();
    assert_eq!(marks, 1);
}

#[tokio::test]
async fn the_largest_message_is_never_in_memory() {
    const LARGEST: usize = 150 << 20;
    let folder = tempfile::tempdir().unwrap();
    let spool = Spool::new(folder.path(), 1, 1);
    let head = b"Subject: x\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n";
    let line = Bytes::from_static(b"a long day in the caf\xe9, \"and\" longer nights; a long day again, and so on and on\r\n");
    let chunk = Bytes::from(line.repeat(500));
    let chunks = LARGEST / chunk.len();
    let stream = stream::iter([Bytes::from_static(head)]).chain(stream::iter(std::iter::repeat_n(chunk.clone(), chunks))).map(Ok);
    let Ok(spooled) = spool.take(stream.boxed()).await else { panic!("the disk is full") };
    let bytes = (head.len() + chunks * chunk.len()) as u64;
    assert_eq!(spooled.bytes, bytes);
    let email = describe::describe(&envelope("a"), &Properties::default(), &spooled.survey, bytes);
    let upload = Upload::new(&email, spooled.raw, spooled.survey.plan).await.unwrap();
    let (reply, _outcome) = oneshot::channel();
    let batch = [Pending { upload: Arc::new(upload), reply }];
    let crate::reinfer::Payload { length, bytes: mut pieces } = upload::payload(&batch);
    let (mut sum, mut largest) = (0, 0);
    while let Some(piece) = pieces.next().await {
        let piece = piece.unwrap();
        (sum, largest) = (sum + piece.len() as u64, largest.max(piece.len()));
    }
    assert_eq!(sum, length);
    assert!(sum > bytes && largest < 512 << 10, "{largest} bytes at once");
}
