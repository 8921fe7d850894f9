use object_store::{ObjectStoreExt, memory::InMemory, path::Path as Name};

use super::*;
use crate::blob::{
    Location,
    faulty::{Fate, Faulty},
};

struct Bed {
    store: Arc<Faulty>,
    seen: Seen,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Bed {
    fn new() -> Self {
        Self { store: Faulty::over(Arc::default()), seen: Seen::default(), turn: Arc::default() }
    }

    /// Another process.
    fn other(&self) -> Self {
        Self { store: Arc::clone(&self.store), ..Self::new() }
    }

    async fn take(&self, index: &str) -> Result<(Lease, Option<String>), Untaken> {
        let blobs = Blobs::over(Arc::clone(&self.store) as _, Location::parse("az://contosomail/archive").unwrap());
        let turn = Arc::clone(&self.turn).lock_owned().await;
        Lease::take(&blobs, Path::new("state/lock"), index, &self.seen, turn).await
    }

    async fn record(&self) -> Record {
        record(&self.store.memory).await
    }

    async fn put(&self, record: &Record) {
        self.store.memory.put(&Name::from("state/lock"), written(record).into()).await.unwrap();
    }
}

async fn record(memory: &InMemory) -> Record {
    serde_json::from_slice(&memory.get(&Name::from("state/lock")).await.unwrap().bytes().await.unwrap()).unwrap()
}

fn held(taken: Result<(Lease, Option<String>), Untaken>) -> String {
    match taken {
        Err(Untaken::Held(who)) => who,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_given_back_when_it_is_dropped() {
    let (bed, other) = (Bed::new(), Bed::new().other());
    let other = Bed { store: Arc::clone(&bed.store), ..other };
    let (lease, before) = bed.take("one").await.unwrap();
    assert_eq!(before, None);
    assert!(!bed.record().await.released);
    drop(lease);
    // The next one of this process waits until it is given back.
    let (lease, before) = bed.take("one").await.unwrap();
    assert_eq!(before.as_deref(), Some("one"));
    drop(lease);
    drop(bed.turn.lock().await);
    assert!(bed.record().await.released);
    let start = Instant::now();
    assert_eq!(other.take("two").await.unwrap().1.as_deref(), Some("one"));
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_living_holder_is_told_from_a_silent_one() {
    let bed = Bed::new();
    let (lease, _) = bed.take("one").await.unwrap();
    let other = bed.other();
    let start = Instant::now();
    let who = held(other.take("two").await);
    assert!(who.contains(&format!("held by process {} on", std::process::id())) && start.elapsed() <= RENEWED + LOOK, "{who}");
    // Now it is known at once.
    tokio::time::sleep(RENEWED).await;
    let start = Instant::now();
    held(other.take("two").await);
    assert_eq!(start.elapsed(), Duration::ZERO);
    // One that fell silent without a word, on another machine.
    let silent = Record { holder: Holder { host: "elsewhere".into(), ..Holder::own() }, ..bed.record().await };
    drop(lease);
    drop(bed.turn.lock().await);
    bed.put(&silent).await;
    let start = Instant::now();
    let taken = bed.other().take("two").await;
    assert!(start.elapsed() >= EXPIRED && start.elapsed() <= EXPIRED + 2 * LOOK, "{:?}", start.elapsed());
    assert_eq!(taken.unwrap().1.as_deref(), Some("one"));
}

#[tokio::test(start_paused = true)]
async fn a_dead_process_of_this_machine_is_not_waited_for() {
    let bed = Bed::new();
    drop(bed.take("one").await.unwrap());
    drop(bed.turn.lock().await);
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    let own = Holder::own();
    bed.put(&Record { released: false, holder: Holder { pid, ..own.clone() }, ..bed.record().await }).await;
    let start = Instant::now();
    let (lease, _) = bed.other().take("two").await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    drop(lease);
    // Nor is what an attempt of this very process left, which was given up.
    bed.put(&Record { released: false, holder: own, index: "one".into(), ..bed.record().await }).await;
    bed.take("one").await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn who_loses_the_lock_is_told_to_whom() {
    let bed = Bed::new();
    let (lease, _) = bed.take("one").await.unwrap();
    let lost = lease.lost();
    tokio::time::sleep(3 * RENEWED).await;
    assert_eq!(lost.get(), None);
    let thief =
        Record { holding: "another".into(), holder: Holder { host: "elsewhere".into(), pid: 7, ..Holder::own() }, ..bed.record().await };
    bed.put(&thief).await;
    tokio::time::sleep(2 * RENEWED).await;
    assert!(lost.get().unwrap().contains("held by process 7 on elsewhere"));
    drop(lease);
    drop(bed.turn.lock().await);
    assert_eq!(bed.record().await.holding, "another", "what is not ours is not given back");
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_lost_lose_no_lock() {
    let bed = Bed::new();
    bed.store.next_puts([Fate::Unheard]);
    let (lease, _) = bed.take("one").await.unwrap();
    bed.store.next_puts([Fate::Unheard, Fate::Lost, Fate::Unheard]);
    tokio::time::sleep(6 * RENEWED).await;
    assert_eq!(lease.lost().get(), None);
    bed.store.next_puts([Fate::Unheard]);
    drop(lease);
    drop(bed.turn.lock().await);
    assert!(bed.record().await.released);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_record_is_taken_over_only_when_it_is_silent() {
    let bed = Bed::new();
    bed.store.memory.put(&Name::from("state/lock"), "of another program".into()).await.unwrap();
    let start = Instant::now();
    bed.take("one").await.unwrap();
    assert!(start.elapsed() >= EXPIRED);
}

#[tokio::test(start_paused = true)]
async fn of_two_who_take_it_at_once_one_has_it() {
    let bed = Bed::new();
    let (first, second) = (bed.other(), bed.other());
    let (a, b) = tokio::join!(first.take("a"), second.take("b"));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
}
