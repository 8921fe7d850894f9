//! A server in trouble: whatever it does, in the end every readable message is stored once.

mod common;

use std::{future::Future, pin::Pin, time::Duration};

use common::{Ran, Server, Setup, compare, server, sink, table::table};
use exchange_simulator::fault::{Action, CutFraming, EwsFault, Rule, Shape, WireFault};
use serde_json::json;

const A: &str = "a@example.com";
const B: &str = "b@example.com";

/// A server with two mailboxes of 50 messages each.
async fn start() -> (Server, Setup) {
    let server = Server::start(server::world(vec![server::mailbox(A, 40), server::mailbox(B, 40)])).await;
    let setup = Setup::new(&server);
    (server, setup)
}

fn on(operation: &str, times: u64, action: impl Into<Action>) -> Rule {
    Rule::always(action).on(operation).times(times)
}

fn status(status: u16, retry_after_s: Option<i64>, retry_after_date: bool) -> WireFault {
    WireFault::Status { status, body: None, headers: Default::default(), retry_after_s, retry_after_date, close: false }
}

fn redirect() -> WireFault {
    let headers = [("Location".to_owned(), "/ews/genericerrorpage.htm?aspxerrorpath=/ews/exchange.asmx".to_owned())].into();
    WireFault::Status { status: 302, body: None, headers, retry_after_s: None, retry_after_date: false, close: false }
}

fn refusal(code: &str, back_off_ms: Option<u64>, shape: Shape) -> EwsFault {
    EwsFault::ResponseError { code: code.into(), message: None, back_off_ms, shape }
}

fn item(code: &str, positions: &[usize]) -> EwsFault {
    EwsFault::ItemError { code: code.into(), message: None, back_off_ms: None, positions: positions.to_vec() }
}

fn soap(code: &str, back_off_ms: Option<u64>, status: Option<u16>) -> WireFault {
    WireFault::SoapFault { code: code.into(), message: None, back_off_ms, status }
}

fn cut(after_bytes: u64, framing: CutFraming) -> WireFault {
    WireFault::Cut { after_bytes, framing }
}

/// Passing faults, each of which one pass gets over by itself.
fn passing() -> Vec<(&'static str, Vec<Rule>)> {
    let busy = "ErrorServerBusy";
    let rows: Vec<(&str, Vec<Rule>)> = vec![
        (
            "503 with seconds to wait",
            vec![on("GetItem", 2, status(503, Some(1), false)), on("SyncFolderItems", 1, status(503, Some(1), false))],
        ),
        ("503 with a date to wait for", vec![on("SyncFolderItems", 1, status(503, Some(2), true))]),
        ("429 with seconds to wait", vec![on("GetItem", 1, status(429, Some(1), false))]),
        (
            "busy by a fault, 0.7 s to wait",
            vec![on("GetItem", 1, soap(busy, Some(700), None)), on("FindFolder", 1, soap(busy, Some(300), None))],
        ),
        ("busy by a fault under 200, 0.7 s to wait", vec![on("SyncFolderItems", 2, soap(busy, Some(700), Some(200)))]),
        (
            "busy by a message, 0.7 s to wait",
            vec![
                on("GetItem", 2, refusal(busy, Some(700), Shape::Message)),
                on("SyncFolderItems", 1, refusal(busy, Some(300), Shape::Message)),
            ],
        ),
        (
            "too many connections by policy, 0.5 s to wait",
            vec![on("SyncFolderItems", 1, refusal("ErrorExceededConnectionCount", Some(500), Shape::Policy))],
        ),
        (
            "busy within another code, 0.7 s to wait",
            vec![
                on("GetItem", 2, refusal(busy, Some(700), Shape::Inner)),
                on("SyncFolderItems", 1, refusal(busy, Some(300), Shape::Inner)),
            ],
        ),
        (
            "single items are busy, 0.5 s to wait",
            vec![on("GetItem", 2, EwsFault::ItemError { code: busy.into(), message: None, back_off_ms: Some(500), positions: vec![1, 3] })],
        ),
        ("a page of HTML for an error", vec![on("GetItem", 2, status(500, None, false)), on("FindFolder", 1, status(502, None, false))]),
        ("a page of HTML under 200", vec![on("GetItem", 1, WireFault::HtmlPage), on("SyncFolderItems", 1, WireFault::HtmlPage)]),
        ("an empty 200", vec![on("GetItem", 1, WireFault::EmptyBody), on("SyncFolderItems", 1, WireFault::EmptyBody)]),
        (
            "cut with a length",
            vec![on("GetItem", 2, cut(30_000, CutFraming::Length)), on("SyncFolderItems", 1, cut(2_000, CutFraming::Length))],
        ),
        ("cut in chunks", vec![on("GetItem", 2, cut(30_000, CutFraming::Chunked)), on("GetItem", 1, cut(700, CutFraming::Chunked))]),
        (
            "cut without a length",
            vec![on("GetItem", 2, cut(30_000, CutFraming::Close)), on("SyncFolderItems", 1, cut(2_000, CutFraming::Close))],
        ),
        (
            "reset",
            vec![
                on("GetItem", 2, WireFault::Reset { after_bytes: 20_000 }),
                on("SyncFolderHierarchy", 1, WireFault::Reset { after_bytes: 100 }),
            ],
        ),
        ("no response", vec![on("GetItem", 2, WireFault::NoResponse), on("SyncFolderItems", 1, WireFault::NoResponse)]),
        (
            "truncated as if whole",
            vec![
                on("GetItem", 2, WireFault::Truncate { after_bytes: 30_000 }),
                on("SyncFolderItems", 1, WireFault::Truncate { after_bytes: 1_500 }),
            ],
        ),
        ("MIME that ends early", vec![on("GetItem", 1, EwsFault::MimeCut { after: 1_001 })]),
        ("MIME left out", vec![on("GetItem", 1, EwsFault::MimeMissing)]),
        ("MIME empty", vec![on("GetItem", 1, EwsFault::MimeEmpty)]),
        ("a second response", vec![on("GetItem", 2, WireFault::DoubleResponse), on("SyncFolderItems", 3, WireFault::DoubleResponse)]),
        ("401 in mid-session", vec![on("GetItem", 1, status(401, None, false))]),
        ("a redirect to an error page", vec![on("GetItem", 1, redirect()), on("SyncFolderItems", 1, redirect())]),
        ("the rest of a batch is not processed", vec![on("GetItem", 3, EwsFault::BatchStopped { after: 2 })]),
        (
            "an unknown code",
            vec![
                on("GetItem", 1, item("ErrorSomethingNew", &[0, 2])),
                on("SyncFolderItems", 1, refusal("ErrorSomethingNew", None, Shape::Message)),
            ],
        ),
        (
            "an internal error",
            vec![
                on("GetItem", 1, soap("ErrorInternalServerError", None, None)),
                on("FindFolder", 1, soap("ErrorMailboxStoreUnavailable", None, None)),
            ],
        ),
        ("a lost second", vec![on("GetItem", 3, WireFault::Delay { ms: 1_500 })]),
    ];
    rows
}

/// Odd but readable: no retry is needed, and nothing is lost.
fn odd() -> Vec<(&'static str, Vec<Rule>)> {
    let always = |action: Action| vec![Rule::always(action)];
    vec![
        ("a byte order mark", always(WireFault::ByteOrderMark.into())),
        ("blanks before the document", always(WireFault::LeadingWhitespace.into())),
        ("no declaration", always(WireFault::NoDeclaration.into())),
        ("an illegal reference, in names too", always(WireFault::IllegalReference { reference: None }.into())),
        ("another illegal reference, in names too", always(WireFault::IllegalReference { reference: Some("&#0;".into()) }.into())),
        ("a raw control byte, in names too", always(WireFault::RawControl { byte: None }.into())),
        ("a byte that is no UTF-8, in names too", always(WireFault::InvalidUtf8.into())),
        ("tiny chunks", vec![Rule::always(WireFault::TinyChunks { max: 7 })]),
        ("another content type", always(WireFault::ContentType { value: "text/html".into() }.into())),
        ("other prefixes", always(WireFault::Prefixes.into())),
        ("several envelopes", always(WireFault::SecondEnvelope.into())),
        ("junk behind the document", always(WireFault::Junk.into())),
        ("base64 in lines", always(EwsFault::MimeLineBreaks.into())),
        ("base64 in lines with references", always(EwsFault::MimeCarriageReturns.into())),
        ("base64 without padding", always(EwsFault::MimeNoPadding.into())),
        ("an item twice in one enumeration", vec![Rule::always(EwsFault::RepeatItem).on("SyncFolderItems")]),
        ("items under an unknown element", always(EwsFault::UnknownElement.into())),
    ]
}

async fn got_over(name: &'static str, rules: Vec<Rule>) {
    let (server, setup) = start().await;
    let count = rules.len() as u64;
    rules.into_iter().for_each(|rule| server.fault(rule));
    let ran = setup.once().await;
    assert!(server.struck() >= count, "{name}: the faults have not all struck: {:?}", server.simulator.state().faults.list());
    assert_eq!(ran.code, 0, "{name}: {ran}");
    let mut tally = compare(&server, &setup).await;
    if name.contains("names too") {
        // The damage is in the names of folders as well, and is shown for what it is.
        tally.faults.retain(|fault| !(fault.contains(": path [\"\u{FFFD}") && fault.contains("], but really [")));
    }
    assert!(tally.faults.is_empty() && tally.untold.is_empty(), "{name}: {:#?}\n{ran}", &tally.faults[..tally.faults.len().min(5)]);
    assert_eq!((tally.real, tally.stored), (100, 100), "{name}");
    if name.contains("to wait") {
        assert!(ran.figure("throttled") > 0, "{name}: {ran}");
        assert!(ran.summary()["seconds"].as_f64().unwrap() >= 0.5, "{name}: it did not wait: {ran}");
        // Requests that were on their way already when the first was refused cannot be called back: per mailbox four at most at a time.
        // (A date has whole seconds, which may be up to one before the moment that the server counts from.)
        assert!(
            name.contains("date") || server.counter("ews.early_requests").await <= 3 * server.struck(),
            "{name}: requests came before their time"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_trouble_is_got_over() {
    table(passing(), got_over).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_answers_are_understood() {
    table(odd(), got_over).await;
}

/// A first pass, then something that shakes cursors and ids, then another; gives what the second one downloaded and wrote.
async fn after(
    first: impl FnOnce(&Server) -> Vec<Rule>,
    shake: impl for<'a> FnOnce(&'a Server) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
) -> (u64, usize, Ran) {
    let (server, setup) = start().await;
    setup.pass().await;
    let (downloads, lines) = (server.downloads().await, total_lines(&setup));
    first(&server).into_iter().for_each(|rule| server.fault(rule));
    shake(&server).await;
    let ran = setup.pass().await;
    compare(&server, &setup).await.sound();
    (server.downloads().await - downloads, total_lines(&setup) - lines, ran)
}

fn total_lines(setup: &Setup) -> usize {
    setup.mailboxes().iter().map(|address| sink::lines(&setup.data(address)).len()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_cursors_cost_no_download() {
    let (downloads, lines, ran) = after(
        |_| vec![],
        |server| {
            Box::pin(async {
                server.admin("/expire-sync-states", json!({})).await;
            })
        },
    )
    .await;
    assert_eq!((downloads, lines), (0, 0), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_that_silently_start_over_cost_no_download() {
    let starts_over = |_: &Server| vec![Rule::always(EwsFault::SyncStartsOver).on("SyncFolderItems").times(6)];
    let (downloads, lines, ran) = after(starts_over, |server| {
        Box::pin(async {
            server.deliver(A, json!("inbox"), 3).await;
        })
    })
    .await;
    assert_eq!((downloads, lines), (3, 3), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_stores_nothing_twice() {
    let (server, setup) = start().await;
    setup.pass().await;
    let keys: Vec<String> = sink::fold(&sink::lines(&setup.data(A))).into_keys().collect();
    for mailbox in [A, B] {
        server.admin("/change-ids", json!({"mailbox": mailbox})).await;
    }
    server.deliver(A, json!("inbox"), 2).await;
    let ran = setup.pass().await;
    let tally = compare(&server, &setup).await;
    tally.sound();
    assert_eq!((tally.real, tally.stored, server.downloads().await), (102, 102, 102), "{ran}");
    let after: Vec<String> = sink::fold(&sink::lines(&setup.data(A))).into_keys().collect();
    assert!(keys.iter().all(|key| after.contains(key)), "the keys are the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lenient_server_is_read_like_exchange() {
    // Once as it is, and once without its habit of writing the MIME anew for each download, so that bytes can be compared.
    for habits in [&["lenient", "control-references"][..], &["lenient", "control-references", "-mime-regenerated"]] {
        let mut world = server::world(vec![server::mailbox(A, 40), server::mailbox(B, 40)]);
        world.quirks = habits.iter().map(ToString::to_string).collect();
        let server = Server::start(world).await;
        let setup = Setup::new(&server);
        setup.pass().await;
        server.deliver(B, json!("inbox"), 5).await;
        server.admin("/move", json!({"mailbox": B, "from": "inbox", "to": "junkemail", "count": 4})).await;
        server.admin("/expire-sync-states", json!({"mailbox": A})).await;
        setup.pass().await;
        let mut tally = compare(&server, &setup).await;
        if habits.len() == 2 {
            tally.faults.retain(|fault| !fault.contains(" by mime, but really "));
        }
        assert_eq!(tally.sound().stored, 105, "{habits:?}");
        assert_eq!(server.downloads().await, 105, "{habits:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refused_mailbox_stops_no_other() {
    let (server, mut setup) = start().await;
    let denied =
        EwsFault::ResponseError { code: "ErrorImpersonateUserDenied".into(), message: None, back_off_ms: None, shape: Shape::Message };
    server.fault(Rule { mailbox: Some(B.into()), ..Rule::always(denied) });
    let ran = setup.once().await;
    assert_eq!(ran.code, 4, "{ran}");
    let error = ran.summary()["mailboxes"][B]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("ErrorImpersonateUserDenied") && error.contains("ApplicationImpersonation"), "{error}");
    setup.config["mailboxes"].as_object_mut().unwrap().remove(B);
    let tally = compare(&server, &setup).await;
    assert_eq!(tally.sound().stored, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_tried_once() {
    for auth in ["ntlm", "basic"] {
        let (server, mut setup) = start().await;
        setup.set(json!({"auth_type": auth, "auth_password": "wr0ng-Passw0rd"}));
        let ran = setup.once().await;
        assert_eq!(ran.code, 4, "{auth}: {ran}");
        assert_eq!((server.counter("auth.refused").await, server.counter("auth.logins").await), (1, 0), "{auth}");
        assert!(!ran.to_string().contains("wr0ng"), "{auth}: {ran}");
        assert!(ran.stdout.contains("wrong auth_user or auth_password"), "{auth}: {ran}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_deleted_meanwhile_is_no_trouble() {
    let (server, setup) = start().await;
    server.admin("/latency", json!({"latency_ms": 60})).await;
    let child = setup.start(&["--once", "--progress", "json"]);
    while server.counter("ews.SyncFolderItems").await == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for mailbox in [A, B] {
        server
            .admin("/delete-folder", json!({"mailbox": mailbox, "folder": {"well_known": "inbox", "path": ["Projects"]}, "how": "hard"}))
            .await;
    }
    let ran = common::process::ended(child).await;
    assert_eq!(ran.code, 0, "{ran}");
    server.admin("/latency", json!({"latency_ms": 0})).await;
    setup.pass().await;
    let tally = compare(&server, &setup).await;
    assert_eq!(tally.sound().real, 80);
    // A folder deleted between two passes: its messages stay in the sink and are told to be gone.
    server.admin("/create-folder", json!({"mailbox": A, "name": "Passing"})).await;
    server.deliver(A, json!(["Passing"]), 4).await;
    setup.pass().await;
    server.admin("/delete-folder", json!({"mailbox": A, "folder": ["Passing"], "how": "hard"})).await;
    setup.pass().await;
    let after = compare(&server, &setup).await;
    assert_eq!((after.sound().real, after.deleted), (80, tally.deleted + 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_is_never_given_is_in_quarantine() {
    let (server, setup) = start().await;
    server.admin("/spoil", json!({"mailbox": A, "folder": "inbox", "count": 2, "code": "ErrorItemCorrupt"})).await;
    let ran = setup.once().await;
    let tally = compare(&server, &setup).await;
    tally.sound();
    assert_eq!(tally.composed + tally.quarantined, 2, "{ran}");
    assert_eq!(ran.code, if tally.quarantined > 0 { 3 } else { 0 }, "{ran}");
}
