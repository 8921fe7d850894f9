//! What an operator meets: two processes, filters, limits, masks, interrupts, wrong configurations, missing things.

mod common;

use std::collections::BTreeSet;

use common::{
    Server, Setup, compare,
    disk::SmallDisk,
    patience::{HALF_A_MINUTE, until},
    process::{ended, signal},
    server, sink, truth,
    verdict::compare_wanted,
    ways::app,
};
use exchange_simulator::store::NewItem;
use serde_json::{Value, json};

const A: &str = "a@example.com";
const B: &str = "b@example.com";

async fn start(inbox: u64) -> (Server, Setup) {
    let mut world = server::world(vec![server::mailbox(A, inbox), server::mailbox(B, inbox)]);
    world.apps = vec![app()];
    let server = Server::start(world).await;
    let setup = Setup::new(&server);
    (server, setup)
}

/// The same by each interface: what is configured means the same over both.
async fn by_each(inbox: u64) -> [(Server, Setup); 2] {
    let (server, mut setup) = start(inbox).await;
    setup.by_graph(&server);
    [start(inbox).await, (server, setup)]
}

fn stored(setup: &Setup, address: &str) -> usize {
    sink::fold(&sink::lines(&setup.data(address))).values().filter(|kept| kept.file.is_some()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_folder_do_no_harm() {
    let (server, setup) = start(120).await;
    server.admin("/latency", json!({"latency_ms": 20})).await;
    let both = [setup.start(&["--once", "--progress", "json"]), setup.start(&["--once", "--progress", "json"])];
    let [first, second] = both.map(|child| tokio::spawn(ended(child)));
    let codes = [first.await.unwrap().code, second.await.unwrap().code];
    assert!(codes.iter().all(|code| [0, 1].contains(code)), "{codes:?}");
    setup.pass().await;
    let tally = compare(&server, &setup).await;
    assert_eq!((tally.sound().real, tally.stored), (300, 300), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn start_from_config_reads_anew_and_stores_nothing_twice() {
    let (server, mut setup) = start(20).await;
    setup.pass().await;
    setup.set_mailbox(A, json!({"start_from": "config"}));
    let before = server.counter("ews.SyncFolderItems").await;
    let ran = setup.pass().await;
    assert!(server.counter("ews.SyncFolderItems").await > before);
    assert_eq!((ran.figure("stored"), server.downloads().await), (0, 50));
    assert_eq!(sink::lines(&setup.data(A)).len(), 25);
    compare(&server, &setup).await.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn start_timestamp_leaves_out_what_is_older() {
    for (server, mut setup) in by_each(40).await {
        let mut dates: Vec<_> = truth::truth(&server, A, false).await.into_values().map(|real| real.item.received.unwrap()).collect();
        dates.sort();
        let start = dates[dates.len() / 2];
        setup.set_mailbox(A, json!({"start_timestamp": start.to_rfc3339()}));
        setup.pass().await;
        let tally = compare_wanted(&server, &setup, |address, real| address == B || real.item.received.unwrap() >= start).await;
        assert_eq!(tally.sound().real, 50 + 25);
        assert_eq!(server.downloads().await, 75, "what is not wanted is not downloaded");
        // An earlier start later on brings the rest, and nothing again.
        setup.set_mailbox(A, json!({"start_timestamp": dates[0].to_rfc3339()}));
        setup.pass().await;
        compare(&server, &setup).await.sound();
        assert_eq!(server.downloads().await, 100);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_filtered() {
    for (server, mut setup) in by_each(20).await {
        server.admin("/create-folder", json!({"mailbox": B, "name": "Private"})).await;
        server.deliver(B, json!(["Private"]), 3).await;
        setup.set_mailbox(A, json!({"folder_allowlist": [["INBOX", "projects"]]}));
        setup.set_mailbox(B, json!({"folder_allowlist": ["inbox", ["Private"]], "folder_denylist": [["Private"]]}));
        setup.pass().await;
        let projects = |real: &truth::Real| real.path.last().is_some_and(|name| name == "Projects");
        let private = |real: &truth::Real| real.path == ["Private"];
        let tally = compare_wanted(&server, &setup, |address, real| if address == A { projects(real) } else { !private(real) }).await;
        assert_eq!(tally.sound().real, 5 + 25);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_listed_again_is_known_and_told_as_such() {
    for (_server, setup) in by_each(6).await {
        let first = setup.pass().await;
        let stored = first.figure("stored");
        assert_eq!((first.figure("known"), setup.pass().await.figure("known")), (0, 0), "no cursor tells anything twice");
        // All cursors are lost.
        std::fs::remove_dir_all(setup.sink().join("state")).unwrap();
        let again = setup.pass().await;
        assert_eq!((again.figure("stored"), again.figure("known")), (0, stored), "{again}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn participants_are_filtered() {
    for (server, mut setup) in by_each(4).await {
        let mailbox = server.simulator.state().store.mailbox(A).unwrap();
        let inbox = mailbox.root_folder("inbox").unwrap();
        for (from, to) in
            [("boss@corp.example.com", A), ("robot@corp.example.com", A), ("someone@sub.corp.example.com", A), (A, "Boss@CORP.example.com")]
        {
            let eml = format!("From: {from}\r\nTo: {to}\r\nSubject: from {from}\r\nDate: Mon, 3 Nov 2025 10:00:00 +0000\r\n\r\nText\r\n");
            mailbox
                .create_item(inbox, NewItem { received: Some(chrono::Utc::now()), ..NewItem::from_mime(eml.into_bytes().into()) })
                .unwrap();
        }
        setup.set_mailbox(
            A,
            json!({"participant_domain_allowlist": ["corp.example.com"], "participant_denylist": ["robot@corp.example.com"]}),
        );
        setup.config["mailboxes"].as_object_mut().unwrap().remove(B);
        let all = truth::truth(&server, A, false).await.len() as u64;
        assert_eq!(setup.pass().await.figure("passed_over"), all - 2, "what is left out is told");
        let subjects: BTreeSet<String> = sink::fold(&sink::lines(&setup.data(A))).into_values().filter_map(|kept| kept.subject).collect();
        assert_eq!(subjects, BTreeSet::from(["from a@example.com".to_owned(), "from boss@corp.example.com".to_owned()]));
        assert_eq!(server.downloads().await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_huge_folder_does_not_starve_the_rest() {
    for (server, mut setup) in by_each(200).await {
        setup.set(json!({"emails_per_folder": 20, "reinfer_batch_size": 10}));
        setup.config["mailboxes"].as_object_mut().unwrap().remove(B);
        setup.pass().await;
        compare(&server, &setup).await.sound();
        // In the order of the catalog, no more than two shares of the inbox came before the folder below it had its first.
        let lines = sink::lines(&setup.data(A));
        let first = lines.iter().position(|line| line["folder_path"].as_array().unwrap().len() == 2).unwrap();
        assert!(first <= 40, "{first} messages of the inbox came first");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mask_hides_every_address() {
    for progress in ["json", "plain"] {
        let (server, mut setup) = start(4).await;
        setup.set(json!({"mailboxes": {A: setup.config["mailboxes"][A], "missing.person@example.com": {"bucket": {"owner": "acme", "name": "mail"}}}}));
        let logs = setup.dir.path().join("logs");
        setup.args = vec!["--mask".into(), "--debug-level".into(), "2".into(), "--log-dir".into(), logs.to_str().unwrap().into()];
        let ran = ended(setup.start(&["--once", "--progress", progress])).await;
        assert_eq!(ran.code, 1, "{ran}");
        let in_files: String = sink::files(&logs).iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        assert!(!in_files.is_empty());
        for (place, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr), ("log file", &in_files)] {
            let seen: Vec<&str> =
                text.lines().filter(|line| [A, "missing.person", "service@example.com"].iter().any(|name| line.contains(name))).collect();
            assert!(seen.is_empty(), "{progress} {place}: {} lines, the first: {}", seen.len(), seen[0]);
        }
        assert!(ran.stdout.contains("masked-"), "{ran}");
        drop(server);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_things_are_told() {
    // A mailbox that does not exist: the other one is copied all the same.
    let (server, mut setup) = start(8).await;
    setup.config["mailboxes"]["nobody@example.com"] = json!({"bucket": {"owner": "acme", "name": "mail"}});
    let ran = setup.once().await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.summary()["mailboxes"]["nobody@example.com"]["error"].as_str().unwrap().contains("ErrorNonExistentMailbox"), "{ran}");
    assert_eq!((stored(&setup, A), stored(&setup, B)), (10, 10));
    // A folder that does not exist: a volume that was not mounted must not become a full root disk.
    let (_server, setup) = (server, Setup::new(&start(1).await.0));
    std::fs::remove_dir(setup.sink()).unwrap();
    let ran = setup.once().await;
    assert_eq!(ran.code, 4, "{ran}");
    assert!(!setup.sink().exists() && ran.stderr.contains("sink"), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_configuration_touches_nothing() {
    let (server, mut setup) = start(1).await;
    setup.set(json!({"port": "443", "pol_frequency": 3}));
    setup.set_mailbox(A, json!({"start_timestamp": "2024-01-01"}));
    let ran = setup.once().await;
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran}");
    for words in ["$.port", "start_timestamp"] {
        assert!(ran.stderr.contains(words), "{words}: {ran}");
    }
    assert!(sink::files(&setup.sink()).is_empty());
    assert_eq!(server.counter("http.requests").await, 0);
    let usage = ended(setup.start(&["--no-such-option"])).await;
    assert_eq!(usage.code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupt_ends_it_and_the_next_run_goes_on() {
    let (server, setup) = start(400).await;
    server.admin("/latency", json!({"latency_ms": 100})).await;
    let child = setup.start(&["--once", "--progress", "json"]);
    until(HALF_A_MINUTE, "something is stored", async || stored(&setup, A) > 0).await;
    signal(&child, "-INT");
    let ran = ended(child).await;
    assert_eq!((ran.code, ran.summary()["finished"].as_bool()), (1, Some(false)), "an unfinished single pass has failed: {ran}");
    // Without an end of its own, an interrupt is the ordinary end.
    let child = setup.start(&["--progress", "json"]);
    let known = stored(&setup, A);
    until(HALF_A_MINUTE, "more is stored", async || stored(&setup, A) > known).await;
    signal(&child, "-TERM");
    let ran = ended(child).await;
    assert_eq!(ran.code, 0, "{ran}");
    server.admin("/latency", json!({"latency_ms": 0})).await;
    setup.pass().await;
    let tally = compare(&server, &setup).await;
    assert_eq!((tally.sound().stored, tally.real), (1000, 1000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_continuous_run_picks_up_what_comes() {
    let (server, mut setup) = start(20).await;
    setup.set(json!({"poll_frequency": 1}));
    let child = setup.start(&["--progress", "none"]);
    until(HALF_A_MINUTE, "the first copy", async || stored(&setup, A) + stored(&setup, B) == 50).await;
    for round in 1..=2 {
        server.deliver(A, json!("inbox"), 3).await;
        server.admin("/move", json!({"mailbox": B, "from": "inbox", "to": "junkemail", "count": 1})).await;
        until(HALF_A_MINUTE, "what came", async || compare(&server, &setup).await.faults.iter().all(|fault| fault.contains(".staging")))
            .await;
        assert_eq!(stored(&setup, A), 25 + 3 * round);
    }
    signal(&child, "-TERM");
    assert_eq!(ended(child).await.code, 0);
    compare(&server, &setup).await.sound();
    assert_eq!(server.downloads().await, 56);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_without_mailboxes_waits() {
    let (_server, mut setup) = start(1).await;
    for address in setup.mailboxes() {
        setup.set_mailbox(&address, json!({"enabled": false}));
    }
    let logs = setup.dir.path().join("logs");
    let mut child = setup.start(&["--progress", "none", "--log-dir", logs.to_str().unwrap()]);
    let told = || {
        let files = std::fs::read_dir(&logs).into_iter().flatten().flatten();
        files.into_iter().any(|file| std::fs::read_to_string(file.path()).is_ok_and(|text| text.contains("waiting to be stopped")))
    };
    until(HALF_A_MINUTE, "it says that it waits", async || told()).await;
    assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    signal(&child, "-TERM");
    assert_eq!(ended(child).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing() {
    let (server, mut setup) = start(160).await;
    setup.set(json!({"reinfer_batch_size": 10}));
    let disk = SmallDisk(setup.sink());
    if !disk.mount("size=1200k") {
        return eprintln!("skipped: a full disk, since this user may not mount a small one");
    }
    let full = setup.once().await;
    assert_eq!(full.code, 1, "{full}");
    let kept = stored(&setup, A) + stored(&setup, B);
    assert!(kept > 0 && kept < 400, "{kept} of 400 fit: {full}");
    assert!(full.stdout.contains("free some space on that volume"), "{full}");
    assert!(disk.mount("remount,size=64m"));
    setup.pass().await;
    let tally = compare(&server, &setup).await;
    assert_eq!((tally.sound().stored, tally.real), (400, 400));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_json_line_by_line() {
    let (_server, setup) = start(8).await;
    let ran = setup.pass().await;
    for line in ran.stdout.lines() {
        let object: Value = serde_json::from_str(line).unwrap();
        assert!(["progress", "summary"].contains(&object["event"].as_str().unwrap()), "{line}");
    }
    assert_eq!((ran.figure("stored"), ran.figure("in_sink"), ran.figure("mailboxes_complete"), ran.figure("exit_code")), (20, 20, 2, 0));
    let bytes: u64 = [A, B].iter().flat_map(|address| sink::lines(&setup.data(address))).map(|line| line["bytes"].as_u64().unwrap()).sum();
    assert_eq!(ran.figure("bytes"), bytes);
}
