//! How the program ends: what is under way is stored, nothing is fetched twice for it, and where it was asked to it begins anew instead.

mod common;

use std::time::Duration;

use common::{
    Server, Setup, compare,
    patience::{HALF_A_MINUTE, MINUTE, until},
    process::{ended, signal},
    server,
};
use serde_json::json;

const A: &str = "a@example.com";
const B: &str = "b@example.com";

/// Two mailboxes of a server that takes its time.
async fn slow() -> (Server, Setup) {
    let server = Server::start(server::world(vec![server::mailbox(A, 160), server::mailbox(B, 160)])).await;
    server.admin("/latency", json!({"latency_ms": [30, 90]})).await;
    let mut setup = Setup::new(&server);
    setup.set(json!({"reinfer_batch_size": 10}));
    (server, setup)
}

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_stores_what_is_under_way_and_fetches_nothing_twice() {
    let (server, setup) = slow().await;
    for _ in 0..3 {
        let before = server.downloads().await;
        let child = setup.start(&["--progress", "none", "--grace", "1m"]);
        until(MINUTE, "some messages are fetched", async || server.downloads().await >= before + 10).await;
        signal(&child, "-TERM");
        let ran = ended(child).await;
        assert_eq!(ran.code, 0, "{ran}");
    }
    assert!(server.downloads().await < 400, "it was stopped before the end");
    setup.pass().await;
    assert_eq!(server.downloads().await, 400, "each message was fetched once, however often it was stopped");
    assert_eq!(compare(&server, &setup).await.sound().real, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_outlasts_the_grace_is_dropped_and_nothing_is_lost() {
    let (server, setup) = slow().await;
    // Answers stand still: what is under way does not come to its end.
    let stall = json!({"add": {"operation": "GetItem", "nth": 3, "action": {"kind": "stall", "after_bytes": 2000}}});
    server.admin("/fault", stall).await;
    for grace in ["0", "300ms"] {
        let child = setup.start(&["--progress", "none", "--grace", grace]);
        until(MINUTE, "an answer stands still", async || server.struck() > 0).await;
        signal(&child, "-TERM");
        let ran = ended(child).await;
        assert_eq!(ran.code, 0, "{ran}");
        assert!(ran.stderr.contains("dropped"), "{ran}");
        server.admin("/fault", json!({"clear": true})).await;
        server.admin("/fault", json!({"add": {"operation": "GetItem", "nth": 2, "action": {"kind": "stall", "after_bytes": 2000}}})).await;
    }
    server.admin("/fault", json!({"clear": true})).await;
    setup.pass().await;
    assert_eq!(compare(&server, &setup).await.sound().real, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_holds_up_neither_the_work_nor_its_end() {
    let server = Server::start(server::world(vec![server::mailbox(A, 400), server::mailbox(B, 400)])).await;
    let mut setup = Setup::new(&server);
    setup.set(json!({"reinfer_batch_size": 1}));
    // With one worker, whoever waited for a reader on it would stop everything.
    setup.env.push(("TOKIO_WORKER_THREADS".to_owned(), "1".into()));
    setup.env.push(("RUST_LOG".to_owned(), "trace".into()));
    let mut child = setup.start(&["--once", "--progress", "plain"]);
    until(MINUTE, "all is fetched though nobody reads what is logged", async || server.downloads().await == 1000).await;
    let status = tokio::time::timeout(HALF_A_MINUTE, child.wait()).await.expect("it ends by itself").unwrap();
    assert_eq!(status.code(), Some(0));
    let ran = ended(child).await;
    assert!(ran.stdout.contains("every message asked for is stored"), "{ran}");
    assert_eq!(compare(&server, &setup).await.sound().real, 1000);
    let mut read = Setup::new(&server);
    (read.config, read.env) = (setup.config.clone(), setup.env.clone());
    let whole = read.pass().await.stderr.len();
    // Whoever waited for a reader would have waited here: a pipe holds 64 KiB (pipe(7)).
    assert!(whole > 2 * ran.stderr.len() && ran.stderr.len() >= 60_000, "{} of {whole} bytes", ran.stderr.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_it_at_once_and_nothing_is_lost() {
    let (server, setup) = slow().await;
    server.admin("/fault", json!({"add": {"operation": "GetItem", "nth": 3, "action": {"kind": "stall", "after_bytes": 2000}}})).await;
    let child = setup.start(&["--once", "--progress", "none", "--grace", "1h"]);
    until(MINUTE, "an answer stands still", async || server.struck() > 0).await;
    signal(&child, "-TERM");
    tokio::time::sleep(Duration::from_millis(300)).await;
    signal(&child, "-INT");
    assert_eq!(ended(child).await.code, 130);
    server.admin("/fault", json!({"clear": true})).await;
    setup.pass().await;
    assert_eq!(compare(&server, &setup).await.sound().real, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_it_begins_anew_where_it_would_end() {
    let server = Server::start(server::world(vec![server::mailbox(A, 8)])).await;
    let setup = Setup::new(&server);
    // A volume that is not mounted yet.
    std::fs::remove_dir(setup.sink()).unwrap();
    let ran = setup.once().await;
    assert_eq!(ran.code, 4, "{ran}");
    let child = setup.start(&["--restart-on-unrecoverable-errors", "--progress", "none"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    std::fs::create_dir(setup.sink()).unwrap();
    until(HALF_A_MINUTE, "it begins anew", async || server.downloads().await >= 10).await;
    signal(&child, "-TERM");
    let ran = ended(child).await;
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("begins anew"), "{ran}");
    setup.pass().await;
    assert_eq!(compare(&server, &setup).await.sound().real, 10);

    // While it pauses it can be told to stop.
    std::fs::rename(setup.sink(), setup.dir.path().join("away")).unwrap();
    let child = setup.start(&["--restart-on-unrecoverable-errors", "--progress", "none"]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    signal(&child, "-TERM");
    assert_eq!(ended(child).await.code, 4);
}
