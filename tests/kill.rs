//! The program is killed at any instant, again and again, while mail arrives and moves; in the end every message is stored once.
//!
//! `KILLS` says how often (25), `SEED` at which instants.

mod common;

use std::{collections::BTreeSet, time::Duration};

use common::{
    Server, Setup,
    azurite::Azurite,
    compare, server, sink,
    truth::{self, Form},
    ways::app,
};
use exchange_simulator::{World, content::Rng};
use serde_json::json;

const MAILBOXES: u64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn every_message_is_stored_once_however_often_it_is_killed() {
    killed(Form::Ews, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_is_stored_once_over_graph_too() {
    killed(Form::GraphImmutable, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_is_stored_once_in_a_container_too() {
    let Some(azurite) = Azurite::start(false) else { return };
    killed(Form::Ews, Some(azurite)).await;
}

async fn killed(form: Form, azurite: Option<Azurite>) {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (kills, seed) = (number("KILLS", 25), number("SEED", 1));
    let server = Server::start(crowded()).await;
    // A little slower than loopback, so that the copy is still young at the last kills.
    server.admin("/latency", json!({"latency_ms": [10, 60]})).await;
    let mut setup = Setup::new(&server);
    if form != Form::Ews {
        setup.by_graph(&server);
    }
    if let Some(azurite) = &azurite {
        setup.goes_to_azure(azurite, "mail").await;
    }
    // Small batches and shares, so that there are many instants of every kind.
    setup.set(json!({"reinfer_batch_size": 16, "emails_per_folder": 200}));
    let mut random = Rng::new(seed);
    let mut ever = held(&server, &setup).await;
    assert_eq!(ever, 5000);
    let (mut alive, mut deleted) = (0, BTreeSet::new());
    for kill in 0..kills {
        let mut child = setup.start(&["--once", "--progress", "none", "--debug-level", "0"]);
        // A few die before they did anything, most in the middle of the work.
        tokio::time::sleep(Duration::from_millis(20 + random.below(600))).await;
        let died = child.try_wait().unwrap();
        assert!(died.is_none_or(|status| status.success()), "kill {kill}: it ended by itself: {died:?}");
        child.kill().await.unwrap();
        alive += u64::from(died.is_none());
        setup.look().await;
        nothing_told_is_missing(&setup, kill);
        ever += stir(&server, &mut random, &mut deleted).await;
    }
    assert!(alive * 2 > kills, "only {alive} of {kills} were killed at work");
    server.admin("/latency", json!({"latency_ms": 0})).await;
    let ran = setup.pass().await;
    let mut tally = compare(&server, &setup).await;
    // A message may be deleted on the server between the kill that came before its line and the next start: its file stays, and nobody knows of it.
    let untold: Vec<_> = std::mem::take(&mut tally.untold).iter().map(|path| sink::sha256(&std::fs::read(path).unwrap())).collect();
    assert!(untold.iter().all(|digest| deleted.contains(digest)), "files without a line whose messages were not deleted: {untold:?}");
    tally.sound();
    assert_eq!(tally.quarantined, 0);
    eprintln!("{alive} of {kills} were killed at work; the last pass stored {}", ran.figure("stored"));
    // Whatever was ever stored has one key: those still in the mailboxes, and those that were stored before their deletion.
    assert_eq!(tally.stored, tally.real + stored_and_deleted(&setup), "{ran}");
    assert!(tally.stored as u64 <= ever, "{} keys for {ever} messages", tally.stored);
    one_key_a_message(&setup, untold);
    let downloads = server.downloads().await;
    setup.pass().await;
    assert_eq!(server.downloads().await, downloads, "a pass after the last one finds nothing to do");
}

/// 5,000 small messages in three folders of each of eight mailboxes.
fn crowded() -> World {
    let mut world = server::world(vec![server::mailbox("user{n}@example.com", 500)]);
    world.mailboxes[0].count = Some(MAILBOXES);
    world.apps = vec![app()];
    world
}

/// Some arrivals, moves, deletions and reads in a mailbox. Gives how many messages came, and adds the digests of those deleted.
async fn stir(server: &Server, random: &mut Rng, deleted: &mut BTreeSet<String>) -> u64 {
    let mailbox = format!("user{}@example.com", 1 + random.below(MAILBOXES));
    let count = 1 + random.below(8);
    server.deliver(&mailbox, json!("inbox"), count).await;
    let moved = 1 + random.below(20);
    let (from, to) = [("inbox", "junkemail"), ("junkemail", "inbox")][usize::from(random.below(3) == 0)];
    server.admin("/move", json!({"mailbox": mailbox, "from": from, "to": to, "count": moved})).await;
    let before = truth::truth(server, &mailbox, false).await;
    let gone = server.admin("/delete", json!({"mailbox": mailbox, "folder": "inbox", "count": random.below(3)})).await;
    deleted.extend(gone["ids"].as_array().unwrap().iter().map(|id| before[id.as_str().unwrap()].mime.clone().unwrap().0));
    server.admin("/read", json!({"mailbox": mailbox, "folder": "inbox", "count": 5, "read": random.below(2) == 0})).await;
    count
}

async fn held(server: &Server, setup: &Setup) -> u64 {
    let mut held = 0;
    for address in setup.mailboxes() {
        held += truth::truth(server, &address, false).await.len();
    }
    held as u64
}

/// What the catalog tells of at the moment of a kill is on the disk, whole.
fn nothing_told_is_missing(setup: &Setup, kill: u64) {
    for address in setup.mailboxes() {
        let folder = setup.data(&address);
        for (key, kept) in sink::fold(&sink::lines(&folder)) {
            let Some(file) = kept.file else { continue };
            let length = std::fs::metadata(folder.join(&file.name)).map(|about| about.len()).ok();
            assert_eq!(length, Some(file.bytes), "kill {kill}: {address}: {key}");
        }
    }
}

fn stored_and_deleted(setup: &Setup) -> usize {
    let gone = |address: &String| sink::fold(&sink::lines(&setup.data(address))).values().filter(|kept| kept.last == "deleted").count();
    setup.mailboxes().iter().map(gone).sum()
}

/// Generated messages differ in their bytes, so that one stored under two keys would show as a digest that is there twice.
fn one_key_a_message(setup: &Setup, untold: Vec<String>) {
    let mut seen = BTreeSet::from_iter(untold);
    for address in setup.mailboxes() {
        for (key, kept) in sink::fold(&sink::lines(&setup.data(&address))) {
            let Some(file) = kept.file else { continue };
            assert!(seen.insert(file.sha256), "{address}: {key} holds a message that another key holds too");
        }
    }
}
