//! Exchange Online's ways, one by one, against the real program: what its documentation says and what its users met. More are elsewhere: its trouble is
//! in `tests/scenarios`; that a kill between upload and cursor loses nothing is in `kill.rs`; change notifications, which the program does not use yet, are proven by the test
//! server's own tests.

mod common;

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use common::{
    Ran, Server, Setup,
    bodies::Bodies,
    compare,
    server::{self, world},
    sink,
    verdict::compare_wanted,
    ways::{CLIENT, SECRET, TENANT, app},
};
use exchange_simulator::{
    Launch,
    fault::{Action, Rule, WireFault},
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
