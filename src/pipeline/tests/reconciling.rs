//! Listings from the start that find what a cursor missed.

use std::time::Duration;

use super::bench::Bench;
use crate::{mail::IdForm, pipeline::Reconcile};

const AT_ONCE: Reconcile = Reconcile::Every(Duration::from_millis(1));

fn bench() -> Bench {
    let bench = Bench::new(&["Inbox", "Archive"]);
    let mut server = bench.server.0.lock().unwrap();
    server.form = IdForm::GraphImmutable;
    server.drops_returned = true;
    drop(server);
    bench
}

fn beginnings(bench: &Bench) -> usize {
    bench.server.0.lock().unwrap().beginnings
}

#[tokio::test]
async fn a_listing_from_the_start_finds_what_the_cursor_lost() {
    let mut bench = bench();
    let ids: Vec<String> = (0..20).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
    bench.reconcile = Reconcile::Every(Duration::from_secs(86_400));
    bench.pass().await;
    // There and back between two looks: told as gone, and never again. One is new and was never seen, another one left without a word.
    let away = bench.server.relocate(&ids[3], "Archive");
    bench.server.relocate(&away, "Inbox");
    let new = bench.server.deliver("Inbox", "new");
    let away = bench.server.relocate(&new, "Archive");
    bench.server.relocate(&away, "Inbox");
    bench.server.tamper(&ids[7], |_| false);
    bench.pass().await;
    assert_eq!((bench.server.downloads(), bench.count("deleted"), beginnings(&bench)), (20, 1, 2), "not due, so the cursor is believed");
    bench.reconcile = AT_ONCE;
    assert_eq!(bench.pass().await.verdict, None);
    assert_eq!((bench.server.downloads(), bench.count("deleted"), bench.count("moved"), beginnings(&bench)), (21, 2, 1, 4));
    let lines = bench.lines().len();
    bench.pass().await;
    assert_eq!((bench.lines().len(), beginnings(&bench)), (lines, 6));
    bench.reconcile = Reconcile::AsNeeded;
    bench.pass().await;
    assert_eq!(beginnings(&bench), 6, "this interface asks for none");
}

#[tokio::test]
async fn one_that_is_cut_off_goes_on_and_a_dead_cursor_begins_it_anew() {
    let mut bench = bench();
    bench.limits.messages_per_folder = 10;
    let ids: Vec<String> = (0..60).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
    bench.pass().await;
    bench.server.tamper(&ids[7], |_| false);
    bench.reconcile = AT_ONCE;
    for turns in (1..300).step_by(17) {
        let mut pass = Box::pin(bench.pass());
        for _ in 0..turns {
            if futures::poll!(pass.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(pass);
        if turns % 3 == 0 {
            bench.server.forget_cursors();
        }
        bench.server.0.lock().unwrap().listings = 0;
    }
    bench.pass().await;
    assert_eq!((bench.server.downloads(), bench.count("deleted")), (60, 1));
}

#[tokio::test]
async fn a_draft_written_on_unseen_is_fetched_again_and_only_then() {
    let mut bench = bench();
    let ids: Vec<String> = (0..3).map(|n| bench.server.deliver("Inbox", format!("draft {n}"))).collect();
    for id in &ids {
        bench.server.tamper(id, |item| {
            item.draft = true;
            true
        });
    }
    bench.pass().await;
    bench.reconcile = AT_ONCE;
    bench.pass().await;
    assert_eq!(bench.server.downloads(), 3, "nothing was written on");
    bench.server.tamper(&ids[1], |item| {
        item.body = b"a longer draft".to_vec();
        true
    });
    for _ in 0..3 {
        bench.pass().await;
        assert_eq!(bench.server.downloads(), 4);
    }
    bench.nothing_is_missing_or_double().await;
}
