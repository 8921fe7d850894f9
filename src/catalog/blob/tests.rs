use futures::StreamExt;
use object_store::{ObjectStore, ObjectStoreExt, memory::InMemory};

use super::{ground::Ground, suite::*, *};
use crate::{
    blob::{
        Location,
        faulty::{Fate, Faulty},
    },
    catalog::{Decision, Entry},
    mail::{Address, Change, Key},
};

async fn catalog(ground: &Ground) -> BlobCatalog {
    BlobCatalog::open(ground.blobs(), ground.scratch.path()).await.unwrap()
}

fn index_of(catalog: &BlobCatalog) -> PathBuf {
    catalog.shared.local.state(&mailbox()).join("index.sqlite")
}

#[tokio::test]
async fn nothing_is_read_again_from_round_to_round() {
    let memory = Faulty::over(Arc::new(InMemory::new()));
    let scratch = tempfile::tempdir().unwrap();
    let blobs = Blobs::over(Arc::clone(&memory) as _, Location::parse("az://contosomail/archive/x").unwrap());
    let catalog = BlobCatalog::open(blobs, scratch.path()).await.unwrap();
    let ledger = catalog.open(&mailbox()).await.unwrap();
    let key = store(&*ledger, "in", item("1", "s", 0)).await;
    drop(ledger);
    for n in 0..3_u32 {
        catalog.close().await;
        let before = memory.reads();
        let ledger = catalog.open(&mailbox()).await.unwrap();
        assert_eq!(one(&*ledger, "in", Change::Created(item("1", "s", n % 2))).await, Decision::Known);
        ledger
            .commit(&folder("in"), vec![Entry::Read { key: key.clone(), id: crate::mail::ItemId("1".into()), read: n % 2 == 0 }])
            .await
            .unwrap();
        assert_eq!(memory.reads() - before, 1, "the lock is looked at, and nothing else");
    }
}

#[tokio::test]
async fn an_index_is_trusted_only_by_who_made_it_last() {
    let ground = Ground::new();
    let (here, there) = (catalog(&ground).await, catalog(&ground).await);
    assert_ne!(index_of(&here), index_of(&there));
    let place = folder("in").id;
    let ledger = here.open(&mailbox()).await.unwrap();
    for id in ["1", "2"] {
        store(&*ledger, "in", item(id, id, 0)).await;
    }
    ledger.walk_begins(&place, false).await.unwrap();
    assert_eq!(one(&*ledger, "in", created("1", "1")).await, Decision::Known);
    drop(ledger);
    here.close().await;
    // Another process goes on with the listing, and sees the other one.
    let ledger = there.open(&mailbox()).await.unwrap();
    ledger.walk_begins(&place, true).await.unwrap();
    assert_eq!(one(&*ledger, "in", created("2", "2")).await, Decision::Known);
    assert_eq!(ledger.walk_ended(&place).await.unwrap().gone, [], "it saw the end of the listing only");
    store(&*ledger, "in", item("3", "3", 0)).await;
    drop(ledger);
    there.close().await;
    let ledger = here.open(&mailbox()).await.unwrap();
    assert_eq!(ledger.totals().await.unwrap().messages, 3);
    ledger.walk_begins(&place, true).await.unwrap();
    assert_eq!(ledger.walk_ended(&place).await.unwrap().gone, [], "marks from before are forgotten");
}

#[tokio::test(start_paused = true)]
async fn a_second_writer_is_refused_until_the_first_is_gone() {
    let ground = Ground::new();
    let (here, there) = (catalog(&ground).await, catalog(&ground).await);
    let first = here.open(&mailbox()).await.unwrap();
    for catalog in [&there, &here] {
        let error = catalog.open(&mailbox()).await.err().unwrap();
        assert!(error.locked && error.to_string().contains("state/acme/mail/a@example.com/lock is held by"), "{error}");
    }
    let other = Mailbox { address: Address::new("b@example.com"), ..mailbox() };
    there.open(&other).await.map(drop).unwrap();
    drop(first);
    here.close().await;
    there.open(&mailbox()).await.map(drop).unwrap();
}

#[tokio::test]
async fn a_writer_that_lost_its_lock_corrupts_nothing() {
    let ground = Ground::new();
    let (here, there) = (catalog(&ground).await, catalog(&ground).await);
    let ours = here.open(&mailbox()).await.unwrap();
    store(&*ours, "in", item("1", "s", 0)).await;
    // As if we had been asleep for long.
    let lock = object_store::path::Path::parse("x/state/acme/mail/a@example.com/lock").unwrap();
    ground.memory.delete(&lock).await.unwrap();
    let theirs = there.open(&mailbox()).await.unwrap();
    store(&*theirs, "in", item("2", "t", 0)).await;
    let Decision::Fetch { listed, key } = one(&*ours, "in", created("2", "t")).await else { panic!() };
    let error = ours.commit(&folder("in"), vec![stored(&key, &listed)]).await.unwrap_err();
    assert!(error.locked && error.to_string().contains("was written by somebody else") && error.hint.is_some(), "{error}");
    assert!(ours.totals().await.unwrap_err().locked);
    store(&*theirs, "in", item("3", "u", 0)).await;
    assert_eq!(ground.lines().len(), 3);
}

#[tokio::test]
async fn lines_that_were_written_though_they_seemed_lost_are_known() {
    let memory = Faulty::over(Arc::new(InMemory::new()));
    let scratch = tempfile::tempdir().unwrap();
    let blobs = Blobs::over(Arc::clone(&memory) as _, Location::parse("az://contosomail/archive/x").unwrap());
    let catalog = BlobCatalog::open(blobs, scratch.path()).await.unwrap();
    let ledger = catalog.open(&mailbox()).await.unwrap();
    store(&*ledger, "in", item("1", "s", 0)).await;
    let Decision::Fetch { listed, key } = one(&*ledger, "in", created("2", "t")).await else { panic!() };
    memory.next_puts([Fate::Unheard]);
    assert_eq!(ledger.commit(&folder("in"), vec![stored(&key, &listed)]).await.unwrap(), 1);
    assert_eq!(one(&*ledger, "in", created("2", "t")).await, Decision::Known);
    assert_eq!(ledger.totals().await.unwrap().messages, 2);
    let bad = Entry::Moved { key: Key("no key".into()), listed: item("1", "s", 0) };
    ledger.commit(&folder("in"), vec![bad]).await.unwrap_err();
}

#[tokio::test]
async fn what_cannot_be_opened_says_so() {
    let scratch = tempfile::tempdir().unwrap();
    let ground = Ground::new();
    let file = scratch.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = BlobCatalog::open(ground.blobs(), &file).await.unwrap_err();
    assert!(error.to_string().contains("opening the folder") && error.hint.is_some(), "{error}");
    assert_eq!(ground.memory.list(None).map(|_| ()).collect::<Vec<_>>().await, [], "nothing is left behind");
}
