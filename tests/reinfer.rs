//! Mailboxes into the Communications Mining API: everything once, as the server has it, whatever befalls the uploads, the process or its disk.

mod common;

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use common::{
    Server, server,
    sink::sha256,
    truth::{Form, Real, truth_in},
    ways::{Way, app, mailbox},
};
use exchange_simulator::{
    fault::{CutFraming, Rule, WireFault},
    reinfer::StoredEmail,
    store::{Mime, NewItem},
    world::TokenSpec,
};
use exchange_sync::{
    auth::Secret,
    catalog::LocalCatalog,
    checkpoint::{self, KeyedCheckpoints, LocalCheckpoints},
    event::Event,
    exchange::Verdict,
    http::Backoff,
    pipeline::{Filters, Limits, Mode, Pipeline, Reconcile, Round, Schedule, Subscription},
    reinfer::{Client, UpdatedBy},
    sink::{ApiSink, Fence, Patience, reinfer::Settings},
    watch::Events,
};
use futures::StreamExt;
use mail_parser::{MessageParser, PartType};
use serde_json::json;
use tempfile::TempDir;

const A: &str = "a@example.com";
const BUCKET: &str = "acme/mail";
const QUICK: Backoff = Backoff { first: Duration::from_millis(2), cap: Duration::from_millis(20) };

async fn start(inbox: u64) -> Server {
    let mut world = server::world(vec![server::mailbox(A, inbox)]);
    world.apps = vec![app()];
    world.reinfer.tokens.push(TokenSpec { token: "weak".into(), permissions: Some(vec!["buckets-read".into()]), ..TokenSpec::default() });
    Server::start(world).await
}

/// A program on a disk of its own.
struct Appliance {
    disk: TempDir,
    way: Way,
    token: &'static str,
    events: Events,
    settings: Settings,
}

impl Appliance {
    fn new(way: Way) -> Self {
        let settings = Settings { batch: Arc::new(20.into()), uploads: 4.into(), backoff: QUICK, ..Settings::default() };
        Self { disk: tempfile::tempdir().unwrap(), way, token: "reinfer-token", events: Events::new(), settings }
    }

    /// The same one with its disk wiped.
    fn wiped(self) -> Self {
        Self { disk: tempfile::tempdir().unwrap(), events: Events::new(), ..self }
    }

    fn open(&self, server: &Server) -> (Arc<Pipeline>, Arc<KeyedCheckpoints>) {
        let disk: &Path = self.disk.path();
        let url = server.simulator.reinfer_url().parse().unwrap();
        let client = Client::new(&url, Secret::new(self.token)).unwrap().with_timeout(Duration::from_secs(2));
        let fence = Fence::new(self.events.clone(), QUICK, Patience::For(Duration::from_secs(60)));
        let checkpoints = Arc::new(KeyedCheckpoints::new(
            Arc::new(LocalCheckpoints::open(disk).unwrap()),
            client.clone(),
            checkpoint::KeyedSettings { backoff: QUICK, ..checkpoint::KeyedSettings::default() },
        ));
        let pipeline = Pipeline::new(
            self.way.open(server),
            Arc::new(ApiSink::new(client, self.settings.clone(), fence, disk)),
            Arc::new(LocalCatalog::open(disk).unwrap()),
            checkpoints.clone(),
            self.events.clone(),
            Limits {
                mailboxes: 2,
                folders: 2,
                batches: 2,
                batch_size: 20,
                messages_per_folder: 60,
                message_interval: Duration::ZERO,
                memory: 16 << 20,
            },
        );
        (pipeline, checkpoints)
    }

    async fn pass(&self, server: &Server) -> Round {
        let (pipeline, checkpoints) = self.open(server);
        let round = run(&pipeline).await;
        checkpoints.flush(Duration::from_secs(60)).await;
        round
    }
}

async fn run(pipeline: &Arc<Pipeline>) -> Round {
    let subscription = Subscription { mailbox: mailbox(A), filters: Filters::default(), from_start: false };
    let schedule = Schedule { mode: Mode::Once, frequency: Duration::from_secs(15), reconcile: Reconcile::AsNeeded };
    let mut rounds: Vec<Round> = pipeline.run(vec![subscription], schedule).collect().await;
    rounds.remove(0)
}

fn emails(server: &Server) -> Vec<Arc<StoredEmail>> {
    server.simulator.state().reinfer.emails(BUCKET)
}

fn most_puts(server: &Server) -> u64 {
    emails(server).iter().map(|email| email.puts).max().unwrap_or(0)
}

/// A message's bytes as the server has them.
async fn bytes(real: &Real) -> Vec<u8> {
    let Mime::Content(content) = &real.item.mime else { panic!("{} has no content", real.name) };
    let mut bytes = Vec::new();
    let mut chunks = content.chunks();
    while let Some(chunk) = chunks.next().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    bytes
}

/// What a parser of other hands reads in a message: its subject, its texts, the digests of its attachments.
fn read(bytes: &[u8]) -> Vec<String> {
    let parsed = MessageParser::new().parse(bytes).unwrap();
    let mut seen = vec![parsed.subject().unwrap_or_default().to_owned()];
    for part in &parsed.parts {
        match &part.body {
            PartType::Text(text) | PartType::Html(text) => seen.push(text.to_string()),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => seen.push(sha256(bytes)),
            PartType::Message(message) => seen.push(message.subject().unwrap_or_default().to_owned()),
            PartType::Multipart(_) => {}
        }
    }
    seen
}

/// Every message of the mailbox is in the bucket, as it is and with all that is known of it. Returns how many there are.
async fn sound(server: &Server, form: Form) -> usize {
    let real = truth_in(form, server, A, false).await;
    let mut by_text: BTreeMap<String, Vec<&Real>> = BTreeMap::new();
    let mut by_reading: Vec<(Vec<String>, &Real)> = Vec::new();
    for real in real.values() {
        match String::from_utf8(bytes(real).await) {
            Ok(text) => by_text.entry(text).or_default().push(real),
            Err(other) => by_reading.push((read(other.as_bytes()), real)),
        }
    }
    let emails = emails(server);
    assert_eq!(emails.len(), real.len(), "emails against messages");
    for email in &emails {
        let text = email.mime.text().unwrap();
        let metadata = email.metadata.as_ref().unwrap();
        let folder = metadata.folder.clone().unwrap();
        let same = by_text.get_mut(text).and_then(|same| same.iter().position(|real| real.path == folder).map(|at| same.remove(at)));
        let real = same.unwrap_or_else(|| {
            let reading = read(text.as_bytes());
            let at = by_reading.iter().position(|(other, real)| *other == reading && real.path == folder);
            by_reading.remove(at.unwrap_or_else(|| panic!("an email that is no message: {text}"))).1
        });
        assert_eq!(email.mailbox, A);
        let received = real.item.received.unwrap();
        assert_eq!(email.timestamp.timestamp(), received.timestamp());
        assert_eq!(metadata.received_at.as_deref().unwrap().parse::<DateTime<Utc>>().unwrap().timestamp(), received.timestamp());
        assert_eq!(metadata.is_read, Some(real.item.read));
        assert_eq!(metadata.categories.clone().unwrap_or_default(), real.item.categories);
        assert_eq!(metadata.has_attachments, Some(real.item.has_attachments));
        for told in [&metadata.importance, &metadata.sensitivity, &metadata.conversation_id] {
            assert!(told.as_ref().is_some_and(|told| !told.is_empty()), "{metadata:?}");
        }
        assert!(metadata.size.unwrap() > 0 && !email.no_charge);
    }
    emails.len()
}

/// Puts messages of these texts into the inbox, received now.
fn deliver(server: &Server, texts: &[&str]) {
    let store = server.simulator.state().store.mailbox(A).unwrap();
    let inbox = store.root_folder("inbox").unwrap();
    for text in texts {
        let eml = format!("From: b@example.com\r\nTo: {A}\r\nSubject: {text}\r\nDate: Mon, 3 Nov 2025 10:00:00 +0000\r\n\r\n{text}\r\n");
        let item = NewItem { received: Some(Utc::now()), ..NewItem::from_mime(eml.into_bytes().into()) };
        store.create_item(inbox, item).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_becomes_an_email_once_by_each_interface() {
    for (way, form) in [(Way::Ews, Form::Ews), (Way::Graph, Form::GraphImmutable)] {
        let server = start(120).await;
        let mut appliance = Appliance::new(way);
        let by = UpdatedBy { config_owner: "acme".into(), config_key: "main".into(), shard_index: 1, num_shards: 3 };
        appliance.settings.updated_by = Some(by);
        assert_eq!(appliance.pass(&server).await.verdict, None);
        assert_eq!(sound(&server, form).await, 150);
        assert_eq!(most_puts(&server), 1);
        assert!(server.counter("reinfer.most_emails").await > 5, "batches fill");
        assert!(server.counter("reinfer.most_in_flight").await <= 4 + 4, "uploads are bounded, and so are states");
        let before = server.counter("reinfer.PutEmails").await;
        deliver(&server, &["one more"]);
        assert_eq!(appliance.pass(&server).await.messages, 1);
        assert_eq!((sound(&server, form).await, most_puts(&server)), (151, 1));
        assert_eq!(server.counter("reinfer.PutEmails").await, before + 1);
        let bucket = server.simulator.state().reinfer.bucket(BUCKET).unwrap();
        assert_eq!(bucket.last_updated_by.map(|by| (by.config_key, by.shard_index, by.num_shards)), Some(("main".into(), 1, 3)));

        // States: each folder's behind its mail, and the mailbox's own.
        let states = server.simulator.state().reinfer.sync_states(BUCKET);
        assert!(states.values().all(|state| state.status == exchange_simulator::reinfer::SyncStatus::UpToDate), "{states:?}");
        let inbox = states.values().find(|state| state.folder_path.as_deref() == Some(&["Inbox".to_owned()][..])).unwrap();
        let newest = emails(&server).iter().map(|email| email.timestamp).max().unwrap();
        assert_eq!(inbox.synced_until.unwrap().timestamp(), newest.timestamp());
        assert!(inbox.change > emails(&server).iter().map(|email| email.last_change).max().unwrap());
        assert!(states.values().any(|state| state.folder_id.is_none() && state.mailbox_name == A));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_disk_costs_no_more_than_the_overlap() {
    for (way, form) in [(Way::Ews, Form::Ews), (Way::Graph, Form::GraphImmutable)] {
        let server = start(120).await;
        let appliance = Appliance::new(way);
        appliance.pass(&server).await;
        let newest = emails(&server).iter().map(|email| email.timestamp).max().unwrap();
        deliver(&server, &["new one", "new two"]);
        let appliance = appliance.wiped();
        assert_eq!(appliance.pass(&server).await.verdict, None);
        assert_eq!(sound(&server, form).await, 152, "keys are the same again");
        let again = emails(&server).iter().filter(|email| email.puts > 1).count();
        assert!(again < 20, "{again} of 150 were uploaded again");
        let overlap = newest - chrono::TimeDelta::days(400);
        assert!(emails(&server).iter().filter(|email| email.timestamp < overlap).all(|email| email.puts == 1));
        // What was passed over stays so, and is not told as lost.
        let before = emails(&server).iter().map(|email| email.puts).sum::<u64>();
        appliance.pass(&server).await;
        assert_eq!(emails(&server).iter().map(|email| email.puts).sum::<u64>(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_stopped_anywhere_goes_on_with_and_without_its_disk() {
    for wiped in [false, true] {
        let server = start(80).await;
        server.admin("/latency", json!({"latency_ms": 5})).await;
        let mut appliance = Appliance::new(Way::Ews);
        for requests in [4, 8, 12, 16, 24] {
            let (pipeline, _checkpoints) = appliance.open(&server);
            let before = server.counter("reinfer.requests").await;
            let running = tokio::spawn(async move { run(&pipeline).await });
            while server.counter("reinfer.requests").await < before + requests && !running.is_finished() {
                tokio::task::yield_now().await;
            }
            running.abort();
            let _ = running.await;
            if wiped {
                appliance = appliance.wiped();
            }
        }
        assert_eq!(appliance.pass(&server).await.verdict, None);
        assert_eq!(sound(&server, Form::Ews).await, 100);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_befalls_uploads_in_passing_every_message_arrives() {
    let page = "<html><body>Bad gateway</body></html>";
    let status = |status, body: Option<&str>, retry_after_s| WireFault::Status {
        status,
        body: body.map(str::to_owned),
        headers: BTreeMap::new(),
        retry_after_s,
        retry_after_date: false,
        close: false,
    };
    let error = |status, retry_after_s| WireFault::ReinferError { status, message: None, retry_after_s, retry_after_date: false };
    let faults = [
        error(429, Some(1)),
        error(500, None),
        error(503, Some(1)),
        error(409, None),
        status(502, Some(page), None),
        status(200, Some(page), None),
        status(403, Some(page), None),
        status(302, Some(""), None),
        WireFault::NoResponse,
        WireFault::AnswerLost,
        WireFault::Cut { after_bytes: 3, framing: CutFraming::default() },
        WireFault::Reset { after_bytes: 3 },
        WireFault::CutRequest { after_bytes: 5000 },
        WireFault::Truncate { after_bytes: 4 },
        WireFault::Hang { carried_out: false },
        WireFault::Hang { carried_out: true },
        WireFault::Stall { after_bytes: 3 },
    ];
    for fault in faults {
        let server = start(80).await;
        server.fault(Rule { every: Some(2), ..Rule::always(fault.clone()).on("reinfer.PutEmails").times(3) });
        let appliance = Appliance::new(Way::Ews);
        assert_eq!(appliance.pass(&server).await.verdict, None, "{fault:?}");
        assert_eq!(sound(&server, Form::Ews).await, 100, "{fault:?}");
        assert!(server.struck() > 0, "{fault:?}");
        let status = appliance.events.status();
        assert_eq!(status.sink_trouble(), None, "{fault:?}");
        assert!(status.totals(chrono::Utc::now()).quarantined == 0, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_that_is_not_taken_is_in_quarantine_and_the_others_are_stored() {
    for status in [400, 413, 422] {
        let server = start(80).await;
        deliver(&server, &["a poisoned one"]);
        let refusal = WireFault::ReinferError { status, message: None, retry_after_s: None, retry_after_date: false };
        let fault = Rule { body: Some("a poisoned one".into()), ..Rule::always(refusal).on("reinfer.PutEmails") };
        server.fault(fault);
        let appliance = Appliance::new(Way::Ews);
        assert_eq!(appliance.pass(&server).await.verdict, None);
        assert_eq!(emails(&server).len(), 100, "{status}");
        let quarantined = appliance.events.status().totals(chrono::Utc::now()).quarantined;
        assert_eq!(quarantined, 1, "{status}");
        // The claim ends before it, so that an empty disk does not lose it.
        server.simulator.state().faults.clear();
        let appliance = appliance.wiped();
        appliance.pass(&server).await;
        assert_eq!(sound(&server, Form::Ews).await, 101, "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_must_mend_ends_the_run_with_advice() {
    for (token, advice) in [("nobodys", "REINFER_API_TOKEN"), ("weak", "buckets-append")] {
        let server = start(20).await;
        let appliance = Appliance { token, ..Appliance::new(Way::Ews) };
        let mut events = appliance.events.listen();
        assert_eq!(appliance.pass(&server).await.verdict, Some(Verdict::StopMailbox), "{token}");
        let mut reasons = Vec::new();
        while let Ok(event) = events.try_recv() {
            if let Event::MailboxFailed { reason, refused: true, .. } = event {
                reasons.push(reason);
            }
        }
        assert!(reasons.iter().any(|reason| reason.contains(advice)), "{reasons:?}");
        assert!(emails(&server).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_messages_arrive_whole() {
    let server = start(10).await;
    let store = server.simulator.state().store.mailbox(A).unwrap();
    let inbox = store.root_folder("inbox").unwrap();
    let body = "a line with \"quotes\" and caf\u{e9}\r\n".repeat(200_000);
    let eml = format!("From: b@example.com\r\nSubject: large\r\n\r\n{body}");
    let item = NewItem { received: Some(Utc::now()), ..NewItem::from_mime(eml.clone().into_bytes().into()) };
    store.create_item(inbox, item).unwrap();
    server.fault(Rule { body: Some("Subject: large".into()), ..Rule::always(WireFault::NoResponse).on("reinfer.PutEmails").times(2) });
    let appliance = Appliance::new(Way::Ews);
    assert_eq!(appliance.pass(&server).await.verdict, None);
    assert_eq!(sound(&server, Form::Ews).await, 13);
    assert!(emails(&server).iter().any(|email| email.mime.text() == Some(eml.as_str())));
}
