//! Graph over real sockets.

mod batches;
mod deltas;
mod door;
mod faults;
mod folders;
mod messages;

use crate::http::testing::{Answer as Reply, Wire};
use crate::options::Options;
use crate::simulator::{Launch, Simulator};
use crate::store::Mailbox;
use crate::world::World;
use serde_json::{Value, json};

const TENANT: &str = "example.com";
const APP: &str = "11111111-2222-3333-4444-555555555555";
const READER: &str = "22222222-2222-3333-4444-555555555555";
const BASIC: &str = "33333333-2222-3333-4444-555555555555";
const NOBODY: &str = "44444444-2222-3333-4444-555555555555";
const LIMITED: &str = "55555555-2222-3333-4444-555555555555";
const ALICE: &str = "alice@example.com";

fn world() -> String {
    let app = |id: &str, more: &str| format!("[[apps]]\nclient_id = \"{id}\"\ntenant = \"{TENANT}\"\nsecrets = [\"s3cret\"]\n{more}\n");
    let apps = [
        app(APP, ""),
        app(READER, "graph_permissions = [\"Mail.Read\", \"User.Read.All\"]"),
        app(BASIC, "graph_permissions = [\"Mail.ReadBasic.All\"]"),
        app(NOBODY, "graph_permissions = []"),
        app(LIMITED, "mailboxes = [\"bob@example.com\"]"),
    ];
    let mailboxes = r#"
[[accounts]]
name = "service@example.com"
password = "service"
[[mailboxes]]
address = "alice@example.com"
proxies = ["a@example.com"]
folders = [
  { well_known = "inbox", messages = 30 },
  { well_known = "inbox", path = ["a/b", "deep"] },
  { path = ["Unread"], search = true },
]
[[mailboxes]]
address = "bob@example.com"
"#;
    apps.concat() + mailboxes
}

/// A running simulator and a connection to it.
struct Desk {
    simulator: Simulator,
    token: String,
    wire: Wire,
}

impl Desk {
    async fn new() -> Self {
        Self::with("", Options::default()).await
    }

    /// With keys of the world's top before the rest.
    async fn with(top: &str, options: Options) -> Self {
        let world: World = toml::from_str(&format!("{top}\n{}", world())).unwrap();
        let simulator = Simulator::start(Launch { world, options, ..Launch::default() }).await.unwrap();
        let mut desk = Self {
            wire: Wire::open(simulator.url().trim_start_matches("http://").parse().unwrap()).await,
            simulator,
            token: String::new(),
        };
        desk.be(APP).await;
        desk
    }

    /// Speaks for another application from now on.
    async fn be(&mut self, app: &str) {
        self.token = self.token_for(app, "https://graph.microsoft.com/.default").await;
    }

    async fn token_for(&mut self, app: &str, scope: &str) -> String {
        let body = format!("grant_type=client_credentials&client_id={app}&client_secret=s3cret&scope={scope}");
        let host = self.simulator.url().trim_start_matches("http://").to_owned();
        let length = body.len();
        self.wire
            .send(format!("POST /{TENANT}/oauth2/v2.0/token HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n{body}"))
            .await;
        let reply = self.wire.answer().await.unwrap();
        json_of(&reply)["access_token"].as_str().unwrap().to_owned()
    }

    fn alice(&self) -> Mailbox {
        self.simulator.state().store.mailbox(ALICE).unwrap()
    }

    fn counter(&self, name: &str) -> u64 {
        self.simulator.state().counters.value(name)
    }

    async fn other_wire(&self) -> Wire {
        Wire::open(self.simulator.url().trim_start_matches("http://").parse().unwrap()).await
    }

    fn text(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        let path = path.strip_prefix(&self.simulator.url()).map_or_else(|| format!("/v1.0{path}"), str::to_owned);
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.simulator.url().trim_start_matches("http://"));
        if !self.token.is_empty() {
            text.push_str(&format!("Authorization: Bearer {}\r\n", self.token));
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text + &format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let text = self.text(method, path, headers, body);
        self.wire.send(text).await;
        self.wire.answer().await.unwrap()
    }

    async fn get(&mut self, path: &str) -> Reply {
        self.ask("GET", path, &[], "").await
    }

    /// A body that must come with this status.
    async fn good(&mut self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let reply = self.ask(method, path, &[("Content-Type", "application/json")], &text).await;
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text());
        if reply.body.is_empty() { json!(null) } else { json_of(&reply) }
    }

    async fn read(&mut self, path: &str) -> Value {
        self.good("GET", path, &json!(null), 200).await
    }

    /// Status and code of a refusal.
    async fn refusal(&mut self, method: &str, path: &str, body: &str) -> (u16, String) {
        refusal(&self.ask(method, path, &[], body).await)
    }
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{error}: {}", reply.text()))
}

fn refusal(reply: &Reply) -> (u16, String) {
    (reply.status, json_of(reply)["error"]["code"].as_str().unwrap_or_default().to_owned())
}

/// The folders or other entities of a page, by a member.
fn each<'a>(page: &'a Value, member: &str) -> Vec<&'a str> {
    page["value"].as_array().unwrap().iter().filter_map(|entity| entity[member].as_str()).collect()
}
