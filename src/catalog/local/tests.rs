use std::{fs, path::PathBuf, time::Duration};

pub(super) use super::suite::*;
use super::*;
pub(super) use crate::{
    catalog::{Decision, Entry},
    mail::{Address, Key},
};

pub(super) async fn open(dir: &Path) -> Box<dyn Ledger> {
    let catalog = LocalCatalog::open(dir).unwrap();
    for _ in 0..500 {
        match catalog.open(&mailbox()).await {
            // A program that another test starts has our files until it is what it is to be.
            Err(error) if error.locked => std::thread::sleep(Duration::from_millis(10)),
            opened => return opened.unwrap(),
        }
    }
    panic!("the lock is not given back")
}

pub(in crate::catalog) fn segment(dir: &Path) -> PathBuf {
    dir.join("data/acme/mail/a@example.com/catalog/00000001.jsonl")
}

pub(super) fn index(dir: &Path) -> PathBuf {
    dir.join("state/acme/mail/a@example.com/index.sqlite")
}

pub(super) fn lines(dir: &Path) -> Vec<serde_json::Value> {
    fs::read_to_string(segment(dir)).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_torn_last_line_never_was_and_the_index_is_caught_up() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path()).await;
    store(&*ledger, "in", item("1", "s", 0)).await;
    drop(ledger);
    let (one_line, index_then) = (fs::read(segment(dir.path())).unwrap(), fs::read(index(dir.path())).unwrap());
    let ledger = open(dir.path()).await;
    store(&*ledger, "in", item("2", "t", 0)).await;
    drop(ledger);
    let two_lines = fs::read(segment(dir.path())).unwrap();
    for kept in one_line.len()..=two_lines.len() {
        fs::write(segment(dir.path()), &two_lines[..kept]).unwrap();
        fs::write(index(dir.path()), &index_then).unwrap();
        let ledger = open(dir.path()).await;
        let whole = kept == two_lines.len();
        assert_eq!(ledger.totals().await.unwrap().messages, if whole { 2 } else { 1 }, "cut at {kept}");
        assert_eq!(one(&*ledger, "in", created("1", "s")).await, Decision::Known);
        assert_eq!(one(&*ledger, "in", created("2", "t")).await == Decision::Known, whole);
        drop(ledger);
        assert_eq!(fs::read(segment(dir.path())).unwrap(), if whole { &two_lines[..] } else { &one_line[..] });
    }
}

#[tokio::test]
async fn an_index_that_is_lost_damaged_or_of_other_segments_is_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path()).await;
    let key = store(&*ledger, "in", item("1", "s", 0)).await;
    record(&*ledger, "in", gone("1")).await;
    for n in 0..200 {
        store(&*ledger, "in", item(&format!("more {n}"), &format!("m{n}"), 0)).await;
    }
    let totals = ledger.totals().await.unwrap();
    drop(ledger);
    let good = fs::read(index(dir.path())).unwrap();
    let mut header = good.clone();
    header[..100].fill(0x55);
    let mut pages = good.clone();
    pages[4096..].fill(0xAA);
    let mut schema = good.clone();
    schema[100..200].fill(0);
    for damage in [None, Some(vec![]), Some(header), Some(pages), Some(schema), Some(good[..good.len() / 2].to_vec())] {
        match damage {
            None => fs::remove_file(index(dir.path())).unwrap(),
            Some(bytes) => fs::write(index(dir.path()), bytes).unwrap(),
        }
        let ledger = open(dir.path()).await;
        assert_eq!(one(&*ledger, "in", created("more 199", "m199")).await, Decision::Known);
        let back = one(&*ledger, "out", created("2", "s")).await;
        assert!(matches!(back, Decision::Record(Entry::Moved { key: same, .. }) if same == key));
        assert_eq!(ledger.totals().await.unwrap(), totals);
    }
    // Somebody put older segments back: they are the ledger, not the index.
    let text = fs::read_to_string(segment(dir.path())).unwrap();
    let first = text.lines().next().unwrap();
    fs::write(segment(dir.path()), format!("{first}\nnot a line of ours\n")).unwrap();
    let ledger = open(dir.path()).await;
    assert_eq!(ledger.totals().await.unwrap().messages, 1);
    assert_eq!(one(&*ledger, "in", created("1", "s")).await, Decision::Known);
}

#[tokio::test(start_paused = true)]
async fn a_second_writer_is_refused_until_the_first_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).await;
    let catalog = LocalCatalog::open(dir.path()).unwrap();
    let error = catalog.open(&mailbox()).await.err().unwrap();
    assert!(error.locked && error.to_string().contains("a@example.com/lock is held: another process"), "{error}");
    let other = Mailbox { address: Address::new("b@example.com"), ..mailbox() };
    catalog.open(&other).await.map(drop).unwrap();
    drop(first);
    catalog.open(&mailbox()).await.map(drop).unwrap();
}

#[tokio::test]
async fn a_catalog_that_cannot_be_opened_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let catalog = LocalCatalog::open(dir.path()).unwrap();
    fs::write(dir.path().join("data/acme"), "in the way").unwrap();
    let error = catalog.open(&mailbox()).await.err().unwrap();
    assert!(
        !error.locked && error.to_string().starts_with("opening the catalog of a@example.com failed") && error.hint.is_some(),
        "{error}"
    );
    assert!(LocalCatalog::open(&dir.path().join("missing")).unwrap_err().hint.is_some());
    let ledger = open(tempfile::tempdir().unwrap().path()).await;
    let bad = Entry::Moved { key: Key("no key".into()), listed: item("1", "s", 0) };
    ledger.commit(&folder("in"), vec![bad]).await.unwrap_err();
}
