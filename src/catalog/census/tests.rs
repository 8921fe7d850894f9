use super::*;
use crate::{
    catalog::{
        Catalog, Entry, Ledger, LocalCatalog,
        local::{
            suite::{folder, item, mailbox, stored},
            tests::segment,
        },
    },
    mail::{Folder, ItemId},
};

fn inbox() -> Folder {
    Folder::bare(FolderId("in".into()), vec!["Inbox".into()])
}

fn failure(code: &str) -> Failure {
    Failure { code: code.into(), text: "it is broken".into() }
}

async fn open(dir: &Path) -> Box<dyn Ledger> {
    LocalCatalog::open(dir).unwrap().open(&mailbox()).await.unwrap()
}

async fn in_quarantine(census: &Census) -> Vec<SetAside> {
    census.quarantine().try_collect().await.unwrap()
}

#[tokio::test]
async fn a_ledger_is_read_beside_its_writer() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path()).await;
    let known = [item("1", "s1", 0), item("2", "s2", 0), item("3", "s3", 0)];
    let keys: Vec<Key> = (1..=4).map(|n| Key(format!("{n:032x}"))).collect();
    let mut entries: Vec<Entry> = keys.iter().zip(&known).map(|(key, listed)| stored(key, listed)).collect();
    entries.push(Entry::Quarantined { key: keys[3].clone(), listed: item("4", "s4", 0), failure: failure("ErrorItemCorrupt") });
    ledger.commit(&inbox(), entries).await.unwrap();

    let census = Records::Folder(dir.path().to_owned()).census(&mailbox()).await.unwrap();
    let totals = census.totals().await.unwrap();
    assert_eq!((totals.messages, totals.quarantined), (3, 1));
    let kept = census.kept(Mark::default(), 2).await.unwrap();
    let more = census.kept(kept[1].0, 9).await.unwrap();
    assert_eq!((kept.len(), more.len()), (2, 1));
    assert_eq!(kept[0].1.stored.object, format!("2023/11/14/{}.eml", keys[0]));
    assert_eq!((kept[0].1.path.as_slice(), kept[0].1.stored.sha256.as_str()), (["Inbox".to_owned()].as_slice(), "00"));
    let aside = in_quarantine(&census).await;
    assert_eq!(aside.len(), 1);
    assert_eq!((&aside[0].failure, &aside[0].key, aside[0].attempts), (&failure("ErrorItemCorrupt"), &keys[3], 1));

    // What the server shows: one known, one in quarantine, one that moved here under a new id, one never seen; items 2 and 3 it does not show.
    census.listing_begins(&inbox().id).await.unwrap();
    let shown = vec![item("1", "s1", 0), item("4", "s4", 0), item("9", "s2", 0), item("8", "s8", 0)];
    let standings = census.standings(&inbox().id, shown.clone(), false).await.unwrap();
    assert_eq!(standings, [Standing::Stored, Standing::Quarantined, Standing::Moved, Standing::Missing]);
    assert_eq!(census.unseen(&inbox().id).await.unwrap(), (3, 2));

    // Every folder listed: item 2 is not shown, so it may have moved, once; item 1 is, so what is like it is another message.
    let alike = vec![item("9", "s2", 0), item("10", "s2", 0), item("11", "s1", 0), item("12", "s3", 0x20)];
    let settled = census.standings(&inbox().id, alike, true).await.unwrap();
    assert_eq!(settled, [Standing::Moved, Standing::Missing, Standing::Missing, Standing::Missing]);

    // Its writer goes on meanwhile.
    ledger.commit(&inbox(), vec![stored(&Key(format!("{:032x}", 8)), &shown[3])]).await.unwrap();
    ledger.commit(&inbox(), vec![stored(&keys[3], &item("4", "s4", 0))]).await.unwrap();
    census.catch_up().await.unwrap();
    assert_eq!(census.standings(&inbox().id, shown, false).await.unwrap()[1..], [Standing::Stored, Standing::Moved, Standing::Stored]);
    assert_eq!(in_quarantine(&census).await, []);
    assert_eq!(census.totals().await.unwrap().messages, 5);
}

#[tokio::test]
async fn half_a_line_does_not_count_and_no_ledger_is_an_empty_one() {
    let dir = tempfile::tempdir().unwrap();
    let records = Records::Folder(dir.path().to_owned());
    assert_eq!(records.census(&mailbox()).await.unwrap().totals().await.unwrap(), Totals::default());
    assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none(), "whoever asks leaves nothing behind");

    let ledger = open(dir.path()).await;
    ledger.commit(&inbox(), vec![stored(&Key("1".repeat(32)), &item("1", "s", 0))]).await.unwrap();
    let census = records.census(&mailbox()).await.unwrap();
    let segment = segment(dir.path());
    let whole = std::fs::read_to_string(&segment).unwrap();
    let line = whole.replace(&"1".repeat(32), &"2".repeat(32)).replace("\"item_id\":\"1\"", "\"item_id\":\"2\"");
    let (begin, end) = line.split_at(line.len() / 2);
    std::fs::write(&segment, format!("{whole}{begin}")).unwrap();
    census.catch_up().await.unwrap();
    assert_eq!(census.totals().await.unwrap().messages, 1);
    std::fs::write(&segment, format!("{whole}{begin}{end}")).unwrap();
    census.catch_up().await.unwrap();
    census.listing_begins(&inbox().id).await.unwrap();
    let standings = census.standings(&inbox().id, vec![item("1", "s", 0), item("2", "s", 0)], false).await.unwrap();
    assert_eq!(standings, [Standing::Stored, Standing::Stored]);
    assert_eq!(census.kept(Mark::default(), 9).await.unwrap()[1].1.listed.id, ItemId("2".into()));
}

#[tokio::test]
async fn what_left_the_mailbox_is_in_no_quarantine() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path()).await;
    let aside = |n: u8| Entry::Quarantined { key: Key(format!("{n:032x}")), listed: item(&n.to_string(), "s", 0), failure: failure("E") };
    ledger.commit(&inbox(), vec![aside(1), aside(2)]).await.unwrap();
    let census = Records::Folder(dir.path().to_owned()).census(&mailbox()).await.unwrap();
    assert_eq!(in_quarantine(&census).await.len(), 2, "no folder was listed");
    census.listing_begins(&inbox().id).await.unwrap();
    census.standings(&inbox().id, vec![item("2", "s", 0)], false).await.unwrap();
    let left = in_quarantine(&census).await;
    assert_eq!(left.iter().map(|one| one.listed.id.0.as_str()).collect::<Vec<_>>(), ["2"]);
    // Of a folder that was not listed nobody knows what left.
    ledger.commit(&folder("elsewhere"), vec![aside(3)]).await.unwrap();
    census.catch_up().await.unwrap();
    assert_eq!(in_quarantine(&census).await.len(), 2);
}

#[tokio::test]
async fn what_is_set_aside_comes_back_in_portions_and_goes_with_a_new_listing() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path()).await;
    let keys: Vec<Key> = (1..=3).map(|n| Key(format!("{n:032x}"))).collect();
    let entries = keys.iter().map(|key| stored(key, &item(&key.0, "s", 0))).collect();
    ledger.commit(&inbox(), entries).await.unwrap();
    let census = Records::Folder(dir.path().to_owned()).census(&mailbox()).await.unwrap();
    assert!(!census.doubts().await.unwrap());
    census.suspect(keys[1..].to_vec()).await.unwrap();
    let first = census.suspected(Mark::default(), 1).await.unwrap();
    let second = census.suspected(first[0].0, 9).await.unwrap();
    assert_eq!((&first[0].1.key, &second[0].1.key, second.len()), (&keys[1], &keys[2], 1));

    let (id, other) = (inbox().id, FolderId("other".into()));
    let items: Vec<Listed> = (0..5).map(|n| item(&n.to_string(), "s", 0)).collect();
    census.listing_begins(&id).await.unwrap();
    let twice = [items.clone(), items[..1].to_vec()].concat();
    assert_eq!(census.first_shown(twice).await.unwrap(), items);
    assert_eq!(census.first_shown(items.clone()).await.unwrap(), []);
    census.doubt(&id, items.clone()).await.unwrap();
    census.listing_begins(&other).await.unwrap();
    assert_eq!(census.first_shown(items.clone()).await.unwrap(), items, "in another folder it is another matter");
    let first = census.doubted(&id, Mark::default(), 3).await.unwrap();
    let second = census.doubted(&id, first[2].0, 3).await.unwrap();
    assert_eq!([first, second].concat().into_iter().map(|(_, listed)| listed).collect::<Vec<_>>(), items);
    assert_eq!(census.doubted(&other, Mark::default(), 3).await.unwrap(), []);
    census.listing_begins(&id).await.unwrap();
    assert_eq!(census.doubted(&id, Mark::default(), 3).await.unwrap(), []);
}
