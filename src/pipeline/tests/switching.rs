//! A mailbox that comes to be read through another interface: nothing is downloaded again, nothing is taken for another mailbox's.

use std::time::Duration;

use super::{
    bench::{Bench, walk},
    double::Double,
};
use crate::{exchange::Verdict, mail::IdForm};

fn bench_with(messages: usize) -> (Bench, Vec<String>) {
    let bench = Bench::new(&["Inbox", "Archive"]);
    let deliver = |n: usize| bench.server.deliver(if n.is_multiple_of(3) { "Archive" } else { "Inbox" }, format!("message {n}"));
    let ids = (0..messages).map(deliver).collect();
    (bench, ids)
}

fn translations(bench: &Bench) -> usize {
    bench.server.0.lock().unwrap().translations
}

/// Every file of the state that is not the index or its lock.
fn state(bench: &Bench) -> Vec<Vec<u8>> {
    let mut files: Vec<_> =
        walk(&bench.folder.path().join("state")).into_iter().filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

#[tokio::test]
async fn a_switch_costs_a_request_for_a_thousand_messages_and_no_download() {
    let (bench, _) = bench_with(2300);
    bench.pass().await;
    bench.server.speak(IdForm::GraphImmutable);
    let mut events = bench.events.listen();
    assert_eq!(bench.pass().await.verdict, None);
    assert_eq!((bench.server.downloads(), translations(&bench)), (2300, 3));
    assert_eq!((bench.count("readdressed"), bench.lines().len()), (2300, 4600));
    let told = std::iter::from_fn(|| events.try_recv().ok());
    let switches: Vec<_> = told.filter(|event| matches!(event, crate::event::Event::MailboxSwitched { .. })).collect();
    assert!(matches!(switches[..], [crate::event::Event::MailboxSwitched { known: 2300, found: 2300, .. }]), "{switches:?}");
    bench.nothing_is_missing_or_double().await;
    // From then on it is read as if it had always been.
    bench.server.deliver("Inbox", "new");
    bench.pass().await;
    assert_eq!((bench.server.downloads(), translations(&bench), bench.lines().len()), (2301, 3, 4601));
    assert_eq!(bench.lines().pop().unwrap()["form"], "graph_immutable");
    bench.nothing_is_missing_or_double().await;
}

#[tokio::test]
async fn what_moved_or_left_during_a_switch_is_recognised() {
    for form in [IdForm::GraphImmutable, IdForm::GraphRest] {
        let (bench, ids) = bench_with(60);
        bench.pass().await;
        for id in &ids[..5] {
            bench.server.relocate(id, "Archive");
        }
        for id in &ids[5..8] {
            bench.server.delete(id);
        }
        bench.server.deliver("Inbox", "new");
        bench.server.speak(form);
        assert_eq!(bench.pass().await.verdict, None);
        assert_eq!(bench.server.downloads(), 61, "{form:?}");
        assert_eq!((bench.count("readdressed"), bench.count("deleted"), bench.count("moved")), (52, 8, 5));
        assert_eq!(bench.server.0.lock().unwrap().described, 6, "only what is unknown is described");
        let last = bench.lines().iter().filter(|line| line["event"] == "moved").all(|line| line["folder_path"][0] == "Archive");
        assert!(last);
        // Moves over the new interface.
        bench.server.relocate(&ids[20], "Archive");
        bench.pass().await;
        assert_eq!((bench.server.downloads(), bench.count("moved")), (61, 6), "{form:?}");
        let before = bench.lines().len();
        bench.pass().await;
        assert_eq!(bench.lines().len(), before);
    }
}

#[tokio::test]
async fn a_switch_that_is_cut_off_goes_on_and_can_be_taken_back() {
    for back in [false, true] {
        let (bench, ids) = bench_with(1500);
        bench.pass().await;
        bench.server.relocate(&ids[1], "Archive");
        bench.server.delete(&ids[2]);
        bench.server.speak(IdForm::GraphImmutable);
        let mut cut = 0;
        for turns in (1..400).step_by(9) {
            let mut pass = Box::pin(bench.pass());
            let mut ended = false;
            for _ in 0..turns {
                ended = futures::poll!(pass.as_mut()).is_ready();
                if ended {
                    break;
                }
                tokio::task::yield_now().await;
            }
            cut += usize::from(!ended);
            if back && bench.count("readdressed") > 0 {
                break;
            }
        }
        assert!(back || cut > 3, "the switch was hardly ever cut off");
        if back {
            bench.server.speak(IdForm::Ews);
        }
        assert_eq!(bench.pass().await.verdict, None);
        assert_eq!(bench.server.downloads(), 1500, "back: {back}");
        let objects = bench.sink.objects.lock().unwrap().len();
        let lines = bench.lines();
        let mut last: std::collections::HashMap<String, String> = std::collections::HashMap::new();
        for line in &lines {
            last.insert(line["key"].to_string(), line["event"].to_string());
        }
        assert_eq!((objects, last.len(), last.values().filter(|event| *event == "\"deleted\"").count()), (1500, 1500, 1));
        bench.pass().await;
        assert_eq!((bench.lines().len(), bench.server.downloads()), (lines.len(), 1500));
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_amid_a_switch_loses_nothing() {
    let (bench, ids) = bench_with(2100);
    bench.pass().await;
    bench.server.relocate(&ids[1], "Archive");
    bench.server.speak(IdForm::GraphImmutable);
    for verdict in [Verdict::Later, Verdict::WaitFor(Duration::from_secs(600)), Verdict::Later] {
        bench.server.fail("translate", verdict);
    }
    bench.server.fail("describe", Verdict::Later);
    assert_eq!(bench.pass().await.verdict, None);
    assert_eq!((bench.server.downloads(), bench.count("readdressed"), bench.count("deleted")), (2100, 2099, 1));
    assert_eq!(bench.count("moved"), 1);
    bench.nothing_is_missing_or_double().await;
}

/// Another mailbox under the same address, with mail of its own.
fn another(form: IdForm) -> Double {
    let other = Double::with_folders(&["Inbox", "Archive"]);
    {
        let mut server = other.0.lock().unwrap();
        server.root = "other".into();
        server.form = form;
    }
    for n in 0..10 {
        other.deliver("Inbox", format!("secret {n}"));
    }
    other
}

#[tokio::test]
async fn another_mailbox_under_the_address_is_refused_and_nothing_is_written() {
    for form in [IdForm::Ews, IdForm::GraphImmutable, IdForm::GraphRest] {
        let (mut bench, _) = bench_with(30);
        bench.pass().await;
        let before = (bench.lines().len(), state(&bench));
        let own = std::mem::replace(&mut bench.server, another(form));
        assert_eq!(bench.pass().await.verdict, Some(Verdict::StopMailbox), "{form:?}");
        let error = bench.events.status().mailboxes().next().unwrap().1.error.clone().unwrap().words;
        assert!(error.starts_with("going on with the state of ann@example.com failed: none of the 30 messages"), "{error}");
        assert!(error.contains("it is another mailbox (correct the address"), "{error}");
        assert_eq!((bench.lines().len(), state(&bench)), before);
        assert_eq!(bench.server.downloads(), 0);
        // The right one is read on.
        bench.server = own;
        assert_eq!(bench.pass().await.verdict, None);
        assert_eq!((bench.lines().len(), bench.server.downloads()), (30, 30));
    }
}

#[tokio::test]
async fn a_root_that_merely_changed_its_id_is_taken_over() {
    let (bench, ids) = bench_with(300);
    bench.pass().await;
    for id in &ids[..200] {
        bench.server.delete(id);
    }
    bench.server.0.lock().unwrap().root = "renamed".into();
    assert_eq!(bench.pass().await.verdict, None);
    bench.pass().await;
    assert_eq!((bench.server.downloads(), translations(&bench)), (300, 0));
}

#[tokio::test]
async fn an_empty_catalog_has_nothing_to_be_mixed_with() {
    for form in [IdForm::Ews, IdForm::GraphImmutable] {
        let mut bench = Bench::new(&["Inbox", "Archive"]);
        bench.pass().await;
        bench.server = another(form);
        assert_eq!(bench.pass().await.verdict, None);
        bench.nothing_is_missing_or_double().await;
    }
}

#[tokio::test]
async fn there_and_back_again_costs_no_download() {
    let (bench, ids) = bench_with(80);
    bench.pass().await;
    for (n, form) in [IdForm::GraphImmutable, IdForm::Ews, IdForm::GraphRest, IdForm::GraphImmutable, IdForm::GraphRest, IdForm::Ews]
        .into_iter()
        .enumerate()
    {
        bench.server.relocate(&ids[n], "Archive");
        bench.server.deliver("Inbox", format!("new {n}"));
        bench.server.speak(form);
        assert_eq!(bench.pass().await.verdict, None, "{form:?}");
        assert_eq!(bench.server.downloads(), 81 + n, "{form:?}");
        bench.nothing_is_missing_or_double().await;
    }
}

#[tokio::test]
async fn state_that_an_earlier_version_left_is_taken_over() {
    for form in [IdForm::Ews, IdForm::GraphImmutable] {
        let (bench, _) = bench_with(40);
        bench.server.0.lock().unwrap().homeless = true;
        bench.pass().await;
        bench.server.0.lock().unwrap().homeless = false;
        bench.server.speak(form);
        assert_eq!(bench.pass().await.verdict, None);
        assert_eq!((bench.server.downloads(), bench.count("readdressed")), (40, if form == IdForm::Ews { 0 } else { 40 }));
        bench.nothing_is_missing_or_double().await;
    }
}

#[tokio::test]
async fn a_lost_state_is_made_up_for_by_the_catalog() {
    let (mut bench, _) = bench_with(40);
    bench.pass().await;
    std::fs::remove_dir_all(bench.folder.path().join("state")).unwrap();
    let own = std::mem::replace(&mut bench.server, another(IdForm::GraphImmutable));
    assert_eq!(bench.pass().await.verdict, Some(Verdict::StopMailbox));
    bench.server = own;
    bench.server.speak(IdForm::GraphImmutable);
    assert_eq!(bench.pass().await.verdict, None);
    assert_eq!((bench.server.downloads(), bench.count("readdressed")), (40, 40));
}

#[tokio::test]
async fn an_archive_that_the_other_interface_does_not_show_is_not_taken_for_gone() {
    let mut bench = Bench::new(&["Inbox"]);
    bench.archive = true;
    bench.server.0.lock().unwrap().archive = vec!["Old".into()];
    for n in 0..20 {
        bench.server.deliver(if n % 2 == 0 { "Inbox" } else { "Old" }, format!("message {n}"));
    }
    bench.pass().await;
    for _ in 0..2 {
        bench.server.speak(IdForm::GraphImmutable);
        assert_eq!(bench.pass().await.verdict, None);
        assert_eq!((bench.server.downloads(), bench.lines().len(), bench.count("deleted")), (20, 30, 0));
    }
    bench.server.speak(IdForm::Ews);
    assert_eq!(bench.pass().await.verdict, None);
    assert_eq!((bench.server.downloads(), bench.count("deleted"), bench.count("moved")), (20, 10, 10), "the archive's were left alone");
    bench.nothing_is_missing_or_double().await;
}
