//! What every catalog does, wherever it is kept. The file is part of two rooms; what is different about them is their `Ground`.

use std::sync::Arc;

use serde_json::json;

use super::ground::Ground;
use crate::{
    catalog::{Decision, Entry, Ledger, Place, Residents, SWEEP, Span, Totals, Unseen},
    mail::{Address, Bucket, Change, Failure, Folder, FolderId, IdForm, ItemId, Key, Listed, Mailbox, Origin, Properties},
    sink::Stored,
};

pub(in crate::catalog) fn mailbox() -> Mailbox {
    let bucket = Bucket { owner: "acme".into(), name: "mail".into() };
    Mailbox { address: Address::new("a@example.com"), bucket, archive: false }
}

pub(in crate::catalog) fn folder(id: &str) -> Folder {
    let path = vec!["Top".into(), id.into()];
    Folder { id: FolderId(id.into()), path, class: None, well_known: None, archive: false, hidden: false, total: None, stamp: None }
}

/// An item listed with a search key; flags: 1 read, 8 draft, 0x20 from me.
pub(in crate::catalog) fn item(id: &str, search_key: &str, flags: u32) -> Listed {
    Listed {
        received: chrono::DateTime::from_timestamp(1_700_000_000, 5),
        size: Some(10),
        class: Some("IPM.Note".into()),
        search_key: Some(search_key.into()),
        flags: Some(flags),
        ..Listed::bare(ItemId(id.into()))
    }
}

pub(in crate::catalog) fn created(id: &str, search_key: &str) -> Change {
    Change::Created(item(id, search_key, 0))
}

pub(in crate::catalog) fn stored(key: &Key, listed: &Listed) -> Entry {
    Entry::Stored {
        key: key.clone(),
        listed: listed.clone(),
        properties: Arc::new(Properties { subject: Some("line\nfeed \u{1F4E7}".into()), read: listed.read(), ..Properties::default() }),
        origin: Origin::Mime,
        stored: Stored { object: format!("2023/11/14/{key}.eml"), bytes: 100, sha256: "00".into() },
    }
}

pub(in crate::catalog) fn gone(id: &str) -> Change {
    Change::Deleted(ItemId(id.into()))
}

pub(in crate::catalog) async fn one(ledger: &dyn Ledger, at: &str, change: Change) -> Decision {
    let mut decisions = ledger.identify(&folder(at), &[change]).await.unwrap();
    assert_eq!(decisions.len(), 1);
    decisions.remove(0)
}

/// Fetches what is created, as the pipeline does; returns the key.
pub(in crate::catalog) async fn store(ledger: &dyn Ledger, at: &str, listed: Listed) -> Key {
    let Decision::Fetch { listed, key } = one(ledger, at, Change::Created(listed)).await else { panic!("no fetch") };
    assert_eq!(ledger.commit(&folder(at), vec![stored(&key, &listed)]).await.unwrap(), 1);
    key
}

/// Decides and writes down what needs no download.
pub(in crate::catalog) async fn record(ledger: &dyn Ledger, at: &str, change: Change) -> Entry {
    let Decision::Record(entry) = one(ledger, at, change).await else { panic!("nothing to record") };
    assert_eq!(ledger.commit(&folder(at), vec![entry.clone()]).await.unwrap(), 1);
    entry
}

#[tokio::test]
async fn a_known_item_costs_nothing_and_its_read_flag_a_line() {
    let ground = Ground::new();
    let ledger = ground.open().await;
    let key = store(&*ledger, "in", item("1", "s", 0)).await;
    assert_eq!(one(&*ledger, "in", created("1", "s")).await, Decision::Known);
    let id = ItemId("1".into());
    let read = Entry::Read { key: key.clone(), id: id.clone(), read: true };
    assert_eq!(record(&*ledger, "in", Change::ReadChanged { id: id.clone(), read: true }).await, read);
    assert_eq!(ledger.commit(&folder("in"), vec![read]).await.unwrap(), 0, "told twice, written once");
    assert_eq!(
        one(&*ledger, "in", Change::Updated(item("1", "s", 1))).await,
        Decision::Refresh { listed: item("1", "s", 1), key: key.clone() }
    );
    let unread = Entry::Read { key: key.clone(), id: id.clone(), read: false };
    assert_eq!(one(&*ledger, "in", Change::Updated(item("1", "s", 0))).await, Decision::Record(unread));
    let changed = |subject: &str| {
        vec![Entry::Changed {
            key: key.clone(),
            id: id.clone(),
            properties: Box::new(Properties { subject: Some(subject.into()), ..Properties::default() }),
        }]
    };
    assert_eq!(ledger.commit(&folder("in"), changed("new")).await.unwrap(), 1);
    assert_eq!(ledger.commit(&folder("in"), changed("new")).await.unwrap(), 0);
    let events: Vec<_> = ground.lines().iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(events, ["stored", "read", "changed"]);
}

#[tokio::test]
async fn a_move_keeps_its_key_in_either_order() {
    let ground = Ground::new();
    let ledger = ground.open().await;
    let key = store(&*ledger, "in", item("1", "s", 0)).await;
    record(&*ledger, "in", gone("1")).await;
    assert_eq!(record(&*ledger, "out", created("2", "s")).await, Entry::Moved { key: key.clone(), listed: item("2", "s", 0) });
    // The new place is listed before the old one.
    let Decision::Resembles { listed, key: same, old, fresh } = one(&*ledger, "in", created("3", "s")).await else { panic!() };
    assert_eq!((&same, old), (&key, ItemId("2".into())));
    assert_ne!(fresh, key);
    ledger.commit(&folder("in"), vec![Entry::Moved { key: key.clone(), listed }]).await.unwrap();
    assert_eq!(one(&*ledger, "out", gone("2")).await, Decision::Nothing, "the message is not that item any more");
    assert_eq!(one(&*ledger, "out", gone("3")).await, Decision::Nothing, "nor is it in that folder");
    assert_eq!(ledger.totals().await.unwrap(), Totals { messages: 1, bytes: 100, quarantined: 0 });
    record(&*ledger, "in", gone("3")).await;
    assert_eq!(record(&*ledger, "in", created("3", "s")).await, Entry::Moved { key, listed: item("3", "s", 0) }, "back from a deletion");
}

#[tokio::test]
async fn the_last_listing_tells_where_a_message_is_however_late_a_download_ends() {
    let ground = Ground::new();
    let ledger = ground.open().await;
    // Under an id that outlasts the move it is listed where it was, then where it is, and both downloads are under way.
    let Decision::Fetch { listed, key } = one(&*ledger, "in", created("1", "s")).await else { panic!("no fetch") };
    let Decision::Fetch { key: same, .. } = one(&*ledger, "out", created("1", "s")).await else { panic!("no fetch") };
    assert_eq!(key, same);
    assert_eq!(ledger.commit(&folder("out"), vec![stored(&key, &listed)]).await.unwrap(), 1);
    // The slower one tells what is past of the place, and of the bytes what is in the sink now.
    let mut slower = stored(&key, &listed);
    if let Entry::Stored { stored, .. } = &mut slower {
        stored.sha256 = "11".into();
    }
    assert_eq!(ledger.commit(&folder("in"), vec![slower]).await.unwrap(), 1);
    let line = ground.lines().pop().unwrap();
    assert_eq!((&line["sha256"], &line["folder_id"], &line["folder_path"]), (&json!("11"), &json!("out"), &json!(["Top", "out"])));
    assert_eq!(one(&*ledger, "in", gone("1")).await, Decision::Nothing, "it left that folder, not the mailbox");
    // And in the other order.
    let Decision::Fetch { listed, key } = one(&*ledger, "in", created("2", "t")).await else { panic!("no fetch") };
    let Decision::Fetch { .. } = one(&*ledger, "out", created("2", "t")).await else { panic!("no fetch") };
    assert_eq!(ledger.commit(&folder("in"), vec![stored(&key, &listed)]).await.unwrap(), 1);
    assert_eq!(ledger.commit(&folder("out"), vec![stored(&key, &listed)]).await.unwrap(), 1);
    assert_eq!(one(&*ledger, "in", gone("2")).await, Decision::Nothing);
}

#[tokio::test]
async fn copies_and_mail_to_oneself_have_keys_of_their_own() {
    let ground = Ground::new();
    let ledger = ground.open().await;
    let page = [created("1", "s"), Change::Created(item("2", "s", 0x20)), created("1", "s"), Change::Created(item("4", "t", 0))];
    let decisions = ledger.identify(&folder("in"), &page).await.unwrap();
    let keys: Vec<_> = decisions.iter().map(|decision| if let Decision::Fetch { key, .. } = decision { Some(key) } else { None }).collect();
    assert!(keys[0] != keys[1] && keys[0] != keys[3] && keys[1].is_some() && keys[2].is_none(), "{keys:?}");
    // Nothing of it was committed: asked again, the same keys.
    assert_eq!(ledger.identify(&folder("in"), &page).await.unwrap(), decisions);
    let entries = decisions.iter().filter_map(|decision| match decision {
        Decision::Fetch { listed, key } => Some(stored(key, listed)),
        _ => None,
    });
    assert_eq!(ledger.commit(&folder("in"), entries.collect()).await.unwrap(), 3);
    // Two copies at once of one known message: one of them only may turn out to be the message itself.
    let copies = ledger.identify(&folder("out"), &[created("7", "t"), created("8", "t")]).await.unwrap();
    assert!(matches!((&copies[0], &copies[1]), (Decision::Resembles { .. }, Decision::Fetch { .. })), "{copies:?}");
    // The same holds when the second copy is seen in another folder before the first is written down.
    assert!(matches!(one(&*ledger, "third", created("9", "t")).await, Decision::Fetch { .. }));
    // And when the message is known to have left.
    record(&*ledger, "in", gone("1")).await;
    let both = ledger.identify(&folder("out"), &[created("5", "s"), created("6", "s")]).await.unwrap();
    assert!(matches!((&both[0], &both[1]), (Decision::Record(Entry::Moved { .. }), Decision::Fetch { .. })), "{both:?}");
}

#[tokio::test]
async fn without_search_keys_every_item_has_its_own_key() {
    let ground = Ground::new();
    let ledger = ground.open().await;
    let bare = |id: &str| Listed::bare(ItemId(id.into()));
    let (a, b) = (store(&*ledger, "in", bare("1")).await, store(&*ledger, "in", bare("1 ")).await);
    assert!(a != b && a.0.len() == 32);
    // An unknown item whose read flag changed is there, so it is fetched.
    let unseen = one(&*ledger, "in", Change::ReadChanged { id: ItemId("2".into()), read: true }).await;
    assert!(matches!(unseen, Decision::Fetch { listed, .. } if listed == bare("2")));
    assert_eq!(one(&*ledger, "in", gone("never seen")).await, Decision::Nothing);
}

#[tokio::test]
async fn what_a_pipeline_has_in_flight_can_still_leave() {
    let ground = Ground::new();
    let ledger = ground.open().await;
    let Decision::Fetch { listed, key } = one(&*ledger, "in", created("1", "s")).await else { panic!() };
    let Decision::Record(leaves) = one(&*ledger, "in", gone("1")).await else { panic!("the deletion is lost") };
    ledger.commit(&folder("in"), vec![stored(&key, &listed)]).await.unwrap();
    assert_eq!(ledger.commit(&folder("in"), vec![leaves.clone()]).await.unwrap(), 1);
    assert_eq!(ledger.commit(&folder("in"), vec![leaves]).await.unwrap(), 0);
    assert!(matches!(one(&*ledger, "out", created("2", "s")).await, Decision::Record(Entry::Moved { key: same, .. }) if same == key));
}

#[tokio::test]
async fn drafts_are_fetched_again_under_their_key() {
    let ground = Ground::new();
    let ledger = ground.open().await;
    let key = store(&*ledger, "drafts", item("1", "s", 8)).await;
    assert_eq!(one(&*ledger, "drafts", Change::Created(item("1", "s", 8))).await, Decision::Known);
    let longer = Listed { size: Some(99), ..item("1", "s", 8) };
    for change in [Change::Updated(item("1", "s", 8)), Change::Created(longer.clone())] {
        assert!(matches!(one(&*ledger, "drafts", change).await, Decision::Fetch { key: same, .. } if same == key));
    }
    ledger.commit(&folder("drafts"), vec![stored(&key, &longer)]).await.unwrap();
    assert_eq!(ground.lines().len(), 2);
    assert_eq!(ledger.totals().await.unwrap(), Totals { messages: 1, bytes: 100, quarantined: 0 });
    // Sent, it is another message: what was sent need not be what the draft last said.
    assert!(matches!(one(&*ledger, "sent", created("2", "s")).await, Decision::Fetch { key: other, .. } if other != key));
}

#[tokio::test]
async fn quarantine_is_remembered_retried_and_left() {
    let ground = Ground::new();
    let ledger = ground.open().await;
    let Decision::Fetch { listed, key } = one(&*ledger, "in", created("1", "s")).await else { panic!() };
    let failure = Failure { code: "ErrorItemCorrupt".into(), text: "bad".into() };
    let entry = Entry::Quarantined { key: key.clone(), listed: listed.clone(), failure };
    assert_eq!(ledger.commit(&folder("in"), vec![entry.clone()]).await.unwrap(), 1);
    // Tried again and again, it is written down each time that the attempts have doubled.
    for written in [1, 0, 1, 0, 0] {
        assert_eq!(ledger.commit(&folder("in"), vec![entry.clone()]).await.unwrap(), written);
    }
    drop(ledger);
    let ledger = ground.open().await;
    for written in [0, 1, 0] {
        assert_eq!(ledger.commit(&folder("in"), vec![entry.clone()]).await.unwrap(), written);
    }
    assert_eq!(ground.lines().iter().map(|line| line["attempts"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 4, 8]);
    // What no line tells is lost with the index, and no more than that.
    drop(ledger);
    ground.lose_index();
    let ledger = ground.open().await;
    for _ in 9..16 {
        assert_eq!(ledger.commit(&folder("in"), vec![entry.clone()]).await.unwrap(), 0);
    }
    assert_eq!(ledger.commit(&folder("in"), vec![entry]).await.unwrap(), 1);
    assert_eq!(ledger.totals().await.unwrap(), Totals { messages: 0, bytes: 0, quarantined: 1 });
    let waiting = ledger.quarantined(&folder("in").id, Place::default(), 9).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((&waiting[0].1, &waiting[0].2.id, &waiting[0].2.search_key), (&key, &listed.id, &listed.search_key));
    assert_eq!(ledger.oldest_quarantined(&folder("in").id).await.unwrap(), waiting[0].2.came());
    assert_eq!(ledger.oldest_quarantined(&folder("out").id).await.unwrap(), None);
    assert_eq!(ledger.quarantined(&folder("in").id, waiting[0].0, 9).await.unwrap(), [], "behind it is nothing");
    assert_eq!(ledger.quarantined(&folder("out").id, Place::default(), 9).await.unwrap(), []);
    assert!(matches!(one(&*ledger, "in", created("1", "s")).await, Decision::Fetch { key: same, .. } if same == key));
    ledger.commit(&folder("in"), vec![stored(&key, &listed)]).await.unwrap();
    assert_eq!(ledger.totals().await.unwrap(), Totals { messages: 1, bytes: 100, quarantined: 0 });
}

#[tokio::test]
async fn a_message_that_moves_before_its_fetch_keeps_the_key_it_would_have_had() {
    let ground = Ground::new();
    let ledger = ground.open().await;
    let Decision::Fetch { listed, key } = one(&*ledger, "in", created("1", "s")).await else { panic!() };
    ledger.commit(&folder("in"), vec![Entry::Vanished { key: key.clone(), listed }]).await.unwrap();
    assert_eq!(store(&*ledger, "out", item("2", "s", 0)).await, key);
    // A crash between file and catalog, then a move: the file is replaced, not doubled.
    assert!(matches!(one(&*ledger, "in", created("3", "t")).await, Decision::Fetch { key: first, .. } if first != key));
    let Decision::Fetch { key: before, .. } = one(&*ledger, "in", created("3", "t")).await else { panic!() };
    drop(ledger);
    let ledger = ground.open().await;
    assert!(matches!(one(&*ledger, "out", created("4", "t")).await, Decision::Fetch { key: after, .. } if after == before));
}

#[tokio::test]
async fn a_walk_tells_what_left_unseen() {
    let ground = Ground::new();
    let mut ledger = ground.open().await;
    for id in ["1", "2", "3"] {
        store(&*ledger, "in", item(id, id, 0)).await;
    }
    store(&*ledger, "out", item("4", "4", 0)).await;
    let place = folder("in").id;
    ledger.walk_begins(&place, false).await.unwrap();
    assert_eq!(one(&*ledger, "in", created("1", "1")).await, Decision::Known);
    drop(ledger);
    ledger = ground.open().await;
    ledger.walk_begins(&place, true).await.unwrap();
    store(&*ledger, "in", item("5", "5", 0)).await;
    assert_eq!(one(&*ledger, "in", created("3", "3")).await, Decision::Known);
    let Unseen { gone: left, whole } = ledger.walk_ended(&place).await.unwrap();
    assert!(whole);
    assert!(matches!(&left[..], [Entry::Deleted { id, .. }] if id.0 == "2"), "{left:?}");
    assert_eq!(ledger.commit(&folder("in"), left).await.unwrap(), 1);
    assert_eq!(ledger.walk_ended(&place).await.unwrap(), Unseen { gone: Vec::new(), whole: true });
    assert_eq!(ledger.walk_ended(&place).await.unwrap(), Unseen::default(), "no walk, no verdict");
    // A new walk does not trust the marks of the old one.
    ledger.walk_begins(&place, false).await.unwrap();
    assert_eq!(ledger.walk_ended(&place).await.unwrap().gone.len(), 3);
    // Marks that were lost with the index tell nothing, rather than that everything is gone.
    drop(ledger);
    ground.lose_index();
    let ledger = ground.open().await;
    ledger.walk_begins(&place, true).await.unwrap();
    assert_eq!(ledger.walk_ended(&place).await.unwrap(), Unseen::default());
    // A folder that is no more takes along what is not known elsewhere.
    assert_eq!(ledger.folder_gone(&folder("out").id).await.unwrap().len(), 1);
    assert_eq!(ledger.folder_gone(&folder("never").id).await.unwrap(), []);
}

#[tokio::test]
async fn messages_keep_their_keys_under_ids_of_another_form() {
    let ground = Ground::new();
    let ledger = ground.open().await;
    let mut keys = Vec::new();
    for n in 0..10 {
        keys.push(store(&*ledger, if n < 7 { "in" } else { "out" }, item(&format!("e{n}"), &format!("s{n}"), 0x20)).await);
    }
    record(&*ledger, "in", gone("e0")).await;
    assert_eq!(ledger.residents().await.unwrap(), Residents { own: 9, foreign: 0 });
    ledger.speaks(IdForm::GraphImmutable).await.unwrap();
    assert_eq!(ledger.residents().await.unwrap(), Residents { own: 0, foreign: 9 });
    let sample: Vec<String> = ledger.sample(true, 4).await.unwrap().into_iter().map(|one| one.listed.id.0).collect();
    assert_eq!(sample, ["e1", "e2", "e5", "e7"], "spread over all");
    assert_eq!(ledger.sample(true, 100).await.unwrap().len(), 9);
    assert_eq!(ledger.sample(false, 100).await.unwrap(), []);
    let first = ledger.foreign(Place::default(), 2).await.unwrap();
    assert_eq!(
        (first[1].listed.id.0.as_str(), &first[1].key, first[1].form, &first[1].folder),
        ("e2", &keys[2], IdForm::Ews, &folder("in").id)
    );
    let rest = ledger.foreign(first[1].place, 100).await.unwrap();
    assert_eq!(rest.len(), 7);
    let readdressed = |n: usize, id: &str| Entry::Readdressed { key: keys[n].clone(), id: ItemId(id.into()) };
    let entries = vec![readdressed(1, "g1"), readdressed(2, "g2"), readdressed(3, "g2"), readdressed(0, "g0"), readdressed(1, "g1")];
    assert_eq!(ledger.commit(&folder("new in"), entries).await.unwrap(), 2, "neither the departed nor an item of another message");
    let line = ground.lines().pop().unwrap();
    assert_eq!(
        (line["event"].as_str(), line["form"].as_str(), line["item_id"].as_str()),
        (Some("readdressed"), Some("graph_immutable"), Some("g2"))
    );
    // What is left of the old form is written down under it.
    let left = Entry::Deleted { key: keys[3].clone(), id: ItemId("e3".into()) };
    assert_eq!(ledger.commit(&folder("in"), vec![left]).await.unwrap(), 1);
    assert_eq!(ground.lines().pop().unwrap().get("form"), None);
    drop(ledger);
    ground.lose_index();
    let ledger = ground.open().await;
    ledger.speaks(IdForm::GraphImmutable).await.unwrap();
    assert_eq!(ledger.residents().await.unwrap(), Residents { own: 2, foreign: 6 });
    let ids = ["g1", "e1", "e3", "never"].map(|id| ItemId(id.into()));
    assert_eq!(ledger.knows(&ids).await.unwrap(), [true, false, true, false]);
    let stands = ledger.stands(&ids).await.unwrap();
    assert_eq!(stands.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true, false]);
    let stand = stands[0].as_ref().unwrap();
    assert_eq!((&stand.key, &stand.folder.0[..], stand.stored, stand.quarantined), (&keys[1], "new in", true, false));
    // Listed over the new interface, which tells less: known, and still known as the owner's own once it moves.
    let bare = |flags| Listed { received: item("", "", 0).received, flags: Some(flags), ..Listed::bare(ItemId("g1".into())) };
    assert_eq!(one(&*ledger, "new in", Change::Created(bare(0))).await, Decision::Known);
    record(&*ledger, "out", Change::Created(bare(1))).await;
    record(&*ledger, "out", gone("g1")).await;
    ledger.speaks(IdForm::Ews).await.unwrap();
    let back = record(&*ledger, "in", Change::Created(item("e11", "s1", 0x21))).await;
    assert!(matches!(back, Entry::Moved { key, .. } if key == keys[1]));
    assert_eq!(ground.lines().pop().unwrap().get("form"), None);
}

#[tokio::test]
async fn a_draft_that_is_listed_without_a_size_is_judged_by_its_description() {
    let ground = Ground::new();
    let ledger = ground.open().await;
    let draft = |size| Change::Created(Listed { size, search_key: None, ..item("1", "s", 8) });
    let Change::Created(listed) = draft(None) else { unreachable!() };
    let key = store(&*ledger, "drafts", listed.clone()).await;
    assert_eq!(one(&*ledger, "drafts", draft(None)).await, Decision::Known);
    let Decision::Fetch { listed, key: same } = one(&*ledger, "drafts", draft(Some(9))).await else { panic!("its size was never known") };
    assert_eq!(same, key);
    ledger.commit(&folder("drafts"), vec![stored(&key, &listed)]).await.unwrap();
    assert_eq!(one(&*ledger, "drafts", draft(Some(9))).await, Decision::Known);
    assert!(matches!(one(&*ledger, "drafts", draft(Some(10))).await, Decision::Fetch { .. }));
    // A known message that changed in a way the listing does not tell is looked up, also where its read flag changed.
    let seen = Listed { flags: Some(1), ..Listed::bare(ItemId("2".into())) };
    store(&*ledger, "in", Listed { flags: Some(0), ..seen.clone() }).await;
    assert!(matches!(one(&*ledger, "in", Change::Updated(seen)).await, Decision::Refresh { .. }));
}

#[tokio::test]
async fn what_was_told_since_is_found_by_folder_also_after_a_rebuild() {
    let ground = Ground::new();
    let mut ledger = ground.open().await;
    let begin = ledger.reach().await.unwrap();
    let old = store(&*ledger, "in", item("1", "s1", 0)).await;
    store(&*ledger, "in", item("2", "s2", 0)).await;
    let away = store(&*ledger, "in", item("3", "s3", 0)).await;
    let middle = ledger.reach().await.unwrap();
    record(&*ledger, "in", Change::ReadChanged { id: ItemId("1".into()), read: true }).await;
    record(&*ledger, "in", gone("2")).await;
    record(&*ledger, "in", gone("3")).await;
    record(&*ledger, "out", created("4", "s3")).await;
    let decisions = ledger.identify(&folder("in"), &[created("5", "s5"), created("6", "s6")]).await.unwrap();
    let pair: Vec<Entry> = decisions
        .into_iter()
        .map(|decision| match decision {
            Decision::Fetch { listed, key } => stored(&key, &listed),
            other => panic!("{other:?}"),
        })
        .collect();
    ledger.commit(&folder("in"), pair).await.unwrap();
    let end = ledger.reach().await.unwrap();
    for rebuilt in [false, true] {
        if rebuilt {
            drop(ledger);
            ground.lose_index();
            ledger = ground.open().await;
        }
        let told = async |at: &str, after, until| {
            let mut span = Span { after, until };
            let mut items = Vec::new();
            while let Some(told) = ledger.told(&folder(at).id, span, 1).await.unwrap().pop() {
                assert!(span.after < told.place && told.place <= until, "{told:?} of {span:?}");
                span.after = told.place;
                assert_eq!((told.present, told.stored), (told.listed.id.0 != "2", true));
                items.push((told.listed.id.0, told.key));
            }
            items
        };
        let ids = |told: Vec<(String, Key)>| told.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!(ids(told("in", begin, end).await), ["1", "2", "5", "6"], "rebuilt: {rebuilt}");
        assert_eq!(told("in", middle, end).await.first(), Some(&("1".into(), old.clone())));
        assert_eq!(told("out", middle, end).await, [("4".into(), away.clone())]);
        assert_eq!(ids(told("in", begin, middle).await), [""; 0], "told of later");
        assert_eq!(ids(told("in", end, end).await), [""; 0]);
        assert_eq!(ids(told("elsewhere", begin, end).await), [""; 0]);
    }
    // What is known by ids of another interface cannot be looked up through this one.
    ledger.speaks(IdForm::GraphImmutable).await.unwrap();
    assert!(ledger.told(&folder("in").id, Span { after: begin, until: end }, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn many_messages_are_looked_up_and_rebuilt() {
    let ground = Ground::new();
    let ledger = ground.open().await;
    let page = |n: usize| -> Vec<Change> { (n * 1000..(n + 1) * 1000).map(|n| created(&format!("{n:0>152}"), &n.to_string())).collect() };
    for n in 0..30 {
        let decisions = ledger.identify(&folder("in"), &page(n)).await.unwrap();
        let entries = decisions.into_iter().map(|decision| match decision {
            Decision::Fetch { listed, key } => stored(&key, &listed),
            other => panic!("{other:?}"),
        });
        assert_eq!(ledger.commit(&folder("in"), entries.collect()).await.unwrap(), 1000);
    }
    drop(ledger);
    ground.lose_index();
    let ledger = ground.open().await;
    assert_eq!(ledger.totals().await.unwrap().messages, 30_000);
    let known = ledger.identify(&folder("in"), &page(17)).await.unwrap();
    assert!(known.iter().all(|decision| *decision == Decision::Known));
    // What a folder leaves behind comes in portions.
    let mut left = 0;
    loop {
        let entries = ledger.folder_gone(&folder("in").id).await.unwrap();
        assert!(entries.len() <= SWEEP);
        if entries.is_empty() {
            break;
        }
        left += ledger.commit(&folder("in"), entries).await.unwrap();
    }
    assert_eq!(left, 30_000);
}
