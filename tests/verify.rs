//! The proof: `verify` tells what is missing and nothing else, `--repair` and `quarantine retry` mend it, both also beside a running copy.

mod common;

use std::{path::PathBuf, time::Duration};

use common::{
    Ran, Server, Setup,
    azurite::Azurite,
    compare,
    process::{ended, signal},
    server, sink,
};
use serde_json::{Value, json};

const A: &str = "a@example.com";
const B: &str = "b@example.com";

async fn pair() -> (Server, Setup) {
    let mut world = server::world(vec![server::mailbox(A, 80), server::mailbox(B, 40)]);
    world.apps = vec![common::ways::app()];
    let server = Server::start(world).await;
    let setup = Setup::new(&server);
    (server, setup)
}

async fn verify(setup: &Setup, args: &[&str]) -> (Ran, Vec<Value>) {
    let ran = setup.verb(&["verify", "--json"], args).await;
    let lines =
        ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}\n{ran}"))).collect();
    (ran, lines)
}

fn sum(lines: &[Value], name: &str) -> u64 {
    lines.last().unwrap()["sum"][name].as_u64().unwrap()
}

/// The gaps of a mailbox, of one kind.
fn gaps<'a>(lines: &'a [Value], mailbox: &str, kind: &str) -> Vec<&'a Value> {
    let told = lines.iter().rev().find(|line| line["mailbox"] == mailbox).unwrap();
    told["gaps"].as_array().unwrap().iter().filter(|gap| gap["gap"] == kind).collect()
}

fn messages(setup: &Setup, mailbox: &str) -> Vec<PathBuf> {
    let mut files = sink::files(&setup.data(mailbox));
    files.retain(|path| path.extension().is_some_and(|end| end == "eml"));
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn each_gap_is_named_and_mended() {
    let (server, setup) = pair().await;
    setup.pass().await;
    let (ran, lines) = verify(&setup, &["--deep"]).await;
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(["server", "stored", "looked", "read"].map(|name| sum(&lines, name)), [150; 4], "{ran}");

    // Three that came since, one file lost, one shortened, one changed in place, and one message that is gone from Exchange and from the sink.
    server.deliver(A, json!("inbox"), 3).await;
    let files = messages(&setup, A);
    std::fs::remove_file(&files[0]).unwrap();
    let shortened = std::fs::read(&files[1]).unwrap();
    std::fs::write(&files[1], &shortened[..100]).unwrap();
    let mut changed = std::fs::read(&files[2]).unwrap();
    changed[50] ^= 1;
    std::fs::write(&files[2], changed).unwrap();
    let (ran, lines) = verify(&setup, &["--settle", "0", "--sample", "0"]).await;
    assert_eq!(ran.code, 3, "{ran}");
    assert_eq!((gaps(&lines, A, "missing").len(), gaps(&lines, A, "lost").len(), sum(&lines, "lost")), (3, 2, 2), "{ran}");
    let (ran, lines) = verify(&setup, &["--settle", "0", "--deep"]).await;
    assert_eq!((ran.code, sum(&lines, "missing"), sum(&lines, "lost")), (3, 3, 3), "{ran}");
    let named: Vec<&str> = gaps(&lines, A, "lost").iter().map(|gap| gap["object"].as_str().unwrap()).collect();
    for file in &files[..3] {
        assert!(named.iter().any(|object| file.ends_with(object)), "{file:?} is not among {named:?}");
    }
    assert!(gaps(&lines, B, "missing").is_empty() && gaps(&lines, B, "lost").is_empty());
    let text = setup.verb(&["verify"], &["--settle", "0", "--deep", "--mailbox", A]).await;
    assert!(
        text.stdout.ends_with("read back)\n") && text.stdout.contains("verdict: gaps: 3 missing, 3 lost or damaged in the sink"),
        "{text}"
    );

    let before = server.downloads().await;
    let (ran, lines) = verify(&setup, &["--settle", "0", "--deep", "--repair"]).await;
    assert_eq!((ran.code, sum(&lines, "server"), sum(&lines, "stored")), (0, 153, 153), "{ran}");
    assert_eq!(server.downloads().await - before, 6, "nothing but what was missing is fetched");
    compare(&server, &setup).await.sound();
    // The cursors were left alone, and the next pass finds nothing new.
    setup.pass().await;
    assert_eq!(server.downloads().await - before, 6);
    compare(&server, &setup).await.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exchange_has_no_more_cannot_be_mended_and_is_told() {
    let (server, setup) = pair().await;
    setup.pass().await;
    server.admin("/delete", json!({"mailbox": A, "folder": "inbox", "count": 1, "how": "hard"})).await;
    setup.pass().await;
    let gone = sink::fold(&sink::lines(&setup.data(A))).into_values().find(|kept| !kept.present()).unwrap();
    let (ran, _) = verify(&setup, &[]).await;
    assert_eq!(ran.code, 0, "a message that was deleted is kept, and no gap: {ran}");
    std::fs::remove_file(setup.data(A).join(gone.file.unwrap().name)).unwrap();
    let (ran, lines) = verify(&setup, &["--settle", "0", "--repair"]).await;
    assert_eq!((ran.code, sum(&lines, "lost")), (3, 1), "{ran}");
    assert_eq!(gaps(&lines, A, "lost")[0]["in_mailbox"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quarantine_is_listed_and_tried_again() {
    let (server, setup) = pair().await;
    let poison = json!({"kind": "item_error", "code": "ErrorItemCorrupt", "message": "so \u{1b}[1m broken"});
    server.admin("/fault", json!({"add": {"operation": "GetItem", "mailbox": B, "action": poison}})).await;
    let ran = setup.once().await;
    assert_eq!(ran.code, 3, "{ran}");
    let (ran, lines) = verify(&setup, &["--settle", "0"]).await;
    assert_eq!((ran.code, sum(&lines, "quarantined"), sum(&lines, "missing")), (3, 50, 0), "{ran}");

    let text = setup.verb(&["quarantine", "list"], &["--mailbox", B]).await;
    assert_eq!(text.code, 3, "{text}");
    assert!(text.stdout.ends_with("50 in quarantine\n") && text.stdout.contains("ErrorItemCorrupt"), "{text}");
    assert!(!text.stdout.contains('\u{1b}'), "{text}");
    let listed = setup.verb(&["quarantine", "list", "--json"], &[]).await;
    let listed: Vec<Value> = listed.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(listed.len(), 50);
    assert!(listed.iter().all(|one| one["attempts"].as_u64().is_some_and(|attempts| attempts >= 1)), "{listed:?}");
    let one = listed[7]["key"].as_str().unwrap();

    // Still broken: tried in vain, and listed as before.
    let again = setup.verb(&["quarantine", "retry"], &[one]).await;
    assert!(again.code == 3 && again.stdout.ends_with("1 tried again, 0 of them stored now; 1 in quarantine, and 49 others\n"), "{again}");
    server.admin("/fault", json!({"clear": true})).await;
    let again = setup.verb(&["quarantine", "retry"], &[one]).await;
    assert!(again.code == 3 && again.stdout.ends_with("1 tried again, 1 of them stored now; 0 in quarantine, and 49 others\n"), "{again}");
    let again = setup.verb(&["quarantine", "retry"], &[]).await;
    assert!(again.code == 0 && again.stdout.ends_with("49 tried again, 49 of them stored now; 0 in quarantine\n"), "{again}");
    compare(&server, &setup).await.sound();
    assert_eq!(verify(&setup, &["--deep"]).await.0.code, 0);
    let unknown = setup.verb(&["quarantine", "retry"], &["--mailbox", "c@example.com"]).await;
    assert!(unknown.code == 2 && unknown.stderr.contains("no such mailbox"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_running_copy_nothing_is_reported_that_is_not_so() {
    let (server, mut setup) = pair().await;
    setup.set(json!({"poll_frequency": 1}));
    setup.pass().await;
    let child = setup.start(&["--progress", "none"]);
    for _ in 0..3 {
        // Mail comes, moves and goes while it is looked at.
        let look = verify(&setup, &["--settle", "8s", "--deep"]);
        let life = async {
            for step in 0..12_u32 {
                server.deliver(A, json!("inbox"), 2).await;
                match step % 3 {
                    0 => server.admin("/move", json!({"mailbox": A, "from": "inbox", "to": "junkemail", "count": 1})).await,
                    1 => server.admin("/delete", json!({"mailbox": A, "folder": "inbox", "count": 1, "how": "hard"})).await,
                    _ => server.admin("/copy", json!({"mailbox": B, "from": "inbox", "to": "deleteditems", "count": 1})).await,
                };
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
        };
        let ((ran, lines), ()) = tokio::join!(look, life);
        assert_eq!(ran.code, 0, "{:?}\n{ran}", lines.last());
    }
    // And what is mended is mended beside it.
    let file = messages(&setup, B).remove(0);
    std::fs::remove_file(&file).unwrap();
    let (ran, _) = verify(&setup, &["--settle", "3s", "--repair"]).await;
    assert!(ran.code == 0 && file.exists(), "{ran}");
    signal(&child, "-TERM");
    assert_eq!(ended(child).await.code, 0);
    setup.pass().await;
    compare(&server, &setup).await.sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_by_graph_and_one_with_the_api_are_proven_too() {
    let (server, mut setup) = pair().await;
    setup.by_graph(&server);
    setup.pass().await;
    assert_eq!(verify(&setup, &["--deep"]).await.0.code, 0);
    server.deliver(A, json!("inbox"), 2).await;
    let (ran, lines) = verify(&setup, &["--settle", "0"]).await;
    assert_eq!((ran.code, sum(&lines, "missing")), (3, 2), "{ran}");
    let (ran, lines) = verify(&setup, &["--settle", "0", "--repair"]).await;
    assert_eq!((ran.code, sum(&lines, "server")), (0, 152), "{ran}");

    setup.goes_to_api(&server);
    let without = setup.verb(&["verify"], &[]).await;
    assert!(without.code == 2 && without.stderr.contains("--state-prefix"), "{without}");
    let state = setup.dir.path().join("state-of-api");
    std::fs::create_dir(&state).unwrap();
    setup.args = vec!["--state-prefix".into(), state.to_str().unwrap().into()];
    setup.pass().await;
    let (ran, lines) = verify(&setup, &["--deep"]).await;
    assert_eq!((ran.code, sum(&lines, "looked")), (0, 152), "{ran}");
    let lost = server.simulator.reinfer().emails(common::api::BUCKET).remove(5).id.clone();
    common::api::delete_email(&server, &lost).await;
    let (ran, lines) = verify(&setup, &["--settle", "0", "--deep", "--repair"]).await;
    assert_eq!((ran.code, sum(&lines, "lost"), sum(&lines, "stored")), (0, 0, 152), "{ran}");
    assert_eq!(common::api::compare_emails(&server, &setup).await, 152);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_a_container_is_proven_too() {
    let Some(azurite) = Azurite::start(false) else { return };
    let (server, mut setup) = pair().await;
    setup.goes_to_azure(&azurite, "proven").await;
    setup.pass().await;
    let (ran, lines) = verify(&setup, &["--deep"]).await;
    assert_eq!((ran.code, sum(&lines, "read")), (0, 150), "{ran}");
    server.deliver(B, json!("inbox"), 1).await;
    let names = azurite.names("proven").await;
    let name = names.iter().find(|name| name.ends_with(".eml")).unwrap();
    azurite.delete("proven", name).await;
    let (ran, lines) = verify(&setup, &["--settle", "0"]).await;
    assert_eq!((ran.code, sum(&lines, "missing"), sum(&lines, "lost")), (3, 1, 1), "{ran}");
    let (ran, _) = verify(&setup, &["--settle", "0", "--repair", "--deep"]).await;
    assert_eq!(ran.code, 0, "{ran}");
}
