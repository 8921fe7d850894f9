use serde_json::{Value, json};

use super::*;
use crate::{
    auth::Secret,
    catalog::Reach,
    checkpoint::{Delivered, LocalCheckpoints},
    http::scripted::{Heard, Reply, Scripted, reply},
    mail::{Address, Bucket, Cursor, Folder},
};

const OK: &str = r#"{"status":"ok"}"#;
const STATES: &str = "/api/_private/buckets/id:0a/keyed-sync-state";

struct Bench {
    checkpoints: KeyedCheckpoints,
    server: Scripted,
    _folder: tempfile::TempDir,
}

/// An API that knows the bucket; `script` answers everything else. Nothing is told before an end but by a flush.
async fn bench(script: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Bench {
    let server = Scripted::start(move |heard| match heard.head.starts_with("GET /api/_private/buckets/care/support ") {
        true => reply("200 OK", &[], r#"{"status":"ok","bucket":{"id":"0a"}}"#),
        false => script(heard),
    })
    .await;
    let client = Client::new(&format!("http://{}", server.address).parse().unwrap(), Secret::new("t")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let inner = Arc::new(LocalCheckpoints::open(folder.path()).unwrap());
    let backoff = Backoff { first: Duration::from_millis(1), cap: Duration::from_millis(2) };
    let checkpoints = KeyedCheckpoints::new(inner, client, Settings { interval: Duration::from_secs(3600), backoff, fleeting: false });
    Bench { checkpoints, server, _folder: folder }
}

fn mailbox() -> Mailbox {
    let bucket = Bucket { owner: "care".into(), name: "support".into() };
    Mailbox { address: Address::new("Ann@Example.com"), bucket, archive: false }
}

fn checkpoint(id: &str, cursor: &str, until: Option<&str>, drained: bool) -> Checkpoint {
    Checkpoint {
        folder: Folder::bare(FolderId(id.into()), vec!["Inbox".into(), "Work".into()]),
        cursor: Cursor(cursor.into()),
        walking: !drained,
        listed: None,
        settled: None,
        reach: Reach::default(),
        uncovered: Vec::new(),
        filters: "filters".into(),
        delivered: Delivered { until: until.map(|until| until.parse().unwrap()), drained, ..Delivered::default() },
    }
}

fn hex_key(folder: Option<&str>) -> String {
    hex::encode(key("ann@example.com", folder))
}

impl Bench {
    /// Method, key and body of all that was told of states.
    fn told(&self) -> Vec<(String, String, Value)> {
        let state = |heard: &Heard| {
            let (method, rest) = heard.head.split_once(' ')?;
            let key = rest.split_once(' ')?.0.strip_prefix(STATES)?.strip_prefix('/')?;
            let body = serde_json::from_str::<Value>(&heard.body).map(|body| body["keyed_sync_state"].clone()).unwrap_or_default();
            Some((method.to_owned(), key.to_owned(), body))
        };
        self.server.heard().iter().filter_map(state).collect()
    }

    /// What was last told under a key.
    async fn last(&self, key: &str) -> (String, Value) {
        loop {
            if let Some((method, _, body)) = self.told().into_iter().rfind(|(_, told, _)| told == key) {
                return (method, body);
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_folder_s_end_is_told_at_once_and_its_way_there_now_and_then() {
    let bench = bench(|_| reply("200 OK", &[], OK)).await;
    let save = async |checkpoint: Checkpoint| bench.checkpoints.save(&mailbox(), &checkpoint).await.unwrap();
    save(checkpoint("f1", "a", Some("2024-05-01T10:20:31Z"), true)).await;
    let (method, state) = bench.last(&hex_key(Some("f1"))).await;
    let at = state["last_synced_at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    assert!((Utc::now() - at).num_seconds().abs() < 60);
    let mut expected = json!({
        "mailbox_name": "ann@example.com", "folder_id": "f1", "folder_path": ["Inbox", "Work"], "status": "UP_TO_DATE",
        "synced_until": "2024-05-01T10:20:31.000Z", "fingerprint": "filters",
    });
    expected["last_synced_at"] = state["last_synced_at"].clone();
    assert_eq!((method.as_str(), &state), ("PUT", &expected));
    let (_, whole) = bench.last(&hex_key(None)).await;
    assert_eq!((&whole["status"], &whole["synced_until"], whole.get("folder_id")), (&json!("UP_TO_DATE"), &Value::Null, None));
    bench.checkpoints.flush(Duration::from_secs(60)).await;

    // On its way again: of many steps the last is told, when it is time.
    let before = bench.told().len();
    for step in ["b", "c", "d"] {
        save(checkpoint("f1", step, Some("2024-05-01T10:20:31Z"), false)).await;
    }
    assert_eq!(bench.told().len(), before);
    bench.checkpoints.flush(Duration::from_secs(60)).await;
    let states = bench.told().split_off(before);
    assert_eq!(states.len(), 2, "{states:?}");
    assert!(states.iter().all(|(_, _, state)| state["status"] == "IN_PROGRESS"), "{states:?}");
    assert_eq!(bench.checkpoints.load(&mailbox(), &FolderId("f1".into())).await.unwrap().unwrap().cursor, Cursor("d".into()));
}

#[tokio::test]
async fn what_fails_is_told_again_and_what_is_refused_is_not() {
    let failures = std::sync::atomic::AtomicUsize::new(0);
    let folder = hex_key(Some("f1"));
    let whole = hex_key(None);
    let bench = bench(move |heard| {
        if heard.head.contains(&whole) {
            return reply("403 Forbidden", &[], r#"{"status":"error"}"#);
        }
        match failures.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 3 && heard.head.contains(&folder) {
            true => reply("503 Service Unavailable", &[], ""),
            false => reply("200 OK", &[], OK),
        }
    })
    .await;
    bench.checkpoints.save(&mailbox(), &checkpoint("f1", "a", None, true)).await.unwrap();
    let count = |key: String| bench.told().iter().filter(|(_, told, _)| *told == key).count();
    while count(hex_key(Some("f1"))) < 4 {
        tokio::task::yield_now().await;
    }
    bench.checkpoints.flush(Duration::from_secs(60)).await;
    assert_eq!((count(hex_key(Some("f1"))), count(hex_key(None))), (4, 1));
}

#[tokio::test]
async fn a_folder_that_is_no_more_is_forgotten_there_too() {
    let bench = bench(|_| reply("200 OK", &[], OK)).await;
    bench.checkpoints.save(&mailbox(), &checkpoint("f1", "a", None, false)).await.unwrap();
    bench.checkpoints.forget(&mailbox(), &FolderId("f1".into())).await.unwrap();
    bench.checkpoints.flush(Duration::from_secs(60)).await;
    assert_eq!(bench.last(&hex_key(Some("f1"))).await.0, "DELETE");
    assert_eq!(bench.checkpoints.load(&mailbox(), &FolderId("f1".into())).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_remembered_counts_by_mailbox_folder_and_fingerprint() {
    let state = |mailbox: &str, folder: Option<&str>, until: Option<&str>, fingerprint: Option<&str>| {
        json!({"mailbox_name": mailbox, "folder_id": folder, "status": "UP_TO_DATE", "synced_until": until, "fingerprint": fingerprint,
            "last_synced_at": "2024-05-01T10:20:31Z"})
    };
    let until = "2024-05-01T10:20:31Z";
    let list = json!({"status": "ok", "keyed_sync_states": [
        state("ANN@example.com", Some("ours"), Some(until), Some("filters")),
        state("ann@example.com", Some("other"), Some(until), Some("other")),
        state("ann@example.com", Some("whose"), Some(until), None),
        state("ann@example.com", Some("unfinished"), None, Some("filters")),
        state("bob@example.com", Some("bobs"), Some(until), Some("filters")),
        state("ann@example.com", None, Some(until), Some("filters")),
    ]});
    let bench = bench(move |heard| match heard.head.contains("keyed-sync-states/ ") {
        true => reply("200 OK", &[], &list.to_string()),
        false => reply("200 OK", &[], OK),
    })
    .await;
    let ask = async |folder: &str| bench.checkpoints.delivered_until(&mailbox(), &FolderId(folder.into()), "filters").await.unwrap();
    assert_eq!(ask("ours").await, until.parse().ok());
    for folder in ["other", "whose", "unfinished", "bobs", ""] {
        assert_eq!(ask(folder).await, None, "{folder}");
    }
    // From the first checkpoint on, what is here counts.
    bench.checkpoints.save(&mailbox(), &checkpoint("ours", "a", None, false)).await.unwrap();
    assert_eq!(ask("ours").await, None);
    assert_eq!(bench.server.heard().iter().filter(|heard| heard.head.contains("keyed-sync-states/ ")).count(), 1);
}

#[tokio::test]
async fn not_to_know_for_now_is_no_reason_to_read_everything_again() {
    let answers = std::sync::Mutex::new(vec![("403 Forbidden", r#"{"status":"error"}"#), ("503 Service Unavailable", "")]);
    let bench = bench(move |_| {
        let (status, body) = answers.lock().unwrap().pop().unwrap();
        reply(status, &[], body)
    })
    .await;
    let ask = async || bench.checkpoints.delivered_until(&mailbox(), &FolderId("f".into()), "filters").await;
    assert!(ask().await.unwrap_err().to_string().contains("503"));
    assert_eq!(ask().await.unwrap(), None, "who may not know reads everything");
}
