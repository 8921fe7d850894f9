//! Folders and their delta.

use super::*;
use crate::store::{ItemUpdate, NewItem};
use bytes::Bytes;

const USER: &str = "/users/alice@example.com";

#[tokio::test]
async fn folders_are_told_a_level_and_a_page_at_a_time() {
    let mut desk = Desk::new().await;
    let inbox = desk.read(&format!("{USER}/mailFolders/inbox")).await;
    assert_eq!((inbox["totalItemCount"].as_u64(), inbox["childFolderCount"].as_u64()), (Some(30), Some(1)));
    let below = desk.read(&format!("{USER}/mailFolders/inbox/childFolders?$count=true")).await;
    assert_eq!((each(&below, "displayName"), below["@odata.count"].as_u64()), (vec!["a/b"], Some(1)));
    let page = desk.read(&format!("{USER}/mailFolders?$top=4&$select=displayName")).await;
    assert_eq!(page["value"].as_array().unwrap().len(), 4);
    let (mut names, mut link) = (Vec::new(), Some(format!("{USER}/mailFolders?$top=4&$select=displayName")));
    while let Some(path) = link {
        let page = desk.read(&path).await;
        names.extend(each(&page, "displayName").into_iter().map(str::to_owned));
        link = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    assert!(names.contains(&"Inbox".to_owned()) && names.contains(&"Unread".to_owned()), "{names:?}");
    for other in ["Calendar", "Contacts", "Tasks", "a/b", "Conversation Action Settings"] {
        assert!(!names.contains(&other.to_owned()), "{other}");
    }
    let all = desk.read(&format!("{USER}/mailFolders?$top=100&includeHiddenFolders=true&$orderby=displayName")).await;
    assert_eq!(all["value"].as_array().unwrap().len(), names.len() + 2);
    let found = desk.read(&format!("{USER}/mailFolders?$filter=displayName%20eq%20'Unread'")).await;
    assert_eq!(found["value"][0]["@odata.type"], "#microsoft.graph.mailSearchFolder");
    let expanded = desk.read(&format!("{USER}/mailFolders/inbox?$expand=childFolders")).await;
    assert_eq!(expanded["childFolders"][0]["displayName"], "a/b");
    let count = desk.get(&format!("{USER}/mailFolders/$count")).await;
    assert_eq!(count.text(), names.len().to_string());
}

#[tokio::test]
async fn queries_that_make_no_sense_are_refused() {
    let mut desk = Desk::new().await;
    for (query, code) in [
        ("$top=1001", "ErrorInvalidUrlQuery"),
        ("$select=subject", "RequestBroker--ParseUri"),
        ("$expand=attachments", "RequestBroker--ParseUri"),
        ("$filter=isHidden%20eq%20true", "ErrorInvalidUrlQuery"),
        ("$orderby=totalItemCount", "ErrorInvalidUrlQuery"),
        ("$nonsense=1", "RequestBroker--ParseUri"),
    ] {
        assert_eq!(desk.refusal("GET", &format!("{USER}/mailFolders?{query}"), "").await, (400, code.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn folders_are_named_by_ids_and_well_known_names() {
    let mut desk = Desk::new().await;
    let inbox = desk.read(&format!("{USER}/mailFolders/Inbox?$select=id")).await;
    let id = inbox["id"].as_str().unwrap().to_owned();
    assert_eq!(desk.read(&format!("{USER}/mailFolders/{}", crate::graph::encode(&id))).await["displayName"], "Inbox");
    let missing = (404, "ErrorItemNotFound".to_owned());
    assert_eq!(desk.refusal("GET", &format!("{USER}/mailFolders/clutter"), "").await, missing);
    assert_eq!(desk.refusal("GET", &format!("/users/bob@example.com/mailFolders/{id}"), "").await, missing);
    for name in ["nonsense", "calendar"] {
        let answer = desk.refusal("GET", &format!("{USER}/mailFolders/{name}"), "").await;
        assert_eq!(answer, (400, "ErrorInvalidIdMalformed".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn folders_are_made_renamed_moved_and_deleted_twice() {
    let mut desk = Desk::new().await;
    let made = desk.good("POST", &format!("{USER}/mailFolders"), &json!({"displayName": "new", "isHidden": true}), 201).await;
    assert_eq!(made["isHidden"], true);
    let path = format!("{USER}/mailFolders/{}", made["id"].as_str().unwrap());
    let again = desk.refusal("POST", &format!("{USER}/mailFolders"), r#"{"displayName":"NEW"}"#).await;
    assert_eq!(again, (409, "ErrorFolderExists".to_owned()));
    let renamed = desk.good("PATCH", &path, &json!({"displayName": "newer"}), 200).await;
    assert_eq!((&renamed["id"], renamed["displayName"].as_str()), (&made["id"], Some("newer")));
    let moved = desk.good("POST", &format!("{path}/move"), &json!({"destinationId": "inbox"}), 200).await;
    let inbox = desk.read(&format!("{USER}/mailFolders/inbox")).await;
    assert_eq!(moved["parentFolderId"], inbox["id"]);
    for _ in 0..2 {
        desk.good("DELETE", &path, &json!(null), 204).await;
    }
    assert_eq!(desk.refusal("GET", &path, "").await, (404, "ErrorItemNotFound".to_owned()));
    let inbox = format!("{USER}/mailFolders/inbox");
    for (method, path, body, status) in [
        ("DELETE", inbox.clone(), "", 403),
        ("PATCH", inbox.clone(), r#"{"displayName":"x"}"#, 403),
        ("PATCH", inbox.clone(), "{}", 400),
        ("POST", format!("{inbox}/move"), "{}", 400),
        ("POST", format!("{inbox}/childFolders"), "no json", 400),
        ("POST", format!("{inbox}/childFolders"), r#"{"displayName":" "}"#, 400),
        ("PUT", inbox, "", 405),
    ] {
        assert_eq!(desk.refusal(method, &path, body).await.0, status, "{method} {path} {body}");
    }
}

async fn round(desk: &mut Desk, start: &str) -> (Vec<Value>, String) {
    let (mut values, mut link) = (Vec::new(), start.to_owned());
    loop {
        let reply = desk.ask("GET", &link, &[("Prefer", "odata.maxpagesize=3")], "").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let page = json_of(&reply);
        let told = page["value"].as_array().unwrap();
        assert!(told.len() <= 3);
        values.extend(told.iter().cloned());
        match (page["@odata.nextLink"].as_str(), page["@odata.deltaLink"].as_str()) {
            (Some(next), None) => link = next.to_owned(),
            (None, Some(delta)) => return (values, delta.to_owned()),
            both => panic!("{both:?}"),
        }
    }
}

fn names(values: &[Value]) -> Vec<&str> {
    values.iter().filter_map(|value| value["displayName"].as_str()).collect()
}

#[tokio::test]
async fn a_delta_tells_the_tree_and_then_its_changes() {
    let mut desk = Desk::new().await;
    let (all, link) = round(&mut desk, &format!("{USER}/mailFolders/delta?$select=displayName,totalItemCount")).await;
    for name in ["Inbox", "a/b", "deep", "Conflicts", "Unread"] {
        assert!(names(&all).contains(&name), "{name}: {all:?}");
    }
    assert!(!names(&all).contains(&"Calendar") && all.iter().all(|folder| folder.get("isHidden").is_none()));
    let (none, link) = round(&mut desk, &link).await;
    assert!(none.is_empty(), "{none:?}");

    let alice = desk.alice();
    let inbox = alice.root_folder("inbox").unwrap();
    let item = alice.create_item(inbox, NewItem::from_mime(Bytes::from_static(b"Subject: x\r\n\r\nx\r\n"))).unwrap();
    alice.update_item(item, &ItemUpdate { read: Some(true), ..ItemUpdate::default() }).unwrap();
    let made = desk.good("POST", &format!("{USER}/mailFolders"), &json!({"displayName": "new"}), 201).await;
    let (changed, link) = round(&mut desk, &link).await;
    assert_eq!(names(&changed), ["Inbox", "new"]);
    assert_eq!(changed[0]["totalItemCount"], 31);

    let path = format!("{USER}/mailFolders/{}", made["id"].as_str().unwrap());
    for _ in 0..2 {
        desk.good("DELETE", &path, &json!(null), 204).await;
    }
    let (changed, link) = round(&mut desk, &link).await;
    assert_eq!(changed, [json!({"id": made["id"], "@removed": {"reason": "deleted"}})]);

    desk.alice().expire_sync_states(None).unwrap();
    assert_eq!(desk.refusal("GET", &link, "").await, (410, "SyncStateNotFound".to_owned()));
    let nonsense = desk.refusal("GET", &format!("{USER}/mailFolders/delta?$deltatoken=nonsense"), "").await;
    assert_eq!(nonsense, (400, "SyncStateInvalid".to_owned()));
    let filtered = desk.refusal("GET", &format!("{USER}/mailFolders/delta?$filter=displayName%20eq%20'x'"), "").await;
    assert_eq!(filtered, (400, "ErrorInvalidUrlQuery".to_owned()));
    desk.simulator.state().quirks.switch("no-delta", true).unwrap();
    assert_eq!(desk.refusal("GET", &format!("{USER}/mailFolders/delta"), "").await.0, 400);
}
