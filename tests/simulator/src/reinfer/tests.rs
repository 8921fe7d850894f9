//! The API over real sockets.

mod buckets;
mod configs;
mod emails;
mod faults;
mod states;

use super::Reinfer;
use crate::http::testing::{Answer as Reply, Wire};
use crate::simulator::{Launch, Simulator};
use crate::world::World;
use serde_json::{Value, json};

const TOKEN: &str = "reinfer-token";
const MAIL: &str = "acme/mail";
const EMAILS: &str = "/api/_private/buckets/acme/mail/emails";
const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];

/// A running simulator and a connection to it.
struct Desk {
    simulator: Simulator,
    token: String,
    wire: Wire,
}

impl Desk {
    async fn new() -> Self {
        Self::of("").await
    }

    /// With a world of this text.
    async fn of(world: &str) -> Self {
        Self::with(World::from_toml(world).unwrap()).await
    }

    async fn with(launch: impl Into<Launch>) -> Self {
        let simulator = Simulator::start(launch).await.unwrap();
        let wire = Wire::open(simulator.url().trim_start_matches("http://").parse().unwrap()).await;
        Self { simulator, token: TOKEN.to_owned(), wire }
    }

    async fn other_wire(&self) -> Wire {
        Wire::open(self.simulator.url().trim_start_matches("http://").parse().unwrap()).await
    }

    fn reinfer(&self) -> &Reinfer {
        self.simulator.reinfer()
    }

    fn counter(&self, name: &str) -> u64 {
        self.simulator.state().counters.value(name)
    }

    fn head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
        if !self.token.is_empty() {
            text.push_str(&format!("Authorization: Bearer {}\r\n", self.token));
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text
    }

    fn text(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
        self.head(method, path, headers) + &format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let text = self.text(method, path, headers, body);
        self.wire.send(text).await;
        self.wire.answer().await.unwrap()
    }

    /// An answer in the envelope, whose status must be this one.
    async fn call(&mut self, method: &str, path: &str, body: &Value, status: u16) -> Value {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let reply = self.ask(method, path, JSON, &text).await;
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text());
        let body = json_of(&reply);
        assert_eq!(body["status"], if status == 200 { "ok" } else { "error" }, "{body}");
        body
    }

    async fn good(&mut self, method: &str, path: &str, body: &Value) -> Value {
        self.call(method, path, body, 200).await
    }

    async fn read(&mut self, path: &str) -> Value {
        self.good("GET", path, &json!(null)).await
    }

    /// The message of a refusal.
    async fn refusal(&mut self, method: &str, path: &str, body: &Value, status: u16) -> String {
        self.call(method, path, body, status).await["message"].as_str().unwrap().to_owned()
    }

    /// Uploads emails.
    async fn put(&mut self, emails: &[Value]) -> Value {
        self.good("PUT", EMAILS, &json!({ "emails": emails })).await
    }

    fn bucket_id(&self) -> String {
        self.reinfer().bucket(MAIL).unwrap().id
    }
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{error}: {}", reply.text()))
}

fn email(id: &str) -> Value {
    json!({
        "id": id, "mailbox": "alice@example.com", "timestamp": "2024-05-01T10:20:30Z",
        "mime_content": format!("Subject: {id}\r\n\r\nbody of {id}"),
    })
}
