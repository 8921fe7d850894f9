//! Subscriptions over real sockets, with a receiver that remembers what it was sent.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::*;
use crate::http::testing::{Answer as Reply, Wire, serving};
use crate::http::{Request, Response, ServerHandle};
use crate::simulator::Simulator;
use crate::store::{DeleteHow, FolderId, ItemId, ItemUpdate, Mailbox, NewItem};
use crate::world::World;

const WORLD: &str = r#"
[[apps]]
client_id = "11111111-2222-3333-4444-555555555555"
tenant = "example.com"
secrets = ["application-secret"]
[[apps]]
client_id = "22222222-2222-3333-4444-555555555555"
tenant = "example.com"
secrets = ["application-secret"]
[[mailboxes]]
address = "alice@example.com"
[[mailboxes.folders]]
well_known = "inbox"
messages = 40
"#;
const APP: &str = "11111111-2222-3333-4444-555555555555";
const OTHER: &str = "22222222-2222-3333-4444-555555555555";

/// A simulator, a token, and a receiver.
struct Setting {
    simulator: Simulator,
    token: String,
    receiver: ServerHandle,
    seen: Arc<Mutex<Vec<(String, Value)>>>,
    /// What the receiver answers to notifications.
    status: Arc<AtomicU16>,
}

impl Setting {
    async fn new() -> Self {
        let simulator = Simulator::start(toml::from_str::<World>(WORLD).unwrap()).await.unwrap();
        let token = token(&simulator, APP).await;
        let (seen, status) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU16::new(202)));
        let (heard, answer) = (seen.clone(), status.clone());
        let receiver = serving(move |request: Request| receive(&request, &heard, answer.load(Ordering::SeqCst))).await;
        Self { simulator, token, receiver, seen, status }
    }

    fn mailbox(&self) -> Mailbox {
        self.simulator.state().store.mailbox("alice@example.com").unwrap()
    }

    fn folder(&self, name: &str) -> FolderId {
        self.mailbox().root_folder(name).unwrap()
    }

    fn deliver(&self, name: &str) -> ItemId {
        let mail = NewItem::from_mime(bytes::Bytes::from_static(b"Subject: news\r\n\r\nhello\r\n"));
        self.mailbox().create_item(self.folder(name), NewItem { delivered: true, ..mail }).unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.receiver.url().trim_end_matches('/'))
    }

    async fn call(&self, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> (u16, Value) {
        let answer = ask(&self.simulator, &self.token, method, path, more, body).await;
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    /// What a good request for a subscription says, with other words where given.
    fn wish(&self, other: Value) -> Value {
        let mut wish = json!({
            "changeType": "created,updated,deleted",
            "notificationUrl": self.url("/hook?tenant=a%20b"),
            "resource": "/users/alice@example.com/messages",
            "expirationDateTime": in_minutes(60),
            "clientState": "s3cret",
        });
        wish.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        wish
    }

    async fn subscribe(&self, other: Value, more: &[(&str, &str)]) -> Value {
        let (status, body) = self.call("POST", "/subscriptions", more, &self.wish(other)).await;
        assert_eq!(status, 201, "{body}");
        body
    }

    async fn refused(&self, other: Value) -> (u16, String, String) {
        let (status, body) = self.call("POST", "/subscriptions", &[], &self.wish(other)).await;
        let text = |name: &str| body["error"][name].as_str().unwrap_or_default().to_owned();
        (status, text("code"), text("message"))
    }

    /// The notifications of this many entries at a path, once they are there.
    async fn told(&self, path: &str, count: usize) -> Vec<Value> {
        loop {
            let seen: Vec<Value> = {
                let seen = self.seen.lock().unwrap();
                seen.iter().filter(|(at, _)| at == path).flat_map(|(_, body)| body["value"].as_array().unwrap().clone()).collect()
            };
            if seen.len() >= count {
                assert_eq!(seen.len(), count, "{seen:?}");
                self.seen.lock().unwrap().retain(|(at, _)| at != path);
                return seen;
            }
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The kinds of changes told next, each with the message.
    async fn changes(&self, count: usize) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.told("/hook", count).await.iter().map(|told| (text(&told["changeType"]), text(&told["resourceData"]["id"]))).collect()
    }
}

fn in_minutes(minutes: i64) -> String {
    (Utc::now() + TimeDelta::minutes(minutes)).to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn receive(request: &Request, seen: &Mutex<Vec<(String, Value)>>, status: u16) -> Response {
    match (request.query_value("validationToken"), request.path.as_str()) {
        (Some(_), "/mute") => Response::text(200, "something else"),
        (Some(_), "/broken") => Response::new(500),
        (Some(token), "/html") => Response::html(200, token),
        (Some(token), _) => Response::text(200, token),
        (None, path) => {
            if status < 300 {
                seen.lock().unwrap().push((path.to_owned(), serde_json::from_slice(&request.body).unwrap()));
            }
            Response::new(status)
        }
    }
}

async fn token(simulator: &Simulator, app: &str) -> String {
    let form = format!(
        "grant_type=client_credentials&client_id={app}&client_secret=application-secret&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
    );
    let mut wire = Wire::open(address(simulator)).await;
    let answer = wire.post("/example.com/oauth2/v2.0/token", &[("Content-Type", "application/x-www-form-urlencoded")], &form).await;
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    body["access_token"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

fn address(simulator: &Simulator) -> std::net::SocketAddr {
    simulator.url().trim_start_matches("http://").trim_end_matches('/').parse().unwrap()
}

async fn ask(simulator: &Simulator, token: &str, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let fields: String = more.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{method} /v1.0{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{fields}Content-Length: {}\r\n\r\n",
        body.len()
    );
    let mut wire = Wire::open(address(simulator)).await;
    wire.send(head + &body).await;
    wire.answer().await.unwrap()
}

#[tokio::test]
async fn a_receiver_must_prove_itself() {
    let setting = Setting::new().await;
    for (path, word) in [("/mute", "exactly match"), ("/broken", "200 OK"), ("/html", "text/plain")] {
        for name in ["notificationUrl", "lifecycleNotificationUrl"] {
            let (status, code, text) = setting.refused(json!({ name: setting.url(path) })).await;
            assert_eq!((status, code.as_str()), (400, "ValidationError"), "{path}");
            assert!(text.contains(word), "{path}: {text}");
        }
    }
    // A port nobody listens on.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (status, code, text) = setting.refused(json!({ "notificationUrl": format!("http://{closed}/") })).await;
    assert!((status, code.as_str()) == (400, "ValidationError") && text.contains("cannot be reached"), "{text}");
    assert!(setting.simulator.state().graph.webhooks.all().is_empty());
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_refused() {
    let setting = Setting::new().await;
    let cases = [
        (json!({ "changeType": "moved" }), 400, "InvalidRequest"),
        (json!({ "changeType": null }), 400, "InvalidRequest"),
        (json!({ "notificationUrl": "https://example.com/" }), 400, "InvalidRequest"),
        (json!({ "resource": "/me/messages" }), 400, "BadRequest"),
        (json!({ "resource": "/users/alice@example.com/mailFolders/nonsense/messages" }), 400, "ErrorInvalidIdMalformed"),
        (json!({ "resource": "/users/alice@example.com/events" }), 400, "InvalidRequest"),
        (json!({ "resource": "/users/alice@example.com/messages?$filter=isRead eq true" }), 400, "InvalidRequest"),
        (json!({ "expirationDateTime": "tomorrow" }), 400, "InvalidRequest"),
        (json!({ "expirationDateTime": in_minutes(-1) }), 400, "InvalidRequest"),
        (json!({ "expirationDateTime": in_minutes(4300) }), 400, "ExtensionError"),
        (json!({ "clientState": "x".repeat(129) }), 400, "InvalidRequest"),
        (json!({ "clientState": 7 }), 400, "InvalidRequest"),
        (json!({ "includeResourceData": true }), 400, "InvalidRequest"),
        (json!({ "latestSupportedTlsVersion": "v9" }), 400, "InvalidRequest"),
        (json!({ "encryptionCertificate": "x" }), 400, "InvalidRequest"),
    ];
    for (other, status, code) in cases {
        let (got, told, text) = setting.refused(other.clone()).await;
        assert_eq!((got, told.as_str()), (status, code), "{other}: {text}");
    }
    let (status, _, _) = setting.refused(json!({ "resource": "/users/nobody@example.com/messages" })).await;
    assert_eq!(status, 404);
    setting.simulator.state().quirks.switch("week-long-subscriptions", true).unwrap();
    setting.subscribe(json!({ "expirationDateTime": in_minutes(10_000) }), &[]).await;
}

#[tokio::test]
async fn a_folder_tells_what_comes_changes_and_goes() {
    let setting = Setting::new().await;
    let resource = "users('alice@example.com')/mailFolders('Inbox')/messages";
    let made = setting.subscribe(json!({ "resource": resource }), &[]).await;
    assert_eq!((&made["resource"], &made["applicationId"]), (&json!(resource), &json!(APP)));
    let (mailbox, drafts) = (setting.mailbox(), setting.folder("drafts"));
    let rest = |id: ItemId| crate::graph::messages::ids::id_text(&setting.mailbox(), id, false);

    let item = setting.deliver("inbox");
    let told = setting.told("/hook", 1).await.remove(0);
    assert_eq!((&told["subscriptionId"], &told["clientState"]), (&made["id"], &json!("s3cret")));
    assert_eq!((told["changeType"].as_str(), told["resourceData"]["id"].as_str()), (Some("created"), Some(rest(item).as_str())));
    assert!(told["resourceData"]["@odata.etag"].as_str().unwrap().starts_with("W/\""));
    assert_eq!(told["tenantId"].as_str().unwrap().len(), 36);

    mailbox.update_item(item, &ItemUpdate { read: Some(true), ..ItemUpdate::default() }).unwrap();
    assert_eq!(setting.changes(1).await, [("updated".to_owned(), rest(item))]);
    let moved = mailbox.move_item(item, drafts).unwrap();
    assert_eq!(setting.changes(1).await, [("deleted".to_owned(), rest(item))]);
    setting.deliver("sentitems");
    let back = mailbox.move_item(moved, setting.folder("inbox")).unwrap();
    assert_eq!(setting.changes(1).await, [("created".to_owned(), rest(back))]);
    mailbox.delete_item(back, DeleteHow::Hard).unwrap();
    assert_eq!(setting.changes(1).await, [("deleted".to_owned(), rest(back))]);
    assert_eq!(setting.simulator.state().counters.value("graph.notifications"), 5);
}

#[tokio::test]
async fn a_mailbox_tells_moves_by_the_kind_of_id() {
    let setting = Setting::new().await;
    let usual = setting.subscribe(json!({ "notificationUrl": setting.url("/usual") }), &[]).await;
    setting.subscribe(json!({ "notificationUrl": setting.url("/lasting") }), &[("Prefer", "IdType=\"ImmutableId\"")]).await;
    let mailbox = setting.mailbox();
    let item = setting.deliver("inbox");
    let first = setting.told("/lasting", 1).await.remove(0);
    setting.told("/usual", 1).await;
    // Contacts and what lies in the recoverable items are no messages of the mailbox.
    mailbox.create_item(setting.folder("contacts"), NewItem::from_mime(bytes::Bytes::from_static(b"Subject: x\r\n\r\n"))).unwrap();
    mailbox.move_item(item, setting.folder("deleteditems")).unwrap();
    let kinds: Vec<Value> = setting.told("/usual", 2).await.iter().map(|told| told["changeType"].clone()).collect();
    assert_eq!(kinds, ["deleted", "created"]);
    let second = setting.told("/lasting", 1).await.remove(0);
    assert_eq!((&second["changeType"], &second["resourceData"]["id"]), (&json!("updated"), &first["resourceData"]["id"]));
    let gone = setting.call("DELETE", &format!("/subscriptions/{}", usual["id"].as_str().unwrap()), &[], &Value::Null).await;
    assert_eq!(gone.0, 204);
    setting.deliver("inbox");
    setting.told("/lasting", 1).await;
    assert!(setting.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn many_moves_at_once_are_missed() {
    let setting = Setting::new().await;
    let made = setting.subscribe(json!({ "lifecycleNotificationUrl": setting.url("/life") }), &[]).await;
    let mailbox = setting.mailbox();
    let items: Vec<ItemId> = (0..26).map(|_| setting.deliver("inbox")).collect();
    setting.told("/hook", 26).await;
    for item in items {
        mailbox.move_item(item, setting.folder("drafts")).unwrap();
    }
    let told = setting.told("/life", 1).await.remove(0);
    assert_eq!((&told["lifecycleEvent"], &told["subscriptionId"], &told["clientState"]), (&json!("missed"), &made["id"], &json!("s3cret")));
    assert!(setting.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn subscriptions_are_shown_renewed_and_ended_by_their_owner() {
    let setting = Setting::new().await;
    let mut ids = Vec::new();
    for _ in 0..PAGE + 1 {
        ids.push(setting.subscribe(json!({}), &[]).await["id"].clone());
    }
    let (_, page) = setting.call("GET", "/subscriptions", &[], &Value::Null).await;
    assert_eq!(page["value"].as_array().unwrap().len(), PAGE);
    let next = page["@odata.nextLink"].as_str().unwrap().split_once("/v1.0").unwrap().1;
    let (_, rest) = setting.call("GET", next, &[], &Value::Null).await;
    assert!(rest["value"][0]["id"] == ids[PAGE] && rest.get("@odata.nextLink").is_none(), "{rest}");
    assert_eq!(setting.call("GET", "/subscriptions?$skiptoken=x", &[], &Value::Null).await.0, 400);

    let one = format!("/subscriptions/{}", ids[0].as_str().unwrap());
    let until = in_minutes(120);
    let (status, body) = setting.call("PATCH", &one, &[], &json!({ "expirationDateTime": until })).await;
    assert_eq!((status, &body["expirationDateTime"]), (200, &json!(until)));
    for wrong in [json!({ "expirationDateTime": in_minutes(9999) }), json!({ "resource": "x" }), json!([]), json!({})] {
        assert_eq!(setting.call("PATCH", &one, &[], &wrong).await.0, 400, "{wrong}");
    }
    assert_eq!(setting.call("POST", &format!("{one}/reauthorize"), &[], &Value::Null).await.0, 204);
    assert_eq!(setting.call("GET", &one, &[], &Value::Null).await.1["expirationDateTime"], until);
    assert_eq!(setting.call("PUT", &one, &[], &Value::Null).await.0, 405);

    let stranger = token(&setting.simulator, OTHER).await;
    assert_eq!(ask(&setting.simulator, &stranger, "GET", &one, &[], &Value::Null).await.status, 404);
    assert_eq!(ask(&setting.simulator, &stranger, "DELETE", &one, &[], &Value::Null).await.status, 404);
    assert_eq!(setting.call("DELETE", &one, &[], &Value::Null).await.0, 204);
    assert_eq!(setting.call("GET", &one, &[], &Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_subscription_warns_and_ends_with_its_time() {
    let setting = Setting::new().await;
    setting.subscribe(json!({ "lifecycleNotificationUrl": setting.url("/life") }), &[]).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(55 * 60)).await;
    let told = setting.told("/life", 1).await.remove(0);
    assert_eq!(told["lifecycleEvent"], "reauthorizationRequired");
    tokio::time::advance(Duration::from_secs(6 * 60)).await;
    while !setting.simulator.state().graph.webhooks.all().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(setting.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again() {
    let setting = Setting::new().await;
    setting.subscribe(json!({}), &[]).await;
    setting.status.store(503, Ordering::SeqCst);
    tokio::time::pause();
    setting.deliver("inbox");
    let counters = &setting.simulator.state().counters;
    while counters.value("graph.notifications.refused") < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    setting.status.store(202, Ordering::SeqCst);
    setting.told("/hook", 1).await;
    assert_eq!((counters.value("graph.notifications.refused"), counters.value("graph.notifications.lost")), (3, 0));
}

#[tokio::test]
async fn what_ends_a_subscription_early_is_told() {
    let setting = Setting::new().await;
    let life = json!({ "lifecycleNotificationUrl": setting.url("/life") });
    let first = setting.subscribe(life.clone(), &[]).await;
    setting.subscribe(life, &[]).await;
    let webhooks = &setting.simulator.state().graph.webhooks;
    let one = Chosen { subscription: first["id"].as_str().map(str::to_owned), ..Chosen::default() };
    assert_eq!(webhooks.announce(Lifecycle::SubscriptionRemoved, &one), 1);
    let told = setting.told("/life", 1).await.remove(0);
    assert_eq!((&told["lifecycleEvent"], &told["subscriptionId"]), (&json!("subscriptionRemoved"), &first["id"]));
    assert_eq!(webhooks.all().len(), 1);
    let here = Chosen { mailbox: Some(setting.mailbox().guid()), ..Chosen::default() };
    let item = setting.deliver("inbox");
    setting.told("/hook", 1).await;
    assert_eq!(webhooks.notify(Change::Updated, item, Some("forged"), &here), 1);
    assert_eq!(setting.told("/hook", 1).await[0]["clientState"], "forged");
    assert_eq!(webhooks.forget(&here), 1);
    assert!(webhooks.all().is_empty());
}

#[tokio::test]
async fn quirks_lose_and_repeat_notifications() {
    let setting = Setting::new().await;
    setting.subscribe(json!({ "changeType": "created" }), &[]).await;
    let quirks = &setting.simulator.state().quirks;
    quirks.switch("notifications-lost", true).unwrap();
    for _ in 0..6 {
        setting.deliver("inbox");
    }
    setting.told("/hook", 4).await;
    quirks.switch("notifications-lost", false).unwrap();
    quirks.switch("notifications-repeat", true).unwrap();
    quirks.switch("client-states-forged", true).unwrap();
    setting.deliver("inbox");
    let told = setting.told("/hook", 2).await;
    assert!(told[0] == told[1] && told[0]["clientState"] == "forged", "{told:?}");
}

#[tokio::test]
async fn a_mailbox_takes_a_thousand_and_no_more() {
    let setting = Setting::new().await;
    let state = setting.simulator.state();
    let target = super::post::Target::parse("http://127.0.0.1:1/").unwrap();
    let receiver = super::subscription::Receiver { url: "http://127.0.0.1:1/".into(), target };
    let make = |number: usize| Subscription {
        id: number.to_string(),
        app: APP.into(),
        tenant: "t".into(),
        mailbox: setting.mailbox(),
        folder: None,
        resource: "r".into(),
        changes: vec![Change::Created],
        immutable: false,
        client_state: None,
        notify: receiver.clone(),
        lifecycle: None,
        tls: "v1_2".into(),
        term: tokio::sync::watch::Sender::new(Term::lasting(Utc::now() + TimeDelta::hours(1))),
    };
    assert!((0..1000).all(|number| state.graph.webhooks.add(make(number), state)));
    assert!(!state.graph.webhooks.add(make(1000), state));
    let (status, code, _) = setting.refused(json!({})).await;
    assert_eq!((status, code.as_str()), (403, "ExtensionError"));
}
