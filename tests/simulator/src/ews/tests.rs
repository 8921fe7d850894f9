//! Operations over a small world, asked in process.

use super::*;
use crate::accounts::{Account, Accounts};
use crate::counters::Counters;
use crate::fault::{EwsFault, Faults, Rule};
use crate::front::Gate;
use crate::http::{Body, ConnectionId, Headers};
use crate::limits::Limits;
use crate::options::Options;
use crate::quirks::Quirks;
use crate::store::{DeleteHow, FolderId, ItemId, Mailbox, NewItem, Store};
use chrono::DateTime;
use futures::StreamExt as _;
use roxmltree::Document;
use xml::{MESSAGES, SOAP, TYPES};

mod habits;
mod impersonation;
mod items;
mod refusals;
mod streams;
mod synchronising;

const ALICE: &str = "alice@example.com";
const BOB: &str = "bob@example.com";
const SERVICE: &str = "service@example.com";

struct World {
    state: Arc<State>,
    alice: Mailbox,
}

fn account(name: &str, impersonate: bool, full_access: &[&str]) -> Account {
    Account {
        user: name.to_owned(),
        domain: "EXAMPLE".to_owned(),
        password: "secret".to_owned(),
        address: format!("{name}@example.com"),
        impersonate,
        full_access: full_access.iter().map(|address| (*address).to_owned()).collect(),
    }
}

fn world() -> World {
    world_with(&[])
}

fn world_with(quirks: &[&str]) -> World {
    let store = Store::default();
    let born = DateTime::from_timestamp(1_700_000_000, 0).expect("a valid time");
    for name in ["alice", "bob", "carol"] {
        let proxies = vec![format!("{name}.proxy@example.com")];
        assert!(store.add(Mailbox::new(1, &format!("{name}@example.com"), name, proxies, born)));
    }
    let accounts =
        vec![account("alice", false, &[]), account("bob", false, &[ALICE]), account("carol", false, &[]), account("service", true, &[])];
    let alice = store.mailbox(ALICE).expect("was added");
    let state = State {
        store,
        accounts: Accounts::new(accounts, Vec::new()),
        options: Options::default(),
        quirks: Quirks::new(quirks).expect("known quirks"),
        faults: Faults::new(Vec::new(), 1),
        counters: Counters::default(),
        gate: Gate::new(Limits::default(), None).expect("nothing to record"),
        subscriptions: Subscriptions::default(),
        graph: crate::graph::Memory::default(),
        reinfer: crate::world::World::default().build(&[]).expect("an empty world").reinfer,
    };
    World { state: Arc::new(state), alice }
}

fn mail(subject: &str) -> Vec<u8> {
    format!("From: sender@example.org\r\nTo: {ALICE}\r\nSubject: {subject}\r\nDate: Thu, 01 Jan 2026 05:00:00 +0000\r\nMessage-ID: <{subject}@example.com>\r\n\r\nhello {subject}\r\n").into_bytes()
}

/// An answer, parsed.
struct Answer {
    status: u16,
    text: String,
}

impl Answer {
    /// The texts of all elements of a name.
    fn texts(&self, name: &str) -> Vec<String> {
        let document = Document::parse(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text));
        let found = document.descendants().filter(|node| node.tag_name().name() == name);
        found.map(|node| node.text().unwrap_or_default().to_owned()).collect()
    }

    /// An attribute of all elements of a name.
    fn attributes(&self, name: &str, attribute: &str) -> Vec<String> {
        let document = Document::parse(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text));
        let found = document.descendants().filter(|node| node.tag_name().name() == name);
        found.filter_map(|node| node.attribute(attribute).map(str::to_owned)).collect()
    }

    fn codes(&self) -> Vec<String> {
        self.texts("ResponseCode")
    }

    fn first(&self, name: &str) -> String {
        self.texts(name).into_iter().next().unwrap_or_default()
    }
}

impl World {
    fn inbox(&self) -> FolderId {
        self.alice.root_folder("inbox").expect("a default folder")
    }

    fn put(&self, subject: &str) -> ItemId {
        self.alice.create_item(self.inbox(), NewItem::from_mime(mail(subject).into())).expect("the inbox takes it")
    }

    async fn ask(&self, operation: &str) -> Answer {
        self.ask_as(ALICE, "", operation).await
    }

    async fn ask_as(&self, account: &str, header: &str, operation: &str) -> Answer {
        let envelope = format!(
            "<s:Envelope xmlns:s=\"{SOAP}\" xmlns:m=\"{MESSAGES}\" xmlns:t=\"{TYPES}\"><s:Header><t:RequestServerVersion Version=\"Exchange2013_SP1\"/>{header}</s:Header><s:Body>{operation}</s:Body></s:Envelope>"
        );
        self.send(account, &envelope).await
    }

    async fn send(&self, account: &str, envelope: &str) -> Answer {
        let response = self.open(account, envelope).await;
        let status = response.status;
        let bytes = match response.body {
            Body::Full(bytes) => bytes.to_vec(),
            Body::Stream(mut stream) => {
                let mut bytes = Vec::new();
                while let Some(chunk) = stream.next().await {
                    bytes.extend_from_slice(&chunk.expect("the content can be read"));
                }
                bytes
            }
        };
        Answer { status, text: String::from_utf8(bytes).expect("answers are UTF-8") }
    }

    async fn open(&self, account: &str, envelope: &str) -> Response {
        let request = Request {
            method: "POST".to_owned(),
            path: crate::front::EWS.to_owned(),
            query: None,
            headers: Headers::new(),
            body: envelope.to_owned().into(),
            spooled: None,
            connection: ConnectionId(1),
            tls: false,
        };
        let identity = Identity::User { account: account.to_owned() };
        fn is_send<T: Send>(future: T) -> T {
            future
        }
        is_send(handle(&self.state, &request, &identity)).await
    }
}

fn ids(items: &[ItemId]) -> String {
    let list: String = items.iter().map(|id| format!("<t:ItemId Id=\"{}\"/>", id.text())).collect();
    format!("<m:ItemIds>{list}</m:ItemIds>")
}

fn item_shape(inner: &str) -> String {
    format!("<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>{inner}</m:ItemShape>")
}

fn sync_items(folder: FolderId, state: &str, most: usize) -> String {
    let state = if state.is_empty() { String::new() } else { format!("<m:SyncState>{state}</m:SyncState>") };
    format!(
        "<m:SyncFolderItems>{}<m:SyncFolderId><t:FolderId Id=\"{}\"/></m:SyncFolderId>{state}<m:MaxChangesReturned>{most}</m:MaxChangesReturned></m:SyncFolderItems>",
        item_shape(""),
        folder.text()
    )
}
