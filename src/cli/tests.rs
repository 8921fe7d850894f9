//! What people type, and what they are told.

use std::path::Path;

use super::{
    CheckArgs, Command, ConfigCommand, Destination, Exit, LogArgs, LogFormat, Place, Progress, RunArgs, ShowArgs, check, config, parse,
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
        once: false,
        shard: None,
        memory_budget: 64 << 20,
        reconcile_every: None,
        mask: false,
        progress: Progress::Auto,
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
    let line = "--local-files-prefix /x --config /c.json --remote-config-owner o --remote-config-key k --once --shard-name app-3 --total-shards 4 \
        --memory-budget 1GiB --reconcile-every 90m --mask --progress json --debug-level 2 --log-format json --log-dir /log";
    let expected = RunArgs {
        source: Source { file: Some("/c.json".into()), local_files_prefix: Some("/x".into()), remote: Some(("o".into(), "k".into())) },
        once: true,
        shard: Shard::named("app-3", 4).ok(),
        memory_budget: 1 << 30,
        reconcile_every: Some(std::time::Duration::from_secs(5400)),
        mask: true,
        progress: Progress::Json,
        log: LogArgs { debug_level: 2, log_format: LogFormat::Json, log_dir: Some("/log".into()) },
        ..run_args()
    };
    assert_eq!(asked(line), Ok(Command::Run(Box::new(expected))));
}

#[test]
fn other_verbs_arrive() {
    let source = Source { file: Some("/c".into()), ..Source::default() };
    assert_eq!(asked("check --offline --config /c"), Ok(Command::Check(CheckArgs { source: source.clone() })));
    assert_eq!(asked("reinfer-ews config show --config /c"), Ok(Command::Config(ConfigCommand::Show(ShowArgs { source }))));
    assert_eq!(asked("config sample"), Ok(Command::Config(ConfigCommand::Sample { graph: false })));
    assert_eq!(asked("config sample --graph"), Ok(Command::Config(ConfigCommand::Sample { graph: true })));
    assert_eq!(asked("config schema"), Ok(Command::Config(ConfigCommand::Schema)));
    let Ok(Command::Demo(demo)) = asked("demo --mailboxes 2 --messages 3 --dir /d --progress none") else { panic!() };
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
        "--local-files-prefix /x --tui --restart-on-unrecoverable-errors",
        "--local-files-prefix /x --state-prefix gs://x",
        "--local-files-prefix /x --shard-name app-2 --total-shards 2",
        "--local-files-prefix /x --shard-name app --total-shards 2",
        "--local-files-prefix /x --shard-name app-2",
        "--local-files-prefix /x --remote-config-owner o",
        "--local-files-prefix /x --memory-budget 8MiB",
        "--local-files-prefix /x --memory-budget lots",
        "--local-files-prefix /x --reconcile-every daily",
        "--local-files-prefix /x --progress tui",
        "--local-files-prefix /x --debug-level 3",
        "--local-files-prefix /x --onse",
        "check",
        "plan",
        "verify --repair",
        "config upload file.json",
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
    for path in [&["run"][..], &["demo"], &["check"], &["config"], &["config", "show"]] {
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

#[test]
fn check_and_show_tell_about_a_file() {
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
        let (checked, text) = check::judgement(&CheckArgs { source: source(key) }, env);
        assert_eq!(checked, code);
        told += &format!("$ check {key}\n{text}\n");
    }
    for (key, code) in [("key", 0), ("bad", 2)] {
        let (shown, text) = config::answer(&ConfigCommand::Show(ShowArgs { source: source(key) }), &env);
        assert_eq!(shown, code);
        told += &format!("$ show {key}\n{text}\n");
    }
    assert!(!told.contains("hunter2"));
    insta::assert_snapshot!(in_folder(folder.path(), &told));

    let (code, text) = check::judgement(&CheckArgs { source: source("absent") }, &env);
    assert_eq!(code, 2);
    assert!(text.contains("absent.json: cannot be read"), "{text}");
}

#[test]
fn sample_and_schema_are_json() {
    for command in [ConfigCommand::Sample { graph: false }, ConfigCommand::Sample { graph: true }, ConfigCommand::Schema] {
        let (code, text) = config::answer(&command, &Env::default());
        assert_eq!(code, 0);
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }
}
