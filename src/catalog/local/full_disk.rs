//! Writes that truly fail half-way: this test runs itself again in a process whose files may not grow beyond a limit.

use std::{fs, process::Command};

use bytes::Bytes;
use futures::{StreamExt, stream};

use super::{tests::*, *};
use crate::{
    mail::{Origin, Properties},
    sink::{Body, Envelope, LocalSink, Sink, Stored, Verdict},
};

const INSIDE: &str = "EXCHANGE_SYNC_TEST_SMALL_FILES";

#[test]
fn a_disk_that_refuses_half_way_leaves_nothing_half_written() {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(within_the_limit());
    }
    // 2048 blocks of 512 bytes; without the trap the system ends a process that exceeds them (SIGXFSZ).
    let script = "trap '' 25; ulimit -f 2048 && exec \"$0\" \"$@\"";
    let name = "catalog::local::full_disk::a_disk_that_refuses_half_way_leaves_nothing_half_written";
    let mut child = Command::new("sh");
    child.args(["-c", script]).arg(std::env::current_exe().unwrap()).args(["--exact", name]).env(INSIDE, "1");
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

async fn within_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let sink = LocalSink::open(dir.path()).unwrap();
    let envelope = Envelope { mailbox: mailbox(), folder: ["Inbox".to_owned()].into(), key: Key("0a".into()), received: None, dated: None };
    let part = Bytes::from(vec![1; 300_000]);
    let stream = stream::iter(vec![Ok(part); 10]).boxed();
    for body in [Body::Stream(stream, tokio::sync::oneshot::channel().1), Body::Whole(vec![1; 3_000_000].into(), Arc::default())] {
        let error = sink.write(&envelope, body).await.unwrap_err();
        assert!(error.hint.as_ref().is_some_and(|hint| hint.contains("size of files")) && error.verdict == Verdict::Later(None), "{error}");
    }
    assert!(!dir.path().join("data/acme").exists());

    let ledger = open(dir.path()).await;
    let long = |n: usize, subject: usize| {
        let listed = item(&n.to_string(), &n.to_string(), 0);
        let properties = Arc::new(Properties { subject: Some("x".repeat(subject)), ..Properties::default() });
        let stored = Stored { object: "o".into(), bytes: 1, sha256: "00".into() };
        Entry::Stored { key: Key(format!("{n:032x}")), listed, properties, origin: Origin::Mime, stored }
    };
    ledger.commit(&folder("in"), vec![long(1, 10)]).await.unwrap();
    let before = fs::read(segment(dir.path())).unwrap();
    let error = ledger.commit(&folder("in"), (2..200).map(|n| long(n, 10_000)).collect()).await.unwrap_err();
    assert!(error.hint.is_some(), "{error}");
    assert!(fs::metadata(segment(dir.path())).unwrap().len() > before.len() as u64, "the write was to fail half-way");
    assert_eq!(ledger.totals().await.unwrap().messages, 1);
    assert_eq!(ledger.commit(&folder("in"), vec![long(300, 10)]).await.unwrap(), 1);
    let after = fs::read(segment(dir.path())).unwrap();
    assert!(after.starts_with(&before) && after.iter().filter(|byte| **byte == b'\n').count() == 2);
    assert!(matches!(
        ledger.identify(&folder("in"), &[created("2", "2"), created("300", "300")]).await.unwrap()[..],
        [Decision::Fetch { .. }, Decision::Known]
    ));
}
