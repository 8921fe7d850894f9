use crate::{
    catalog::{Reach, Span},
    mail::{Address, Bucket, Cursor, Folder},
};

use super::*;

fn mailbox() -> Mailbox {
    let bucket = Bucket { owner: "acme".into(), name: "mail".into() };
    Mailbox { address: Address::new("a@example.com"), bucket, archive: false }
}

fn checkpoint(id: &str, cursor: &str) -> Checkpoint {
    let folder = Folder {
        id: FolderId(id.into()),
        path: vec!["Inbox".into(), "a/b \"c\"".into()],
        class: None,
        well_known: Some("inbox".into()),
        archive: false,
        hidden: false,
        total: Some(3),
        stamp: None,
    };
    Checkpoint {
        folder,
        cursor: Cursor(cursor.into()),
        walking: true,
        listed: None,
        reach: Reach(1, 2),
        uncovered: vec![Span { after: Reach(1, 1), until: Reach(1, 2) }],
        settled: Some("s".into()),
        filters: "f".into(),
        delivered: super::super::Delivered::default(),
    }
}

#[tokio::test]
async fn checkpoints_of_any_size_are_kept_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalCheckpoints::open(dir.path()).unwrap();
    let (upper, lower) = (checkpoint("AbC=", &"x".repeat(3_000_000)), checkpoint("aBc=", "y"));
    assert_eq!(store.load(&mailbox(), &upper.folder.id).await.unwrap(), None);
    for checkpoint in [&upper, &lower] {
        store.save(&mailbox(), checkpoint).await.unwrap();
    }
    let store = LocalCheckpoints::open(dir.path()).unwrap();
    for checkpoint in [&upper, &lower] {
        assert_eq!(store.load(&mailbox(), &checkpoint.folder.id).await.unwrap().as_ref(), Some(checkpoint));
    }
    store.forget(&mailbox(), &upper.folder.id).await.unwrap();
    store.forget(&mailbox(), &upper.folder.id).await.unwrap();
    assert_eq!(store.load(&mailbox(), &upper.folder.id).await.unwrap(), None);
    assert_eq!(store.load(&mailbox(), &lower.folder.id).await.unwrap(), Some(lower));
}

#[tokio::test]
async fn the_hierarchy_is_empty_at_first() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalCheckpoints::open(dir.path()).unwrap();
    assert_eq!(store.hierarchy(&mailbox()).await.unwrap(), Hierarchy::default());
    let hierarchy = Hierarchy {
        folders: vec![checkpoint("a", "").folder],
        cursors: [("root".to_owned(), Cursor("c".into()))].into(),
        ..Hierarchy::default()
    };
    store.save_hierarchy(&mailbox(), &hierarchy).await.unwrap();
    assert_eq!(store.hierarchy(&mailbox()).await.unwrap(), hierarchy);
}

#[tokio::test]
async fn a_damaged_checkpoint_counts_as_none_wherever_it_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalCheckpoints::open(dir.path()).unwrap();
    let whole = checkpoint("a", "H4sIAAAA==");
    store.save(&mailbox(), &whole).await.unwrap();
    let path = store.layout.checkpoint(&mailbox(), &whole.folder.id);
    let bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        fs::write(&path, &bytes[..at]).unwrap();
        assert_eq!(store.load(&mailbox(), &whole.folder.id).await.unwrap(), None, "cut at {at}");
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        fs::write(&path, &flipped).unwrap();
        let loaded = store.load(&mailbox(), &whole.folder.id).await.unwrap();
        assert!(loaded.is_none_or(|loaded| loaded == whole), "changed at {at}");
    }
    let other = String::from_utf8(bytes.clone()).unwrap().replacen("\"version\":1", "\"version\":2", 1);
    fs::write(&path, other).unwrap();
    assert_eq!(store.load(&mailbox(), &whole.folder.id).await.unwrap(), None);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(store.load(&mailbox(), &whole.folder.id).await.unwrap(), Some(whole));
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_written_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalCheckpoints::open(dir.path()).unwrap();
    fs::write(dir.path().join("state/acme"), "in the way").unwrap();
    let error = store.save(&mailbox(), &checkpoint("a", "")).await.unwrap_err();
    assert!(error.to_string().contains("writing the checkpoint of") && error.hint.is_some(), "{error}");
}
