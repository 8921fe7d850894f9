use object_store::{ObjectStoreExt, memory::InMemory, path::Path as Name};

use super::*;
use crate::{
    blob::Location,
    catalog::Reach,
    mail::{Address, Bucket, Cursor, Folder},
};

fn mailbox() -> Mailbox {
    let bucket = Bucket { owner: "acme".into(), name: "mail".into() };
    Mailbox { address: Address::new("a@example.com"), bucket, archive: false }
}

fn checkpoint(id: &str, cursor: &str) -> Checkpoint {
    let path = vec!["Inbox".into(), "a/b \"c\"".into()];
    let folder =
        Folder { id: FolderId(id.into()), path, class: None, well_known: None, archive: false, hidden: false, total: Some(3), stamp: None };
    let (cursor, filters) = (Cursor(cursor.into()), "f".into());
    Checkpoint {
        folder,
        cursor,
        walking: true,
        listed: None,
        reach: Reach(1, 2),
        uncovered: Vec::new(),
        settled: Some("s".into()),
        filters,
        delivered: crate::checkpoint::Delivered::default(),
    }
}

fn open(store: &Arc<InMemory>) -> BlobCheckpoints {
    BlobCheckpoints::open(Blobs::over(Arc::clone(store) as _, Location::parse("az://contosomail/archive").unwrap()))
}

fn name(id: &str) -> Name {
    let path = crate::sink::layout::Layout::new("").checkpoint(&mailbox(), &FolderId(id.into()));
    Name::parse(path.to_str().unwrap()).unwrap()
}

#[tokio::test]
async fn checkpoints_of_any_size_are_kept_and_forgotten() {
    let memory = Arc::new(InMemory::new());
    let store = open(&memory);
    let (upper, lower) = (checkpoint("AbC=", &"x".repeat(3_000_000)), checkpoint("aBc=", "y"));
    assert_eq!(store.load(&mailbox(), &upper.folder.id).await.unwrap(), None);
    for checkpoint in [&upper, &lower, &upper] {
        store.save(&mailbox(), checkpoint).await.unwrap();
    }
    let store = open(&memory);
    // Saved without having been loaded.
    store.save(&mailbox(), &lower).await.unwrap();
    for checkpoint in [&upper, &lower] {
        assert_eq!(store.load(&mailbox(), &checkpoint.folder.id).await.unwrap().as_ref(), Some(checkpoint));
    }
    store.forget(&mailbox(), &upper.folder.id).await.unwrap();
    store.forget(&mailbox(), &upper.folder.id).await.unwrap();
    assert_eq!(store.load(&mailbox(), &upper.folder.id).await.unwrap(), None);
    store.save(&mailbox(), &upper).await.unwrap();
    assert_eq!(store.load(&mailbox(), &lower.folder.id).await.unwrap(), Some(lower));
    assert_eq!(store.hierarchy(&mailbox()).await.unwrap(), Hierarchy::default());
    let hierarchy = Hierarchy { folders: vec![upper.folder], ..Hierarchy::default() };
    store.save_hierarchy(&mailbox(), &hierarchy).await.unwrap();
    assert_eq!(store.hierarchy(&mailbox()).await.unwrap(), hierarchy);
}

#[tokio::test]
async fn the_slower_of_two_writers_is_told_so_until_it_reads_again() {
    let memory = Arc::new(InMemory::new());
    let (ours, theirs) = (open(&memory), open(&memory));
    let id = FolderId("a".into());
    for store in [&ours, &theirs] {
        store.load(&mailbox(), &id).await.unwrap();
    }
    theirs.save(&mailbox(), &checkpoint("a", "theirs")).await.unwrap();
    let error = ours.save(&mailbox(), &checkpoint("a", "ours")).await.unwrap_err();
    assert!(error.locked && error.to_string().contains("somebody else wrote it"), "{error}");
    assert_eq!(ours.load(&mailbox(), &id).await.unwrap().unwrap().cursor.0, "theirs");
    ours.save(&mailbox(), &checkpoint("a", "ours")).await.unwrap();
    // What they are about to write is there already, as after an answer that was lost.
    theirs.save(&mailbox(), &checkpoint("a", "ours")).await.unwrap();
    assert!(theirs.save(&mailbox(), &checkpoint("a", "theirs")).await.is_ok());
}

#[tokio::test]
async fn a_damaged_checkpoint_counts_as_none_and_is_replaced() {
    let memory = Arc::new(InMemory::new());
    let store = open(&memory);
    let whole = checkpoint("a", "H4sIAAAA==");
    store.save(&mailbox(), &whole).await.unwrap();
    let bytes = memory.get(&name("a")).await.unwrap().bytes().await.unwrap();
    for damaged in [bytes.slice(..bytes.len() / 2), Bytes::new(), bytes.iter().map(|byte| byte ^ 1).collect()] {
        memory.put(&name("a"), damaged.into()).await.unwrap();
        assert_eq!(store.load(&mailbox(), &whole.folder.id).await.unwrap(), None);
        store.save(&mailbox(), &whole).await.unwrap();
        assert_eq!(store.load(&mailbox(), &whole.folder.id).await.unwrap().as_ref(), Some(&whole));
    }
}
