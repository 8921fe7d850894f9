use std::{fs, io::ErrorKind};

use bytes::Bytes;
use futures::{StreamExt, stream};

use super::{
    super::{
        testing::{chunks, envelope, whole},
        write_behind::PART,
    },
    *,
};

/// All files below a folder but the staging locks.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().unwrap() != "lock" {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn whole_and_streamed_messages_are_stored_alike() {
    let dir = tempfile::tempdir().unwrap();
    let sink = LocalSink::open(dir.path()).unwrap();
    let content: Vec<u8> = (0..1_000_003_u32).map(|n| (n % 251) as u8).collect();
    let whole = sink.write(&envelope("0a"), whole(content.clone())).await.unwrap();
    assert_eq!(whole.object, "2023/11/14/0a.eml");
    assert_eq!(whole.sha256, hex::encode(Sha256::digest(&content)));
    for size in [1000, PART - 1, PART, 3 * PART + 1, content.len()] {
        let parts = content.chunks(size).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
        let streamed = sink.write(&envelope("0b"), chunks(parts)).await.unwrap();
        assert_eq!((streamed.bytes, &streamed.sha256), (content.len() as u64, &whole.sha256));
        assert!(fs::read(sink.path(&envelope("0b"), &streamed)).unwrap() == content);
    }
    let empty = sink.write(&envelope("0c"), chunks(vec![])).await.unwrap();
    assert_eq!(empty.bytes, 0);
    assert_eq!(files(&dir.path().join("data")).len(), 3);
}

#[tokio::test]
async fn a_stream_that_breaks_leaves_nothing_and_keeps_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let sink = LocalSink::open(dir.path()).unwrap();
    let part = || Ok(Bytes::from(vec![7; PART + 1]));
    let error = sink.write(&envelope("0a"), chunks(vec![part(), part(), Err(Broken)])).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Broken);
    assert_eq!(error.to_string(), "storing message 0a of a@example.com failed: the download broke off");
    // The last part may still be on its way to the disk on another thread; the sink waits for nobody, but leaves nothing behind.
    while !files(&dir.path().join("data")).is_empty() {
        tokio::task::yield_now().await;
    }
    let stored = sink.write(&envelope("0a"), whole("first")).await.unwrap();
    sink.write(&envelope("0a"), chunks(vec![part(), Err(Broken)])).await.unwrap_err();
    assert_eq!(fs::read(sink.path(&envelope("0a"), &stored)).unwrap(), b"first");
    sink.write(&envelope("0a"), whole("second")).await.unwrap();
    assert_eq!(fs::read(sink.path(&envelope("0a"), &stored)).unwrap(), b"second");
}

#[tokio::test]
async fn a_write_that_is_given_up_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let sink = LocalSink::open(dir.path()).unwrap();
    let endless = stream::iter([Ok(Bytes::from(vec![7; 3 * PART]))]).chain(stream::pending()).boxed();
    let envelope = envelope("0a");
    let mut write = sink.write(&envelope, Body::Stream(endless, tokio::sync::oneshot::channel().1));
    while files(&dir.path().join("data")).is_empty() {
        assert!(futures::poll!(&mut write).is_pending());
        tokio::task::yield_now().await;
    }
    drop(write);
    while !files(&dir.path().join("data")).is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn trouble_is_named_with_what_helps() {
    let dir = tempfile::tempdir().unwrap();
    let missing = LocalSink::open(&dir.path().join("no")).unwrap_err();
    assert!(missing.to_string().contains("mount its volume"), "{missing}");
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let no_folder = LocalSink::open(&file).unwrap_err();
    assert!(no_folder.to_string().contains("not a directory"), "{no_folder}");

    let sink = LocalSink::open(dir.path()).unwrap();
    fs::write(dir.path().join("data/acme"), "in the way").unwrap();
    let error = sink.write(&envelope("0a"), whole("x")).await.unwrap_err();
    assert!(error.hint.unwrap().contains("move away"));
    fs::remove_file(dir.path().join("data/acme")).unwrap();
    sink.write(&envelope("0a"), whole("x")).await.unwrap();
    // The whole tree is taken away under a running program, as an operator might who starts over.
    fs::remove_dir_all(dir.path().join("data/acme")).unwrap();
    sink.write(&envelope("0a"), whole("x")).await.unwrap();

    let hostile = sink.write(&envelope("../../0a"), whole("x")).await.unwrap_err();
    assert!(hostile.to_string().contains("no plain name"));
}

#[test]
fn a_disk_that_refuses_is_told_from_one_that_is_full() {
    let full = failed("storing".into(), &ErrorKind::StorageFull.into());
    assert!(full.verdict == Verdict::Later(None) && full.hint.unwrap().contains("free some space"));
    for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
        assert_eq!(failed("storing".into(), &kind.into()).verdict, Verdict::Refused);
    }
}
