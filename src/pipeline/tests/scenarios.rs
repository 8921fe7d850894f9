//! What must hold whatever happens: nothing lost, nothing stored twice, no needless download.

use std::time::Duration;

use super::bench::{Bench, walk};
use crate::exchange::Verdict;

#[tokio::test]
async fn everything_once_and_nothing_again() {
    let bench = Bench::new(&["Inbox", "Archive"]);
    for n in 0..50 {
        bench.server.deliver(if n % 3 == 0 { "Archive" } else { "Inbox" }, format!("message {n}"));
    }
    assert_eq!(bench.pass().await.verdict, None);
    assert_eq!((bench.server.downloads(), bench.count("stored")), (50, 50));
    bench.pass().await;
    assert_eq!((bench.server.downloads(), bench.lines().len()), (50, 50));
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test]
async fn moves_reads_and_deletions_cost_no_download() {
    let bench = Bench::new(&["Inbox", "Archive"]);
    let ids: Vec<String> = (0..30).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
    bench.pass().await;
    for id in &ids[..10] {
        bench.server.relocate(id, "Archive");
    }
    for id in &ids[10..15] {
        bench.server.delete(id);
    }
    for id in &ids[15..22] {
        bench.server.read(id);
    }
    for n in 30..35 {
        bench.server.deliver("Inbox", format!("message {n}"));
    }
    assert_eq!(bench.pass().await.verdict, None);
    assert_eq!(bench.server.downloads(), 35);
    assert_eq!((bench.count("stored"), bench.count("moved"), bench.count("read")), (35, 10, 7));
    // What was deleted stays in the sink.
    assert_eq!(bench.sink.objects.lock().unwrap().len(), 35);
    let before = bench.lines().len();
    bench.pass().await;
    assert_eq!(bench.lines().len(), before, "a quiet pass writes nothing");
}

#[tokio::test]
async fn a_copy_is_a_message_of_its_own() {
    let bench = Bench::new(&["Inbox", "Archive"]);
    let id = bench.server.deliver("Inbox", "original");
    bench.pass().await;
    bench.server.copy(&id, "Archive");
    bench.pass().await;
    assert_eq!(bench.server.downloads(), 2);
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test]
async fn a_dead_cursor_costs_a_listing_and_no_download() {
    let bench = Bench::new(&["Inbox"]);
    let ids: Vec<String> = (0..40).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
    bench.pass().await;
    bench.server.forget_cursors();
    bench.server.delete(&ids[7]);
    bench.server.deliver("Inbox", "new");
    assert_eq!(bench.pass().await.verdict, None);
    assert_eq!((bench.server.downloads(), bench.count("deleted")), (41, 1));
}

#[tokio::test(start_paused = true)]
async fn a_refused_page_loses_nothing_behind_it() {
    let mut bench = Bench::new(&["Inbox"]);
    bench.limits.messages_per_folder = 20;
    for n in 0..80 {
        bench.server.deliver("Inbox", format!("message {n}"));
    }
    bench.server.0.lock().unwrap().refuse_page = Some(2);
    assert_eq!(bench.pass().await.verdict, None);
    bench.nothing_is_missing_or_double().await;
    assert_eq!(bench.server.downloads(), 80);
}

#[tokio::test(start_paused = true)]
async fn trouble_at_every_step_ends_with_every_message_once() {
    for method in ["folders", "page", "fetch", "lookup"] {
        let bench = Bench::new(&["Inbox", "Archive"]);
        let ids: Vec<String> = (0..20).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
        bench.server.fail(method, Verdict::Later);
        bench.pass().await;
        bench.server.copy(&ids[0], "Archive");
        bench.server.fail(method, Verdict::WaitFor(Duration::from_secs(600)));
        bench.server.fail(method, Verdict::SkipFolder);
        assert_eq!(bench.pass().await.verdict, None, "{method}");
        bench.nothing_is_missing_or_double().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_tried_again() {
    let bench = Bench::new(&["Inbox"]);
    bench.server.fail("folders", Verdict::Refused);
    assert_eq!(bench.pass().await.verdict, Some(Verdict::Refused));
    assert!(bench.events.status().mailboxes().all(|(_, mailbox)| mailbox.refused));
}

#[tokio::test]
async fn large_messages_stream_and_broken_downloads_start_over() {
    let bench = Bench::new(&["Inbox"]);
    let large: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let first = bench.server.deliver("Inbox", large.clone());
    let second = bench.server.deliver("Inbox", large[1..].to_vec());
    let small = bench.server.deliver("Inbox", "small");
    {
        let mut server = bench.server.0.lock().unwrap();
        server.restarts.insert(first, 2_000_000);
        server.restarts.insert(second, 500_000);
        server.restarts.insert(small, 3);
    }
    assert_eq!(bench.pass().await.verdict, None);
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_in_quarantine_and_tried_again() {
    let bench = Bench::new(&["Inbox"]);
    let ids: Vec<String> = (0..5).map(|n| bench.server.deliver("Inbox", format!("message {n}"))).collect();
    bench.server.0.lock().unwrap().unreadable.push(ids[2].clone());
    assert_eq!(bench.pass().await.verdict, None);
    assert_eq!((bench.count("stored"), bench.count("quarantined")), (4, 1));
    assert_eq!(bench.events.status().totals(chrono::Utc::now()).quarantined, 1);
    bench.server.0.lock().unwrap().unreadable.clear();
    bench.pass().await;
    assert_eq!(bench.count("stored"), 5);
    assert_eq!(bench.events.status().totals(chrono::Utc::now()).quarantined, 0);
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_sink_moves_no_cursor() {
    let bench = Bench::new(&["Inbox"]);
    for n in 0..30 {
        bench.server.deliver("Inbox", format!("message {n}"));
    }
    *bench.sink.failing.lock().unwrap() = true;
    assert_eq!(bench.pass().await.verdict, Some(Verdict::Later));
    assert_eq!(bench.lines().len(), 0);
    *bench.sink.failing.lock().unwrap() = false;
    assert_eq!(bench.pass().await.verdict, None);
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test]
async fn a_lost_folder_s_messages_are_written_down_as_deleted() {
    let bench = Bench::new(&["Inbox", "Doomed"]);
    let ids: Vec<String> = (0..6).map(|n| bench.server.deliver("Doomed", format!("message {n}"))).collect();
    bench.pass().await;
    bench.server.relocate(&ids[0], "Inbox");
    bench.server.0.lock().unwrap().folders.pop();
    bench.pass().await;
    assert_eq!(bench.server.downloads(), 6);
    bench.pass().await;
    let lines = bench.lines();
    let last = |key: &serde_json::Value| lines.iter().rev().find(|line| line["key"] == *key).unwrap()["event"].clone();
    let keys: std::collections::HashSet<String> = lines.iter().map(|line| line["key"].to_string()).collect();
    let deleted = keys.iter().filter(|key| last(&serde_json::from_str(key).unwrap()) == "deleted").count();
    assert_eq!((keys.len(), deleted), (6, 5));
}

#[tokio::test]
async fn a_start_date_is_kept_and_widening_it_fetches_the_rest() {
    let mut bench = Bench::new(&["Inbox"]);
    for n in 0..10 {
        bench.server.deliver("Inbox", format!("message {n}"));
    }
    bench.filters.start = "2027-01-01T00:00:00Z".parse().ok();
    bench.pass().await;
    assert_eq!(bench.server.downloads(), 0);
    bench.filters.start = "2020-01-01T00:00:00Z".parse().ok();
    bench.pass().await;
    assert_eq!(bench.server.downloads(), 10);
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test]
async fn a_read_flag_does_not_bring_in_a_message_from_before_the_start_date() {
    let mut bench = Bench::new(&["Inbox"]);
    let old = bench.server.deliver("Inbox", "old");
    bench.filters.start = "2027-01-01T00:00:00Z".parse().ok();
    bench.pass().await;
    bench.server.read(&old);
    bench.pass().await;
    assert_eq!(bench.server.downloads(), 0);
    bench.filters.start = "2020-01-01T00:00:00Z".parse().ok();
    bench.pass().await;
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test]
async fn starting_from_the_configuration_lists_again_and_stores_nothing_twice() {
    let mut bench = Bench::new(&["Inbox"]);
    bench.limits.messages_per_folder = 7;
    for n in 0..30 {
        bench.server.deliver("Inbox", format!("message {n}"));
    }
    bench.pass().await;
    bench.from_start = true;
    let listings = bench.server.0.lock().unwrap().listings;
    bench.pass().await;
    assert!(bench.server.0.lock().unwrap().listings > listings);
    assert_eq!((bench.server.downloads(), bench.lines().len()), (30, 30));
}

#[tokio::test(start_paused = true)]
async fn starting_from_the_configuration_outlasts_trouble_at_the_start() {
    let mut bench = Bench::new(&["Inbox"]);
    bench.server.deliver("Inbox", "message");
    bench.pass().await;
    bench.from_start = true;
    bench.server.fail("page", Verdict::Later);
    assert_eq!(bench.pass().await.verdict, None);
    assert_eq!(bench.server.0.lock().unwrap().beginnings, 2);
    assert_eq!((bench.server.downloads(), bench.count("deleted")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_its_own_cursors_is_not_asked_for_ever() {
    let bench = Bench::new(&["Inbox"]);
    bench.server.deliver("Inbox", "message");
    bench.server.0.lock().unwrap().cursors_die = true;
    assert_eq!(bench.pass().await.verdict, Some(Verdict::Resync));
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test(start_paused = true)]
async fn a_page_that_comes_again_and_again_ends_the_visit() {
    let bench = Bench::new(&["Inbox"]);
    bench.server.deliver("Inbox", "message");
    bench.server.0.lock().unwrap().stands_still = true;
    assert_eq!(bench.pass().await.verdict, Some(Verdict::SkipFolder));
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test]
async fn a_huge_folder_does_not_starve_the_others() {
    let mut bench = Bench::new(&["Huge", "Small"]);
    bench.limits.messages_per_folder = 10;
    bench.limits.folders = 1;
    for n in 0..100 {
        bench.server.deliver("Huge", format!("huge {n}"));
    }
    bench.server.deliver("Small", "small");
    bench.pass().await;
    let downloads = bench.server.0.lock().unwrap().downloads.clone();
    let small = downloads.iter().position(|id| id == "item-101").unwrap();
    assert!(small <= 10, "the small folder waited for {small} messages");
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test]
async fn dropped_at_any_moment_the_next_pass_completes_it() {
    let bench = Bench::new(&["Inbox", "Archive"]);
    for n in 0..120 {
        bench.server.deliver(if n % 2 == 0 { "Inbox" } else { "Archive" }, format!("message {n}"));
    }
    for turns in (1..400).step_by(13) {
        let mut pass = Box::pin(bench.pass());
        for _ in 0..turns {
            if futures::poll!(pass.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    bench.pass().await;
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_is_listed_and_never_found_is_no_success() {
    let bench = Bench::new(&["Inbox", "Closed"]);
    bench.server.deliver("Inbox", "message");
    bench.server.deliver("Closed", "hidden");
    bench.server.0.lock().unwrap().closed = Some("Closed".into());
    assert_eq!(bench.pass().await.verdict, Some(Verdict::FolderGone));
    let status = bench.events.status().mailboxes().next().unwrap().1.clone();
    assert!(!status.complete && status.error.unwrap().words.contains("Closed"));
    bench.server.0.lock().unwrap().closed = None;
    assert_eq!(bench.pass().await.verdict, None);
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test]
async fn a_lost_catalog_is_noticed_though_the_cursors_stand() {
    let bench = Bench::new(&["Inbox", "Archive"]);
    for n in 0..12 {
        bench.server.deliver(if n % 2 == 0 { "Inbox" } else { "Archive" }, format!("message {n}"));
    }
    bench.pass().await;
    for file in walk(&bench.folder.path().join("data")).iter().filter(|path| path.extension().is_some_and(|end| end == "jsonl")) {
        std::fs::remove_file(file).unwrap();
    }
    assert_eq!(bench.pass().await.verdict, None);
    assert_eq!((bench.count("stored"), bench.server.downloads()), (12, 24));
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test]
async fn what_came_before_the_server_wants_to_rest_is_kept() {
    let bench = Bench::new(&["Inbox"]);
    for n in 0..40 {
        bench.server.deliver("Inbox", format!("message {n}"));
    }
    // Less than a batch between two rests: if only whole batches counted, it would never get anywhere.
    bench.server.0.lock().unwrap().grants = Some(3);
    let mut rounds = 0;
    while bench.pass().await.verdict.is_some() {
        rounds += 1;
        assert!(rounds < 40, "it gets nowhere");
    }
    // What ran ahead of the batch that was cut off is fetched again, and nothing else.
    assert_eq!(bench.count("stored"), 40);
    assert!(bench.server.downloads() < 120, "{}", bench.server.downloads());
    bench.nothing_is_missing_or_double().await;
}
