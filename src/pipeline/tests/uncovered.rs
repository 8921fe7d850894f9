//! What was stored without a cursor behind it, and what became of it before anybody looked again.

use std::time::Duration;

use super::bench::{Bench, walk};
use crate::{
    catalog::{Catalog, Entry, LocalCatalog, Reach, Span},
    checkpoint::{Checkpoint, Checkpoints},
    exchange::Verdict,
    mail::{FolderId, IdForm, ItemId, Key},
    pipeline::{FolderName, uncovered::uncovered},
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

#[tokio::test(start_paused = true)]
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
        // Known, so its listing tells nothing that the catalog would look at.
        bench.server.tamper(&new[4], |item| {
            item.body.push(b'!');
            true
        });
        bench.server.delete(&new[1]);
        bench.server.relocate(&new[2], "Archive");
        let (asked, told) = (lookups(&bench), bench.count("changed"));
        assert_eq!(bench.pass().await.verdict, None);
        // Those behind the cursor, and none before it. Over Graph one that is denied is asked for once more, and what is listed anew is described.
        let looked_up = lookups(&bench) - asked;
        assert!((6..=12).contains(&looked_up), "{form:?}: {looked_up}");
        assert_eq!((bench.server.downloads(), bench.count("moved")), (26, 1), "{form:?}");
        assert_eq!(bench.count("changed"), told + 2, "{form:?}: the flag that was taken back, and what was written on");
        let lines = bench.lines();
        let last = |id: &str| {
            let key = &lines.iter().find(|line| line["subject"] == id).unwrap()["key"];
            lines.iter().rfind(|line| line["key"] == *key).unwrap()["event"].as_str().unwrap().to_owned()
        };
        assert_eq!((last(&new[0]), last(&new[1]), last(&new[2])), ("stored".into(), "deleted".into(), "moved".into()), "{form:?}");
        // What was written of the look is looked up once, and then no more.
        bench.pass().await;
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

#[tokio::test(start_paused = true)]
async fn what_went_where_nobody_looks_is_gone_and_what_is_back_is_back() {
    let mut bench = Bench::new(&["Inbox", "Archive"]);
    bench.server.0.lock().unwrap().form = IdForm::GraphImmutable;
    bench.filters.folders.deny.push(FolderName::Path(vec!["Archive".into()]));
    let old = bench.server.deliver("Inbox", "old");
    bench.pass().await;
    let new = bench.server.deliver("Inbox", "new");
    killed_pass(&bench).await;
    let away = bench.server.relocate(&new, "Archive");
    bench.pass().await;
    assert_eq!((bench.count("deleted"), bench.server.downloads()), (1, 2), "it went to a folder that is not read");
    // The catalog has it as deleted, with no cursor behind that.
    let saved = inbox(&bench).await;
    let key = bench.lines().iter().find(|line| line["subject"] == old).unwrap()["key"].as_str().unwrap().to_owned();
    let nature = bench.server.0.lock().unwrap().items[&old].nature.clone();
    let ledger = LocalCatalog::open(bench.folder.path()).unwrap().open(&Bench::mailbox()).await.unwrap();
    ledger.speaks(IdForm::GraphImmutable).await.unwrap();
    ledger.commit(&saved.folder, vec![Entry::Deleted { key: Key(key.clone()), id: ItemId(nature) }]).await.unwrap();
    drop(ledger);
    bench.pass().await;
    let last = bench.lines().pop().unwrap();
    assert_eq!((last["event"].as_str(), last["key"].as_str()), (Some("moved"), Some(&*key)));
    bench.server.relocate(&away, "Inbox");
    bench.pass().await;
    assert_eq!((bench.count("moved"), bench.server.downloads()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn what_is_in_quarantine_stays_so_unless_it_is_gone() {
    let bench = Bench::new(&["Inbox"]);
    bench.server.deliver("Inbox", "old");
    bench.pass().await;
    let ids: Vec<String> = (0..4).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
    bench.server.0.lock().unwrap().unreadable.extend(ids[..2].to_vec());
    killed_pass(&bench).await;
    bench.server.delete(&ids[0]);
    bench.pass().await;
    bench.pass().await;
    assert_eq!((bench.count("deleted") + bench.count("vanished"), bench.count("changed")), (1, 0));
    assert_eq!(bench.events.status().totals(chrono::Utc::now()).quarantined, 1);
}

#[tokio::test]
async fn what_is_to_be_compared_is_bounded() {
    let bench = Bench::new(&["Inbox"]);
    bench.server.deliver("Inbox", "old");
    bench.pass().await;
    let ledger = LocalCatalog::open(bench.folder.path()).unwrap().open(&Bench::mailbox()).await.unwrap();
    let saved = inbox(&bench).await;
    let span = |n: u64| Span { after: Reach(0, 10 * n), until: Reach(0, 10 * n + 5) };
    let saved = Checkpoint { uncovered: (0..100).map(span).collect(), reach: Reach(0, 1000), ..saved };
    let spans = uncovered(&*ledger, &saved, ledger.reach().await.unwrap()).await.unwrap();
    assert_eq!(spans.len(), 64);
    assert_eq!((spans[0].after, spans[62].until, spans[63].after), (Reach(0, 0), Reach(0, 995), Reach(0, 1000)), "nothing is left out");
}

/// An inbox of 40 messages, listed from the start and stopped under way.
async fn walking() -> (Bench, Vec<String>) {
    let mut bench = Bench::new(&["Inbox"]);
    bench.limits.messages_per_folder = 8;
    let ids: Vec<String> = (0..40).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
    stopped_pass(&bench, 24).await;
    assert!(inbox(&bench).await.walking);
    (bench, ids)
}

#[tokio::test]
async fn a_listing_whose_marks_are_lost_is_made_once_more() {
    for trouble in [None, Some(Verdict::SkipFolder), Some(Verdict::Later)] {
        let (bench, ids) = walking().await;
        let indexes: Vec<_> = walk(bench.folder.path()).into_iter().filter(|path| path.to_string_lossy().contains("index")).collect();
        assert!(!indexes.is_empty());
        indexes.iter().for_each(|path| std::fs::remove_file(path).unwrap());
        bench.server.tamper(&ids[3], |_| false);
        if let Some(verdict) = trouble {
            // Before any cursor of the new start is saved.
            bench.server.fail("page", verdict);
        }
        assert_eq!(bench.pass().await.verdict, None);
        assert_eq!((bench.count("deleted"), bench.server.downloads()), (0, 40), "nobody knows what went: {trouble:?}");
        assert!(inbox(&bench).await.begins_anew());
        assert_eq!(bench.pass().await.verdict, None);
        assert_eq!((bench.count("deleted"), bench.server.downloads()), (1, 40), "listed again, and not downloaded: {trouble:?}");
        assert!(!inbox(&bench).await.begins_anew());
    }
}

#[tokio::test]
async fn a_cursor_that_was_refused_is_not_resumed_in_the_listing_that_followed() {
    let (bench, _) = walking().await;
    bench.server.fail("page", Verdict::Resync);
    bench.server.fail("page", Verdict::SkipFolder);
    for _ in 0..2 {
        assert_eq!(bench.pass().await.verdict, None);
    }
    assert_eq!((bench.count("deleted"), bench.count("stored"), bench.server.downloads()), (0, 40, 40));
    assert!(!inbox(&bench).await.begins_anew());
}
