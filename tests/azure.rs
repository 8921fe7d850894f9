//! Sink, catalog and checkpoints in Azure Blob Storage, against Azurite, over http and https. Skipped, aloud, where Azurite is not installed.

#[path = "common/azurite.rs"]
mod azurite;

use std::{net::SocketAddr, process::Command, sync::Arc};

use azurite::{ACCOUNT, Azurite, KEY, Wire};
use base64::{Engine, prelude::BASE64_STANDARD, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use exchange_sync::{
    blob::{self, Blobs, Location},
    catalog::{BlobCatalog, Catalog, Decision, Entry, Ledger, Reach},
    checkpoint::{BlobCheckpoints, Checkpoint, Checkpoints},
    config::Env,
    mail::{Address, Bucket, Change, Cursor, Folder, FolderId, Hierarchy, ItemId, Key, Listed, Mailbox, Origin, Properties},
    sink::{BlobSink, Body, Broken, Envelope, Sink, Stored, Verdict},
};
use futures::{StreamExt, stream};
use sha2::{Digest, Sha256};

const MESSAGES: &str = "data/acme/mail/a@example.com";

fn mailbox() -> Mailbox {
    let bucket = Bucket { owner: "acme".into(), name: "mail".into() };
    Mailbox { address: Address::new("a@example.com"), bucket, archive: false }
}

fn envelope(key: &str) -> Envelope {
    let dated = chrono::DateTime::from_timestamp(1_700_000_000, 0);
    Envelope { mailbox: mailbox(), folder: ["Inbox".to_owned()].into(), key: Key(key.into()), received: None, dated }
}

fn folder(id: &str) -> Folder {
    let path = vec!["Top".into(), id.into()];
    Folder { id: FolderId(id.into()), path, class: None, well_known: None, archive: false, hidden: false, total: None, stamp: None }
}

fn whole(bytes: impl Into<Bytes>) -> Body {
    Body::Whole(bytes.into(), Arc::new(Properties::default()))
}

fn streamed(chunks: impl Iterator<Item = Result<Bytes, Broken>> + Send + 'static) -> Body {
    Body::Stream(stream::iter(chunks).boxed(), tokio::sync::oneshot::channel().1)
}

/// So many megabytes, made as they are read.
fn megabytes(count: usize) -> impl Iterator<Item = Result<Bytes, Broken>> + Send {
    (0..count * 16).map(|n| Ok(Bytes::from(vec![(n % 251) as u8; 65_536])))
}

async fn messages_are_stored(azurite: &Azurite) {
    azurite.create("mail").await;
    let sink = BlobSink::open(azurite.blobs("mail/a b/ü")).await.unwrap();
    assert_eq!(azurite.names("mail").await, [""; 0], "opening leaves nothing behind");
    let stored = sink.write(&envelope("0a"), whole("From: a\r\n\r\nhello")).await.unwrap();
    assert_eq!((stored.object.as_str(), stored.bytes), ("2023/11/14/0a.eml", 16));
    let content: Vec<u8> = megabytes(10).flat_map(Result::unwrap).collect();
    let stored = sink.write(&envelope("0b"), streamed(megabytes(10))).await.unwrap();
    assert_eq!((stored.bytes, &stored.sha256), (content.len() as u64, &hex::encode(Sha256::digest(&content))));
    assert_eq!(azurite.names("mail").await, ["0a", "0b"].map(|key| format!("a b/ü/{MESSAGES}/2023/11/14/{key}.eml")));
    let read = azurite.read("mail", &format!("a%20b/%C3%BC/{MESSAGES}/2023/11/14/0b.eml")).await;
    assert!(read == content);
    let broken = megabytes(9).chain([Err(Broken)]);
    assert_eq!(sink.write(&envelope("0c"), streamed(broken)).await.unwrap_err().verdict, Verdict::Broken);
    sink.write(&envelope("0a"), whole("again")).await.unwrap();
    assert_eq!(azurite.names("mail").await.len(), 2);
}

#[tokio::test]
async fn messages_are_stored_over_http_and_https() {
    for https in [false, true] {
        let Some(azurite) = Azurite::start(https) else { return };
        messages_are_stored(&azurite).await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_helps() {
    let Some(azurite) = Azurite::start(true) else { return };
    let missing = BlobSink::open(azurite.blobs("nowhere")).await.unwrap_err();
    assert!(missing.verdict == Verdict::Refused && missing.to_string().contains("az storage container create"), "{missing}");
    let with = |replaced: (&str, &str)| {
        let env = azurite.env().into_iter().map(|(name, value)| (name, value.replace(replaced.0, replaced.1)));
        blob::connect(&azurite::location("mail"), &Env::from_iter(env)).unwrap()
    };
    let wrong = BlobSink::open(with((KEY, "c2VjcmV0"))).await.unwrap_err();
    assert!(wrong.verdict == Verdict::Refused && wrong.to_string().contains("is the key or SAS token that of the account"), "{wrong}");
    assert!(!format!("{wrong} {wrong:?}").contains("c2VjcmV0"), "{wrong}");
    let distrusted = BlobSink::open(with((azurite.ca.as_ref().unwrap().to_str().unwrap(), ""))).await.unwrap_err();
    assert!(distrusted.verdict == Verdict::Refused && distrusted.to_string().contains("SSL_CERT_FILE"), "{distrusted}");
}

/// A SAS token for the account (Create an account SAS: version 2020-12-06 and later).
fn sas(permissions: &str, end: &str) -> String {
    let (version, services, types) = ("2021-12-02", "b", "sco");
    let signed = format!("{ACCOUNT}\n{permissions}\n{services}\n{types}\n\n{end}\n\nhttps,http\n{version}\n\n");
    let key = openssl::pkey::PKey::hmac(&BASE64_STANDARD.decode(KEY).unwrap()).unwrap();
    let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &key).unwrap();
    let signature = BASE64_STANDARD.encode(signer.sign_oneshot_to_vec(signed.as_bytes()).unwrap());
    let query =
        [("sv", version), ("ss", services), ("srt", types), ("sp", permissions), ("se", end), ("spr", "https,http"), ("sig", &signature)];
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish()
}

#[tokio::test]
async fn a_sas_token_serves_as_far_as_it_allows() {
    let Some(azurite) = Azurite::start(false) else { return };
    azurite.create("mail").await;
    let with = |token: String| {
        let env = [("AZURE_STORAGE_ENDPOINT", azurite.url()), ("AZURE_STORAGE_SAS_TOKEN", token)];
        blob::connect(&azurite::location("mail"), &Env::from_iter(env)).unwrap()
    };
    let blobs = with(sas("rwdlc", "2100-01-01T00:00:00Z"));
    let sink = BlobSink::open(blobs.clone()).await.unwrap();
    sink.write(&envelope("0a"), streamed(megabytes(9))).await.unwrap();
    let checkpoints = BlobCheckpoints::open(blobs);
    checkpoints.save(&mailbox(), &checkpoint("1")).await.unwrap();
    checkpoints.forget(&mailbox(), &folder("in").id).await.unwrap();
    assert_eq!(azurite.names("mail").await.len(), 1);
    for token in [sas("rl", "2100-01-01T00:00:00Z"), sas("rwdlc", "2020-01-01T00:00:00Z")] {
        let error = BlobSink::open(with(token)).await.unwrap_err();
        assert_eq!(error.verdict, Verdict::Refused, "{error}");
        assert!(!format!("{error} {error:?}").contains("sig="), "{error:?}");
    }
}

#[tokio::test]
async fn an_identity_logs_in_by_a_token() {
    let Some(azurite) = Azurite::start(true) else { return };
    azurite.create("mail").await;
    let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = serde_json::json!({
        "aud": "https://storage.azure.com", "iss": "https://sts.windows.net/11111111-2222-3333-4444-555555555555/",
        "iat": 1_600_000_000, "nbf": 1_600_000_000, "exp": 4_102_444_800_u32, "appid": "x", "oid": "x", "sub": "x", "tid": "x", "ver": "1.0",
    });
    let token = format!("{}.{}.c2lnbmF0dXJl", part(serde_json::json!({"alg": "RS256", "typ": "JWT"})), part(claims));
    let dir = tempfile::tempdir().unwrap();
    let az = dir.path().join("az");
    std::fs::write(&az, format!("#!/bin/sh\necho '{{\"accessToken\": \"{token}\", \"expires_on\": 4102444800}}'\n")).unwrap();
    std::fs::set_permissions(&az, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let env = [
        ("AZURE_STORAGE_ENDPOINT", azurite.url()),
        ("AZURE_TOKEN_CREDENTIALS", "dev".into()),
        ("PATH", dir.path().display().to_string()),
        ("SSL_CERT_FILE", azurite.ca.as_ref().unwrap().display().to_string()),
    ];
    // Not the emulator's own account, whose key everybody knows.
    let location = Location::parse("az://contosomail/mail").unwrap();
    let blobs = blob::connect(&location, &Env::from_iter(env)).unwrap();
    let sink = BlobSink::open(blobs).await.unwrap();
    sink.write(&envelope("0a"), whole("hello")).await.unwrap();
    assert_eq!(azurite.names("mail").await, [format!("{MESSAGES}/2023/11/14/0a.eml")]);
}

#[tokio::test]
async fn a_line_that_is_cut_within_a_block_leaves_nothing() {
    let Some(azurite) = Azurite::start(false) else { return };
    azurite.create("mail").await;
    // Within the third block.
    let wire = Wire::to(azurite.address, 10_000_000).await;
    let sink = BlobSink::open(azurite.blobs_via(wire.address, "mail")).await.unwrap();
    let error = sink.write(&envelope("0a"), streamed(megabytes(40))).await.unwrap_err();
    assert!(wire.broken());
    assert!(
        matches!(error.verdict, Verdict::Later(_)) && error.to_string().contains("storing message 0a of a@example.com failed"),
        "{error}"
    );
    assert_eq!(azurite.names("mail").await, [""; 0]);
    wire.mend();
    let stored = sink.write(&envelope("0a"), streamed(megabytes(10))).await.unwrap();
    assert_eq!(azurite.read("mail", &format!("{MESSAGES}/{}", stored.object)).await.len(), 10 << 20);
}

const INSIDE: &str = "EXCHANGE_SYNC_TEST_AZURITE_AT";

/// In a process of its own, whose memory is its own: a message of 150 MB, then many at once.
#[test]
fn large_messages_take_little_memory() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let Ok(address) = std::env::var(INSIDE) {
        return runtime.block_on(large_messages(address.parse().unwrap()));
    }
    let Some(azurite) = Azurite::start(false) else { return };
    runtime.block_on(azurite.create("mail"));
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "large_messages_take_little_memory", "--nocapture"]).env(INSIDE, azurite.address.to_string());
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

async fn large_messages(address: SocketAddr) {
    let connection = format!("AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint=http://{address}/{ACCOUNT}");
    let blobs = blob::connect(&azurite::location("mail"), &Env::from_iter([("AZURE_STORAGE_CONNECTION_STRING", connection)])).unwrap();
    let sink = BlobSink::open(blobs).await.unwrap();
    let before = resident("VmRSS");
    let stored = sink.write(&envelope("0a"), streamed(megabytes(150))).await.unwrap();
    assert_eq!(stored.bytes, 150 << 20);
    let one = resident("VmHWM") - before;
    let many = (0..16).map(|n| {
        let sink = sink.clone();
        tokio::spawn(async move { sink.write(&envelope(&format!("{n:02}")), streamed(megabytes(12))).await.unwrap() })
    });
    futures::future::join_all(many).await.into_iter().for_each(|written| assert_eq!(written.unwrap().bytes, 12 << 20));
    let all = resident("VmHWM") - before;
    println!("peak of one: {one} KiB, of sixteen: {all} KiB");
    // Two blocks of 4 MiB at a time; 24 MiB in all, and what the allocator and sixteen connections add.
    assert!(one < 20 * 1024 && all < 56 * 1024, "peak of one: {one} KiB, of sixteen: {all} KiB");
}

/// A figure of this process in KiB (proc(5), /proc/pid/status).
fn resident(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

fn checkpoint(cursor: &str) -> Checkpoint {
    let (cursor, filters) = (Cursor(cursor.into()), "f".into());
    Checkpoint {
        folder: folder("in"),
        cursor,
        walking: true,
        listed: None,
        reach: Reach(1, 2),
        uncovered: Vec::new(),
        settled: None,
        delivered: exchange_sync::checkpoint::Delivered::default(),
        filters,
    }
}

#[tokio::test]
async fn checkpoints_are_kept_and_guarded() {
    for https in [false, true] {
        let Some(azurite) = Azurite::start(https) else { return };
        azurite.create("mail").await;
        let [ours, theirs] = [(); 2].map(|()| BlobCheckpoints::open(azurite.blobs("mail/state of it")));
        let id = folder("in").id;
        assert_eq!(ours.load(&mailbox(), &id).await.unwrap(), None);
        assert_eq!(theirs.load(&mailbox(), &id).await.unwrap(), None);
        for cursor in ["1", "2", "3"] {
            ours.save(&mailbox(), &checkpoint(cursor)).await.unwrap();
        }
        let error = theirs.save(&mailbox(), &checkpoint("theirs")).await.unwrap_err();
        assert!(error.locked && error.to_string().contains("somebody else wrote it"), "{error}");
        assert_eq!(theirs.load(&mailbox(), &id).await.unwrap(), Some(checkpoint("3")));
        theirs.save(&mailbox(), &checkpoint("theirs")).await.unwrap();
        assert!(ours.save(&mailbox(), &checkpoint("4")).await.is_err());
        ours.forget(&mailbox(), &id).await.unwrap();
        ours.forget(&mailbox(), &id).await.unwrap();
        assert_eq!(theirs.load(&mailbox(), &id).await.unwrap(), None);
        let hierarchy = Hierarchy { folders: vec![folder("in")], ..Hierarchy::default() };
        ours.save_hierarchy(&mailbox(), &hierarchy).await.unwrap();
        assert_eq!(theirs.hierarchy(&mailbox()).await.unwrap(), hierarchy);
        assert_eq!(azurite.names("mail").await, ["state of it/state/acme/mail/a@example.com/hierarchy.json"]);
    }
}

/// Fetches so many new messages into a ledger, as the pipeline does; their subjects are long.
async fn commit(ledger: &dyn Ledger, ids: std::ops::Range<usize>, subject: usize) -> Result<usize, exchange_sync::catalog::Error> {
    let changes: Vec<Change> = ids.map(|id| Change::Created(Listed { flags: Some(0), ..Listed::bare(ItemId(id.to_string())) })).collect();
    let decisions = ledger.identify(&folder("in"), &changes).await?;
    let entries = decisions.into_iter().map(|decision| match decision {
        Decision::Fetch { listed, key } => Entry::Stored {
            stored: Stored { object: format!("2023/11/14/{key}.eml"), bytes: 1, sha256: "00".into() },
            key,
            listed,
            properties: Arc::new(Properties { subject: Some("x".repeat(subject)), ..Properties::default() }),
            origin: Origin::Mime,
        },
        other => panic!("{other:?}"),
    });
    ledger.commit(&folder("in"), entries.collect()).await
}

async fn catalog(blobs: Blobs, scratch: &std::path::Path) -> BlobCatalog {
    BlobCatalog::open(blobs, scratch).await.unwrap()
}

async fn total(ledger: &dyn Ledger) -> u64 {
    ledger.totals().await.unwrap().messages
}

#[tokio::test]
async fn a_catalog_grows_is_read_again_and_has_one_writer() {
    for https in [false, true] {
        let Some(azurite) = Azurite::start(https) else { return };
        azurite.create("mail").await;
        let scratch = tempfile::tempdir().unwrap();
        let here = catalog(azurite.blobs("mail/x"), scratch.path()).await;
        let ledger = here.open(&mailbox()).await.unwrap();
        for n in 0..12 {
            assert_eq!(commit(&*ledger, n * 100..(n + 1) * 100, 2000).await.unwrap(), 100);
        }
        drop(ledger);
        here.close().await;
        // Between rounds of one process, and on another machine.
        assert_eq!(total(&*here.open(&mailbox()).await.unwrap()).await, 1200);
        here.close().await;
        let elsewhere = tempfile::tempdir().unwrap();
        let there = catalog(azurite.blobs("mail/x"), elsewhere.path()).await;
        let theirs = there.open(&mailbox()).await.unwrap();
        assert_eq!(total(&*theirs).await, 1200);
        let mut names = azurite.names("mail").await;
        names.retain(|name| name.contains("/catalog/"));
        assert!((2..=4).contains(&names.len()), "segments of about a megabyte: {names:?}");
        let mut lines = 0;
        for name in &names {
            let text = String::from_utf8(azurite.read("mail", name).await).unwrap();
            assert!(text.ends_with('\n'));
            lines += text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).unwrap().is_object()).count();
        }
        assert_eq!(lines, 1200);

        // The lock is taken away from one who was asleep: what he writes then is refused, and harms nothing.
        azurite.delete("mail", "x/state/acme/mail/a@example.com/lock").await;
        let ours = here.open(&mailbox()).await.unwrap();
        commit(&*ours, 2000..2010, 10).await.unwrap();
        let error = commit(&*theirs, 3000..3010, 10).await.unwrap_err();
        assert!(error.locked && error.to_string().contains("was written by somebody else"), "{error}");
        commit(&*ours, 2010..2020, 10).await.unwrap();
        drop((ours, theirs));
        here.close().await;
        there.close().await;
        assert_eq!(total(&*there.open(&mailbox()).await.unwrap()).await, 1220);
    }
}

#[tokio::test]
async fn a_catalog_outlives_a_line_that_breaks_under_it() {
    let Some(azurite) = Azurite::start(false) else { return };
    azurite.create("mail").await;
    let scratch = tempfile::tempdir().unwrap();
    let wire = Wire::to(azurite.address, i64::MAX / 2).await;
    let here = catalog(azurite.blobs_via(wire.address, "mail"), scratch.path()).await;
    let ledger: Arc<dyn Ledger> = Arc::from(here.open(&mailbox()).await.unwrap());
    commit(&*ledger, 0..50, 1000).await.unwrap();
    wire.cut_after(30_000);
    let committing = tokio::spawn({
        let ledger = Arc::clone(&ledger);
        async move { commit(&*ledger, 50..150, 1000).await }
    });
    while !wire.broken() {
        tokio::task::yield_now().await;
    }
    wire.mend();
    assert_eq!(committing.await.unwrap().unwrap(), 100);
    assert_eq!(total(&*ledger).await, 150);
    let text = String::from_utf8(azurite.read("mail", &format!("{MESSAGES}/catalog/00000001.jsonl")).await).unwrap();
    assert_eq!(text.lines().count(), 150);
}
