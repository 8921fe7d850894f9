//! The first minute of a new user: a test Exchange server, a copy of it into a folder, and a second pass that shows what a change costs.

use std::{
    future::Future,
    path::{Path, PathBuf},
    process::ExitCode,
};

use exchange_simulator::{Launch, Simulator, World};
use indicatif::MultiProgress;
use serde_json::{Value, json};

use crate::{
    cli::{DemoArgs, LogArgs, LogFormat, RunArgs},
    config::{self, Env, Source},
    outcome::Outcome,
    run,
};

/// Bytes of messages in flight, the default of `run`.
const MEMORY: u64 = 64 << 20;

/// What goes wrong before or beside the copying.
type Failure = String;

/// Runs the demonstration. The exit code is that of its last pass.
pub async fn run(args: &DemoArgs, terminal: &MultiProgress, shutdown: impl Future<Output = ()>) -> ExitCode {
    match demonstrate(args, terminal, shutdown).await {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn demonstrate(args: &DemoArgs, terminal: &MultiProgress, shutdown: impl Future<Output = ()>) -> Result<u8, Failure> {
    let mut shutdown = std::pin::pin!(shutdown);
    let folder = folder(args)?;
    let world = match (args.mailboxes, args.messages) {
        (None, None) => World::demo()?,
        (mailboxes, messages) => World::uniform(mailboxes.unwrap_or(5).into(), messages.unwrap_or(200).into()),
    };
    let mut launch = Launch::from(world);
    launch.options.admin = Some(launch.options.listen);
    let server = Simulator::start(launch).await?;
    let admin = server.admin_url().ok_or("the test server has no admin API")?;
    let mailboxes: Vec<(String, bool)> =
        server.state().store.mailboxes().iter().map(|mailbox| (mailbox.address().to_owned(), mailbox.has_archive())).collect();
    let file = folder.join("config").join("demo.json");
    write_config(&file, &server.ews_url(), &mailboxes)?;
    println!("A test Exchange server with {} mailboxes listens at {}", mailboxes.len(), server.ews_url());
    println!("It is copied into {} by the configuration {}", folder.display(), file.display());

    let source = Source { file: Some(file.clone()), ..Source::default() };
    let loaded = config::load(&source, &Env::default()).map_err(|refused| refused.to_string())?;
    let run_args = run_args(args, &folder, source);
    let first = run::run(&run_args, &loaded.config, terminal, shutdown.as_mut()).await.map_err(|unready| unready.to_string())?;
    if first != Outcome::Done && first != Outcome::Gaps {
        return Ok(first.code());
    }
    let told = stir(&admin, &mailboxes).await?;
    println!("\nMeanwhile {told}. A second pass:");
    let second = run::run(&run_args, &loaded.config, terminal, shutdown.as_mut()).await.map_err(|unready| unready.to_string())?;
    println!("\nLook around: ls {0}/data, or read the catalog: head -n 3 {0}/data/*/*/*/catalog/*.jsonl", folder.display());
    println!("For mailboxes of your own: exchange-sync config sample > config.json, and see exchange-sync run --help");
    server.shutdown().await;
    Ok(second.code())
}

/// The folder named, or a new one among the temporary files, which stays so that one can look into it.
fn folder(args: &DemoArgs) -> Result<PathBuf, Failure> {
    let folder = match &args.dir {
        Some(dir) => dir.clone(),
        None => (0..u32::MAX)
            .map(|n| std::env::temp_dir().join(format!("exchange-sync-demo-{n}")))
            .find(|path| !path.exists())
            .ok_or("no name for a temporary folder is free")?,
    };
    std::fs::create_dir_all(folder.join("config")).map_err(|error| format!("making the folder {} failed: {error}", folder.display()))?;
    Ok(folder)
}

/// A configuration as a person would write it for this server. The pause between messages is off: nobody else uses this server.
fn write_config(file: &Path, endpoint: &str, mailboxes: &[(String, bool)]) -> Result<(), Failure> {
    let mailboxes: serde_json::Map<String, Value> = mailboxes
        .iter()
        .map(|(address, archive)| {
            (address.clone(), json!({"bucket": {"owner": "demo", "name": "mail"}, "start_from": "bucket", "archive": archive}))
        })
        .collect();
    let config = json!({
        "ews_endpoint": endpoint,
        "auth_type": "ntlm",
        "auth_user": "service@example.com",
        "auth_password": "service",
        "access_type": "impersonation",
        "poll_message_sleep": 0,
        "mailboxes": mailboxes,
    });
    let text = serde_json::to_string_pretty(&config).map_err(|error| error.to_string())?;
    std::fs::write(file, text + "\n").map_err(|error| format!("writing {} failed: {error}", file.display()))
}

fn run_args(args: &DemoArgs, folder: &Path, source: Source) -> RunArgs {
    RunArgs {
        local_files_prefix: folder.to_owned(),
        source,
        once: true,
        shard: None,
        memory_budget: MEMORY,
        reconcile_every: None,
        mask: false,
        progress: args.progress,
        log: LogArgs { debug_level: 0, log_format: LogFormat::Text, log_dir: None },
    }
}

/// Lets things happen on the server, as they would between two passes.
async fn stir(admin: &str, mailboxes: &[(String, bool)]) -> Result<String, Failure> {
    let client = reqwest::Client::builder().no_proxy().build().map_err(|error| error.to_string())?;
    let call = async |path: &str, body: Value| -> Result<(), Failure> {
        let answer = client.post(format!("{admin}{path}")).json(&body).send().await.map_err(|error| error.to_string())?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(format!("the test server refused {path}: {}", answer.text().await.unwrap_or_default())),
        }
    };
    let some = mailboxes.get(..3).unwrap_or(mailboxes);
    for (mailbox, _) in some {
        call("/move", json!({"mailbox": mailbox, "from": "inbox", "to": "junkemail", "count": 2})).await?;
        call("/delete", json!({"mailbox": mailbox, "folder": "inbox", "count": 1, "how": "hard"})).await?;
        call("/read", json!({"mailbox": mailbox, "folder": "inbox", "count": 3, "read": true})).await?;
        call("/deliver", json!({"mailbox": mailbox, "folder": "inbox", "count": 5})).await?;
    }
    Ok(format!("in each of {} mailboxes 5 messages arrived, 3 were read, 2 moved and 1 deleted", some.len()))
}
