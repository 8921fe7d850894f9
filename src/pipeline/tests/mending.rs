//! Messages fetched out of turn, and mailboxes that another process holds.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::bench::Bench;
use crate::{
    catalog::{Catalog, Ledger, LocalCatalog},
    exchange::{Exchange, Verdict},
    mail::{Change, Folder, Hierarchy, Listed},
    pipeline::{Errand, Pipeline, Subscription, Trouble},
};

fn catalog(bench: &Bench) -> LocalCatalog {
    LocalCatalog::open(bench.folder.path()).unwrap()
}

async fn hold(bench: &Bench) -> Box<dyn Ledger> {
    catalog(bench).open(&Bench::mailbox()).await.unwrap()
}

/// A folder, and what it lists.
async fn listing(bench: &Bench, name: &str) -> (Folder, Vec<Listed>) {
    let hierarchy = bench.server.folders(&Bench::mailbox(), &Hierarchy::default()).await.unwrap();
    let folder = hierarchy.folders.into_iter().find(|folder| folder.path == [name]).unwrap();
    let page = bench.server.page(&Bench::mailbox(), &folder, None, 10_000).await.unwrap();
    let listed = page.changes.into_iter().map(|change| match change {
        Change::Created(listed) => listed,
        other => panic!("{other:?}"),
    });
    (folder, listed.collect())
}

async fn mend(bench: &Bench, errands: Vec<Errand>) -> Result<u64, Trouble> {
    let pipeline = Pipeline::new(
        Arc::new(bench.server.clone()),
        Arc::new(bench.sink.clone()),
        Arc::new(catalog(bench)),
        Arc::new(bench.checkpoints()),
        bench.events.clone(),
        bench.limits,
    );
    let subscription = Subscription { mailbox: Bench::mailbox(), filters: bench.filters.clone(), from_start: false };
    let home = bench.server.folders(&Bench::mailbox(), &Hierarchy::default()).await.unwrap().home;
    pipeline.mend(&subscription, home, errands).await
}

#[tokio::test]
async fn what_is_decided_is_committed_before_more_is_decided() {
    let bench = Bench::new(&["Inbox"]);
    for n in 0..1_100 {
        bench.server.deliver("Inbox", format!("message {n}"));
    }
    let (folder, mut listed) = listing(&bench, "Inbox").await;
    // Known by the time that it comes again.
    listed.push(listed[0].clone());
    assert_eq!(mend(&bench, vec![Errand { folder, listed, again: Vec::new() }]).await.unwrap(), 1_100);
    assert_eq!(bench.server.downloads(), 1_100);
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test(start_paused = true)]
async fn a_round_of_another_process_is_waited_for() {
    let bench = Bench::new(&["Inbox"]);
    bench.server.deliver("Inbox", "message");
    let (folder, listed) = listing(&bench, "Inbox").await;
    let errand = Errand { folder, listed, again: Vec::new() };
    for (held, stored) in [(50, Some(1)), (70, None)] {
        let other = hold(&bench).await;
        let letting_go = async {
            sleep(Duration::from_secs(held * 60)).await;
            drop(other);
        };
        let (mended, ()) = tokio::join!(mend(&bench, vec![errand.clone()]), letting_go);
        match mended {
            Ok(messages) => assert_eq!(Some(messages), stored),
            Err(trouble) => assert!(stored.is_none() && trouble.locked(), "{trouble}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_beside_it_has_its_turns() {
    let mut bench = Bench::new(&["Inbox"]);
    bench.limits.message_interval = Duration::from_millis(200);
    for n in 0..1_500 {
        bench.server.deliver("Inbox", format!("message {n}"));
    }
    let (folder, listed) = listing(&bench, "Inbox").await;
    let done = AtomicBool::new(false);
    let mending = async {
        let stored = mend(&bench, vec![Errand { folder, listed, again: Vec::new() }]).await.unwrap();
        done.store(true, Ordering::Relaxed);
        stored
    };
    let copying = async {
        sleep(Duration::from_secs(1)).await;
        while catalog(&bench).open(&Bench::mailbox()).await.is_err() {
            sleep(Duration::from_secs(10)).await;
        }
        !done.load(Ordering::Relaxed)
    };
    assert_eq!(tokio::join!(mending, copying), (1_500, true));
}

#[tokio::test(start_paused = true)]
async fn a_single_pass_waits_for_a_held_mailbox_and_not_for_ever() {
    let bench = Bench::new(&["Inbox"]);
    bench.server.deliver("Inbox", "message");
    let other = hold(&bench).await;
    let start = Instant::now();
    assert_eq!(bench.pass().await.verdict, Some(Verdict::Later));
    let waited = start.elapsed();
    assert!((Duration::from_secs(600)..Duration::from_secs(660)).contains(&waited), "{waited:?}");
    let reason = bench.events.status().mailboxes().find_map(|(_, mailbox)| mailbox.error.clone()).unwrap().words;
    assert!(reason.contains("is held by another process"), "{reason}");
    let letting_go = async {
        sleep(Duration::from_secs(300)).await;
        drop(other);
    };
    let (round, ()) = tokio::join!(bench.pass(), letting_go);
    assert_eq!((round.verdict, round.messages), (None, 1));
}
