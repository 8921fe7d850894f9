//! Changes of messages.

use super::*;
use crate::store::{DeleteHow, FolderId, ItemId};

/// All entries of a walk, and the link at its end.
async fn walk(desk: &mut Desk, link: &str, prefer: &str) -> (Vec<Value>, String) {
    let (mut entries, mut link) = (Vec::new(), link.to_owned());
    for _ in 0..200 {
        let reply = desk.ask("GET", &link, &[("Prefer", prefer)], "").await;
        assert_eq!(reply.status, 200, "{link}: {}", reply.text());
        let page = json_of(&reply);
        entries.extend(page["value"].as_array().unwrap().iter().cloned());
        match page["@odata.nextLink"].as_str() {
            Some(next) => link = next.to_owned(),
            None => return (entries, page["@odata.deltaLink"].as_str().unwrap().to_owned()),
        }
    }
    panic!("the pages never end")
}

const FIRST: &str = "/users/alice@example.com/mailFolders/inbox/messages/delta?$select=id,isRead,receivedDateTime";
const FIVES: &str = "odata.maxpagesize=5";
const IMMUTABLE: &str = "odata.maxpagesize=50, IdType=\"ImmutableId\"";

fn ids(entries: &[Value], removed: bool) -> Vec<&str> {
    entries.iter().filter(|entry| entry.get("@removed").is_some() == removed).map(|entry| entry["id"].as_str().unwrap()).collect()
}

fn newest(desk: &Desk) -> (FolderId, ItemId) {
    let alice = desk.alice();
    let inbox = alice.root_folder("inbox").unwrap();
    let found = alice.find(inbox, &crate::store::Find { limit: 1, ..Default::default() }).unwrap();
    (inbox, found.items[0].id)
}

#[tokio::test]
async fn a_walk_tells_everything_once_and_rounds_tell_what_changed() {
    let mut desk = Desk::new().await;
    let (all, link) = walk(&mut desk, FIRST, FIVES).await;
    let mut known = ids(&all, false);
    known.sort_unstable();
    known.dedup();
    assert_eq!((known.len(), all.len()), (30, 30));
    let members: Vec<_> = all[0].as_object().unwrap().keys().filter(|name| !name.contains('@')).map(String::as_str).collect();
    assert_eq!(members.len(), 3, "{members:?}");
    let (inbox, item) = newest(&desk);
    let alice = desk.alice();
    let was = alice.item(item).unwrap().read;
    alice.update_item(item, &crate::store::ItemUpdate { read: Some(!was), ..Default::default() }).unwrap();
    let (changed, link) = walk(&mut desk, &link, FIVES).await;
    assert_eq!(changed.len(), 1);
    assert_eq!((&changed[0]["isRead"], changed[0].get("receivedDateTime")), (&json!(!was), None), "only what changed is told");
    let moved = alice.move_item(item, alice.root_folder("archive").or(alice.root_folder("junkemail")).unwrap()).unwrap();
    let (gone, link) = walk(&mut desk, &link, FIVES).await;
    assert_eq!((ids(&gone, true), ids(&gone, false)), (vec![changed[0]["id"].as_str().unwrap()], vec![]));
    assert_eq!(gone[0]["@removed"], json!({"reason": "deleted"}));
    alice.move_item(moved, inbox).unwrap();
    let (back, link) = walk(&mut desk, &link, FIVES).await;
    assert!(back.len() == 1 && ids(&back, false) != ids(&changed, false), "a move gives a new usual id");
    assert!(walk(&mut desk, &link, FIVES).await.0.is_empty());
}

#[tokio::test]
async fn old_links_die_and_one_walker_ends_another() {
    let mut desk = Desk::new().await;
    let first = desk.ask("GET", FIRST, &[("Prefer", FIVES)], "").await;
    let link = json_of(&first)["@odata.nextLink"].as_str().unwrap().to_owned();
    for _ in 0..3 {
        assert_eq!(desk.get(&link).await.status, 200, "a link may be followed again");
    }
    walk(&mut desk, FIRST, FIVES).await;
    let reply = desk.get(&link).await;
    assert_eq!(refusal(&reply), (410, "SyncStateNotFound".to_owned()));
    let message = json_of(&reply)["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("generation=1;[highest=10][10][7][8][9]"), "{message}");
    assert!(reply.headers.value("location").unwrap().ends_with("/messages/delta"));
    desk.be(READER).await;
    let (_, link) = walk(&mut desk, FIRST, IMMUTABLE).await;
    desk.be(APP).await;
    walk(&mut desk, FIRST, FIVES).await;
    desk.be(READER).await;
    assert_eq!(desk.get(&link).await.status, 200, "another application's walk is another walk");
    desk.alice().expire_sync_states(None).unwrap();
    desk.simulator.state().quirks.switch("resync-required", true).unwrap();
    assert_eq!(desk.refusal("GET", &link, "").await, (410, "resyncRequired".to_owned()));
    let foreign = link.replace("inbox", "drafts");
    assert_eq!(desk.refusal("GET", &foreign, "").await.1, "SyncStateInvalid");
}

#[tokio::test]
async fn an_item_that_returns_is_told_again_unless_that_is_lost() {
    for lost in [false, true] {
        let mut desk = Desk::new().await;
        desk.simulator.state().quirks.switch("delta-drops-returned-items", lost).unwrap();
        let (_, link) = walk(&mut desk, FIRST, IMMUTABLE).await;
        let (inbox, item) = newest(&desk);
        let alice = desk.alice();
        let away = alice.move_item(item, alice.root_folder("drafts").unwrap()).unwrap();
        alice.move_item(away, inbox).unwrap();
        let (entries, _) = walk(&mut desk, &link, IMMUTABLE).await;
        let one = super::super::messages::ids::id_text(&alice, item, true);
        assert_eq!(ids(&entries, true), [one.as_str()]);
        assert_eq!(ids(&entries, false), if lost { vec![] } else { vec![one.as_str()] });
    }
}

#[tokio::test]
async fn filters_cut_and_caps_end_a_first_round() {
    let mut desk = Desk::new().await;
    let alice = desk.alice();
    let inbox = alice.root_folder("inbox").unwrap();
    let mut dates: Vec<_> = alice.find(inbox, &Default::default()).unwrap().items.into_iter().map(|item| item.sort_date()).collect();
    dates.extend(
        alice.find(inbox, &crate::store::Find { limit: 100, ..Default::default() }).unwrap().items.iter().map(|item| item.sort_date()),
    );
    dates.sort();
    let since = dates[20].to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
    let (some, link) = walk(&mut desk, &format!("{FIRST}&$filter=receivedDateTime%20ge%20{since}"), FIVES).await;
    assert_eq!(some.len(), 10);
    let (fewer, _) = walk(&mut desk, &format!("{FIRST}&$filter=receivedDateTime+gt+{since}&$orderby=receivedDateTime+desc"), FIVES).await;
    let told: Vec<_> = fewer.iter().map(|entry| entry["receivedDateTime"].as_str().unwrap().to_owned()).collect();
    assert!(told.len() == 9 && told.is_sorted_by(|one, next| one >= next), "{told:?}");
    assert_eq!(walk(&mut desk, &format!("{FIRST}&$top=7"), FIVES).await.0.len(), 7);
    assert_eq!(desk.get(&link).await.status, 410);
    for bad in [
        "$filter=isRead+eq+true",
        "$filter=receivedDateTime+lt+2026-01-01T00:00:00Z",
        "$orderby=receivedDateTime",
        "$count=true",
        "changeType=moved",
    ] {
        assert_eq!(
            desk.refusal("GET", &format!("/users/{ALICE}/mailFolders/inbox/messages/delta?{bad}"), "").await,
            (400, "ErrorInvalidUrlQuery".to_owned()),
            "{bad}"
        );
    }
    let select = desk.refusal("GET", &format!("/users/{ALICE}/mailFolders/inbox/messages/delta?$select=@removed"), "").await;
    assert_eq!(select, (400, "RequestBroker--ParseUri".to_owned()));
    let expand =
        format!("/users/{ALICE}/mailFolders/inbox/messages/delta?$expand=singleValueExtendedProperties($filter=id+eq+'Integer+0x0E08')");
    assert_eq!(desk.refusal("GET", &expand, "").await, (500, "InternalServerError".to_owned()));
    desk.simulator.state().quirks.switch("delta-ignores-expand", true).unwrap();
    assert_eq!(desk.get(&expand).await.status, 200);
}

#[tokio::test]
async fn later_rounds_tell_the_kind_of_change_asked_for() {
    let mut desk = Desk::new().await;
    let (_, created) = walk(&mut desk, &format!("{FIRST}&changeType=created"), IMMUTABLE).await;
    let (_, deleted) = walk(&mut desk, &format!("{FIRST}&changeType=deleted"), IMMUTABLE).await;
    let (inbox, item) = newest(&desk);
    let alice = desk.alice();
    alice.delete_item(item, DeleteHow::Hard).unwrap();
    alice.create_item(inbox, crate::store::NewItem::from_mime("Subject: x\r\n\r\n".into())).unwrap();
    let (entries, _) = walk(&mut desk, &created, IMMUTABLE).await;
    assert_eq!((ids(&entries, true).len(), ids(&entries, false).len()), (0, 1));
    let (entries, _) = walk(&mut desk, &deleted, IMMUTABLE).await;
    assert_eq!((ids(&entries, true).len(), ids(&entries, false).len()), (1, 0));
}

#[tokio::test]
async fn habits_make_walks_rough_and_lose_nothing() {
    let mut desk = Desk::new().await;
    for quirk in ["delta-pages-empty", "delta-removes-at-first", "delta-repeats-entries", "future-message-types"] {
        desk.simulator.state().quirks.switch(quirk, true).unwrap();
    }
    let page = desk.ask("GET", FIRST, &[("Prefer", FIVES)], "").await;
    let second = desk.ask("GET", json_of(&page)["@odata.nextLink"].as_str().unwrap(), &[("Prefer", FIVES)], "").await;
    assert_eq!(json_of(&second)["value"], json!([]));
    let (entries, link) = walk(&mut desk, FIRST, FIVES).await;
    let mut known = ids(&entries, false);
    assert!(known.len() > 30, "some come twice");
    known.sort_unstable();
    known.dedup();
    assert_eq!((known.len(), ids(&entries, true).len()), (30, 1));
    assert!(entries.iter().any(|entry| entry["@odata.type"] == "#microsoft.graph.holographicMessage"));
    let (quiet, _) = walk(&mut desk, &link, FIVES).await;
    assert!(quiet.is_empty());
}

#[tokio::test]
async fn a_full_mailbox_a_damaged_item_and_a_cloud_without_delta_refuse() {
    let mut desk = Desk::new().await;
    let alice = desk.alice();
    let (_, item) = newest(&desk);
    alice.spoil_item(item, "ErrorCorruptData").unwrap();
    assert_eq!(desk.refusal("GET", FIRST, "").await, (500, "InternalServerError".to_owned()));
    let list = format!("/users/{ALICE}/mailFolders/inbox/messages");
    assert_eq!(desk.refusal("GET", &format!("{list}?$top=3"), "").await, (500, "InternalServerError".to_owned()));
    assert_eq!(desk.read(&format!("{list}?$top=3&$skip=1")).await["value"].as_array().unwrap().len(), 3);
    let bare = desk.read(&format!("{list}?$top=1&$select=id,receivedDateTime")).await;
    let id = bare["value"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(desk.refusal("GET", &format!("/users/{ALICE}/messages/{id}/$value"), "").await, (500, "ErrorCorruptData".to_owned()));
    let single = format!("/users/{ALICE}/messages/{id}");
    assert_eq!(desk.refusal("GET", &single, "").await, (500, "ErrorCorruptData".to_owned()));
    alice.spoil_item(item, "ErrorContentConversionFailed").unwrap();
    assert_eq!(desk.refusal("GET", &single, "").await, (500, "ErrorContentConversionFailed".to_owned()));
    assert_eq!(desk.read(&format!("{single}?$select=subject")).await["id"], bare["value"][0]["id"]);
    assert_eq!(desk.refusal("GET", &format!("{list}?$top=1"), "").await, (500, "InternalServerError".to_owned()));
    assert_eq!(desk.get(FIRST).await.status, 200);
    alice.set_full(true);
    assert_eq!(desk.refusal("GET", FIRST, "").await, (403, "ErrorQuotaExceeded".to_owned()));
    assert_eq!(desk.get(&format!("{list}?$skip=1")).await.status, 200);
    desk.simulator.state().quirks.switch("no-delta", true).unwrap();
    assert_eq!(desk.refusal("GET", FIRST, "").await, (400, "notSupported".to_owned()));
}
