//! What a look tells of a scripted Exchange, a real catalog, and a sink that has everything or nothing.

use async_trait::async_trait;
use futures::StreamExt;

use super::*;
use crate::{
    mail::{Key, Mailbox},
    pipeline::{
        FilterSet, FolderName,
        tests::{bench::Bench, double::usual},
    },
    sink::{self, Stored, inspect::Found},
};

/// A sink where each message is found like this.
struct Each(Found);

#[async_trait]
impl Inspect for Each {
    async fn inspect(&self, _: &Mailbox, _: &Key, _: &Stored, _: bool) -> Result<Found, sink::Error> {
        Ok(self.0.clone())
    }
}

async fn verify(bench: &Bench, found: Found) -> (MailboxReport, Repair) {
    let settings = Settings { deep: false, sample: 0, settle: Duration::from_secs(20), mailboxes: 1, repair: true };
    let records = Records::Folder(bench.folder.path().to_owned());
    let verifier = Verifier::new(Arc::new(bench.server.clone()), records, Arc::new(Each(found)), settings);
    let subscription = Subscription { mailbox: Bench::mailbox(), filters: bench.filters.clone(), from_start: false };
    let (report, repair) = verifier.verify(vec![subscription]).next().await.unwrap();
    assert_eq!(report.trouble, None);
    (report, repair)
}

fn deny(bench: &mut Bench, folder: &str) {
    bench.filters.folders = FilterSet { allow: Vec::new(), deny: vec![FolderName::Path(vec![folder.into()])] };
}

#[tokio::test(start_paused = true)]
async fn however_much_is_missing_it_is_counted_and_what_is_held_is_bounded() {
    let mut bench = Bench::new(&["Inbox", "Archive"]);
    for n in 0..10_100 {
        bench.server.deliver(if n < 5_000 { "Inbox" } else { "Archive" }, format!("message {n}"));
    }
    let (report, repair) = verify(&bench, Found::Sound).await;
    assert_eq!(report.folders.iter().map(|folder| folder.missing).collect::<Vec<_>>(), [5_000, 5_100]);
    assert_eq!((report.gaps.len(), report.unnamed), (10_000, 100));
    assert_eq!((repair.held, repair.left), (10_000, 100));
    // Whom a message is from is asked of each of them.
    bench.filters.participants.allow.push(crate::mail::Address::new("nobody@example.com"));
    let (report, repair) = verify(&bench, Found::Sound).await;
    assert!(report.folders.iter().all(|folder| (folder.server, folder.missing) == (0, 0)), "{:?}", report.folders);
    assert!(report.gaps.is_empty() && !repair.is_needed());
}

#[tokio::test]
async fn what_the_filters_leave_out_did_not_leave_the_folder() {
    let mut bench = Bench::new(&["Inbox"]);
    bench.server.deliver_at(usual().map(|at| at - chrono::TimeDelta::days(9)), "Inbox", "old");
    bench.server.deliver("Inbox", "new");
    let gone = bench.server.deliver("Inbox", "gone");
    bench.pass().await;
    bench.server.delete(&gone);
    bench.filters.start = usual();
    let (report, _) = verify(&bench, Found::Sound).await;
    let folder = &report.folders[0];
    assert_eq!((folder.server, folder.catalog, folder.departed, report.gaps.len()), (1, 3, 1, 0));
}

#[tokio::test]
async fn a_message_that_moved_is_recognised_where_listings_tell_no_search_key() {
    for form in [IdForm::GraphRest, IdForm::GraphImmutable] {
        let bench = Bench::new(&["Inbox", "Archive"]);
        bench.server.speak(form);
        let id = bench.server.deliver("Inbox", "message");
        bench.server.deliver("Inbox", "another");
        bench.pass().await;
        bench.server.relocate(&id, "Archive");
        let copy = bench.server.deliver("Archive", "a third, of which nothing is stored");
        let (report, _) = verify(&bench, Found::Sound).await;
        assert_eq!(report.folders.iter().map(|folder| folder.missing).collect::<Vec<_>>(), [0, 1], "{form:?}");
        assert!(
            matches!(&report.gaps[..], [Gap::Missing { item_id, .. }] if item_id.contains(copy.trim_start_matches("item"))),
            "{report:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_moves_into_a_folder_that_is_not_read_meanwhile_is_no_gap() {
    for form in [IdForm::Ews, IdForm::GraphImmutable] {
        let mut bench = Bench::new(&["Inbox", "Private"]);
        bench.server.speak(form);
        deny(&mut bench, "Private");
        let id = bench.server.deliver("Inbox", "on its way");
        bench.server.deliver("Inbox", "missing");
        let moving = async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            bench.server.relocate(&id, "Private");
        };
        let ((report, repair), ()) = tokio::join!(verify(&bench, Found::Sound), moving);
        assert_eq!((report.folders[0].server, report.folders[0].missing, report.gaps.len(), repair.held), (1, 1, 1, 1), "{form:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_what_is_lost_it_is_told_whether_exchange_has_it_and_whether_it_can_be_fetched() {
    let mut bench = Bench::new(&["Inbox", "Private"]);
    bench.server.deliver("Inbox", "read");
    bench.server.deliver("Private", "not read any more");
    let gone = bench.server.deliver("Inbox", "gone");
    let draft = bench.server.deliver("Inbox", "a draft");
    bench.server.tamper(&draft, |item| {
        item.draft = true;
        true
    });
    bench.pass().await;
    // Written on, it cannot be read: what is stored of it is stored all the same.
    bench.server.tamper(&draft, |item| {
        item.body.push(b'!');
        true
    });
    bench.server.0.lock().unwrap().unreadable.push(draft);
    bench.server.forget_cursors();
    bench.pass().await;
    bench.server.delete(&gone);
    deny(&mut bench, "Private");
    let (report, repair) = verify(&bench, Found::Missing).await;
    let mut lost: Vec<(bool, bool)> = report
        .gaps
        .iter()
        .filter_map(|gap| match gap {
            Gap::Lost { in_mailbox, folder_read, .. } => Some((*in_mailbox, *folder_read)),
            _ => None,
        })
        .collect();
    lost.sort();
    assert_eq!(lost, [(false, false), (true, false), (true, true), (true, true)]);
    assert_eq!((report.sink.missing, report.quarantined, repair.errands.len()), (4, 1, 1));
}

#[tokio::test]
async fn the_quarantine_counts_wherever_a_message_is_as_long_as_it_is_there() {
    let mut bench = Bench::new(&["Inbox", "Private"]);
    let ids = ["Inbox", "Private", "Private"].map(|folder| bench.server.deliver(folder, "broken"));
    bench.server.0.lock().unwrap().unreadable.extend(ids.clone());
    bench.pass().await;
    deny(&mut bench, "Private");
    bench.server.delete(&ids[2]);
    let (report, repair) = verify(&bench, Found::Sound).await;
    assert_eq!((report.quarantined, report.gaps.len(), repair.held), (2, 2, 2));
}

#[tokio::test]
async fn what_can_be_mended_comes_before_what_is_in_quarantine() {
    let mut bench = Bench::new(&["Inbox", "Archive"]);
    bench.limits.batch_size = 512;
    let broken = (0..10_050).map(|n| bench.server.deliver("Inbox", format!("broken {n}"))).collect();
    bench.server.0.lock().unwrap().unreadable = broken;
    bench.pass().await;
    bench.server.deliver("Archive", "missing");
    tokio::time::pause();
    let (report, repair) = verify(&bench, Found::Sound).await;
    assert_eq!((report.quarantined, report.folders[1].missing, repair.held, repair.left), (10_050, 1, 10_000, 51));
    assert!(matches!(&report.gaps[0], Gap::Missing { .. }) && repair.errands[0].folder.path == ["Archive"]);
}
