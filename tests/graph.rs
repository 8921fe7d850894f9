//! Exchange Online's ways, one by one, against the real program: what its documentation says and what its users met. Two more are elsewhere: that a
//! kill between upload and cursor loses nothing is in `kill.rs`; change notifications, which the program does not use yet, are proven by the test
//! server's own tests.

mod common;

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use common::{
    Ran, Server, Setup,
    bodies::Bodies,
    compare,
    server::{self, world},
    sink,
    truth::Form,
    verdict::compare_wanted,
    ways::{CLIENT, SECRET, TENANT, app},
};
use exchange_simulator::{
    Launch,
    fault::{Action, CutFraming, Rule, WireFault},
    options::Options,
    world::{FolderSpec, MailboxSpec, Size},
};
use serde_json::{Value, json};

const A: &str = "a@example.com";
const B: &str = "b@example.com";

/// A server that knows the application, and a configuration that reads all its mailboxes by Graph.
async fn start(launch: impl Into<Launch>) -> (Server, Setup) {
    let mut launch = launch.into();
    if launch.world.apps.is_empty() {
        launch.world.apps = vec![app()];
    }
    let bodies = launch.options.record.is_none().then(Bodies::new);
    if let Some(bodies) = &bodies {
        launch.options.record = Some(bodies.path().to_owned());
    }
    let server = Server::start(launch).await;
    let mut setup = Setup::new(&server);
    setup.by_graph(&server);
    setup.bodies = bodies;
    (server, setup)
}

/// Pages of 40 entries, so that a few hundred messages take several: beyond four hundred requests a mailbox is read at the pace that Graph grants.
fn pages((server, mut setup): (Server, Setup)) -> (Server, Setup) {
    setup.set(json!({"emails_per_folder": 40}));
    (server, setup)
}

/// Two mailboxes of 50 messages each.
async fn pair() -> (Server, Setup) {
    start(world(vec![server::mailbox(A, 40), server::mailbox(B, 40)])).await
}

fn folder(path: &[&str], messages: u64) -> FolderSpec {
    FolderSpec {
        path: path.iter().map(ToString::to_string).collect(),
        messages,
        sizes: vec![Size { bytes: 2000, weight: 1 }],
        ..FolderSpec::default()
    }
}

fn on(operation: &str, action: impl Into<Action>) -> Rule {
    Rule::always(action).on(operation)
}

fn error(status: u16, code: &str) -> WireFault {
    WireFault::GraphError { status, code: code.into(), message: None, retry_after_s: None, retry_after_date: false }
}

fn throttled(retry_after_s: Option<i64>, retry_after_date: bool) -> WireFault {
    WireFault::GraphError { status: 429, code: "ApplicationThrottled".into(), message: None, retry_after_s, retry_after_date }
}

/// A pass that stores everything once; gives what the program said.
async fn complete(server: &Server, setup: &Setup, messages: usize) -> Ran {
    let ran = setup.pass().await;
    let tally = compare(server, setup).await;
    tally.sound();
    assert_eq!((tally.real, tally.stored, tally.quarantined), (messages, messages, 0), "{ran}");
    ran
}

/// The recorded requests of an operation: the lines of their heads.
fn requests(record: &std::path::Path, operation: &str) -> Vec<Vec<String>> {
    let named = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().ends_with(&format!("-{operation}.request.headers.txt"));
    let lines = |path: PathBuf| std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
    sink::files(record).into_iter().filter(named).map(lines).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_beyond_a_page_nested_hidden_searched_and_with_slashes() {
    let mut folders: Vec<FolderSpec> = (0..25).map(|n| folder(&[&format!("Folder {n:02}")], 2)).collect();
    folders.extend([folder(&["a/b", "c", "deep"], 3), folder(&["Gelöscht \u{65e5}\u{672c}"], 1)]);
    folders.push(FolderSpec { hidden: true, ..folder(&["Hidden"], 4) });
    folders.push(FolderSpec { search: true, ..folder(&["Found"], 0) });
    let (server, setup) = start(world(vec![MailboxSpec { address: A.into(), folders, ..MailboxSpec::default() }])).await;
    complete(&server, &setup, 54).await;
    let paths: BTreeSet<Vec<String>> = sink::fold(&sink::lines(&setup.data(A))).into_values().map(|kept| kept.path).collect();
    assert!(paths.contains(&vec!["a/b".to_owned(), "c".into(), "deep".into()]), "{paths:?}");
    assert!(!paths.iter().any(|path| path[0] == "Found" || path[0] == "Hidden"), "{paths:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_pages_repeated_entries_early_removals_and_unknown_types() {
    let mut world = world(vec![server::mailbox(A, 200)]);
    let odd = ["delta-pages-empty", "delta-repeats-entries", "delta-removes-at-first", "future-message-types"];
    world.quirks = odd.map(String::from).to_vec();
    let (server, setup) = pages(start(world).await);
    complete(&server, &setup, 250).await;
    assert_eq!(server.downloads().await, 250);
    server.deliver(A, json!("inbox"), 30).await;
    complete(&server, &setup, 280).await;
    assert_eq!(server.downloads().await, 280);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_a_walk_states_its_preferences() {
    let files = tempfile::tempdir().unwrap();
    let mut launch = Launch::from(world(vec![server::mailbox(A, 200)]));
    launch.options = Options { record: Some(files.path().to_owned()), ..Options::default() };
    let (server, setup) = pages(start(launch).await);
    complete(&server, &setup, 250).await;
    for operation in ["graph.MessageDelta", "graph.ListMessages", "graph.GetMime"] {
        let heads = requests(files.path(), operation);
        assert!(!heads.is_empty(), "{operation}");
        for head in heads {
            let field = |name: &str| head.iter().find(|line| line.to_lowercase().starts_with(name)).map_or("", String::as_str);
            assert!(field("prefer:").contains("IdType=\"ImmutableId\""), "{head:#?}");
            assert!(operation != "graph.MessageDelta" || field("prefer:").contains("odata.maxpagesize="), "{head:#?}");
            assert!(!field("client-request-id:").is_empty() && field("user-agent:").contains("exchange-sync"), "{head:#?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_5000_messages_after_a_start_date() {
    let years = FolderSpec { well_known: Some("inbox".into()), years: Some([2020, 2025]), ..folder(&[], 5600) };
    let mut world = world(vec![MailboxSpec { address: A.into(), folders: vec![years], ..MailboxSpec::default() }]);
    world.apps = vec![app()];
    let server = Server::start(world).await;
    let mut setup = Setup::new(&server);
    setup.set_mailbox(A, json!({"start_timestamp": "2020-03-01T00:00:00Z"}));
    setup.set(json!({"emails_per_folder": 100_000}));
    // EWS knows no such limits, so it fills the folder; Graph then lists what is there already.
    setup.pass().await;
    let copied = server.downloads().await;
    setup.by_graph(&server);
    let ran = setup.pass().await;
    let start: chrono::DateTime<chrono::Utc> = "2020-03-01T00:00:00Z".parse().unwrap();
    let tally = compare_wanted(&server, &setup, |_, real| real.item.received.is_some_and(|at| at >= start)).await;
    // A filter on the changes would have ended them at 5,000, and the rest would count as deleted.
    tally.sound();
    assert!(tally.real > 5000 && tally.real < 5600, "{tally:?}");
    assert_eq!((tally.stored, tally.deleted, server.downloads().await), (tally.real, 0, copied), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_links_cost_a_walk_and_no_download() {
    let spellings = [
        (410, "SyncStateNotFound"),
        (410, "syncStateNotFound"),
        (404, "resyncRequired"),
        (400, "SyncStateInvalid"),
        (500, "InvalidSyncStateData"),
        (410, ""),
    ];
    for (status, code) in spellings {
        let (server, setup) = start(world(vec![server::mailbox(A, 80)])).await;
        complete(&server, &setup, 100).await;
        // On the saved links, and again within the walk that follows.
        server.fault(Rule { nth: Some(1), ..on("graph.MessageDelta", error(status, code)) });
        server.fault(Rule { nth: Some(4), ..on("graph.MessageDelta", error(status, code)) });
        server.deliver(A, json!("inbox"), 5).await;
        complete(&server, &setup, 105).await;
        assert_eq!((server.downloads().await, server.struck()), (105, 2), "{status} {code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_that_dies_under_way_begins_again() {
    for quirk in ["-resync-required", "resync-required", "graph-errors-lower-case", "graph-errors-nested"] {
        let mut world = world(vec![server::mailbox(A, 200)]);
        world.quirks.push(quirk.into());
        let (server, setup) = pages(start(world).await);
        for nth in [2, 5] {
            server.fault(Rule { nth: Some(nth), ..on("graph.MessageDelta", error(410, "SyncStateNotFound")) });
        }
        complete(&server, &setup, 250).await;
        assert_eq!(server.downloads().await, 250, "{quirk}");
        server.admin("/expire-sync-states", json!({"mailbox": A})).await;
        server.deliver(A, json!("inbox"), 1).await;
        complete(&server, &setup, 251).await;
        assert_eq!(server.downloads().await, 251, "{quirk}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_walker_of_the_same_folder_is_survived() {
    let (server, setup) = start(world(vec![server::mailbox(A, 200)])).await;
    complete(&server, &setup, 250).await;
    // Another program of the same application walks the inbox: the links of the first walker die of it.
    let base = server.simulator.url();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", CLIENT),
        ("client_secret", SECRET),
        ("scope", "https://graph.microsoft.com/.default"),
    ];
    let body =
        form.iter().map(|(name, value)| format!("{name}={}", value.replace('+', "%2B").replace('&', "%26"))).collect::<Vec<_>>().join("&");
    let answer = client
        .post(format!("{base}/{TENANT}/oauth2/v2.0/token"))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await;
    let token: Value = serde_json::from_str(&answer.unwrap().text().await.unwrap()).unwrap();
    let mut url = format!("{base}/v1.0/users/{A}/mailFolders/inbox/messages/delta?$select=id");
    for _ in 0..8 {
        let request = client.get(&url).bearer_auth(token["access_token"].as_str().unwrap()).header("Prefer", "odata.maxpagesize=20");
        let page: Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
        url = page["@odata.nextLink"].as_str().expect("more pages").to_owned();
    }
    server.deliver(A, json!("inbox"), 3).await;
    complete(&server, &setup, 253).await;
    assert_eq!(server.downloads().await, 253);
}

#[tokio::test(flavor = "multi_thread")]
async fn never_five_at_a_time_and_nothing_before_retry_after() {
    let (server, setup) = pair().await;
    server.admin("/latency", json!({"latency_ms": [5, 40]})).await;
    for (nth, fault) in [(3, throttled(Some(1), false)), (9, throttled(Some(2), true)), (20, throttled(None, false))] {
        server.fault(Rule { nth: Some(nth), ..on("graph.GetMime", fault) });
    }
    server.fault(Rule { nth: Some(2), ..on("graph.MessageDelta", throttled(Some(1), false)) });
    complete(&server, &setup, 100).await;
    assert_eq!(server.struck(), 4);
    assert_eq!(
        (server.counter("graph.early_requests").await, server.counter("graph.429").await),
        (0, 4),
        "only what was refused on purpose"
    );
    let most = server.counter("graph.most_in_flight").await;
    assert!((2..=4).contains(&most), "{most} at a time");
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_within_a_batch() {
    let (server, setup) = pair().await;
    server.fault(Rule { count: Some(3), ..on("graph.GetFolder", throttled(Some(1), false)) });
    complete(&server, &setup, 100).await;
    assert_eq!((server.struck(), server.counter("graph.early_requests").await), (3, 0));
    // Which folder is the inbox was learnt all the same.
    let text =
        std::fs::read_to_string(sink::files(&setup.sink()).into_iter().find(|path| path.ends_with("hierarchy.json")).unwrap()).unwrap();
    assert!(text.contains("\"inbox\""), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_comes_late_broken_empty_or_not_at_all() {
    let cut = |after_bytes| WireFault::Cut { after_bytes, framing: CutFraming::Chunked };
    let rows: Vec<(&str, Vec<Rule>)> = vec![
        ("404 for seconds after listing", vec![Rule { count: Some(2), ..on("graph.GetMime", error(404, "ErrorItemNotFound")) }]),
        ("404 with an empty body", vec![Rule { count: Some(2), ..on("graph.GetMime", error(404, "")) }]),
        (
            "cut early and late",
            vec![
                Rule { every: Some(7), count: Some(5), ..on("graph.GetMime", cut(10)) },
                Rule { every: Some(9), count: Some(3), ..on("graph.GetMime", cut(1400)) },
            ],
        ),
        ("busy", vec![Rule { every: Some(5), count: Some(4), ..on("graph.GetMime", error(503, "ErrorServerBusy")) }]),
        (
            "an error that passes",
            vec![Rule { every: Some(5), count: Some(4), ..on("graph.GetMime", error(500, "ErrorInternalServerTransientError")) }],
        ),
        ("a gateway's time-out", vec![Rule { every: Some(11), count: Some(3), ..on("graph.GetMime", error(504, "UnknownError")) }]),
    ];
    for (name, rules) in rows {
        let (server, setup) = pair().await;
        eprintln!("{name}");
        rules.into_iter().for_each(|rule| server.fault(rule));
        complete(&server, &setup, 100).await;
        assert!(server.struck() > 0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_converted_is_rebuilt_and_marked() {
    let (server, setup) = pair().await;
    server.admin("/spoil", json!({"mailbox": A, "folder": "inbox", "count": 3, "code": "ErrorMimeContentConversionFailed"})).await;
    let ran = setup.pass().await;
    let tally = compare(&server, &setup).await;
    tally.sound();
    assert_eq!((tally.stored, tally.composed, tally.quarantined), (100, 3, 0), "{ran}");
    // It is permanent: nobody asked twice.
    assert_eq!(server.counter("graph.GetMime").await, 100, "{ran}");
    for kept in sink::fold(&sink::lines(&setup.data(A))).into_values() {
        let Some(file) = kept.file.filter(|file| file.origin == "properties") else { continue };
        let text = std::fs::read_to_string(setup.data(A).join(file.name)).unwrap();
        assert!(text.contains("MIME-Version: 1.0") && text.to_lowercase().contains("subject:"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_bit_mail_and_a_slow_60_megabyte_message() {
    let tree = tempfile::tempdir().unwrap();
    let odd = b"From: a@example.org\r\nSubject: caf\xe9\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\x80\xfe\xff\x00 na\xefve\r\n";
    std::fs::write(tree.path().join("odd.eml"), odd).unwrap();
    let big = FolderSpec {
        big: vec![serde_json::from_value(json!({"bytes": 60_000_000, "count": 1})).unwrap()],
        well_known: Some("inbox".into()),
        ..folder(&[], 1)
    };
    let mut launch = Launch::from(world(vec![MailboxSpec { address: B.into(), folders: vec![big], ..MailboxSpec::default() }]));
    launch.eml_trees = vec![(A.into(), tree.path().to_owned())];
    let (server, setup) = start(launch).await;
    complete(&server, &setup, 2).await;
    let kept = sink::fold(&sink::lines(&setup.data(A))).into_values().next().unwrap();
    assert_eq!(std::fs::read(setup.data(A).join(kept.file.unwrap().name)).unwrap(), odd);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_poisoned_message_does_not_hide_the_others_on_its_page() {
    let (server, setup) = start(world(vec![server::mailbox(A, 240)])).await;
    server.admin("/spoil", json!({"mailbox": A, "folder": "inbox", "count": 1, "code": "ErrorCorruptData"})).await;
    let ran = setup.once().await;
    let tally = compare(&server, &setup).await;
    tally.sound();
    // It is rebuilt where anything of it can be read, else it is in quarantine: told, either way.
    assert_eq!(tally.real, tally.stored + tally.quarantined, "{ran}");
    assert_eq!((tally.real, tally.quarantined + tally.composed), (300, 1), "{ran}");
    assert_eq!(ran.code, if tally.quarantined > 0 { 3 } else { 0 }, "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_in_the_middle_is_asked_for_once() {
    let mut world = world(vec![server::mailbox("user{n}@example.com", 40)]);
    world.mailboxes[0].count = Some(8);
    let (server, setup) = start(world).await;
    server.admin("/latency", json!({"latency_ms": 20})).await;
    let child = setup.start(&["--once", "--progress", "json"]);
    while server.downloads().await < 100 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.admin("/revoke", json!({"account": CLIENT})).await;
    let ran = common::process::ended(child).await;
    assert_eq!(ran.code, 0, "{ran}");
    compare(&server, &setup).await.sound();
    assert_eq!(server.counter("oauth.tokens").await, 2, "{ran}");
    assert!(server.counter("graph.401").await >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_out_of_reach_stops_alone() {
    let mut world = world(vec![server::mailbox(A, 40), server::mailbox(B, 40), server::mailbox("c@example.com", 40)]);
    // The policy lets the application into two of the three; and of the fourth nobody ever heard.
    world.apps = vec![exchange_simulator::world::AppSpec { mailboxes: vec![A.into(), B.into()], ..app() }];
    let (server, mut setup) = start(world).await;
    setup.config["mailboxes"]["nobody@example.com"] = setup.config["mailboxes"][A].clone();
    let ran = setup.once().await;
    assert!(ran.code == 1 || ran.code == 4, "{ran}");
    assert!(ran.stdout.contains("ErrorAccessDenied") && ran.stdout.contains("nobody@example.com"), "{ran}");
    setup.config["mailboxes"].as_object_mut().unwrap().retain(|address, _| [A, B].contains(&address.as_str()));
    compare(&server, &setup).await.sound();
    // An application without any permission is told so, once for all.
    let mut world = server::world(vec![server::mailbox(A, 4)]);
    world.apps = vec![exchange_simulator::world::AppSpec { graph_permissions: Some(vec![]), ..app() }];
    let (_server, setup) = start(world).await;
    let ran = setup.once().await;
    assert_eq!(ran.code, 4, "{ran}");
    assert!(ran.stderr.contains("Mail.Read") || ran.stdout.contains("Mail.Read"), "{ran}");
    // Nor does it help to be allowed to list and not to read.
    let mut world = server::world(vec![server::mailbox(A, 4)]);
    world.apps = vec![exchange_simulator::world::AppSpec { graph_permissions: Some(vec!["Mail.ReadBasic.All".into()]), ..app() }];
    let (_server, setup) = start(world).await;
    let ran = setup.once().await;
    assert_eq!(ran.code, 4, "{ran}");
    assert!(ran.stdout.contains("Mail.Read"), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_left_and_came_back_is_told_by_the_next_full_listing() {
    let mut world = world(vec![server::mailbox(A, 40)]);
    world.quirks.push("delta-drops-returned-items".into());
    let (server, mut setup) = start(world).await;
    complete(&server, &setup, 50).await;
    let there = server.admin("/move", json!({"mailbox": A, "from": "inbox", "to": "junkemail", "count": 4})).await;
    let back: Vec<&Value> = there["items"].as_array().unwrap().iter().map(|item| &item["to"]).collect();
    server.admin("/move", json!({"mailbox": A, "ids": back, "to": "inbox"})).await;
    setup.pass().await;
    let lost = compare(&server, &setup).await.faults.len();
    assert!(lost > 0, "the server kept quiet about nothing");
    // What is due after a day is due at once here.
    setup.args = vec!["--reconcile-every".into(), "1s".into()];
    tokio::time::sleep(Duration::from_millis(1500)).await;
    complete(&server, &setup, 50).await;
    assert_eq!(server.downloads().await, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_mailbox_is_read_without_delta() {
    let (server, setup) = pair().await;
    let full = server.simulator.state().store.mailbox(A).unwrap();
    full.set_full(true);
    complete(&server, &setup, 100).await;
    assert_eq!(server.downloads().await, 100);
    server.deliver(A, json!("inbox"), 7).await;
    complete(&server, &setup, 107).await;
    full.set_full(false);
    server.deliver(A, json!("inbox"), 2).await;
    complete(&server, &setup, 109).await;
    assert_eq!(server.downloads().await, 109);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_without_delta_is_read_by_time() {
    let mut world = world(vec![server::mailbox(A, 200)]);
    world.quirks.push("no-delta".into());
    let (server, setup) = pages(start(world).await);
    complete(&server, &setup, 250).await;
    assert_eq!(server.downloads().await, 250);
    server.deliver(A, json!("inbox"), 20).await;
    complete(&server, &setup, 270).await;
    assert_eq!(server.downloads().await, 270);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_immutable_ids_are_not_honoured_moves_cost_no_download() {
    let mut world = world(vec![server::mailbox(A, 80)]);
    world.quirks.push("immutable-ids-not-honoured".into());
    let (server, mut setup) = start(world).await;
    setup.form = Form::GraphRest;
    complete(&server, &setup, 100).await;
    server.admin("/move", json!({"mailbox": A, "from": "inbox", "to": "junkemail", "count": 20})).await;
    server.deliver(A, json!("inbox"), 5).await;
    complete(&server, &setup, 105).await;
    assert_eq!(server.downloads().await, 105);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_mailbox_costs_one_request_a_round() {
    let (server, mut setup) = start(world(vec![server::mailbox(A, 40)])).await;
    setup.set(json!({"poll_frequency": 1}));
    complete(&server, &setup, 50).await;
    let child = setup.start(&["--progress", "none"]);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let counters = |name: &'static str| server.counter(name);
    let (before, asked) = (counters("graph.FolderDelta").await, counters("graph.requests").await);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let (rounds, requests) = (counters("graph.FolderDelta").await - before, counters("graph.requests").await - asked);
    drop(child);
    assert!(rounds >= 2 && requests == rounds, "{requests} requests in {rounds} rounds");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_person_can_mend_is_told_at_once() {
    let mut launch = Launch::from(world(vec![server::mailbox(A, 4)]));
    launch.options.tls_listen = Some(Options::default().listen);
    let (server, mut setup) = start(launch).await;
    // The certificate is of an authority that nobody knows.
    let (plain, tls) = (server.simulator.url(), server.simulator.tls_url().unwrap());
    for (endpoint, authority) in [(&tls, &plain), (&plain, &tls)] {
        setup.set(json!({"graph_endpoint": endpoint, "auth_oauth_authority": format!("{authority}/{TENANT}/")}));
        let ran = setup.once().await;
        assert_eq!(ran.code, 4, "{ran}");
        assert!(ran.stdout.contains("SSL_CERT_FILE") && !ran.stderr.contains("rustls_platform_verifier"), "{ran}");
        assert_eq!(ran.figure("retried"), 0, "{ran}");
    }
}
