//! Configurations that are kept elsewhere, and change while the program runs.

mod common;

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use common::{
    Ran, Server, Setup,
    api::BUCKET,
    compare,
    patience::{MINUTE, until},
    process::{ended, signal},
    server, sink,
};
use exchange_simulator::fault::{Rule, WireFault};
use exchange_sync::config::{self, Env, Lookout, News, Shelf, Source};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

/// `m00@example.com` and so on.
fn address(n: usize) -> String {
    format!("m{n:02}@example.com")
}

/// A server with 13 mailboxes of 25 messages each, all listings of which are counted, and a copy of it into a folder by a configuration in that folder.
struct Bench {
    server: Server,
    setup: Setup,
    logs: PathBuf,
}

impl Bench {
    async fn new() -> Self {
        let mailboxes = (0..13).map(|n| server::mailbox(&address(n), 20)).collect();
        let server = Server::start(server::world(mailboxes)).await;
        for operation in ["SyncFolderItems", "FindFolder"] {
            for n in 0..13 {
                let rule = Rule::always(WireFault::Delay { ms: 0 }).on(operation);
                server.fault(Rule { mailbox: Some(address(n)), ..rule });
            }
        }
        let mut setup = Setup::new(&server);
        setup.set(json!({"poll_frequency": 0.3}));
        let logs = setup.dir.path().join("logs");
        let words = ["--remote-config-owner", "acme", "--remote-config-key", "main", "--config-poll", "200ms", "--log-dir"];
        setup.args = words.iter().map(ToString::to_string).chain([logs.to_str().unwrap().to_owned()]).collect();
        Self { server, setup, logs }
    }

    /// Puts a text in the place of the configuration, as a whole.
    fn keep(&self, text: &str) {
        let folder = self.setup.sink().join("config/acme");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("main.new"), text).unwrap();
        std::fs::rename(folder.join("main.new"), folder.join("main.json")).unwrap();
    }

    fn keep_config(&self) {
        self.keep(&self.setup.config.to_string());
    }

    fn stored(&self, n: usize) -> usize {
        sink::fold(&sink::lines(&self.setup.data(&address(n)))).values().filter(|kept| kept.file.is_some()).count()
    }

    async fn until_stored(&self, mailboxes: std::ops::Range<usize>, messages: usize) {
        for n in mailboxes {
            until(MINUTE, &format!("{messages} messages of {}", address(n)), async || self.stored(n) == messages).await;
        }
    }

    /// How often each mailbox was asked for this.
    fn asked(&self, operation: &str) -> BTreeMap<String, u64> {
        let rules = self.server.simulator.state().faults.list();
        let of = rules.into_iter().filter(|(_, rule, _)| rule.operation.as_deref() == Some(operation));
        of.map(|(_, rule, struck)| (rule.mailbox.unwrap(), struck)).collect()
    }

    fn listed(&self, n: usize) -> u64 {
        self.asked("SyncFolderItems")[&address(n)]
    }

    /// Waits until several rounds in a row of all these mailboxes found nothing to list.
    async fn until_quiet(&self, mailboxes: impl Iterator<Item = usize> + Clone) {
        until(MINUTE, "quiet", async || {
            let (lists, rounds) = (self.asked("SyncFolderItems"), self.asked("FindFolder"));
            let pass = || mailboxes.clone().all(|n| self.asked("FindFolder")[&address(n)] >= rounds[&address(n)] + 3);
            until(MINUTE, "rounds go on", async || pass()).await;
            self.asked("SyncFolderItems") == lists
        })
        .await;
    }

    fn log(&self) -> String {
        let mut files = sink::files(&self.logs);
        files.sort();
        files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }

    async fn until_logged(&self, words: &str, times: usize) {
        until(MINUTE, words, async || self.log().matches(words).count() == times).await;
    }

    async fn deliver(&self, mailboxes: std::ops::Range<usize>) {
        for n in mailboxes {
            self.server.deliver(&address(n), json!("inbox"), 1).await;
        }
    }
}

async fn stop(child: Child) -> Ran {
    signal(&child, "-TERM");
    ended(child).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_touches_whom_it_concerns() {
    let mut bench = Bench::new().await;
    let whole = bench.setup.config.clone();
    bench.setup.config["mailboxes"].as_object_mut().unwrap().remove(&address(12));
    bench.keep_config();
    let mut child = bench.setup.start(&["--progress", "json"]);
    bench.until_stored(0..12, 25).await;
    bench.until_quiet(0..12).await;
    let before = bench.asked("SyncFolderItems");

    // One comes, one goes, one has another filter.
    bench.setup.config = whole.clone();
    bench.setup.config["mailboxes"].as_object_mut().unwrap().remove(&address(11));
    bench.setup.set_mailbox(&address(10), json!({"folder_denylist": [["Inbox", "Projects"]]}));
    bench.keep_config();
    bench.until_stored(12..13, 25).await;
    bench.until_quiet((0..11).chain(12..13)).await;
    let untouched: Vec<usize> = (0..10).filter(|n| bench.listed(*n) != before[&address(*n)]).collect();
    assert_eq!(untouched, [] as [usize; 0], "whom it does not concern is read on, and nothing is listed again");
    assert!(bench.listed(10) > before[&address(10)], "the one with another filter begins a new round");
    assert_eq!(bench.server.downloads().await, 13 * 25);
    let gone = bench.asked("FindFolder")[&address(11)];
    bench.deliver(0..13).await;
    bench.server.deliver(&address(10), json!(["Inbox", "Projects"]), 1).await;
    bench.until_stored(0..11, 26).await;
    bench.until_stored(12..13, 26).await;
    bench.until_quiet((0..11).chain(12..13)).await;
    assert_eq!((bench.stored(10), bench.stored(11)), (26, 25), "neither what is not wanted nor who is not read any more");
    assert_eq!(bench.asked("FindFolder")[&address(11)], gone);

    // Bad ones are refused once each, and the old one runs on.
    let before = bench.asked("SyncFolderItems");
    let mut bad = bench.setup.config.clone();
    bad["auth_password"] = json!(["hunter2"]);
    bad["reinfer_batch_size"] = json!(0);
    bench.keep(&bad.to_string());
    bench.until_logged("is refused, and the one in force stays so: 2 faults:", 1).await;
    bench.keep(&format!("{bad}"));
    bench.keep("{\"mailboxes\"");
    bench.until_logged("is refused, and the one in force stays so: line 1", 1).await;
    bench.until_logged("2 faults:", 1).await;
    assert_eq!(bench.asked("SyncFolderItems"), before);
    bench.deliver(0..1).await;
    bench.until_stored(0..1, 27).await;

    // Another pace concerns everybody; who comes back goes on where it was, and nothing is downloaded again.
    bench.setup.config = whole;
    bench.setup.set(json!({"reinfer_batch_size": 7}));
    bench.keep_config();
    bench.until_logged("everybody=true", 1).await;
    bench.until_stored(11..12, 26).await;
    bench.until_stored(10..11, 27).await;
    bench.deliver(0..13).await;
    bench.until_stored(1..10, 27).await;
    bench.until_stored(12..13, 27).await;
    bench.until_quiet(0..13).await;

    bench.keep(&bad.to_string());
    bench.until_logged("2 faults:", 2).await;
    assert!(child.try_wait().unwrap().is_none(), "one process through all of it");
    let ran = stop(child).await;
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.summary()["config_error"].as_str().unwrap().contains("$.reinfer_batch_size"), "{ran}");
    let tally = compare(&bench.server, &bench.setup).await;
    assert_eq!((tally.sound().real as u64, bench.server.downloads().await), (13 * 25 + 13 + 13 + 2, 13 * 25 + 13 + 13 + 2));
    for text in [bench.log(), ran.stdout, ran.stderr] {
        assert!(!text.contains("hunter2"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_file_stops_nothing_and_a_pass_does_not_look_again() {
    let mut bench = Bench::new().await;
    bench.keep_config();
    let child = bench.setup.start(&["--progress", "none"]);
    bench.until_stored(0..13, 25).await;
    std::fs::remove_file(bench.setup.sink().join("config/acme/main.json")).unwrap();
    bench.until_logged("main.json: cannot be read", 1).await;
    bench.deliver(0..13).await;
    bench.until_stored(0..13, 26).await;
    bench.keep_config();
    bench.until_logged("is the one in force again", 1).await;
    assert_eq!(stop(child).await.code, 0);
    // A single pass is one of the configuration that it began with.
    bench.deliver(0..13).await;
    bench.server.admin("/latency", json!({"latency_ms": 100})).await;
    let child = bench.setup.start(&["--once", "--progress", "json"]);
    until(MINUTE, "it is under way", async || bench.stored(0) == 27).await;
    bench.keep("{}");
    let ran = ended(child).await;
    assert_eq!((ran.code, ran.figure("mailboxes_complete"), &ran.summary()["config_error"]), (0, 13, &Value::Null), "{ran}");
    // And one that begins with a bad one does not begin.
    let ran = bench.setup.once().await;
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran}");
    bench.setup.args.retain(|word| word != "acme" && word != "--remote-config-owner");
    assert_eq!(bench.setup.once().await.code, 2);
}

/// The program with these words and this token, against the API that the server has.
async fn ask(server: &Server, token: &str, words: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_exchange-sync"));
    command.args(words).args(["--reinfer-api-endpoint", &server.simulator.reinfer_url()]);
    command.env_clear().env("REINFER_API_TOKEN", token).env("REINFER_EWS_CONFIG", "/a/local/one.json");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    ended(command.spawn().unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_goes_to_the_api_and_is_shown() {
    let bench = Bench::new().await;
    let (server, token) = (&bench.server, bench.server.simulator.reinfer_token().unwrap());
    let file = |name: &str, document: &Value| {
        let path = bench.setup.dir.path().join(name);
        std::fs::write(&path, document.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let named = ["--remote-config-owner", "acme", "--remote-config-key", "main"];
    let mut bad = bench.setup.config.clone();
    bad["prot"] = json!(443);
    bad["mailboxes"][address(0)]["bucket"] = json!({});
    let ran = ask(server, &token, &[&["config", "upload", &file("bad.json", &bad)][..], &named].concat()).await;
    assert_eq!(ran.code, 2, "{ran}");
    assert!(["$.prot", "bucket.owner", "bucket.name", "not uploaded"].iter().all(|words| ran.stdout.contains(words)), "{ran}");
    assert!(server.simulator.reinfer().config("acme", "main").is_none());

    let good = file("good.json", &bench.setup.config);
    let upload = [&["config", "upload", &good][..], &named].concat();
    let refused = ask(server, "wrong", &upload).await;
    assert_eq!(refused.code, 4, "{refused}");
    assert!(refused.stdout.contains("REINFER_API_TOKEN"), "{refused}");
    for changed in [true, false] {
        let ran = ask(server, &token, &upload).await;
        assert_eq!(ran.code, 0, "{ran}");
        assert!(ran.stdout.contains(&format!("\"changed\": {changed}")), "{ran}");
    }
    assert_eq!(server.simulator.reinfer().config("acme", "main").unwrap(), bench.setup.config.to_string());

    let ran = ask(server, &token, &[&["config", "show", "--remote"][..], &named].concat()).await;
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stdout.contains("/api/v1/appliance-configs/acme/main") && ran.stdout.contains(r#"auth_password = "[redacted]""#), "{ran}");
    let ran = ask(server, &token, &[&["config", "show"][..], &named].concat()).await;
    assert_eq!((ran.code, ran.stdout.contains("/a/local/one.json: cannot be read")), (2, true), "{ran}");
    // The local file is judged without the API.
    let ran = ask(server, &token, &[&["check", "--offline", "--config", &good][..], &named].concat()).await;
    assert_eq!(ran.code, 0, "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_says_what_keeps_it_from_its_configuration() {
    let bench = Bench::new().await;
    let (server, token) = (&bench.server, bench.server.simulator.reinfer_token().unwrap());
    let state = bench.setup.dir.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let run = async |token: &str, key: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_exchange-sync"));
        command.args([
            "run",
            "--once",
            "--progress",
            "none",
            "--remote-config-owner",
            "acme",
            "--remote-config-key",
            key,
            "--state-prefix",
        ]);
        command.arg(&state).args(["--reinfer-api-endpoint", &server.simulator.reinfer_url()]);
        command.env_clear().env("REINFER_API_TOKEN", token).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        ended(command.kill_on_drop(true).spawn().unwrap()).await
    };
    let keep = |key: &str, text: &str| server.simulator.reinfer().set_config("acme", key, Some(text.to_owned().into()));
    keep("bad", "{}");
    for (token, key, code, words) in [
        ("wrong", "bad", 4, "REINFER_API_TOKEN"),
        (token.as_str(), "absent", 2, "--remote-config-key"),
        (token.as_str(), "bad", 2, "$.mailboxes: missing"),
    ] {
        let ran = run(token, key).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{key}: {ran}");
        assert!(ran.stderr.contains(words), "{words}: {ran}");
    }
    // What passes is waited out, aloud.
    let error = WireFault::ReinferError { status: 503, message: None, retry_after_s: Some(1), retry_after_date: false };
    let before = server.struck();
    server.fault(Rule::always(error).on("reinfer.GetConfig").times(2));
    let ran = run(&token, "bad").await;
    assert_eq!((ran.code, server.struck() - before), (2, 2), "{ran}");
    assert_eq!(ran.stderr.matches("HTTP 503").count(), 2, "{ran}");
    assert!(ran.stderr.contains("trying again") && ran.stderr.contains("$.mailboxes: missing"), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_looked_at_again() {
    let bench = Bench::new().await;
    let server = &bench.server;
    let keep = |document: &Value| server.simulator.reinfer().set_config("acme", "main", Some(document.to_string().into()));
    keep(&bench.setup.config);
    let api = server.simulator.reinfer_url().parse().ok();
    let source = Source { api, remote: Some(("acme".into(), "main".into())), ..Source::default() };
    let env = Env::from_iter([("REINFER_API_TOKEN", server.simulator.reinfer_token().unwrap())]);
    let shelf: Arc<dyn Shelf> = source.shelf(&env).unwrap();
    let loaded = config::load(&*shelf, &env, None).await.unwrap();
    let mut lookout = Lookout::new(shelf, env, Duration::from_millis(20), &loaded);
    let mut other = bench.setup.config.clone();
    other["mailboxes"].as_object_mut().unwrap().remove(&address(0));
    keep(&other);
    let News::Changed(loaded) = lookout.news().await else { panic!("a change") };
    assert_eq!(loaded.config.mailboxes.len(), 12);
    lookout.took_over();
    keep(&json!([]));
    assert!(matches!(lookout.news().await, News::Refused(_)));
    keep(&other);
    assert!(matches!(lookout.news().await, News::Recovered));
    let error = WireFault::ReinferError { status: 403, message: None, retry_after_s: None, retry_after_date: false };
    server.fault(Rule::always(error).on("reinfer.GetConfig").times(5));
    let News::Refused(faults) = lookout.news().await else { panic!("a refusal") };
    assert!(faults[0].to_string().contains("appliance-config-read"), "{}", faults[0]);
    assert!(matches!(lookout.news().await, News::Recovered));
}

#[tokio::test(flavor = "multi_thread")]
async fn emails_and_their_configuration_by_the_api_alone() {
    let mut bench = Bench::new().await;
    bench.setup.goes_to_api(&bench.server);
    let reinfer = |document: &Value| bench.server.simulator.reinfer().set_config("acme", "main", Some(document.to_string().into()));
    let emails = async |mailboxes: std::ops::Range<usize>, count: usize| {
        for n in mailboxes {
            until(MINUTE, &format!("{count} emails of {}", address(n)), async || {
                bench.server.simulator.reinfer().emails(BUCKET).iter().filter(|email| email.mailbox == address(n)).count() == count
            })
            .await;
        }
    };
    let mut few = bench.setup.config.clone();
    few["mailboxes"].as_object_mut().unwrap().retain(|name, _| name.as_str() < "m06");
    reinfer(&few);
    let child = bench.setup.start(&["--progress", "none"]);
    emails(0..6, 25).await;
    bench.until_quiet(0..6).await;
    let before = bench.asked("SyncFolderItems");
    let mut others = bench.setup.config.clone();
    others["mailboxes"].as_object_mut().unwrap().retain(|name, _| ("m01".."m08").contains(&name.as_str()));
    reinfer(&others);
    emails(6..8, 25).await;
    bench.until_quiet(1..8).await;
    let after = bench.asked("SyncFolderItems");
    assert!((1..6).all(|n| after[&address(n)] == before[&address(n)]), "{before:?} {after:?}");
    // The API may be away for a while: what is in force goes on.
    let error = WireFault::ReinferError { status: 503, message: None, retry_after_s: Some(1), retry_after_date: false };
    bench.server.fault(Rule::always(error).on("reinfer.GetConfig").times(6));
    bench.until_logged("is refused, and the one in force stays so: reading the configuration acme/main: failed: HTTP 503", 1).await;
    bench.until_logged("is the one in force again", 1).await;
    bench.deliver(0..8).await;
    emails(1..8, 26).await;
    emails(0..1, 25).await;
    assert_eq!(stop(child).await.code, 0);
    assert_eq!(bench.server.downloads().await, 8 * 25 + 7);
    assert!(!bench.log().contains(&bench.server.simulator.reinfer_token().unwrap()));
}
