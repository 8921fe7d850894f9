//! Sync states.

use super::*;

fn folder() -> Value {
    json!({
        "mailbox_name": "alice@example.com", "folder_id": "AQMkAD", "folder_path": ["Inbox", "Invoices"], "status": "IN_PROGRESS",
        "synced_until": "2024-05-01T10:20:31Z", "last_synced_at": "2024-05-01T10:21:00Z", "fingerprint": "f",
    })
}

#[tokio::test]
async fn states_are_stored_read_listed_and_deleted() {
    let mut desk = Desk::new().await;
    let base = format!("/api/_private/buckets/id:{}", desk.bucket_id());
    desk.refusal("GET", &format!("{base}/keyed-sync-state/aa"), &json!(null), 404).await;
    desk.put(&[email("1")]).await;
    desk.good("PUT", &format!("{base}/keyed-sync-state/aa"), &json!({ "keyed_sync_state": folder() })).await;
    assert_eq!(desk.read(&format!("{base}/keyed-sync-state/aa")).await["keyed_sync_state"], folder());
    let mailbox = json!({ "mailbox_name": "bob@example.com", "status": "UP_TO_DATE", "synced_until": null });
    desk.good("PUT", &format!("{base}/keyed-sync-state/bb"), &json!({ "keyed_sync_state": mailbox })).await;
    desk.good("PUT", &format!("{base}/keyed-sync-state/bb"), &json!({ "keyed_sync_state": mailbox })).await;
    for path in ["keyed-sync-states/", "keyed-sync-states%2F"] {
        let list = desk.read(&format!("{base}/{path}")).await["keyed_sync_states"].clone();
        assert_eq!((list.as_array().unwrap().len(), &list[0]), (2, &folder()));
        assert!(list[1].get("folder_id").is_none() && list[1]["last_synced_at"].is_string() && list[1]["synced_until"].is_null());
    }
    let ids = desk.good("POST", &format!("{base}/keyed-sync-state-ids"), &json!({ "mailbox_name": "bob@example.com" })).await;
    assert_eq!(ids["keyed_sync_state_ids"], json!(["bb"]));
    let states = desk.reinfer().sync_states(MAIL);
    assert_eq!(
        (states["aa"].status, states["bb"].status, states["bb"].puts),
        (crate::reinfer::SyncStatus::InProgress, crate::reinfer::SyncStatus::UpToDate, 2)
    );
    assert!(desk.reinfer().email(MAIL, "1").unwrap().last_change < states["aa"].change, "the order of changes can be told");
    desk.good("DELETE", &format!("{base}/keyed-sync-state/aa"), &json!(null)).await;
    desk.refusal("DELETE", &format!("{base}/keyed-sync-state/aa"), &json!(null), 404).await;
    let message = desk.refusal("GET", "/api/_private/buckets/acme/mail/keyed-sync-states/", &json!(null), 404).await;
    assert_eq!(message, "404 Not Found", "states are found by the id of their bucket alone");
}

#[tokio::test]
async fn a_state_is_held_to_the_letter() {
    let mut desk = Desk::new().await;
    let path = format!("/api/_private/buckets/id:{}/keyed-sync-state/aa", desk.bucket_id());
    for (name, value, status, words) in [
        ("mailbox_name", None, 400, "keyed_sync_state.mailbox_name: is missing"),
        ("status", None, 400, "keyed_sync_state.status: is missing"),
        ("status", Some(json!("up_to_date")), 422, "keyed_sync_state.status"),
        ("folder_id", None, 400, "keyed_sync_state.folder_id: is missing"),
        ("folder_path", None, 400, "keyed_sync_state.folder_path: is missing"),
        ("folder_path", Some(json!("Inbox")), 400, "keyed_sync_state.folder_path"),
        ("synced_until", Some(json!("soon")), 422, "keyed_sync_state.synced_until"),
        ("last_synced_at", Some(json!(null)), 400, "keyed_sync_state.last_synced_at"),
        ("fingerprint", Some(json!(1)), 400, "keyed_sync_state.fingerprint"),
        ("delta_link", Some(json!("x")), 400, "keyed_sync_state.delta_link: is unknown"),
    ] {
        let mut state = folder();
        match value {
            Some(value) => state[name] = value,
            None => drop(state.as_object_mut().unwrap().remove(name)),
        }
        let message = desk.refusal("PUT", &path, &json!({ "keyed_sync_state": state }), status).await;
        assert!(message.contains(words), "{message}");
    }
    desk.refusal("PUT", &path, &folder(), 400).await;
    desk.refusal("PUT", &path.replace("/aa", "/no-hex"), &json!({ "keyed_sync_state": folder() }), 400).await;
    assert!(desk.reinfer().sync_states(MAIL).is_empty());
}

#[tokio::test]
async fn a_bucket_has_one_opaque_state() {
    let mut desk = Desk::new().await;
    let path = "/api/_private/bucket-sync-state/acme/mail";
    desk.refusal("GET", path, &json!(null), 404).await;
    let state = json!({ "sync_state": "opaque", "progress_timestamp": "2024-05-01T00:00:00Z", "last_synced_at": null });
    desk.good("PUT", path, &json!({ "bucket_sync_state": state })).await;
    assert_eq!(desk.read("/api/_private/bucket-sync-state/acme%2Fmail").await["bucket_sync_state"], state);
    assert_eq!(desk.reinfer().bucket_sync_state(MAIL).unwrap().sync_state, "opaque");
    let message = desk.refusal("PUT", path, &json!({ "bucket_sync_state": {} }), 400).await;
    assert_eq!(message, "bucket_sync_state.sync_state: is missing");
    desk.refusal("PUT", "/api/_private/bucket-sync-state/acme/none", &json!({ "bucket_sync_state": state }), 404).await;
}
