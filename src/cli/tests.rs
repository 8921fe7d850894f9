//! What people type, and what they are told.

use std::path::Path;

use super::{
    CheckArgs, Command, ConfigCommand, Destination, Exit, LogArgs, LogFormat, Place, Progress, RunArgs, ScreenArgs, ShowArgs, UploadArgs,
    check, config, parse,
};
use crate::{
    auth::Secret,
    config::{Env, SAMPLE, Source},
    shard::Shard,
};

fn asked(line: &str) -> Result<Command, Exit> {
    parse(std::iter::once("exchange-sync").chain(line.split_whitespace()).map(Into::into), &Env::default())
}

fn run_args() -> RunArgs {
    RunArgs {
        destination: Destination::Files(Place::Folder("/x".into())),
        state: None,
        source: Source { local_files_prefix: Some("/x".into()), ..Source::default() },
        config_poll: std::time::Duration::from_secs(60),
        once: false,
        shard: None,
        memory_budget: 64 << 20,
        reconcile_every: None,
        grace: std::time::Duration::from_secs(25),
        restart: false,
        bind: None,
        mask: false,
        progress: Progress::Auto,
        screen: ScreenArgs::default(),
        record: None,
        log: LogArgs { debug_level: 1, log_format: LogFormat::Text, log_dir: None },
    }
}

#[test]
fn run_is_meant_without_a_verb_and_after_a_leading_word() {
    let lines = [
        "run --local-files-prefix /x",
        "--local-files-prefix /x",
        "reinfer-ews --local-files-prefix /x",
        "uipath-exchange-sync-app --local-files-prefix=/x",
        "reinfer-ews run --local-files-prefix /x",
    ];
    for line in lines {
        assert_eq!(asked(line), Ok(Command::Run(Box::new(run_args()))), "{line}");
    }
}

#[test]
fn every_option_of_run_arrives() {
    let line = "--local-files-prefix /x --config /c.json --remote-config-owner o --remote-config-key k --config-poll 200ms --once --shard-name app-3 --total-shards 4 \
        --bind [::1]:8080 --memory-budget 1GiB --reconcile-every 90m --grace 5s --mask --progress json --debug-level 2 --log-format json --log-dir /log";
    let expected = RunArgs {
        source: Source {
            file: Some("/c.json".into()),
            local_files_prefix: Some("/x".into()),
            api: None,
            remote: Some(("o".into(), "k".into())),
        },
        config_poll: std::time::Duration::from_millis(200),
        once: true,
        shard: Shard::named("app-3", 4).ok(),
        memory_budget: 1 << 30,
        reconcile_every: Some(std::time::Duration::from_secs(5400)),
        grace: std::time::Duration::from_secs(5),
        bind: "[::1]:8080".parse().ok(),
        mask: true,
        progress: Progress::Json,
        log: LogArgs { debug_level: 2, log_format: LogFormat::Json, log_dir: Some("/log".into()) },
        ..run_args()
    };
    assert_eq!(asked(line), Ok(Command::Run(Box::new(expected))));
    let restarts = RunArgs { restart: true, ..run_args() };
    assert_eq!(asked("--local-files-prefix /x --restart-on-unrecoverable-errors"), Ok(Command::Run(Box::new(restarts))));
    assert_eq!(asked("--local-files-prefix /x --once --restart-on-unrecoverable-errors").unwrap_err().code, 2);
}

#[test]
fn other_verbs_arrive() {
    let source = Source { file: Some("/c".into()), ..Source::default() };
    assert_eq!(asked("check --offline --config /c"), Ok(Command::Check(CheckArgs { source: source.clone() })));
    let show = |source, remote| Ok(Command::Config(ConfigCommand::Show(ShowArgs { source, remote })));
    assert_eq!(asked("reinfer-ews config show --config /c"), show(source, false));
    let api: Option<url::Url> = "https://example.reinfer.io/api/".parse().ok();
    let (remote, file) = (Some(("o".to_owned(), "k".to_owned())), Some("/c".into()));
    let kept = "--remote-config-owner o --remote-config-key k";
    assert_eq!(
        asked(&format!("config show --remote --config /c --reinfer-api-endpoint https://example.reinfer.io/api/ {kept}")),
        show(Source { file, api: api.clone(), local_files_prefix: None, remote: remote.clone() }, true)
    );
    for (place, source) in [
        ("--reinfer-api-endpoint https://example.reinfer.io/api/", Source { api, remote: remote.clone(), ..Source::default() }),
        ("--local-files-prefix /x", Source { local_files_prefix: Some("/x".into()), remote, ..Source::default() }),
    ] {
        let upload = UploadArgs { file: "/c".into(), source };
        assert_eq!(asked(&format!("config upload /c {place} {kept}")), Ok(Command::Config(ConfigCommand::Upload(upload))));
    }
    assert_eq!(asked("config sample"), Ok(Command::Config(ConfigCommand::Sample { graph: false })));
    assert_eq!(asked("config sample --graph"), Ok(Command::Config(ConfigCommand::Sample { graph: true })));
    assert_eq!(asked("config schema"), Ok(Command::Config(ConfigCommand::Schema)));
    let Ok(Command::Demo(demo)) = asked("demo --mailboxes 2 --messages 3 --dir /d --progress none --bind 127.0.0.1:0") else { panic!() };
    assert_eq!(
        (demo.mailboxes, demo.messages, demo.dir.as_deref(), demo.progress),
        (Some(2), Some(3), Some(Path::new("/d")), Progress::None)
    );
}

#[test]
fn what_cannot_be_done_is_refused_with_a_reason() {
    let lines = [
        "",
        "run",
        "uipath-exchange-sync-app --bind 0.0.0.0:8000 --reinfer-api-endpoint https://example.reinfer.io/api/ --shard-name app-0 --total-shards 1",
        "--reinfer-api-endpoint https://example.reinfer.io/api/",
        "--reinfer-api-endpoint example.reinfer.io",
        "--reinfer-api-endpoint https://token@example.reinfer.io/api",
        "--private-file-prefix /x",
        "--private-file-prefix s3://account/container",
        "--local-files-prefix /x --private-file-prefix az://account/container",
        "--local-files-prefix /x --tui --progress plain",
        "--local-files-prefix /x --state-prefix gs://x",
        "--local-files-prefix /x --shard-name app-2 --total-shards 2",
        "--local-files-prefix /x --shard-name app --total-shards 2",
        "--local-files-prefix /x --shard-name app-2",
        "--local-files-prefix /x --remote-config-owner o",
        "--local-files-prefix /x --memory-budget 8MiB",
        "--local-files-prefix /x --memory-budget lots",
        "--local-files-prefix /x --reconcile-every daily",
        "--local-files-prefix /x --progress dashboard",
        "--local-files-prefix /x --debug-level 3",
        "--local-files-prefix /x --onse",
        "check",
        "plan",
        "verify --repair",
        "--local-files-prefix /x --bind 8080",
        "--local-files-prefix /x --bind localhost:8080",
        "status",
        "status ftp://pod",
        "status pod:8080 --folders",
        "attach",
        "attach pod-0:8080 pod-1:8080 --record file",
        "attach pod:8080 --replay file",
        "attach --replay file --speed 0",
        "attach --replay file --speed -1",
        "attach --replay file --speed NaN",
        "attach pod:8080 --speed 2",
        "status pod:8080 --ready --json",
        "attach pod:8080 --print-keymap",
        "demo --once --duration 5s",
        "config upload file.json",
        "config upload file.json --remote-config-owner o --remote-config-key k",
        "config show --remote",
        "config show --local-files-prefix /x --reinfer-api-endpoint https://example.reinfer.io/api/",
        "check --offline --reinfer-api-endpoint https://example.reinfer.io/api/ --remote-config-owner o --remote-config-key k",
        "--local-files-prefix /x --config-poll often",
        "config",
        "sync",
        "demo --mailboxes 0",
    ];
    let told: String = lines
        .iter()
        .map(|line| {
            let exit = asked(line).unwrap_err();
            assert_eq!(exit.code, 2, "{line}");
            format!("$ exchange-sync {line}\n{}\n", exit.message)
        })
        .collect();
    insta::assert_snapshot!(told);
}

#[test]
fn messages_go_to_a_folder_a_container_or_the_api() {
    let env = Env::from_iter([("REINFER_API_TOKEN", "hunter2")]);
    let destination = |line: &str, env: &Env| match parse(std::iter::once("x").chain(line.split_whitespace()).map(Into::into), env) {
        Ok(Command::Run(args)) => (args.destination, args.state),
        other => panic!("{line}: {other:?}"),
    };
    let container = "az://account/container/prefix";
    let (to, state) = destination(&format!("--private-file-prefix {container} --state-prefix /s"), &Env::default());
    assert_eq!((to, state), (Destination::Files(Place::Azure(container.into())), Some(Place::Folder("/s".into()))));
    let url = "https://cloud.uipath.com/org/tenant/reinfer_/api";
    let (to, state) = destination(&format!("reinfer-ews --reinfer-api-endpoint {url} --state-prefix {container}"), &env);
    assert_eq!(to, Destination::Api { endpoint: url.parse().unwrap(), token: Secret::new("hunter2") });
    assert_eq!(state, Some(Place::Azure(container.into())));
    assert!(!format!("{to:?}").contains("hunter2"));
}

#[test]
fn a_folder_excludes_the_token() {
    let env = Env::from_iter([("REINFER_API_TOKEN", "hunter2")]);
    let exit = parse(["exchange-sync", "--local-files-prefix", "/x"].map(Into::into), &env).unwrap_err();
    assert_eq!(exit.code, 2);
    assert_eq!(exit.message, "error: --local-files-prefix excludes the environment variable REINFER_API_TOKEN; unset it\n");
}

#[test]
fn help_reads_well() {
    let mut whole = super::parse::command().term_width(100);
    whole.build();
    let mut text = whole.render_help().to_string();
    for path in [&["run"][..], &["status"], &["attach"], &["demo"], &["check"], &["config"], &["config", "show"], &["config", "upload"]] {
        let verb = path.iter().fold(&mut whole, |command, word| command.find_subcommand_mut(word).unwrap());
        text += &format!("\n----\n{}", verb.render_help());
    }
    insta::assert_snapshot!(text);
}

#[test]
fn help_and_version_are_no_errors() {
    for line in ["--help", "-h", "run --help", "reinfer-ews --help", "--version", "help", "help run"] {
        assert_eq!(asked(line).unwrap_err().code, 0, "{line}");
    }
}

/// The text with the folder's name taken out.
fn in_folder(folder: &Path, text: &str) -> String {
    text.replace(&folder.display().to_string(), "DIR")
}

#[tokio::test]
async fn check_and_show_tell_about_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let owner = folder.path().join("config/owner");
    std::fs::create_dir_all(&owner).unwrap();
    std::fs::write(owner.join("key.json"), SAMPLE).unwrap();
    std::fs::write(
        owner.join("bad.json"),
        r#"{"host": "mail", "prot": 443, "auth_user": "x", "auth_password": "hunter2", "mailboxes": {}}"#,
    )
    .unwrap();
    let source = |key: &str| Source {
        local_files_prefix: Some(folder.path().into()),
        remote: Some(("owner".into(), key.into())),
        ..Source::default()
    };
    let env = Env::from_iter([("REINFER_EWS_AUTH_PASS", "hunter2")]);

    let mut told = String::new();
    for (key, code, env) in [("key", 0, &env), ("key", 0, &Env::default()), ("bad", 2, &env), ("../key", 2, &env)] {
        let (checked, text) = check::judgement(&CheckArgs { source: source(key) }, env).await;
        assert_eq!(checked, code);
        told += &format!("$ check {key}\n{text}\n");
    }
    for (key, code) in [("key", 0), ("bad", 2)] {
        let (shown, text) = config::answer(&ConfigCommand::Show(ShowArgs { source: source(key), remote: false }), &env).await;
        assert_eq!(shown, code);
        told += &format!("$ show {key}\n{text}\n");
    }
    assert!(!told.contains("hunter2"));
    insta::assert_snapshot!(in_folder(folder.path(), &told));

    let (code, text) = check::judgement(&CheckArgs { source: source("absent") }, &env).await;
    assert_eq!(code, 2);
    assert!(text.contains("absent.json: cannot be read"), "{text}");
}

#[tokio::test]
async fn sample_and_schema_are_json() {
    for command in [ConfigCommand::Sample { graph: false }, ConfigCommand::Sample { graph: true }, ConfigCommand::Schema] {
        let (code, text) = config::answer(&command, &Env::default()).await;
        assert_eq!(code, 0);
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }
}

#[tokio::test]
async fn only_a_good_configuration_is_uploaded_into_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let volume = folder.path().join("volume");
    std::fs::create_dir(&volume).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let good = file("good.json", SAMPLE);
    let other = file("other.json", &SAMPLE.replace("443", "8443"));
    let bad = file("bad.json", r#"{"host": "mail", "prot": 443, "auth_user": "x", "auth_password": "hunter2", "mailboxes": {}}"#);
    let source = Source { local_files_prefix: Some(volume.clone()), remote: Some(("owner".into(), "key".into())), ..Source::default() };
    let env = Env::from_iter([("REINFER_EWS_CONFIG", "/local/wins.json"), ("REINFER_EWS_AUTH_PASS", "hunter2")]);
    let mut told = String::new();
    for (path, code) in [(&good, 0), (&good, 0), (&bad, 2), (&other, 0), (&folder.path().join("absent.json"), 2)] {
        let upload = UploadArgs { file: path.clone(), source: source.clone() };
        let (exit, text) = config::answer(&ConfigCommand::Upload(upload), &env).await;
        assert_eq!(exit, code, "{text}");
        told += &format!("$ upload {}\n{text}\n", path.file_name().unwrap().display());
    }
    let (exit, shown) = config::answer(&ConfigCommand::Show(ShowArgs { source: source.clone(), remote: true }), &env).await;
    assert_eq!(exit, 0);
    told += &format!("$ show --remote\n{}\n", shown.lines().next().unwrap());
    assert!(shown.contains("8443") && !told.contains("hunter2"));
    insta::assert_snapshot!(in_folder(folder.path(), &told));
    assert_eq!(std::fs::read(volume.join("config/owner/key.json")).unwrap(), std::fs::read(&other).unwrap());
    // Without --remote the local file wins.
    let (exit, text) = config::answer(&ConfigCommand::Show(ShowArgs { source, remote: false }), &env).await;
    assert_eq!((exit, text.starts_with("fault: /local/wins.json: cannot be read")), (2, true), "{text}");
}
