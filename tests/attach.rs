//! Running instances seen from outside: two shards watched together, one of which dies and comes back.

mod common;

use std::time::Duration;

use common::{
    Server, Setup,
    patience::{HALF_A_MINUTE, MINUTE},
    process::{Ran, ended, signal},
    server,
};
use exchange_sync::{attach, auth::Secret};
use exchange_sync_tui::{
    Action, Ask, Signal, Source, Status,
    status::{MailboxState, State},
};
use serde_json::{Value, json};
use tokio::{process::Command, sync::oneshot, time::timeout};

const TOKEN: &str = "hunter2";

/// A port that was free a moment ago.
fn port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Six mailboxes, and a copy of them whose instances take actions.
async fn world() -> (Server, Setup) {
    let mailboxes = (0..6).map(|n| server::mailbox(&format!("m{n}@example.com"), 24)).collect();
    let server = Server::start(server::world(mailboxes)).await;
    let mut setup = Setup::new(&server);
    setup.set(json!({"poll_frequency": 1}));
    setup.env.push(("EXCHANGE_SYNC_TOKEN".into(), TOKEN.into()));
    (server, setup)
}

/// An instance as somebody far away knows it.
struct Watched {
    source: Source,
    status: Status,
    lost: Vec<String>,
}

impl Watched {
    fn new(port: u16) -> Self {
        let address = format!("127.0.0.1:{port}").parse().unwrap();
        Self { source: attach::connect(address, Some(Secret::new(TOKEN))).unwrap(), status: Status::default(), lost: Vec::new() }
    }

    /// Takes in what comes until something holds.
    async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let watch = async {
            while !holds(self) {
                match self.source.frames.recv().await.expect("it is watched for ever") {
                    Signal::Frame(frame) => self.status.take(frame),
                    Signal::Lost { reason, .. } => self.lost.push(reason),
                    other => panic!("{other:?}"),
                }
            }
        };
        let waited = timeout(MINUTE, watch).await;
        assert!(waited.is_ok(), "{what}: {:?} {:#?}", self.lost, self.status.head);
    }

    async fn ask(&self, action: Action) -> Result<String, String> {
        let (answer, answered) = oneshot::channel();
        self.source.asks.as_ref().unwrap().send(Ask::Act { action, answer }).await.unwrap();
        timeout(HALF_A_MINUTE, answered).await.unwrap().unwrap()
    }
}

async fn status(words: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_exchange-sync"));
    command.arg("status").args(words).env_clear().stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    ended(command.spawn().unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_shards_are_watched_and_one_that_dies_is_found_again() {
    let (_server, setup) = world().await;
    let ports = [port(), port()];
    let start = |n: usize| {
        let (name, bind) = (format!("app-{n}"), format!("127.0.0.1:{}", ports[n]));
        setup.start(&["--progress", "none", "--shard-name", &name, "--total-shards", "2", "--bind", &bind])
    };
    // They are watched before they are there.
    let mut watched = ports.map(Watched::new);
    let mut children = [start(0), start(1)];
    for (n, one) in watched.iter_mut().enumerate() {
        let done = |one: &Watched| one.status.head.totals.complete > 0 && one.status.head.state == State::Idle;
        one.until("its share is copied", done).await;
        assert_eq!(one.status.head.shard.map(|shard| (shard.index, shard.total)), Some((u32::try_from(n).unwrap(), 2)));
        assert_eq!(one.status.head.totals.figures.stored, 30 * one.status.head.totals.mailboxes);
        assert!(one.status.head.actions && one.status.mailboxes.values().all(|mailbox| !mailbox.folders.is_empty()));
        one.lost.clear();
    }
    let [first, second] = &mut watched;
    let mut mailboxes: Vec<&String> = first.status.mailboxes.keys().chain(second.status.mailboxes.keys()).collect();
    mailboxes.sort();
    assert_eq!(mailboxes.len(), 6, "each mailbox is of one shard");
    mailboxes.dedup();
    assert_eq!(mailboxes.len(), 6, "each mailbox is of one shard");

    // The other one does what it is asked.
    let mailbox = second.status.mailboxes.keys().next().unwrap().clone();
    second.ask(Action::Pause { mailbox: Some(mailbox.clone()) }).await.unwrap();
    second.until("it is paused", |one| one.status.mailboxes[&mailbox].state == MailboxState::Paused).await;
    assert!(second.ask(Action::Retry { mailbox: "nobody@example.com".into() }).await.unwrap_err().contains("nobody@example.com"));
    // What would come to nothing, or to a false alarm, is refused.
    let verify = || Action::Verify { mailbox: mailbox.clone() };
    let refused = second.ask(verify()).await.unwrap_err();
    assert!(refused.contains("is paused"), "{refused}");
    let refused = second.ask(Action::RetryQuarantined { mailbox: Some(mailbox.clone()), id: None }).await.unwrap_err();
    assert!(refused.contains(&mailbox) && refused.contains("is paused"), "{refused}");
    let others = second.ask(Action::RetryQuarantined { mailbox: None, id: None }).await;
    assert!(others.as_ref().is_ok_and(|told| told.contains("passed over")) || second.status.mailboxes.len() == 1, "{others:?}");
    second.ask(Action::Resume { mailbox: Some(mailbox.clone()) }).await.unwrap();
    second.until("it goes on", |one| one.status.mailboxes[&mailbox].state == MailboxState::Idle).await;

    second.ask(verify()).await.unwrap();
    let verified = |one: &Watched| one.status.mailboxes[&mailbox].verified.as_ref().is_some_and(|verified| verified.good());
    second.until("it is verified", verified).await;

    // What a shell says of it.
    let url = format!("127.0.0.1:{}", ports[1]);
    let table = status(&[&url]).await;
    assert!(table.code == 0 && table.stdout.contains(&mailbox), "{table}");
    let ready = status(&[&url, "--ready"]).await;
    assert_eq!((ready.code, ready.stdout.as_str()), (0, "ready\n"), "{ready}");
    let told = status(&[&format!("http://{url}/status"), "--json", "--folders"]).await;
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!(told["head"]["run"], second.status.head.run.as_str());
    assert!(told["mailboxes"][&mailbox]["folders"].is_object());

    let run = first.status.head.run.clone();
    signal(&children[0], "-KILL");
    children[0].wait().await.unwrap();
    first.until("its death is noticed", |one| !one.lost.is_empty()).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    children[0] = start(0);
    first.until("it is found again", |one| one.status.head.run != run).await;
    first.until("it is idle again", |one| one.status.head.state == State::Idle && one.status.head.totals.complete > 0).await;
    assert_eq!(first.status.head.totals.figures.stored, 0, "what the dead one had stored is not stored again");
    assert!(second.lost.is_empty(), "{:?}", second.lost);

    // An end in order is told before the connection goes.
    signal(&children[1], "-TERM");
    second.until("its end is told", |one| !one.lost.is_empty()).await;
    assert_eq!(second.status.head.state, State::Ended);
    let [first_child, second_child] = children;
    let ran = ended(second_child).await;
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains(&format!("address={url}")) && !ran.stderr.contains(TOKEN), "{ran}");
    let gone = status(&[&url]).await;
    assert!(gone.code == 1 && gone.stderr.contains("refused"), "{gone}");
    let gone = status(&[&url, "--ready"]).await;
    assert!(gone.code == 1 && gone.stderr.contains("is not ready"), "{gone}");
    signal(&first_child, "-TERM");
    assert_eq!(ended(first_child).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_ends_it_before_anything_is_copied() {
    let (server, setup) = world().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    let ran = ended(setup.start(&["--once", "--bind", &bind])).await;
    assert_eq!(ran.code, 2, "{ran}");
    assert!(ran.stderr.contains(&format!("listening on {bind} failed")) && ran.stderr.contains("--bind"), "{ran}");
    assert_eq!(server.downloads().await, 0);
    assert!(std::fs::read_dir(setup.sink()).unwrap().next().is_none(), "nothing was touched");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_served_while_it_drains() {
    let (server, setup) = world().await;
    let port = port();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let look = async |path: &str| {
        let answer = client.get(format!("http://127.0.0.1:{port}{path}")).send().await;
        answer.map_or(0, |answer| answer.status().as_u16())
    };
    server.admin("/fault", json!({"add": {"operation": "GetItem", "nth": 2, "action": {"kind": "stall", "after_bytes": 2000}}})).await;
    let child = setup.start(&["--progress", "none", "--grace", "5s", "--bind", &format!("127.0.0.1:{port}")]);
    common::patience::until(MINUTE, "it is ready", async || look("/readyz").await == 200).await;
    common::patience::until(MINUTE, "an answer stands still", async || server.struck() > 0).await;
    signal(&child, "-TERM");
    common::patience::until(HALF_A_MINUTE, "it is no longer ready", async || look("/readyz").await == 503).await;
    assert_eq!((look("/healthz").await, look("/metrics").await), (200, 200));
    assert_eq!(ended(child).await.code, 0);
    assert_eq!(look("/healthz").await, 0);
}
