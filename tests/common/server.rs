//! A test server in this process, its admin API, and its counters.

use exchange_simulator::{
    Launch, Simulator, World,
    fault::Rule,
    options::Options,
    world::{AccountSpec, FolderSpec, MailboxSpec, Size},
};
use serde_json::{Value, json};

use super::{DELEGATE, SERVICE};

/// A running server.
pub struct Server {
    pub simulator: Simulator,
    client: reqwest::Client,
}

/// A mailbox whose inbox holds so many small messages, and whose folder `Projects` below it a quarter as many more.
pub fn mailbox(address: &str, inbox: u64) -> MailboxSpec {
    let small = vec![Size { bytes: 1500, weight: 3 }, Size { bytes: 9000, weight: 1 }];
    let folder = |path: &[&str], messages| FolderSpec {
        well_known: Some("inbox".into()),
        path: path.iter().map(ToString::to_string).collect(),
        messages,
        sizes: small.clone(),
        ..FolderSpec::default()
    };
    MailboxSpec { address: address.into(), folders: vec![folder(&[], inbox), folder(&["Projects"], inbox / 4)], ..MailboxSpec::default() }
}

/// These mailboxes, the service account and the delegate.
pub fn world(mailboxes: Vec<MailboxSpec>) -> World {
    World { seed: 7, accounts: accounts(), mailboxes, ..World::default() }
}

/// The service account and the delegate.
pub fn accounts() -> Vec<AccountSpec> {
    let account = |(name, password): (&str, &str)| AccountSpec { name: name.into(), password: password.into(), ..AccountSpec::default() };
    vec![AccountSpec { impersonate: true, ..account(SERVICE) }, AccountSpec { full_access: vec!["*".into()], ..account(DELEGATE) }]
}

impl Server {
    /// Starts one; it always has an admin API.
    pub async fn start(launch: impl Into<Launch>) -> Self {
        let mut launch = launch.into();
        launch.options.admin = Some(Options::default().listen);
        let simulator = Simulator::start(launch).await.expect("the test server starts");
        Self { simulator, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    /// The addresses of all its mailboxes.
    pub fn addresses(&self) -> Vec<String> {
        self.simulator.state().store.mailboxes().iter().map(|mailbox| mailbox.address().to_owned()).collect()
    }

    /// Asks the admin API for something to happen.
    pub async fn admin(&self, path: &str, body: Value) -> Value {
        let url = self.simulator.admin_url().unwrap() + path;
        let answer = self.client.post(url).body(body.to_string()).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path} {body}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Puts a fault in force.
    pub fn fault(&self, rule: Rule) {
        self.simulator.state().faults.add(rule);
    }

    /// How often faults have struck so far.
    pub fn struck(&self) -> u64 {
        self.simulator.state().faults.list().iter().map(|(_, _, struck)| struck).sum()
    }

    /// A counter, read by the admin API.
    pub async fn counter(&self, name: &str) -> u64 {
        let url = self.simulator.admin_url().unwrap() + "/counters";
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        serde_json::from_str::<Value>(&text).unwrap()[name].as_u64().unwrap_or(0)
    }

    /// How many message bodies were sent so far.
    pub async fn downloads(&self) -> u64 {
        self.counter("ews.downloads").await + self.counter("graph.downloads").await
    }

    /// Delivers so many new messages.
    pub async fn deliver(&self, mailbox: &str, folder: Value, count: u64) {
        self.admin("/deliver", json!({"mailbox": mailbox, "folder": folder, "count": count})).await;
    }
}
