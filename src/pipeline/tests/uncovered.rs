//! What was stored without a cursor behind it, and what became of it before anybody looked again.

use std::time::Duration;

use super::bench::Bench;
use crate::{
    checkpoint::{Checkpoint, Checkpoints},
    exchange::Verdict,
    mail::{FolderId, IdForm},
};

fn lookups(bench: &Bench) -> usize {
    bench.server.0.lock().unwrap().lookups
}

async fn inbox(bench: &Bench) -> Checkpoint {
    let id = match bench.server.0.lock().unwrap().form {
        IdForm::Ews => "/Inbox+",
        _ => "-Inbox_",
    };
    bench.checkpoints().load(&Bench::mailbox(), &FolderId(id.into())).await.unwrap().unwrap()
}

/// A pass that ends just before it saves the cursor of the inbox.
async fn killed_pass(bench: &Bench) {
    let before = inbox(bench).await;
    assert_eq!(bench.pass().await.verdict, None);
    bench.checkpoints().save(&Bench::mailbox(), &before).await.unwrap();
}

/// A pass that ends as soon as so many messages are stored.
async fn stopped_pass(bench: &Bench, stored: usize) {
    let mut pass = Box::pin(bench.pass());
    while bench.count("stored") < stored {
        assert!(futures::poll!(pass.as_mut()).is_pending());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn what_came_and_went_around_a_kill_is_told() {
    for form in [IdForm::Ews, IdForm::GraphImmutable] {
        let bench = Bench::new(&["Inbox", "Archive"]);
        bench.server.0.lock().unwrap().form = form;
        let old: Vec<String> = (0..20).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
        bench.pass().await;
        let new: Vec<String> = (20..26).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
        bench.server.read(&old[5]);
        killed_pass(&bench).await;
        assert_eq!((bench.server.downloads(), bench.count("read") + bench.count("changed")), (26, 1));
        bench.server.unread(&old[5]);
        bench.server.delete(&new[1]);
        bench.server.relocate(&new[2], "Archive");
        let (asked, told) = (lookups(&bench), bench.count("changed"));
        assert_eq!(bench.pass().await.verdict, None);
        // Those behind the cursor, and not those before it.
        assert!((7..12).contains(&(lookups(&bench) - asked)), "{form:?}: {}", lookups(&bench) - asked);
        assert_eq!((bench.server.downloads(), bench.count("moved")), (26, 1), "{form:?}");
        assert_eq!(bench.count("changed"), told + 1, "{form:?}: the flag that was taken back");
        let lines = bench.lines();
        let last = |id: &str| {
            let key = &lines.iter().find(|line| line["subject"] == id).unwrap()["key"];
            lines.iter().rfind(|line| line["key"] == *key).unwrap()["event"].as_str().unwrap().to_owned()
        };
        assert_eq!((last(&new[0]), last(&new[1]), last(&new[2])), ("stored".into(), "deleted".into(), "moved".into()), "{form:?}");
        // Looked up once.
        let (asked, told) = (lookups(&bench), lines.len());
        bench.pass().await;
        assert_eq!((lookups(&bench), bench.lines().len()), (asked, told), "{form:?}");
        assert!(inbox(&bench).await.uncovered.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_download_that_broke_off_is_compared_as_well() {
    let mut bench = Bench::new(&["Inbox"]);
    bench.limits.batches = 1;
    bench.server.deliver("Inbox", "old");
    bench.pass().await;
    let ids: Vec<String> = (0..10).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
    // The first batch is stored, the second is refused for good in this pass.
    bench.server.0.lock().unwrap().refuse_fetch = Some(1);
    stopped_pass(&bench, 5).await;
    bench.server.delete(&ids[0]);
    assert_eq!(bench.pass().await.verdict, None);
    assert_eq!((bench.count("stored"), bench.count("deleted"), bench.server.downloads()), (11, 1, 11));
}

#[tokio::test(start_paused = true)]
async fn it_is_not_forgotten_while_the_listing_takes_several_rounds_and_starts() {
    let mut bench = Bench::new(&["Inbox"]);
    bench.server.deliver("Inbox", "old");
    bench.pass().await;
    let new: Vec<String> = (0..10).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
    killed_pass(&bench).await;
    bench.server.delete(&new[3]);
    for n in 10..60 {
        bench.server.deliver("Inbox", format!("message {n}"));
    }
    bench.limits.messages_per_folder = 15;
    // Stopped behind some page, and in the comparison.
    bench.server.fail("lookup", Verdict::SkipFolder);
    for stored in [20, 40] {
        stopped_pass(&bench, stored).await;
        assert!(!inbox(&bench).await.uncovered.is_empty());
    }
    assert_eq!(bench.pass().await.verdict, None);
    assert!(bench.server.0.lock().unwrap().errors["lookup"].is_empty(), "the comparison was refused, too");
    assert_eq!((bench.count("deleted"), bench.server.downloads(), bench.count("stored")), (1, 61, 61));
    assert!(inbox(&bench).await.uncovered.is_empty());
}

#[tokio::test]
async fn a_listing_from_the_start_that_was_killed_tells_what_went_meanwhile() {
    let mut bench = Bench::new(&["Inbox"]);
    bench.limits.messages_per_folder = 8;
    let ids: Vec<String> = (0..60).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
    // The cursor of the first page, with all of the folder in the catalog.
    stopped_pass(&bench, 16).await;
    let walking = inbox(&bench).await;
    assert!(walking.walking);
    let stored = bench.count("stored");
    stopped_pass(&bench, 40).await;
    bench.checkpoints().save(&Bench::mailbox(), &walking).await.unwrap();
    bench.server.delete(&ids[stored + 3]);
    assert_eq!(bench.pass().await.verdict, None);
    assert_eq!((bench.count("deleted"), bench.count("stored")), (1, 60));
}

#[tokio::test]
async fn what_is_to_be_compared_is_bounded() {
    let bench = Bench::new(&["Inbox"]);
    bench.server.deliver("Inbox", "old");
    bench.pass().await;
    let mut gone = Vec::new();
    for n in 0..40 {
        let id = bench.server.deliver("Inbox", format!("message {n}"));
        // Stored, killed, and killed again before the folder was read to its end: all that is known is kept with the old cursor.
        let before = inbox(&bench).await;
        bench.pass().await;
        let now = inbox(&bench).await;
        let span = crate::catalog::Span { after: before.reach, until: now.reach };
        let uncovered = before.uncovered.iter().copied().chain([span]).collect();
        bench.checkpoints().save(&Bench::mailbox(), &Checkpoint { uncovered, ..now }).await.unwrap();
        if n % 2 == 0 {
            bench.server.tamper(&id, |_| false);
            gone.push(id);
        }
    }
    bench.server.deliver("Inbox", "last");
    bench.pass().await;
    assert_eq!(bench.count("deleted"), gone.len());
}
