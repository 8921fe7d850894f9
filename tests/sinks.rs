//! Sinks in trouble: each row a fault, what the user is told, and in the end every message is stored once.

mod common;

use std::{sync::Arc, time::Duration};

use common::{
    Ran, Server, Setup,
    api::{BUCKET, compare_emails},
    azurite::Azurite,
    compare,
    disk::SmallDisk,
    patience::{MINUTE, until},
    process::{ended, signal},
    server,
    table::table,
    tamper::{Mischief, Prank, Tamper},
    truth::truth_in,
};
use exchange_simulator::fault::{Rule, WireFault};
use serde_json::json;
use tokio::process::Child;

const A: &str = "a@example.com";
const B: &str = "b@example.com";

/// A server with two mailboxes of 50 messages each.
async fn start() -> (Server, Setup) {
    let server = Server::start(server::world(vec![server::mailbox(A, 40), server::mailbox(B, 40)])).await;
    let mut setup = Setup::new(&server);
    setup.set(json!({"reinfer_batch_size": 10, "poll_frequency": 1}));
    (server, setup)
}

/// How the API answers.
#[derive(Clone, Copy)]
struct Refusal {
    operation: &'static str,
    action: fn() -> WireFault,
    times: u64,
    /// What the user is told.
    told: &'static str,
}

const fn puts(action: fn() -> WireFault, times: u64, told: &'static str) -> Refusal {
    Refusal { operation: "reinfer.PutEmails", action, times, told }
}

const fn on(operation: &'static str, action: fn() -> WireFault, told: &'static str) -> Refusal {
    Refusal { operation, action, times: 2, told }
}

fn error(status: u16, retry_after_s: Option<i64>) -> WireFault {
    WireFault::ReinferError { status, message: None, retry_after_s, retry_after_date: false }
}

fn page(status: u16) -> WireFault {
    WireFault::Status { status, body: None, headers: Default::default(), retry_after_s: None, retry_after_date: false, close: false }
}

/// Trouble that passes: one run gets over it by itself.
const PASSING: &[(&str, Refusal)] = &[
    ("throttled, seconds to wait", puts(|| error(429, Some(2)), 2, "HTTP 429")),
    (
        "throttled, a date to wait for",
        puts(|| WireFault::ReinferError { status: 429, message: None, retry_after_s: Some(2), retry_after_date: true }, 2, "HTTP 429"),
    ),
    ("throttled, no time named", puts(|| error(429, None), 1, "HTTP 429")),
    ("a conflict", puts(|| error(409, None), 2, "HTTP 409")),
    ("an internal error", puts(|| error(500, None), 2, "HTTP 500")),
    ("busy", puts(|| error(503, Some(1)), 3, "HTTP 503")),
    ("a gateway's page", puts(|| page(502), 2, "HTTP 502")),
    ("a page under 200", puts(|| WireFault::HtmlPage, 1, "is this the API's endpoint")),
    ("a page under 403", puts(|| page(403), 1, "HTTP 403")),
    ("no response", puts(|| WireFault::NoResponse, 2, "nothing can be stored")),
    ("the answer is lost", puts(|| WireFault::AnswerLost, 2, "nothing can be stored")),
    ("cut in the middle of the upload", puts(|| WireFault::CutRequest { after_bytes: 5_000 }, 2, "nothing can be stored")),
    ("the bucket's look-up fails", on("reinfer.GetBucket", || error(503, Some(1)), "")),
    ("states cannot be stored", on("reinfer.StoreSyncState", || error(500, None), "")),
    ("states cannot be listed", on("reinfer.ListSyncStates", || error(503, None), "")),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_api_in_passing_trouble_is_outlasted() {
    table(PASSING.iter().copied(), |name, row| async move {
        let (server, mut setup) = start().await;
        setup.goes_to_api(&server);
        server.fault(Rule::always((row.action)()).on(row.operation).times(row.times));
        let ran = setup.once().await;
        assert!(server.struck() > 0, "{name}: the fault has not struck: {ran}");
        assert_eq!(ran.code, 0, "{name}: {ran}");
        assert!(ran.stderr.contains(row.told), "{name}: {ran}");
        assert_eq!(compare_emails(&server, &setup).await, 100, "{name}: {ran}");
        assert_eq!(server.counter("reinfer.early_requests").await, 0, "{name}: requests came before their time");
    })
    .await;
}

/// Emails that the API will not have: by the status that it answers to any upload that holds the email.
const POISON: &[(&str, u16)] = &[("bad request", 400), ("unprocessable", 422), ("too large", 413)];

#[tokio::test(flavor = "multi_thread")]
async fn an_email_that_the_api_will_not_have_is_set_aside_alone() {
    table(POISON.iter().copied(), |name, status| async move {
        let (server, mut setup) = start().await;
        setup.goes_to_api(&server);
        setup.args.extend(["--state-prefix".into(), setup.sink().display().to_string()]);
        let items = truth_in(setup.form, &server, A, false).await;
        let poison = items.values().find_map(|real| real.item.message_id.clone()).unwrap();
        let name_of_it = poison.trim_matches(['<', '>']).to_owned();
        server.fault(Rule { body: Some(name_of_it), ..Rule::always(error(status, None)).on("reinfer.PutEmails") });
        let ran = setup.once().await;
        assert_eq!(ran.code, 3, "{name}: {ran}");
        assert_eq!(ran.figure("quarantined"), 1, "{name}: {ran}");
        let emails = server.simulator.reinfer().emails(BUCKET);
        assert_eq!(emails.len(), 99, "{name}");
        let set_aside: Vec<_> = [A, B]
            .iter()
            .flat_map(|address| common::sink::lines(&setup.data(address)))
            .filter(|line| line["event"] == "quarantined")
            .collect();
        assert_eq!((set_aside.len(), set_aside[0]["code"].as_str()), (1, Some(format!("HTTP {status}").as_str())), "{name}: {set_aside:?}");
        // The API has thought better of it.
        server.simulator.state().faults.clear();
        assert_eq!(setup.once().await.code, 0, "{name}");
        assert_eq!(compare_emails(&server, &setup).await, 100, "{name}");
    })
    .await;
}

/// What a person must mend: operation, status, what helps.
const REFUSALS: &[(&str, Refusal)] = &[
    ("no such token", puts(|| error(401, None), 999, "REINFER_API_TOKEN")),
    ("no right to upload", puts(|| error(403, None), 999, "buckets-append")),
    ("no such bucket", puts(|| error(404, None), 999, "create the bucket")),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_forbids_is_told_with_what_helps_and_loses_nothing() {
    table(REFUSALS.iter().copied(), |name, row| async move {
        let (server, mut setup) = start().await;
        setup.goes_to_api(&server);
        server.fault(Rule::always((row.action)()).on(row.operation));
        let ran = setup.once().await;
        assert_eq!(ran.code, 4, "{name}: {ran}");
        assert!(ran.stderr.contains(row.told) && ran.stdout.contains(row.told), "{name}: {ran}");
        assert!(!format!("{ran}").contains("reinfer-token"), "{name}: the token is told: {ran}");
        server.simulator.state().faults.clear();
        setup.pass().await;
        assert_eq!(compare_emails(&server, &setup).await, 100, "{name}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_the_api_ends_a_single_pass_and_the_next_goes_on() {
    let (server, mut setup) = start().await;
    setup.goes_to_api(&server);
    server.fault(Rule::always(error(503, Some(30))).on("reinfer.PutEmails"));
    let ran = setup.once().await;
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.summary()["sink_error"].as_str().is_some_and(|error| error.contains("HTTP 503")), "{ran}");
    server.simulator.state().faults.clear();
    setup.pass().await;
    assert_eq!(compare_emails(&server, &setup).await, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn exchange_is_not_asked_for_more_than_can_be_stored() {
    let server = Server::start(server::world(vec![server::mailbox("user{n}@example.com", 800)])).await;
    let mut setup = Setup::new(&server);
    setup.set(json!({"poll_frequency": 1}));
    setup.args.extend(["--memory-budget".into(), "16MiB".into()]);
    setup.goes_to_api(&server);
    server.fault(Rule::always(error(503, Some(600))).on("reinfer.PutEmails"));
    let child = setup.start(&["--progress", "none"]);
    until(MINUTE, "the fence stands", async || server.struck() > 0).await;
    // What was on its way when it was raised may still arrive; then there is silence.
    let mut before = u64::MAX;
    until(MINUTE, "silence", async || {
        let now = server.downloads().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        std::mem::replace(&mut before, now) == now
    })
    .await;
    assert!(before < 600, "{before} of 1,000 messages were fetched, though none can be stored");
    let uploads = server.counter("reinfer.PutEmails").await;
    assert!(uploads <= 8, "{uploads} uploads, though the first was told to wait");
    signal(&child, "-TERM");
    assert_eq!(ended(child).await.code, 0);
}

/// What is done to requests, and what the user is told.
type Trick = (fn() -> Prank, &'static str);

fn container(name: &str) -> String {
    name.replace([' ', ','], "-").replace("--", "-")
}

/// A server, and a copy of it into a container of its own behind a middleman who plays a prank.
async fn behind(azurite: &Azurite, name: &str, prank: Prank) -> (Server, Setup, Tamper) {
    let (server, mut setup) = start().await;
    let tamper = Tamper::before(azurite.address).await;
    tamper.play(prank);
    setup.goes_to_azure_via(azurite, &container(name), tamper.address()).await;
    (server, setup, tamper)
}

/// Azure in passing trouble.
const CLOUDS: &[(&str, Trick)] = &[
    ("throttled, seconds to wait", (|| Prank::refusal("PUT", ".eml", 3, 503, "ServerBusy").with("Retry-After", "2"), "ServerBusy")),
    ("too many requests", (|| Prank::refusal("PUT", ".eml", 8, 429, "TooManyRequests").with("Retry-After", "1"), "TooManyRequests")),
    ("an internal error", (|| Prank::refusal("PUT", ".eml", 30, 500, "InternalError"), "InternalError")),
    ("a timeout of the service", (|| Prank::refusal("PUT", ".eml", 30, 500, "OperationTimedOut"), "OperationTimedOut")),
    ("cut in the middle of a message", (|| Prank::new("PUT", ".eml", 6, Mischief::CutRequest(700)), "")),
    ("answers to messages are lost", (|| Prank::new("PUT", ".eml", 6, Mischief::LoseAnswer), "")),
    ("answers to lines of the catalog are lost", (|| Prank::new("PUT", ".jsonl", 4, Mischief::LoseAnswer), "")),
    ("answers to cursors are lost", (|| Prank::new("PUT", "/folders/", 4, Mischief::LoseAnswer), "")),
    ("the catalog is busy", (|| Prank::refusal("PUT", ".jsonl", 4, 503, "ServerBusy").with("Retry-After", "1"), "")),
    ("cursors are busy", (|| Prank::refusal("PUT", "/folders/", 6, 503, "ServerBusy"), "")),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_container_in_passing_trouble_is_outlasted() {
    let Some(azurite) = Azurite::start(false) else { return };
    let azurite = Arc::new(azurite);
    table(CLOUDS.iter().copied(), |name, (prank, told)| {
        let azurite = azurite.clone();
        async move {
            let (server, setup, tamper) = behind(&azurite, name, prank()).await;
            let ran = setup.once().await;
            assert_eq!(tamper.left(), 0, "{name}: the prank was not played out: {ran}");
            assert_eq!(ran.code, 0, "{name}: {ran}");
            assert!(ran.stderr.contains(told), "{name}: {ran}");
            assert_eq!(compare(&server, &setup).await.sound().stored, 100, "{name}");
        }
    })
    .await;
}

/// What a person must mend about a container; what helps.
const CLOSED: &[(&str, Trick)] = &[
    ("a missing role", (|| Prank::refusal("", "", 9999, 403, "AuthorizationPermissionMismatch"), "Storage Blob Data Contributor")),
    ("a firewall", (|| Prank::refusal("", "", 9999, 403, "AuthorizationFailure"), "network")),
    ("no such container", (|| Prank::refusal("", "", 9999, 404, "ContainerNotFound"), "az storage container create")),
    (
        "the role is taken away in the middle",
        (
            || Prank { after: 30, ..Prank::refusal("PUT", ".eml", 9999, 403, "AuthorizationPermissionMismatch") },
            "Storage Blob Data Contributor",
        ),
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_a_container_forbids_is_told_with_what_helps_and_loses_nothing() {
    let Some(azurite) = Azurite::start(false) else { return };
    let azurite = Arc::new(azurite);
    table(CLOSED.iter().copied(), |name, (prank, told)| {
        let azurite = azurite.clone();
        async move {
            let (server, mut setup, _tamper) = behind(&azurite, name, prank()).await;
            let ran = setup.once().await;
            assert_eq!(ran.code, 4, "{name}: {ran}");
            assert!(ran.stderr.contains(told), "{name}: {ran}");
            let open = Tamper::before(azurite.address).await;
            setup.by_way_of(&azurite, open.address());
            setup.pass().await;
            assert_eq!(compare(&server, &setup).await.sound().stored, 100, "{name}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_mailbox_corrupt_nothing() {
    let Some(azurite) = Azurite::start(false) else { return };
    let server = Server::start(server::world(vec![server::mailbox(A, 400)])).await;
    let mut setup = Setup::new(&server);
    setup.set(json!({"reinfer_batch_size": 10, "poll_frequency": 1}));
    setup.goes_to_azure(&azurite, "mail").await;
    // Two machines: they do not see each other's processes, nor files.
    let children: Vec<Child> = ["one", "two"]
        .iter()
        .map(|name| {
            let scratch = setup.dir.path().join(name);
            std::fs::create_dir(&scratch).unwrap();
            setup.env.retain(|(variable, _)| variable != "TMPDIR");
            setup.env.push(("TMPDIR".into(), scratch.into()));
            setup.start(&["--progress", "none"])
        })
        .collect();
    let lines = async || {
        setup.look().await;
        common::sink::lines(&setup.data(A)).iter().filter(|line| line["event"] == "stored").count()
    };
    until(MINUTE, "all is stored", async || lines().await >= 500).await;
    server.deliver(A, json!("inbox"), 20).await;
    until(MINUTE, "what came is stored", async || lines().await >= 520).await;
    children.iter().for_each(|child| signal(child, "-TERM"));
    let mut told = String::new();
    for child in children {
        told += &ended(child).await.stderr;
    }
    let tally = compare(&server, &setup).await;
    assert_eq!((tally.sound().stored, tally.real), (520, 520), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_for_and_then_all_is_stored() {
    let (server, setup) = start().await;
    let disk = SmallDisk(setup.sink());
    if !disk.mount("size=300k") {
        return eprintln!("skipped: a full disk, since this user may not mount a small one");
    }
    let logs = setup.dir.path().join("logs");
    let child = setup.start(&["--progress", "none", "--log-dir", logs.to_str().unwrap()]);
    until(MINUTE, "it says why nothing is stored", async || told(&logs, "free some space on that volume")).await;
    assert!(disk.mount("remount,size=64m"));
    until(MINUTE, "all is stored", async || stored(&setup) == 100).await;
    signal(&child, "-TERM");
    let ran = ended(child).await;
    assert_eq!(ran.code, 0, "{ran}");
    compare(&server, &setup).await.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_only_reads_is_refused_with_what_helps() {
    let (server, setup) = start().await;
    let disk = SmallDisk(setup.sink());
    if !disk.mount("size=64m") {
        return eprintln!("skipped: a disk that only reads, since this user may not mount one");
    }
    assert!(disk.mount("remount,ro"));
    let ran: Ran = setup.once().await;
    assert_eq!(ran.code, 4, "{ran}");
    assert!(ran.stderr.contains("mount that volume for writing"), "{ran}");
    assert!(disk.mount("remount,rw"));
    setup.pass().await;
    assert_eq!(compare(&server, &setup).await.sound().stored, 100);
}

fn told(logs: &std::path::Path, words: &str) -> bool {
    let files = std::fs::read_dir(logs).into_iter().flatten().flatten();
    files.into_iter().any(|file| std::fs::read_to_string(file.path()).is_ok_and(|text| text.contains(words)))
}

fn stored(setup: &Setup) -> usize {
    let lines = [A, B].iter().flat_map(|address| common::sink::lines(&setup.data(address)));
    lines.filter(|line| line["event"] == "stored").count()
}
