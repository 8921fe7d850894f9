//! What the sink has already, told in time: what is claimed, and what a start with an empty disk makes of it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{bench::Bench, double::usual};
use crate::{
    checkpoint::{Checkpoint, Checkpoints, Delivered},
    mail::IdForm,
    pipeline::{Filters, Reconcile},
};

fn minutes(after: i64) -> DateTime<Utc> {
    usual().unwrap() + TimeDelta::minutes(after)
}

async fn checkpoint(bench: &Bench, folder: &str) -> Checkpoint {
    let mailbox = Bench::mailbox();
    let checkpoints = bench.checkpoints();
    let hierarchy = checkpoints.hierarchy(&mailbox).await.unwrap();
    let folder = hierarchy.folders.iter().find(|known| known.path == [folder]).unwrap();
    checkpoints.load(&mailbox, &folder.id).await.unwrap().unwrap()
}

async fn delivered(bench: &Bench) -> Delivered {
    checkpoint(bench, "Inbox").await.delivered
}

/// A mailbox whose sink has what is older than an hour after the usual, less the overlap; the disk is empty.
fn remembering(form: IdForm) -> Bench {
    let mut bench = Bench::new(&["Inbox"]);
    bench.server.0.lock().unwrap().form = form;
    bench.remembered = Some((minutes(60), Filters::default()));
    for (after, body) in [(0, "old"), (44, "older than the overlap"), (45, "overlap"), (61, "new")] {
        bench.server.deliver_at(Some(minutes(after)), "Inbox", body);
    }
    bench
}

fn stored(bench: &Bench) -> Vec<String> {
    let mut bodies: Vec<String> =
        bench.sink.objects.lock().unwrap().values().map(|bytes| String::from_utf8(bytes.clone()).unwrap()).collect();
    bodies.sort();
    bodies
}

#[tokio::test]
async fn a_claim_is_made_once_the_folder_was_read_to_its_end() {
    let mut bench = Bench::new(&["Inbox"]);
    bench.limits.messages_per_folder = 4;
    for n in 0..10 {
        bench.server.deliver_at(Some(minutes(n)), "Inbox", &format!("message {n}"));
    }
    let mut pass = Box::pin(bench.pass());
    while bench.sink.objects.lock().unwrap().len() < 8 {
        assert!(futures::poll!(pass.as_mut()).is_pending());
        tokio::task::yield_now().await;
    }
    drop(pass);
    assert_eq!(delivered(&bench).await.until, None, "a run that was stopped on its way claims nothing");
    assert_eq!(bench.pass().await.verdict, None);
    let done = delivered(&bench).await;
    assert_eq!(done, Delivered { since: None, newest: Some(minutes(9)), until: Some(minutes(9)), drained: true });
    // Mail from the future claims nothing beyond now.
    bench.server.deliver_at(Some(Utc::now() + TimeDelta::days(900)), "Inbox", "from the future");
    bench.pass().await;
    let until = delivered(&bench).await.until.unwrap();
    assert!(until > minutes(9) && until <= Utc::now(), "{until}");
}

#[tokio::test]
async fn while_a_folder_is_listed_from_the_start_the_last_claim_stands() {
    let mut bench = Bench::new(&["Inbox"]);
    for n in 0..20 {
        bench.server.deliver_at(Some(minutes(n)), "Inbox", &format!("message {n}"));
    }
    bench.pass().await;
    assert_eq!(delivered(&bench).await.until, Some(minutes(19)));
    bench.limits.messages_per_folder = 3;
    for n in 20..40 {
        bench.server.deliver_at(Some(minutes(n)), "Inbox", &format!("message {n}"));
    }
    let mut pass = Box::pin(bench.pass());
    let mut seen = Vec::new();
    while futures::poll!(pass.as_mut()).is_pending() {
        let now = checkpoint(&bench, "Inbox").await;
        if !now.delivered.drained {
            seen.push(now.delivered.until);
        }
        tokio::task::yield_now().await;
    }
    drop(pass);
    assert!(!seen.is_empty() && seen.iter().all(|until| *until == Some(minutes(19))), "{seen:?}");
    assert_eq!(delivered(&bench).await.until, Some(minutes(39)));
}

#[tokio::test]
async fn what_is_in_quarantine_is_not_claimed() {
    let bench = Bench::new(&["Inbox"]);
    let ids: Vec<String> = (0..5).map(|n| bench.server.deliver_at(Some(minutes(n)), "Inbox", &format!("message {n}"))).collect();
    bench.server.0.lock().unwrap().unreadable.push(ids[2].clone());
    bench.pass().await;
    assert_eq!(delivered(&bench).await.until, Some(minutes(2)));
    bench.server.0.lock().unwrap().unreadable.clear();
    bench.pass().await;
    assert_eq!(delivered(&bench).await.until, Some(minutes(4)));
}

#[tokio::test]
async fn with_an_empty_disk_only_what_may_be_missing_is_fetched() {
    for form in [IdForm::Ews, IdForm::GraphImmutable] {
        let bench = remembering(form);
        bench.server.deliver_at(None, "Inbox", "without a date");
        let draft = bench.server.deliver("Inbox", "a draft");
        bench.server.tamper(&draft, |item| {
            item.draft = true;
            true
        });
        assert_eq!(bench.pass().await.verdict, None);
        assert_eq!(stored(&bench), ["a draft", "new", "overlap", "without a date"], "{form:?}");
        assert_eq!((bench.count("deleted"), bench.count("vanished")), (0, 0), "nobody is told that the others were lost");
        assert_eq!(delivered(&bench).await.since, Some(minutes(60)));
        let status = bench.events.status();
        assert!(status.totals(chrono::Utc::now()).quarantined == 0);
    }
}

#[tokio::test]
async fn what_was_passed_over_is_passed_over_again_and_what_is_new_is_not() {
    for form in [IdForm::Ews, IdForm::GraphImmutable] {
        let mut bench = remembering(form);
        bench.pass().await;
        // From here on there is a checkpoint, and the sink is not asked any more.
        bench.remembered = None;
        let ids: Vec<String> = bench.server.0.lock().unwrap().items.keys().cloned().collect();
        ids.iter().for_each(|id| bench.server.read(id));
        let new = bench.server.deliver_at(Some(minutes(70)), "Inbox", "newer");
        bench.server.read(&new);
        bench.pass().await;
        assert_eq!(stored(&bench), ["new", "newer", "overlap"], "{form:?}");
        // Neither a cursor that dies nor a listing from the start for its own sake changes that.
        bench.server.forget_cursors();
        bench.pass().await;
        bench.reconcile = Reconcile::Every(Duration::from_millis(1));
        bench.pass().await;
        assert_eq!(bench.server.downloads(), 3, "{form:?}");
        assert_eq!(bench.count("deleted"), 0);
        assert_eq!(delivered(&bench).await.until, Some(minutes(70)));
    }
}

#[tokio::test]
async fn a_claim_counts_for_its_filters_alone() {
    let mut bench = remembering(IdForm::Ews);
    bench.filters.start = Some(minutes(10));
    bench.pass().await;
    assert_eq!(stored(&bench), ["new", "older than the overlap", "overlap"]);
    // Filters that change later want all that they admit.
    let mut bench = remembering(IdForm::Ews);
    bench.pass().await;
    bench.filters.start = Some(minutes(-10));
    bench.pass().await;
    assert_eq!(stored(&bench), ["new", "old", "older than the overlap", "overlap"]);
    assert_eq!(delivered(&bench).await.since, None);
}

#[tokio::test]
async fn whoever_asks_for_a_start_of_his_own_gets_it() {
    let mut bench = remembering(IdForm::Ews);
    bench.from_start = true;
    bench.server.fail("page", crate::exchange::Verdict::SkipFolder);
    bench.pass().await;
    assert_eq!(stored(&bench).len(), 4);
    bench.nothing_is_missing_or_double().await;
}
