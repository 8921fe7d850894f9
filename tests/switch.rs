//! A mailbox copied by EWS goes on by Microsoft Graph, and the other way round: nothing is downloaded again and nothing is stored twice. Another mailbox
//! under the same address is noticed.

mod common;

use common::{
    Server, Setup, compare,
    server::{self, world},
    sink,
    truth::{Form, truth},
    ways::app,
};
use exchange_simulator::world::{FolderSpec, MailboxSpec, Size};
use serde_json::json;

const A: &str = "a@example.com";

fn small(path: &[&str], messages: u64) -> FolderSpec {
    FolderSpec {
        well_known: Some("inbox".into()),
        path: path.iter().map(ToString::to_string).collect(),
        messages,
        sizes: vec![Size { bytes: 900, weight: 1 }],
        kinds: serde_json::from_value(json!({"text": 1})).unwrap(),
        ..FolderSpec::default()
    }
}

/// A mailbox of so many messages, read by EWS at first.
async fn start(messages: u64) -> (Server, Setup) {
    let folders = vec![small(&[], messages / 2), small(&["Projects"], messages / 4), small(&["Projects", "2024"], messages / 4)];
    let mut world = world(vec![MailboxSpec { address: A.into(), folders, ..MailboxSpec::default() }]);
    world.apps = vec![app()];
    let server = Server::start(world).await;
    let setup = Setup::new(&server);
    (server, setup)
}

async fn downloads(server: &Server) -> (u64, u64) {
    (server.counter("ews.downloads").await, server.counter("graph.downloads").await)
}

fn objects(setup: &Setup) -> usize {
    sink::files(&setup.data(A)).iter().filter(|path| path.extension().is_some_and(|end| end == "eml")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_known_messages_cost_no_download_over_graph() {
    let (server, mut setup) = start(20_000).await;
    setup.set(json!({"emails_per_folder": 100_000}));
    setup.pass().await;
    assert_eq!((downloads(&server).await, objects(&setup)), ((20_000, 0), 20_000));

    setup.by_graph(&server);
    server.deliver(A, json!("inbox"), 40).await;
    let ran = setup.pass().await;
    // One object a message; only the new mail was asked for.
    assert_eq!((downloads(&server).await, objects(&setup)), ((20_000, 40), 20_040), "{ran}");
    let tally = compare(&server, &setup).await;
    tally.sound();
    assert_eq!((tally.real, tally.stored, tally.deleted), (20_040, 20_040, 0));
    // A thousand ids a call: one call for the sample that proves the mailbox, and each folder's last one is not full.
    assert!((20..=26).contains(&server.counter("graph.Translate").await), "{ran}");

    // And it goes on: new mail, moves, deletions.
    server.deliver(A, json!("inbox"), 3).await;
    server.admin("/move", json!({"mailbox": A, "from": "inbox", "to": "junkemail", "count": 10})).await;
    server
        .admin("/delete", json!({"mailbox": A, "folder": {"well_known": "inbox", "path": ["Projects"]}, "count": 5, "how": "hard"}))
        .await;
    setup.pass().await;
    compare(&server, &setup).await.sound();
    assert_eq!((downloads(&server).await, objects(&setup)), ((20_000, 43), 20_043));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moved_changed_and_left_while_nobody_looked_is_found_again() {
    let (server, mut setup) = start(400).await;
    setup.pass().await;
    setup.by_graph(&server);
    server.admin("/move", json!({"mailbox": A, "from": "inbox", "to": "junkemail", "count": 30})).await;
    server
        .admin("/delete", json!({"mailbox": A, "folder": {"well_known": "inbox", "path": ["Projects"]}, "count": 20, "how": "hard"}))
        .await;
    server.admin("/read", json!({"mailbox": A, "folder": "inbox", "count": 25, "read": true})).await;
    server.admin("/rename-folder", json!({"mailbox": A, "folder": {"well_known": "inbox", "path": ["Projects"]}, "name": "Renamed"})).await;
    server.deliver(A, json!("inbox"), 5).await;
    let ran = setup.pass().await;
    let tally = compare(&server, &setup).await;
    tally.sound();
    assert_eq!((tally.real, tally.stored, objects(&setup)), (385, 405, 405), "{ran}");
    assert_eq!(downloads(&server).await, (400, 5), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_the_switch_it_goes_on() {
    let (server, mut setup) = start(4000).await;
    setup.set(json!({"emails_per_folder": 100_000}));
    setup.pass().await;
    setup.by_graph(&server);
    server.admin("/latency", json!({"latency_ms": [5, 30]})).await;
    for kill in 0..12 {
        let mut child = setup.start(&["--once", "--progress", "none"]);
        tokio::time::sleep(std::time::Duration::from_millis(40 + 60 * kill)).await;
        child.kill().await.unwrap();
    }
    server.admin("/latency", json!({"latency_ms": 0})).await;
    let ran = setup.pass().await;
    compare(&server, &setup).await.sound();
    assert_eq!((downloads(&server).await, objects(&setup)), ((4000, 0), 4000), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn and_back_again() {
    let (server, mut setup) = start(400).await;
    let by_ews = setup.config.clone();
    setup.by_graph(&server);
    setup.pass().await;
    assert_eq!(downloads(&server).await, (0, 400));
    setup.config = by_ews;
    setup.form = Form::Ews;
    server.deliver(A, json!("inbox"), 5).await;
    let ran = setup.pass().await;
    compare(&server, &setup).await.sound();
    assert_eq!((downloads(&server).await, objects(&setup)), ((5, 400), 405), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_mailbox_under_the_same_address_is_refused() {
    for (before, after) in [(Form::Ews, Form::GraphImmutable), (Form::GraphImmutable, Form::GraphImmutable), (Form::Ews, Form::Ews)] {
        let (server, mut setup) = start(400).await;
        if before == Form::GraphImmutable {
            setup.by_graph(&server);
        }
        setup.pass().await;
        let lines = sink::lines(&setup.data(A));
        // The same address at another tenant: other mail, other ids.
        let mut world = world(vec![server::mailbox(A, 40)]);
        world.seed = 4711;
        world.apps = vec![app()];
        let other = Server::start(world).await;
        assert!(truth(&other, A, false).await.len() == 50);
        if after == Form::GraphImmutable {
            setup.by_graph(&other);
        } else {
            setup.set(json!({"ews_endpoint": other.simulator.ews_url()}));
        }
        let ran = setup.once().await;
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stdout.contains("another mailbox"), "{ran}");
        assert_eq!((other.downloads().await, objects(&setup)), (0, 400), "{ran}");
        assert_eq!(sink::lines(&setup.data(A)), lines, "nothing was written");
        // Back at the right one it goes on as if nothing had been.
        if after == Form::GraphImmutable {
            setup.by_graph(&server);
        } else {
            setup.set(json!({"ews_endpoint": server.simulator.ews_url()}));
        }
        setup.pass().await;
        compare(&server, &setup).await.sound();
        assert_eq!((server.downloads().await, objects(&setup)), (400, 400));
    }
}

fn other(well_known: &str, class: Option<&str>, kind: &str, messages: u64) -> FolderSpec {
    FolderSpec {
        well_known: Some(well_known.into()),
        class: class.map(str::to_owned),
        kinds: serde_json::from_value(json!({kind: 1})).unwrap(),
        ..FolderSpec { path: Vec::new(), ..small(&[], messages) }
    }
}

/// Keys and what is known of them: the last event, the item and the folder.
fn known(setup: &Setup) -> std::collections::BTreeMap<String, (String, String, Vec<String>)> {
    sink::fold(&sink::lines(&setup.data(A))).into_iter().map(|(key, kept)| (key, (kept.last, kept.item, kept.path))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_new_interface_does_not_show_is_not_told_as_deleted() {
    let folders = vec![
        small(&[], 40),
        other("contacts", None, "contact", 12),
        other("calendar", None, "appointment", 9),
        other("tasks", None, "task", 5),
        other("notes", None, "sticky-note", 4),
        // People throw away more than mail.
        other("deleteditems", None, "appointment", 7),
        FolderSpec { archive: true, path: vec!["Old".into()], well_known: None, ..small(&[], 15) },
    ];
    let mut world = world(vec![MailboxSpec { address: A.into(), archive: true, folders, ..MailboxSpec::default() }]);
    world.apps = vec![app()];
    let server = Server::start(world).await;
    let mut setup = Setup::new(&server);
    let by_ews = setup.config.clone();
    setup.once().await;
    let before = known(&setup);
    let gone = |keys: &std::collections::BTreeMap<String, (String, String, Vec<String>)>| {
        keys.values().filter(|(last, ..)| last == "deleted").map(|(_, _, path)| path.clone()).collect::<Vec<_>>()
    };
    assert_eq!((gone(&before).len(), before.len()), (0, 92));
    let (by_ews_first, _) = downloads(&server).await;

    setup.by_graph(&server);
    let ran = setup.once().await;
    assert_eq!(gone(&known(&setup)), Vec::<Vec<String>>::new(), "{ran}");
    // Nor later, listed from the start or not.
    setup.args = vec!["--reconcile-every".into(), "1s".into()];
    setup.once().await;
    tokio::time::sleep(std::time::Duration::from_millis(1300)).await;
    let ran = setup.once().await;
    assert_eq!(gone(&known(&setup)), Vec::<Vec<String>>::new(), "{ran}");
    assert_eq!(downloads(&server).await.1, 0, "{ran}");

    // Back at EWS everything is where it was.
    setup.args.clear();
    setup.config = by_ews;
    setup.form = Form::Ews;
    let ran = setup.once().await;
    let now = known(&setup);
    assert_eq!(now.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert_eq!(gone(&now), Vec::<Vec<String>>::new(), "{ran}");
    assert_eq!(downloads(&server).await, (by_ews_first, 0), "{ran}");
}
