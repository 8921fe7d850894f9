//! A server over a board of two mailboxes, on a port of its own.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use exchange_sync_tui::{Action, status::Quarantined};
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;

use crate::{
    auth::Secret,
    event::{Event, Seen},
    mail::{Address, FolderId},
    server::{self, Serving, Settings},
    status::Head,
    watch::{Events, Hands, QUARANTINE_SHOWN},
};

pub const ANN: &str = "ann@example.com";
pub const BOB: &str = "bob@example.com";
pub const TOKEN: &str = "hunter2";

/// What is told of a world before it is served.
#[derive(Clone, Copy)]
pub struct Making {
    pub begun: bool,
    pub token: bool,
    pub mask: bool,
    pub quarantined: usize,
}

impl Default for Making {
    fn default() -> Self {
        Self { begun: true, token: true, mask: false, quarantined: 1 }
    }
}

pub struct World {
    pub events: Events,
    pub serving: Serving,
    pub address: SocketAddr,
    pub client: Client,
    pub done: Arc<Mutex<Vec<Action>>>,
}

struct Recorded {
    done: Arc<Mutex<Vec<Action>>>,
    quarantined: usize,
}

#[async_trait]
impl Hands for Recorded {
    async fn act(&self, action: Action) -> Result<String, String> {
        if let Action::Verify { mailbox } = &action {
            return Err(format!("{mailbox} is being compared already"));
        }
        self.done.lock().unwrap().push(action);
        Ok(format!("done for {ANN}"))
    }

    async fn quarantine(&self) -> Result<Vec<Quarantined>, String> {
        let item = |n: usize| Quarantined {
            mailbox: ANN.into(),
            key: format!("key{n}"),
            folder: vec!["Inbox".into()],
            item: "AAA=".into(),
            code: "ErrorItemCorrupt".into(),
            words: format!("the item of {ANN} is corrupt"),
            attempts: 2,
            at: chrono::DateTime::UNIX_EPOCH,
        };
        match self.quarantined {
            usize::MAX => Err(format!("reading the catalog of {ANN} failed: no such file")),
            some => Ok((0..some.min(QUARANTINE_SHOWN + 1)).map(item).collect()),
        }
    }
}

impl World {
    pub async fn new() -> Self {
        Self::made(Making::default()).await
    }

    pub async fn made(making: Making) -> Self {
        let events = Events::new();
        let identity = Head { instance: "here".into(), run: "3f2a".into(), ..Head::default() };
        events.status().introduce(identity, making.mask);
        for mailbox in [ANN, BOB] {
            events.tell(Event::MailboxAdded { mailbox: Address::new(mailbox) });
        }
        let done: Arc<Mutex<Vec<Action>>> = Arc::default();
        let hands: Arc<dyn Hands> = Arc::new(Recorded { done: done.clone(), quarantined: making.quarantined });
        let listening = server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listening.address();
        let serving =
            listening.serve(Settings { events: events.clone(), token: making.token.then(|| Secret::new(TOKEN)), mask: making.mask });
        if making.begun {
            serving.begun(hands);
        }
        let client = Client::builder().no_proxy().build().unwrap();
        Self { events, serving, address, client, done }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub async fn look(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    /// Status, and JSON where it is JSON.
    pub async fn told(&self, path: &str) -> (u16, Value) {
        told(self.look(path).await).await
    }

    /// Asks for an action, with this header.
    pub async fn ask(&self, authorization: Option<&str>, body: impl Into<reqwest::Body>) -> (u16, Value) {
        let mut request = self.client.post(self.url("/actions")).body(body);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        told(request.send().await.unwrap()).await
    }

    /// Ann's folders are listed.
    pub fn list(&self) {
        let mailbox = Address::new(ANN);
        self.events.tell(Event::MailboxStarted { mailbox: mailbox.clone() });
        let folders = [Seen { id: FolderId("inbox".into()), path: vec!["Inbox".into()], items: Some(9) }];
        self.events.tell(Event::FoldersListed { mailbox, folders: folders.into() });
    }

    /// Some messages of Ann's are stored.
    pub fn store(&self, messages: u64) {
        let (mailbox, folder) = (Address::new(ANN), FolderId("inbox".into()));
        self.events.tell(Event::MessagesStored { mailbox, folder, newest: None, messages, bytes: 10 * messages });
    }
}

async fn told(response: Response) -> (u16, Value) {
    let status = response.status();
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let text = response.text().await.unwrap();
    assert!(!text.contains(TOKEN), "{text}");
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    if status != StatusCode::OK {
        assert_eq!(kind.as_deref(), Some("application/json"), "{text}");
        assert!(json["error"].as_str().is_some_and(|words| !words.is_empty()), "{text}");
    }
    (status.as_u16(), json)
}
