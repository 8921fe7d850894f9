//! The API as the place for messages, and no disk that outlives the process: what the API remembers is all there is to go on from.
//!
//! Every message arrives, and none but those of the overlap is uploaded a second time, wherever the process was stopped.

mod common;

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use common::{
    Server, Setup,
    api::{BUCKET, compare_emails},
    server,
};
use exchange_simulator::content::Rng;
use serde_json::json;

const A: &str = "a@example.com";
const B: &str = "b@example.com";

/// What is received within this time before what was claimed is uploaded again.
const OVERLAP: TimeDelta = TimeDelta::minutes(15);

async fn start(messages: u64) -> (Server, Setup) {
    let mut world = server::world(vec![server::mailbox(A, messages), server::mailbox(B, messages)]);
    world.apps = vec![common::ways::app()];
    let server = Server::start(world).await;
    let mut setup = Setup::new(&server);
    setup.goes_to_api(&server);
    setup.set(json!({"reinfer_batch_size": 10}));
    (server, setup)
}

/// The disk of the next process is empty.
fn empty_disk(setup: &Setup) {
    let scratch = setup.dir.path().join("tmp");
    std::fs::remove_dir_all(&scratch).unwrap();
    std::fs::create_dir(&scratch).unwrap();
}

/// How often each email was put, and its time.
fn puts(server: &Server) -> BTreeMap<String, (u64, DateTime<Utc>)> {
    let emails = server.simulator.reinfer().emails(BUCKET);
    emails.iter().map(|email| (email.id.clone(), (email.puts, email.timestamp))).collect()
}

/// What each folder is claimed to be delivered until, by its path.
fn claims(server: &Server) -> BTreeMap<(String, Vec<String>), Option<DateTime<Utc>>> {
    let states = server.simulator.reinfer().sync_states(BUCKET);
    let folders = states.values().filter(|state| state.folder_path.is_some());
    folders.map(|state| ((state.mailbox_name.clone(), state.folder_path.clone().unwrap()), state.synced_until)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_disk_costs_no_more_than_the_overlap() {
    let (server, setup) = start(80).await;
    setup.pass().await;
    assert_eq!(compare_emails(&server, &setup).await, 200);
    let (first, claimed) = (puts(&server), claims(&server));
    assert!(first.values().all(|(puts, _)| *puts == 1));

    empty_disk(&setup);
    server.deliver(A, json!("inbox"), 7).await;
    setup.pass().await;
    assert_eq!(compare_emails(&server, &setup).await, 207);
    let oldest_claim = claimed.values().filter_map(|until| *until).min().unwrap();
    let mut again = 0;
    for (id, (count, at)) in puts(&server) {
        match first.contains_key(&id) {
            true if count > 1 => {
                again += 1;
                assert!(at >= oldest_claim - OVERLAP, "{id} of {at} was uploaded again, long before any claim");
            }
            true => {}
            false => assert_eq!(count, 1, "{id}"),
        }
    }
    // At most the newest message of each folder and what came within a quarter of an hour before it.
    assert!(again <= 20, "{again} of 200 were uploaded again");

    empty_disk(&setup);
    let before = server.counter("reinfer.emails").await;
    setup.pass().await;
    let cost = server.counter("reinfer.emails").await - before;
    assert!(cost <= 30, "a pass that has nothing to do uploads {cost} emails");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_a_backlog_again_and_again_it_gets_on() {
    let (server, mut setup) = start(400).await;
    // So slowly that a mailbox takes a quarter of a minute.
    setup.set(json!({"poll_message_sleep": 0.03}));
    let mut random = Rng::new(5);
    let mut claimed: BTreeMap<(String, Vec<String>), Option<DateTime<Utc>>> = BTreeMap::new();
    for kill in 0..4 {
        let mut child = setup.start(&["--once", "--progress", "none", "--debug-level", "0"]);
        tokio::time::sleep(Duration::from_millis(5_500 + random.below(1_500))).await;
        child.kill().await.unwrap();
        empty_disk(&setup);
        // No claim is taken back, and none says too much.
        let now = claims(&server);
        for (folder, until) in &claimed {
            assert!(now.get(folder).is_some_and(|later| later >= until), "kill {kill}: {folder:?}: {until:?} became {:?}", now.get(folder));
        }
        nothing_claimed_is_missing(&server, &setup, kill).await;
        claimed = now;
        let inboxes = claimed.iter().filter(|((_, path), until)| path.last().is_some_and(|name| name == "Inbox") && until.is_some());
        assert_eq!(inboxes.count(), 2, "kill {kill}: {claimed:?}");
    }
    setup.set(json!({"poll_message_sleep": 0}));
    setup.pass().await;
    assert_eq!(compare_emails(&server, &setup).await, 1000);
    let puts = puts(&server);
    let again: u64 = puts.values().map(|(puts, _)| puts - 1).sum();
    // A kill costs what was uploaded since the last state, five seconds at most, and the overlap. Were nothing remembered, each start would upload the
    // same 180 messages of both mailboxes, and none would get on.
    eprintln!("1,000 messages, 4 kills, each with the disk lost: {again} uploads beyond the first of each");
    assert!(again < 1_000, "{again} uploads beyond the first of each");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moved_or_was_copied_while_the_disk_was_lost_is_told_apart() {
    let (server, mut setup) = start(80).await;
    setup.set_mailbox(A, json!({"folder_denylist": [["Junk Email"]]}));
    server.admin("/move", json!({"mailbox": A, "from": "inbox", "to": "junkemail", "count": 5})).await;
    // So new that whatever else there is counts as old.
    server.deliver(A, json!("inbox"), 1).await;
    setup.pass().await;
    let first = puts(&server);
    assert_eq!(first.len(), 196);
    let old = |count| json!({"mailbox": A, "from": {"well_known": "inbox", "path": ["Projects"]}, "to": "inbox", "count": count});
    let kept = |before: &BTreeMap<String, (u64, DateTime<Utc>)>, now: &BTreeMap<String, (u64, DateTime<Utc>)>| {
        before.keys().all(|id| now.contains_key(id))
    };

    // Out of a folder that is not copied into one that is; and from one that is copied into another: the latter is the same email.
    empty_disk(&setup);
    server.admin("/move", json!({"mailbox": A, "from": "junkemail", "to": "inbox", "count": 5})).await;
    server.admin("/move", old(3)).await;
    setup.pass().await;
    assert_eq!(compare_emails(&server, &setup).await, 201);
    let second = puts(&server);
    assert!(kept(&first, &second), "an email was lost to another");

    // A copy takes the place of nothing, whichever folder is read first.
    empty_disk(&setup);
    server.admin("/copy", old(4)).await;
    setup.pass().await;
    assert_eq!(compare_emails(&server, &setup).await, 205);
    let third = puts(&server);
    assert!(kept(&second, &third), "a copy replaced its original");
    let again = third.iter().filter(|(id, (count, _))| second.get(*id).is_some_and(|(before, _)| count > before)).count();
    assert!(again <= 30, "{again} emails were uploaded again");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_empty_disk_the_other_interface_goes_on_where_the_first_one_was() {
    let (server, mut setup) = start(80).await;
    setup.pass().await;
    let first = puts(&server);
    empty_disk(&setup);
    setup.by_graph(&server);
    server.deliver(A, json!("inbox"), 7).await;
    setup.pass().await;
    let downloads = server.counter("graph.downloads").await;
    // The newest message of each folder and what is within the overlap.
    assert!((7..=37).contains(&downloads), "{downloads} of 200 were fetched again");
    let now = puts(&server);
    assert!(first.keys().all(|id| now.contains_key(id)));
}

/// All that is older than a claim is in the bucket.
async fn nothing_claimed_is_missing(server: &Server, setup: &Setup, kill: u64) {
    let emails = server.simulator.reinfer().emails(BUCKET);
    let mut have: BTreeMap<(String, Vec<String>), usize> = BTreeMap::new();
    let claims = claims(server);
    for email in &emails {
        let folder = email.metadata.as_ref().and_then(|metadata| metadata.folder.clone()).unwrap_or_default();
        let key = (email.mailbox.clone(), folder);
        if claims.get(&key).copied().flatten().is_some_and(|until| email.timestamp < until) {
            *have.entry(key).or_default() += 1;
        }
    }
    for address in setup.mailboxes() {
        let mut there: BTreeMap<(String, Vec<String>), usize> = BTreeMap::new();
        for real in common::truth::truth_in(setup.form, server, &address, false).await.values() {
            let key = (address.clone(), real.path.clone());
            let received = real.item.received;
            if let (Some(until), Some(received)) = (claims.get(&key).copied().flatten(), received)
                && received < until
            {
                *there.entry(key).or_default() += 1;
            }
        }
        for (folder, count) in there {
            assert_eq!(have.get(&folder).copied().unwrap_or(0), count, "kill {kill}: {folder:?} is claimed until {:?}", claims[&folder]);
        }
    }
}
