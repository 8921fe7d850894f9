//! Mailboxes that come, go and change while the others are read.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::{Stream, StreamExt, stream::BoxStream};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::sleep};
use tokio_stream::wrappers::ReceiverStream;

use super::double::{Double, MemorySink};
use crate::{
    catalog::LocalCatalog,
    checkpoint::LocalCheckpoints,
    event::Event,
    exchange::{Error, Exchange, Verdict},
    mail::*,
    pipeline::{Assignment, FilterSet, Filters, FolderName, Limits, Mode, Pipeline, Reconcile, Round, Schedule, Subscription, roster},
    status::MailboxState,
    watch::Events,
};

/// A mailbox for each address, each with 5 messages; and how many are asked for their folders at once.
#[derive(Clone, Default)]
struct Several {
    mailboxes: Arc<Mutex<HashMap<Address, Double>>>,
    at_once: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    slow: Option<Duration>,
}

impl Several {
    fn of(&self, address: &Address) -> Double {
        let new = || {
            let double = Double::with_folders(&["Inbox"]);
            (0..5).for_each(|n| drop(double.deliver("Inbox", format!("message {n} of {address}"))));
            double
        };
        self.mailboxes.lock().unwrap().entry(address.clone()).or_insert_with(new).clone()
    }
}

/// Counts while it lives.
struct Counted<'a>(&'a AtomicUsize);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl Exchange for Several {
    async fn folders(&self, mailbox: &Mailbox, known: &Hierarchy) -> Result<Hierarchy, Error> {
        let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        let _counted = Counted(&self.at_once);
        self.most.fetch_max(now, Ordering::SeqCst);
        if let Some(time) = self.slow {
            sleep(time).await;
        }
        self.of(&mailbox.address).folders(mailbox, known).await
    }

    async fn page(&self, mailbox: &Mailbox, folder: &Folder, cursor: Option<&Cursor>, limit: usize) -> Result<Page, Error> {
        self.of(&mailbox.address).page(mailbox, folder, cursor, limit).await
    }

    fn fetch(&self, mailbox: &Mailbox, folder: &Folder, messages: Vec<Listed>) -> BoxStream<'static, Result<Part, Error>> {
        self.of(&mailbox.address).fetch(mailbox, folder, messages)
    }

    async fn lookup(&self, mailbox: &Mailbox, folder: &Folder, items: &[Listed]) -> Result<Vec<Lookup>, Error> {
        self.of(&mailbox.address).lookup(mailbox, folder, items).await
    }
}

struct Bench {
    exchange: Several,
    sink: MemorySink,
    events: Events,
    pipeline: Arc<Pipeline>,
    _folder: TempDir,
}

const SCHEDULE: Schedule = Schedule { mode: Mode::Continuous, frequency: Duration::from_secs(15), reconcile: Reconcile::AsNeeded };

/// Several rounds.
const WHILE: Duration = Duration::from_secs(100);

impl Bench {
    fn new(exchange: Several) -> Self {
        let (folder, sink, events) = (tempfile::tempdir().unwrap(), MemorySink::default(), Events::new());
        let limits = Limits {
            mailboxes: 3,
            folders: 2,
            batches: 2,
            batch_size: 4,
            messages_per_folder: 2520,
            message_interval: Duration::ZERO,
            memory: 64 << 20,
        };
        let (catalog, checkpoints) = (LocalCatalog::open(folder.path()).unwrap(), LocalCheckpoints::open(folder.path()).unwrap());
        let pipeline = Pipeline::new(
            Arc::new(exchange.clone()),
            Arc::new(sink.clone()),
            Arc::new(catalog),
            Arc::new(checkpoints),
            events.clone(),
            limits,
        );
        Self { exchange, sink, events, pipeline, _folder: folder }
    }

    fn assignment(&self, subscriptions: &[Subscription]) -> Assignment {
        Assignment { pipeline: self.pipeline.clone(), subscriptions: subscriptions.to_vec(), schedule: SCHEDULE }
    }

    /// What may be assigned from now on, and the rounds that come of it.
    fn start(&self) -> (mpsc::Sender<Assignment>, impl Stream<Item = Round> + Unpin + use<>) {
        let (sender, receiver) = mpsc::channel(1);
        (sender, Box::pin(roster(ReceiverStream::new(receiver))))
    }

    fn of(&self, name: &str) -> Double {
        self.exchange.of(&subscription(name).mailbox.address)
    }

    /// Listings, of these from the start, and downloads so far.
    fn work(&self, name: &str) -> (usize, usize, usize) {
        let double = self.of(name);
        let server = double.0.lock().unwrap();
        (server.listings, server.beginnings, server.downloads.len())
    }
}

fn subscription(name: &str) -> Subscription {
    let address = Address::new(&format!("{name}@example.com"));
    let mailbox = Mailbox { address, bucket: Bucket { owner: "acme".into(), name: "mail".into() }, archive: false };
    Subscription { mailbox, filters: Filters::default(), from_start: false }
}

fn since(time: &str, subscription: Subscription) -> Subscription {
    Subscription { filters: Filters { start: time.parse().ok(), ..subscription.filters }, ..subscription }
}

/// Lets a while pass, in which nothing comes to its end.
async fn pass(rounds: &mut (impl Stream<Item = Round> + Unpin)) {
    assert!(tokio::time::timeout(WHILE, rounds.next()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn the_others_are_not_touched() {
    let bench = Bench::new(Several::default());
    let (sender, mut rounds) = bench.start();
    sender.send(bench.assignment(&["a", "b", "c", "d", "e"].map(subscription))).await.unwrap();
    pass(&mut rounds).await;
    let before: Vec<_> = ["a", "b", "c", "d", "e"].map(|name| bench.work(name)).to_vec();
    assert!(before.iter().all(|(_, beginnings, downloads)| (*beginnings, *downloads) == (1, 5)), "{before:?}");
    let mut events = bench.events.listen();
    let inbox = FilterSet { allow: vec![FolderName::WellKnown("inbox".into()), FolderName::Path(vec!["Inbox".into()])], deny: vec![] };
    let narrowed = Subscription { filters: Filters { folders: inbox, ..Filters::default() }, ..subscription("c") };
    let new = [subscription("a"), narrowed, subscription("d"), since("2020-01-01T00:00:00Z", subscription("e")), subscription("f")];
    sender.send(bench.assignment(&new)).await.unwrap();
    pass(&mut rounds).await;
    // Full rounds and new listings are for those alone who came or changed.
    assert_eq!(bench.work("a"), before[0]);
    assert_eq!(bench.work("b"), before[1]);
    assert_eq!(bench.work("d"), before[3]);
    assert!(bench.work("c").0 > before[2].0, "its rounds began anew");
    assert_eq!((bench.work("c").1, bench.work("e").1, bench.work("f").1), (1, 2, 1), "other messages are wanted of e alone");
    assert_eq!(["c", "e", "f"].map(|name| bench.work(name).2), [5, 5, 5]);
    assert_eq!(bench.sink.objects.lock().unwrap().len(), 30);
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        match event {
            Event::MailboxAdded { mailbox } => told.push(format!("+{mailbox}")),
            Event::MailboxRemoved { mailbox } => told.push(format!("-{mailbox}")),
            _ => {}
        }
    }
    assert_eq!(told, ["-b@example.com", "+f@example.com"]);
    let names: Vec<String> = bench.events.status().mailboxes().map(|(address, _)| address.to_string()).collect();
    assert_eq!(names, ["a", "c", "d", "e", "f"].map(|name| format!("{name}@example.com")));
    // They are read on.
    bench.of("a").deliver("Inbox", "new");
    bench.of("b").deliver("Inbox", "new");
    pass(&mut rounds).await;
    assert_eq!((bench.work("a").2, bench.work("b").2), (6, 5));
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_comes_back_goes_on_where_it_was() {
    let bench = Bench::new(Several { slow: Some(Duration::from_secs(2)), ..Several::default() });
    let (sender, mut rounds) = bench.start();
    let (all, none) = ([subscription("a")], []);
    // Taken away at many moments of its work.
    for turn in 1..40 {
        sender.send(bench.assignment(&all)).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(turn * 130), rounds.next()).await.is_err());
        bench.of("a").deliver("Inbox", format!("late {turn}"));
        sender.send(bench.assignment(&none)).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(1), rounds.next()).await.is_err());
        assert!(bench.events.status().totals(chrono::Utc::now()).mailboxes == 0);
        bench.of("a").0.lock().unwrap().listings = 0;
    }
    sender.send(bench.assignment(&all)).await.unwrap();
    pass(&mut rounds).await;
    let mut bodies: Vec<Vec<u8>> = bench.sink.objects.lock().unwrap().values().cloned().collect();
    bodies.sort();
    let mut expected: Vec<Vec<u8>> = bench.of("a").0.lock().unwrap().items.values().map(|item| item.body.clone()).collect();
    expected.sort();
    assert_eq!(bodies, expected);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_paused_while_it_waits_for_a_seat_begins_nothing() {
    let bench = Bench::new(Several { slow: Some(Duration::from_secs(7)), ..Several::default() });
    let names = ["a", "b", "c", "d", "e", "f"];
    let (sender, mut rounds) = bench.start();
    sender.send(bench.assignment(&names.map(subscription))).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(1), rounds.next()).await.is_err());
    bench.pipeline.levers().pause(None, &bench.events);
    pass(&mut rounds).await;
    let states = || bench.events.status().mailboxes().map(|(_, mailbox)| mailbox.state).collect::<Vec<_>>();
    assert_eq!(states(), [MailboxState::Paused; 6]);
    let asked = bench.events.status().mailboxes().filter(|(_, mailbox)| mailbox.folder_count > 0).count();
    assert_eq!(asked, 3, "those who had a seat learn what they asked for, and the others do not ask");
    assert!(names.iter().all(|name| bench.work(name).2 == 0), "nothing is downloaded");
    bench.pipeline.levers().resume(None, &bench.events);
    pass(&mut rounds).await;
    assert!(!states().contains(&MailboxState::Paused));
    assert!(names.iter().all(|name| bench.work(name).2 == 5));
}

#[tokio::test(start_paused = true)]
async fn another_way_to_exchange_is_for_all_and_seats_hold() {
    let slow = Several { slow: Some(Duration::from_secs(7)), ..Several::default() };
    let bench = Bench::new(slow.clone());
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let (sender, mut rounds) = bench.start();
    sender.send(bench.assignment(&names.map(subscription))).await.unwrap();
    pass(&mut rounds).await;
    // The same mailboxes by another way, which counts together with the first one; again and again while all are being asked.
    for turn in 0..20 {
        let limits = bench.pipeline.limits();
        let pipeline = bench.pipeline.with(Some(Arc::new(slow.clone())), limits);
        sender.send(Assignment { pipeline, ..bench.assignment(&names.map(subscription)) }).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_secs(turn + 1), rounds.next()).await.is_err());
        let mut changed = names.map(subscription).to_vec();
        changed.truncate(8 - turn as usize % 5);
        let pipeline = bench.pipeline.with(None, limits);
        sender.send(Assignment { pipeline, ..bench.assignment(&changed) }).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_secs(turn + 1), rounds.next()).await.is_err());
    }
    let before = bench.work("a");
    sender.send(bench.assignment(&names.map(subscription))).await.unwrap();
    pass(&mut rounds).await;
    assert!(bench.work("a").0 > before.0, "its rounds began anew");
    assert_eq!(slow.most.load(Ordering::SeqCst), 3, "no more at once than there are seats");
    assert!(names.iter().all(|name| bench.work(name).1 == 1), "and nothing was listed from the start again");
    assert_eq!(bench.sink.objects.lock().unwrap().len(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_was_asked_for_is_made_once() {
    let bench = Bench::new(Several::default());
    let begins = |one: Subscription| Subscription { from_start: true, ..one };
    let (sender, mut rounds) = bench.start();
    let mut beginnings = Vec::new();
    let elsewhere = |mut one: Subscription| {
        one.mailbox.bucket.name = "other".into();
        one
    };
    let deny = |one: Subscription| {
        let deny = vec![FolderName::Path(vec!["Other".into()])];
        Subscription { filters: Filters { folders: FilterSet { allow: vec![], deny }, ..one.filters }, ..one }
    };
    for one in [
        subscription("a"),
        begins(subscription("a")),
        begins(deny(subscription("a"))),
        begins(since("2020-01-01T00:00:00Z", subscription("a"))),
        since("2020-01-01T00:00:00Z", subscription("a")),
        begins(since("2020-01-01T00:00:00Z", subscription("a"))),
        begins(elsewhere(subscription("a"))),
    ] {
        sender.send(bench.assignment(&[one])).await.unwrap();
        pass(&mut rounds).await;
        beginnings.push(bench.work("a").1);
    }
    // At the first time, for the sake of the start, not again, for the sake of the filter, not again, for the start anew, and in another bucket.
    assert_eq!(beginnings, [1, 2, 2, 3, 3, 4, 5]);
    let pipeline = bench.pipeline.with(None, bench.pipeline.limits());
    sender.send(Assignment { pipeline, ..bench.assignment(&[begins(elsewhere(subscription("a")))]) }).await.unwrap();
    pass(&mut rounds).await;
    assert_eq!(bench.work("a").1, 5, "a reload of something else is no start");
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_last_mailbox_and_waits_without_any() {
    let bench = Bench::new(Several::default());
    let (sender, mut rounds) = bench.start();
    pass(&mut rounds).await;
    sender.send(bench.assignment(&[])).await.unwrap();
    pass(&mut rounds).await;
    for name in ["a", "b"] {
        bench.of(name).fail("folders", Verdict::Refused);
    }
    sender.send(bench.assignment(&["a", "b"].map(subscription))).await.unwrap();
    for _ in 0..2 {
        assert_eq!(rounds.next().await.unwrap().verdict, Some(Verdict::Refused));
    }
    assert_eq!(rounds.next().await, None, "though more might have been assigned");

    // One that was refused is asked again where Exchange is reached in another way, and not before.
    let (sender, mut rounds) = bench.start();
    bench.of("a").fail("folders", Verdict::Refused);
    sender.send(bench.assignment(&["a", "b"].map(subscription))).await.unwrap();
    assert_eq!(rounds.next().await.unwrap().mailbox.as_str(), "a@example.com");
    sender.send(bench.assignment(&["a", "b", "c"].map(subscription))).await.unwrap();
    pass(&mut rounds).await;
    assert_eq!(bench.work("a").2, 0);
    let pipeline = bench.pipeline.with(Some(Arc::new(bench.exchange.clone())), bench.pipeline.limits());
    sender.send(Assignment { pipeline, ..bench.assignment(&["a", "b", "c"].map(subscription)) }).await.unwrap();
    pass(&mut rounds).await;
    assert_eq!(bench.work("a").2, 5);
}
