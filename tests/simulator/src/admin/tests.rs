use std::sync::Arc;

use base64::Engine as _;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::http::{Body, Headers};
use crate::simulator::{Launch, Simulator};
use crate::store::{Find, Mime};
use crate::world::World;

use super::*;

async fn simulator() -> (Simulator, Admin) {
    let simulator = Simulator::start(Launch::from(World::uniform(2, 50))).await.unwrap();
    let admin = Admin::new(Arc::clone(simulator.state()));
    (simulator, admin)
}

fn request(method: &str, path: &str, body: &str) -> Request {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query.to_owned())));
    Request {
        method: method.into(),
        path: path.into(),
        query,
        headers: Headers::new(),
        body: bytes::Bytes::from(body.to_owned()),
        spooled: None,
        connection: crate::http::ConnectionId(1),
        tls: false,
    }
}

/// Posts (or gets, with null) and reads the answer.
async fn call(admin: &Admin, path: &str, body: Value) -> (u16, Value) {
    let request = if body.is_null() { request("GET", path, "") } else { request("POST", path, &body.to_string()) };
    let response = admin.answer(&request).unwrap_or_else(|refusal| Response::json(refusal.status, &json!({ "error": refusal.text })));
    let Body::Full(bytes) = response.body else { panic!("a stream") };
    (response.status, serde_json::from_slice(&bytes).unwrap())
}

async fn good(admin: &Admin, path: &str, body: Value) -> Value {
    let (status, answer) = call(admin, path, body).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

const WHO: &str = "user1@example.com";

#[tokio::test]
async fn mail_is_delivered_moved_read_and_deleted() {
    let (simulator, admin) = simulator().await;
    let mailbox = simulator.state().store.mailbox(WHO).unwrap();
    let inbox = mailbox.root_folder("inbox").unwrap();
    let before = mailbox.folder(inbox).unwrap().total;
    let ids = good(&admin, "/deliver", json!({ "mailbox": WHO, "count": 3, "size": 70_000 })).await;
    assert_eq!(ids["ids"].as_array().unwrap().len(), 3);
    let items = mailbox.find(inbox, &Find { limit: 3, ..Find::default() }).unwrap().items;
    assert!(items.iter().all(|item| !item.read && matches!(&item.mime, Mime::Content(content) if content.len() == 70_000)));
    assert_ne!(items[0].message_id, items[1].message_id);
    let eml = base64::engine::general_purpose::STANDARD.encode("Subject: exact\r\n\r\nbody");
    let one = good(&admin, "/deliver", json!({ "mailbox": WHO, "folder": ["Inbox", "Projects"], "eml": eml })).await["ids"][0].clone();
    let moved = good(&admin, "/move", json!({ "mailbox": WHO, "ids": [one], "to": "drafts" })).await;
    let new = moved["items"][0]["to"].clone();
    good(&admin, "/update", json!({ "mailbox": WHO, "ids": [new], "subject": "other" })).await;
    good(&admin, "/spoil", json!({ "mailbox": WHO, "ids": [new] })).await;
    assert_eq!(good(&admin, "/read", json!({ "mailbox": WHO, "count": 2 })).await["ids"].as_array().unwrap().len(), 2);
    assert_eq!(good(&admin, "/copy", json!({ "mailbox": WHO, "from": "inbox", "to": { "well_known": "inbox", "path": ["projects"] } })).await["items"].as_array().unwrap().len(), 1);
    good(&admin, "/delete", json!({ "mailbox": WHO, "folder": "inbox", "count": 2, "how": "deleted-items" })).await;
    assert_eq!(mailbox.folder(inbox).unwrap().total, before + 1);
    simulator.shutdown().await;
}

#[tokio::test]
async fn folders_come_and_go() {
    let (_simulator, admin) = simulator().await;
    good(&admin, "/create-folder", json!({ "mailbox": WHO, "name": "New" })).await;
    good(&admin, "/rename-folder", json!({ "mailbox": WHO, "folder": ["New"], "name": "Newer" })).await;
    good(&admin, "/move-folder", json!({ "mailbox": WHO, "folder": ["Newer"], "to": "inbox" })).await;
    let id = good(&admin, "/delete-folder", json!({ "mailbox": WHO, "folder": ["Inbox", "Newer"] })).await["id"].clone();
    assert_eq!(call(&admin, "/delete-folder", json!({ "mailbox": WHO, "folder": { "id": id } })).await.0, 404);
    assert_eq!(call(&admin, "/delete-folder", json!({ "mailbox": WHO, "folder": "inbox" })).await.0, 400);
}

#[tokio::test]
async fn the_server_is_turned_upside_down() {
    let (simulator, admin) = simulator().await;
    let state = simulator.state();
    let id =
        good(&admin, "/fault", json!({ "add": { "operation": "GetItem", "action": { "kind": "delay", "ms": 5 } } })).await["id"].clone();
    assert_eq!(good(&admin, "/faults", Value::Null).await[0]["id"], id);
    good(&admin, "/fault", json!({ "remove": id })).await;
    assert_eq!(call(&admin, "/fault", json!({ "remove": id })).await.0, 404);
    good(&admin, "/quirks", json!({ "on": ["control-references"] })).await;
    assert!(state.quirks.has("control-references"));
    good(&admin, "/latency", json!({ "latency_ms": [1, 2] })).await;
    assert!(!state.gate.next_delay().is_zero());
    good(&admin, "/revoke", json!({ "account": "user1" })).await;
    let mailbox = state.store.mailbox(WHO).unwrap();
    let inbox = mailbox.root_folder("inbox").unwrap();
    let epoch = mailbox.folder(inbox).unwrap().epoch;
    good(&admin, "/expire-sync-states", json!({ "mailbox": WHO, "folder": "inbox" })).await;
    assert_eq!(mailbox.folder(inbox).unwrap().epoch, epoch + 1);
    good(&admin, "/quota", json!({ "mailbox": WHO })).await;
    assert!(mailbox.is_full());
    good(&admin, "/quota", json!({ "mailbox": WHO, "over": false })).await;
    assert!(!mailbox.is_full());
    good(&admin, "/change-ids", json!({ "mailbox": WHO })).await;
    assert!(mailbox.folder(inbox).is_err());
    state.counters.add("ews.GetItem", 4);
    assert_eq!(good(&admin, "/counters", Value::Null).await["ews.GetItem"], 4);
    good(&admin, "/reset-counters", json!({})).await;
    assert_eq!(good(&admin, "/subscriptions", Value::Null).await, json!([]));
    assert_eq!(good(&admin, "/forget-subscriptions", json!({})).await["ended"], 0);
    let status = good(&admin, "/status", Value::Null).await;
    assert_eq!((status["messages"].clone(), status["mailboxes"].as_array().unwrap().len()), (json!(100), 2));
    good(&admin, "/delete-mailbox", json!({ "mailbox": WHO })).await;
    assert_eq!(call(&admin, "/change-ids", json!({ "mailbox": WHO })).await.0, 404);
}

#[tokio::test]
async fn wrong_calls_say_what_is_wrong() {
    let (_simulator, admin) = simulator().await;
    let cases = [
        ("/nowhere", json!({}), 404, "/deliver"),
        ("/deliver", Value::Null, 405, "GET"),
        ("/deliver", json!({ "mailbox": "nobody@example.com" }), 404, "nobody"),
        ("/deliver", json!({ "mailbox": WHO, "colour": 1 }), 400, "colour"),
        ("/deliver", json!({ "mailbox": WHO, "eml": "%" }), 400, "base64"),
        ("/deliver", json!({ "mailbox": WHO, "folder": ["Nowhere"] }), 404, "Nowhere"),
        ("/move", json!({ "mailbox": WHO, "ids": ["x"], "to": "drafts" }), 400, "id"),
        ("/spoil", json!({ "mailbox": WHO, "code": "NoError" }), 400, "ErrorItemCorrupt"),
        ("/quirks", json!({ "on": ["nonsense"] }), 400, "nonsense"),
        ("/latency", json!({ "latency_ms": [2, 1] }), 400, "least"),
        ("/revoke", json!({ "account": "nobody" }), 404, "nobody"),
        ("/lifecycle", json!({ "event": "ended" }), 400, "missed"),
        ("/lifecycle", json!({ "event": "missed" }), 404, "subscription"),
        ("/notify", json!({ "mailbox": WHO, "change": "moved" }), 400, "created"),
        ("/notify", json!({ "mailbox": WHO, "change": "created" }), 404, "subscription"),
        ("/forget-subscriptions", json!({ "mailbox": "nobody@example.com" }), 404, "nobody"),
        ("/manifest", Value::Null, 400, "mailbox"),
        ("/reinfer-emails", Value::Null, 400, "bucket"),
        ("/reinfer-emails?bucket=a/b", Value::Null, 404, "a/b"),
        ("/reinfer-token", json!({ "revoke": "none" }), 404, "token"),
        ("/reinfer-token", json!({ "add": { "token": "" } }), 400, "token"),
        ("/reinfer-config", json!({ "owner": "a/b", "key": "c" }), 400, "a/b"),
    ];
    for (path, body, status, word) in cases {
        let (got, answer) = call(&admin, path, body).await;
        assert!(got == status && answer["error"].as_str().unwrap().contains(word), "{path}: {got} {answer}");
    }
}

#[tokio::test]
async fn the_manifest_lists_every_item_with_the_digest_of_its_bytes() {
    let (simulator, admin) = simulator().await;
    good(&admin, "/spoil", json!({ "mailbox": WHO, "folder": "inbox" })).await;
    let answer = admin.answer(&request("GET", "/manifest?mailbox=user1%40example.com", "")).unwrap();
    let Body::Stream(lines) = answer.body else { panic!("not a stream") };
    let lines: Vec<Value> = lines.map(|line| serde_json::from_slice(&line.unwrap()).unwrap()).collect().await;
    assert_eq!(lines.len(), 50);
    assert_eq!(lines.iter().filter(|line| line["mime"]["code"] == "ErrorItemCorrupt").count(), 1);
    let mailbox = simulator.state().store.mailbox(WHO).unwrap();
    for line in lines.iter().filter(|line| line["mime"]["length"].is_u64()).take(5) {
        let item = mailbox.item(crate::store::ItemId::parse(line["id"].as_str().unwrap()).unwrap()).unwrap();
        let Mime::Content(content) = &item.mime else { panic!("no MIME") };
        let bytes = content.bytes(1 << 20).await.unwrap();
        assert_eq!(line["mime"]["sha256"], hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&bytes)));
        assert_eq!((line["mime"]["length"].as_u64(), line["subject"].as_str()), (Some(bytes.len() as u64), item.subject.as_deref()));
    }
}

#[tokio::test]
async fn what_was_uploaded_is_told() {
    let (simulator, admin) = simulator().await;
    good(&admin, "/reinfer-token", json!({ "add": { "token": "t2", "permissions": ["buckets-append"] } })).await;
    assert_eq!(simulator.reinfer().tokens().len(), 2);
    good(&admin, "/reinfer-token", json!({ "revoke": "t2" })).await;
    good(&admin, "/reinfer-config", json!({ "owner": "acme", "key": "exchange", "content": "not even JSON" })).await;
    assert_eq!(simulator.reinfer().config("acme", "exchange").unwrap(), "not even JSON");
    let address = simulator.url().trim_start_matches("http://").parse().unwrap();
    let email = json!({ "id": "1", "mailbox": WHO, "timestamp": "2024-05-01T00:00:00Z", "mime_content": "Subject: x\r\n\r\n" });
    let id = simulator.reinfer().bucket("acme/mail").unwrap().id;
    let state = json!({ "keyed_sync_state": { "mailbox_name": WHO, "status": "UP_TO_DATE" } });
    let mut wire = crate::http::testing::Wire::open(address).await;
    for (path, body) in [
        ("/api/_private/buckets/acme/mail/emails".to_owned(), json!({ "emails": [email] })),
        (format!("/api/_private/buckets/id:{id}/keyed-sync-state/aa"), state),
    ] {
        let body = body.to_string();
        let head = "Authorization: Bearer reinfer-token\r\nContent-Type: application/json\r\nHost: h";
        wire.send(format!("PUT {path} HTTP/1.1\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())).await;
        assert_eq!(wire.answer().await.unwrap().status, 200);
    }
    let status = good(&admin, "/reinfer", Value::Null).await;
    let bucket = &status["buckets"][0];
    assert_eq!((&bucket["bucket"], &bucket["emails"], &status["configs"]), (&json!("acme/mail"), &json!(1), &json!(["acme/exchange"])));
    assert_eq!((&bucket["sync_states"][0]["key"], &bucket["sync_states"][0]["status"]), (&json!("aa"), &json!("UP_TO_DATE")));
    let answer = admin.answer(&request("GET", "/reinfer-emails?bucket=acme%2Fmail", "")).unwrap();
    let Body::Stream(lines) = answer.body else { panic!("not a stream") };
    let lines: Vec<Value> = lines.map(|line| serde_json::from_slice(&line.unwrap()).unwrap()).collect().await;
    assert_eq!(
        (lines.len(), &lines[0]["mailbox"], &lines[0]["puts"], &lines[0]["mime"]["length"]),
        (1, &json!(WHO), &json!(1), &json!(14))
    );
    simulator.shutdown().await;
}

#[tokio::test]
async fn it_answers_over_a_socket() {
    let options = crate::Options { admin: Some(crate::Options::default().listen), ..crate::Options::default() };
    let simulator = Simulator::start(Launch { world: World::uniform(1, 3), options, ..Launch::default() }).await.unwrap();
    let address = simulator.admin_url().unwrap().trim_start_matches("http://").to_owned();
    let mut socket = tokio::net::TcpStream::connect(address.trim_end_matches('/')).await.unwrap();
    socket.write_all(b"GET /status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("user1@example.com"), "{answer}");
    simulator.shutdown().await;
}
