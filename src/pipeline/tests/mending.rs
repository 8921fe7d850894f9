//! Messages fetched out of turn, and mailboxes that somebody else holds.

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
    catalog::{Catalog, Ledger, LocalCatalog, Place},
    exchange::{Exchange, Verdict},
    mail::{Change, Folder, Hierarchy, IdForm, Listed},
    pipeline::{Errand, Mended, Mode, Pipeline, Reconcile, Schedule, Sought, Subscription},
    status::MailboxState,
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

fn pipeline(bench: &Bench) -> Arc<Pipeline> {
    Pipeline::new(
        Arc::new(bench.server.clone()),
        Arc::new(bench.sink.clone()),
        Arc::new(catalog(bench)),
        Arc::new(bench.checkpoints()),
        bench.events.clone(),
        bench.limits,
    )
}

fn subscription(bench: &Bench) -> Subscription {
    Subscription { mailbox: Bench::mailbox(), filters: bench.filters.clone(), from_start: false }
}

async fn mend(bench: &Bench, errands: Vec<Errand>) -> Mended {
    mend_by(&pipeline(bench), bench, errands).await
}

async fn mend_by(pipeline: &Arc<Pipeline>, bench: &Bench, errands: Vec<Errand>) -> Mended {
    let home = bench.server.folders(&Bench::mailbox(), &Hierarchy::default()).await.unwrap().home;
    pipeline.clone().mend(&subscription(bench), home, errands, None).await
}

/// How many were stored, where nothing went wrong.
fn stored(mended: Mended) -> u64 {
    assert!(mended.trouble.is_none(), "{:?}", mended.trouble);
    mended.stored
}

fn missing(folder: Folder, listed: Vec<Listed>) -> Vec<Errand> {
    vec![Errand { folder, sought: listed.into_iter().map(Sought::Missing).collect() }]
}

/// What is in quarantine of a folder.
async fn quarantine(bench: &Bench, folder: &Folder) -> Vec<Sought> {
    let quarantined = hold(bench).await.quarantined(&folder.id, Place::default(), 1_000).await.unwrap();
    quarantined.into_iter().map(|(_, key, listed)| Sought::Quarantined(key, listed)).collect()
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
    assert_eq!(stored(mend(&bench, missing(folder, listed)).await), 1_100);
    assert_eq!(bench.server.downloads(), 1_100);
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test(start_paused = true)]
async fn a_round_of_another_process_is_waited_for() {
    let bench = Bench::new(&["Inbox"]);
    bench.server.deliver("Inbox", "message");
    let (folder, listed) = listing(&bench, "Inbox").await;
    let errands = missing(folder, listed);
    for (held, expected) in [(50, Some(1)), (70, None)] {
        let other = hold(&bench).await;
        let letting_go = async {
            sleep(Duration::from_secs(held * 60)).await;
            drop(other);
        };
        let (mended, ()) = tokio::join!(mend(&bench, errands.clone()), letting_go);
        match mended.trouble {
            None => assert_eq!(Some(mended.stored), expected),
            Some(trouble) => assert!(expected.is_none() && trouble.locked(), "{trouble}"),
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
        let stored = stored(mend(&bench, missing(folder, listed)).await);
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
    assert!(reason.contains("is held: another process"), "{reason}");
    let letting_go = async {
        sleep(Duration::from_secs(300)).await;
        drop(other);
    };
    let (round, ()) = tokio::join!(bench.pass(), letting_go);
    assert_eq!((round.verdict, round.messages), (None, 1));
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_waited_out_without_the_ledger_and_nothing_is_fetched_twice() {
    let mut bench = Bench::new(&["Inbox", "Archive"]);
    bench.limits.batches = 1;
    for n in 0..20 {
        bench.server.deliver(if n < 12 { "Inbox" } else { "Archive" }, format!("message {n}"));
    }
    // One of the batch in the middle, and all of another folder behind it.
    let mut errands = Vec::new();
    for name in ["Inbox", "Archive"] {
        let (folder, listed) = listing(&bench, name).await;
        errands.extend(missing(folder, listed));
    }
    bench.server.fail("fetch", Verdict::WaitFor(Duration::from_secs(3_000)));
    let start = Instant::now();
    let looking = async {
        sleep(Duration::from_secs(1_500)).await;
        drop(hold(&bench).await);
        start.elapsed()
    };
    let (mended, looked) = tokio::join!(mend(&bench, errands), looking);
    assert_eq!((stored(mended), looked), (20, Duration::from_secs(1_500)));
    assert!((3_000..3_100).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    assert_eq!(bench.server.downloads(), 20);
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_tried_before_a_wait_is_not_tried_again_behind_it() {
    let mut bench = Bench::new(&["Inbox"]);
    bench.limits.batches = 1;
    let ids: Vec<String> = (0..40).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
    bench.server.0.lock().unwrap().unreadable = ids.clone();
    bench.pass().await;
    // One of each batch before the server wants a rest; half of them can be read by now.
    {
        let mut server = bench.server.0.lock().unwrap();
        server.unreadable.retain(|id| ids.iter().position(|one| one == id).unwrap() % 2 == 0);
        server.grants = Some(1);
    }
    let (folder, _) = listing(&bench, "Inbox").await;
    let sought = quarantine(&bench, &folder).await;
    assert_eq!(sought.len(), 40);
    let again = vec![Errand { folder: folder.clone(), sought: sought.clone() }];
    assert_eq!(stored(mend(&bench, again.clone()).await), 20);
    assert_eq!(bench.server.downloads(), 20);
    assert_eq!(quarantine(&bench, &folder).await.len(), 20);
    // The list is from before: what is stored since is let be, and of what is still there nothing comes.
    assert_eq!(stored(mend(&bench, again).await), 0);
    assert_eq!(bench.server.downloads(), 20);
    // What the sink lost is fetched again and again, for as long as somebody says so.
    let lost = |sought: &Sought| match sought.clone() {
        Sought::Quarantined(key, listed) | Sought::Lost(key, listed) => Sought::Lost(key, listed),
        missing => missing,
    };
    let lost = vec![Errand { folder, sought: sought.iter().map(lost).collect() }];
    assert_eq!(stored(mend(&bench, lost).await), 20);
    assert_eq!(bench.server.downloads(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_it_and_leaves_the_ledger_alone() {
    let mut bench = Bench::new(&["Inbox"]);
    bench.limits.message_interval = Duration::from_secs(1);
    for n in 0..40 {
        bench.server.deliver("Inbox", format!("message {n}"));
    }
    let (folder, listed) = listing(&bench, "Inbox").await;
    let errands = missing(folder, listed);
    let pipeline = pipeline(&bench);
    let pausing = async {
        sleep(Duration::from_secs(10)).await;
        pipeline.levers().pause(None, &bench.events);
    };
    let (mended, ()) = tokio::join!(mend_by(&pipeline, &bench, errands.clone()), pausing);
    assert!(mended.paused && mended.trouble.is_none() && (4..40).contains(&mended.stored), "{mended:?}");
    drop(hold(&bench).await);
    assert!(mend_by(&pipeline, &bench, errands.clone()).await.paused, "it is paused still");
    pipeline.levers().resume(None, &bench.events);
    assert_eq!(mended.stored + stored(mend_by(&pipeline, &bench, errands).await), 40);
    assert_eq!(bench.server.downloads(), 40);
}

#[tokio::test]
async fn what_a_round_knows_better_by_now_is_left_as_it_is() {
    let bench = Bench::new(&["Inbox", "Archive"]);
    bench.server.speak(IdForm::GraphImmutable);
    let (moved, broken) = (bench.server.deliver("Inbox", "moved"), bench.server.deliver("Inbox", "broken"));
    bench.server.0.lock().unwrap().unreadable.push(broken.clone());
    let (inbox, listed) = listing(&bench, "Inbox").await;
    bench.pass().await;
    let sought = quarantine(&bench, &inbox).await;
    assert_eq!(sought.len(), 1);
    // Both are in another folder by the time that the errands are done, under the ids that they had.
    bench.server.relocate(&moved, "Archive");
    let broken = bench.server.relocate(&broken, "Archive");
    bench.server.0.lock().unwrap().unreadable.push(broken);
    bench.pass().await;
    let lines = bench.lines().len();
    let errands = [missing(inbox.clone(), listed), vec![Errand { folder: inbox, sought }]].concat();
    assert_eq!(stored(mend(&bench, errands).await), 0);
    assert_eq!((bench.lines().len(), bench.server.downloads()), (lines, 1), "nothing is told of where they were");
}

#[tokio::test(start_paused = true)]
async fn to_be_kept_out_is_no_trouble_of_the_mailbox() {
    let bench = Bench::new(&["Inbox"]);
    bench.server.deliver("Inbox", "message");
    let broken = bench.server.deliver("Inbox", "broken");
    bench.server.0.lock().unwrap().unreadable.push(broken);
    bench.pass().await;
    bench.server.0.lock().unwrap().unreadable.clear();
    let other = hold(&bench).await;
    let pipeline = pipeline(&bench);
    let schedule = Schedule { mode: Mode::Continuous, frequency: Duration::from_secs(15), reconcile: Reconcile::AsNeeded };
    let told = |what: fn(&exchange_sync_tui::status::Mailbox) -> bool| {
        bench.events.status().mailboxes().map(|(_, mailbox)| what(mailbox)).next().unwrap()
    };
    let watching = async {
        sleep(Duration::from_secs(200)).await;
        assert!(told(|mailbox| mailbox.state == MailboxState::Waiting && mailbox.reason.is_some() && mailbox.error.is_none()));
        drop(other);
        // The next attempt comes within half a minute, and then nothing is behind: also what is in quarantine is tried.
        sleep(Duration::from_secs(40)).await;
        assert!(told(|mailbox| mailbox.complete && mailbox.quarantined == 0 && mailbox.error.is_none()));
    };
    let mut rounds = std::pin::pin!(pipeline.run(vec![subscription(&bench)], schedule));
    tokio::select! {
        round = futures::StreamExt::next(&mut rounds) => panic!("{round:?}"),
        () = watching => {}
    }
    assert_eq!(bench.server.downloads(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_quarantine_is_tried_once_though_the_server_interrupts_it_and_what_is_new_comes_first_then() {
    let mut bench = Bench::new(&["Inbox"]);
    bench.limits.batches = 1;
    let ids: Vec<String> = (0..24).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
    bench.server.0.lock().unwrap().unreadable = ids.clone();
    bench.pass().await;
    bench.server.deliver("Inbox", "new");
    {
        // The first round is kept from beginning, the second from the third of the quarantine's batches.
        let mut server = bench.server.0.lock().unwrap();
        server.errors.entry("folders").or_default().push(Verdict::WaitFor(Duration::from_secs(600)));
        (server.refuse_fetch, server.tried) = (Some(2), Vec::new());
        server.unreadable.truncate(12);
    }
    let looking = async {
        sleep(Duration::from_secs(1_000)).await;
        let tried = bench.server.0.lock().unwrap().tried.len();
        assert_eq!((tried, bench.server.downloads()), (8, 0), "two batches");
        // Meanwhile somebody else is faster with one of those that are left.
        let (folder, _) = listing(&bench, "Inbox").await;
        let last = quarantine(&bench, &folder).await.pop().unwrap();
        stored(mend(&bench, vec![Errand { folder, sought: vec![last] }]).await)
    };
    let (round, by_hand) = tokio::join!(bench.pass(), looking);
    assert_eq!((round.verdict, round.messages, by_hand), (None, 12, 1));
    let mut server = bench.server.0.lock().unwrap();
    let new = server.downloads.iter().position(|id| !ids.contains(id)).unwrap();
    assert_eq!((new, server.downloads.len()), (1, 13), "{:?}", server.downloads);
    server.tried.sort();
    let mut unreadable = ids[..12].to_vec();
    unreadable.sort();
    assert_eq!(server.tried, unreadable, "each once");
}

#[tokio::test(start_paused = true)]
async fn an_item_that_always_meets_passing_trouble_keeps_nobody_from_what_is_new() {
    let bench = Bench::new(&["Inbox"]);
    let broken = bench.server.deliver("Inbox", "broken");
    bench.server.0.lock().unwrap().unreadable.push(broken);
    bench.pass().await;
    bench.server.deliver("Inbox", "new");
    for _ in 0..3 {
        bench.server.fail("fetch", Verdict::Later);
    }
    let round = bench.pass().await;
    assert_eq!((round.verdict, round.messages), (None, 1));
}

#[tokio::test]
async fn a_quarantine_of_any_size_is_tried_whole() {
    let mut bench = Bench::new(&["Inbox"]);
    bench.limits.batch_size = 512;
    let ids: Vec<String> = (0..5_000).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
    bench.server.0.lock().unwrap().unreadable = ids;
    bench.pass().await;
    bench.server.0.lock().unwrap().unreadable.truncate(4_500);
    assert_eq!(bench.pass().await.messages, 500);
    assert_eq!(bench.server.0.lock().unwrap().tried.len(), 5_000 + 4_500);
}
