//! The first minute of a new user: a test Exchange server, and a copy of it into a folder.
//!
//! On a terminal it is a living server, watched on the dashboard for as long as somebody likes. Otherwise it is two passes, by EWS and by Microsoft
//! Graph, which show what a change costs, and a change of the interface: nothing but the new messages.

mod living;

use std::{
    fmt,
    future::Future,
    io::ErrorKind,
    net::TcpListener,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use exchange_simulator::{Launch, Simulator, World, world::AppSpec};
use serde_json::{Value, json};

use crate::{
    cli::{
        DemoArgs, Destination, Exit, LogArgs, LogFormat, Place, Progress, RunArgs,
        console::{Console, complain, say},
    },
    config::{self, Env, Source},
    outcome::Outcome,
    run, server,
};

/// Bytes of messages in flight, the default of `run`.
const MEMORY: u64 = 64 << 20;

/// What goes wrong before or beside the copying.
type Failure = Exit;

/// Runs the demonstration. The exit code is that of its last pass.
pub async fn run(args: &DemoArgs, env: &Env, console: &Console, shutdown: impl Future<Output = ()>) -> ExitCode {
    match demonstrate(args, env, console, shutdown).await {
        Ok(code) => ExitCode::from(code),
        Err(failure) => failure.report(),
    }
}

async fn demonstrate(args: &DemoArgs, env: &Env, console: &Console, shutdown: impl Future<Output = ()>) -> Result<u8, Failure> {
    // Nothing of what real servers are reached with.
    let env = env.var(server::TOKEN).map(|token| (server::TOKEN, token)).into_iter().collect::<Env>();
    let mut shutdown = std::pin::pin!(shutdown);
    // What cannot be is told before anything is made.
    let screen = args.progress.here().map_err(Exit::usage)? == Progress::Tui;
    args.screen.settings(true, false, console).map_err(Exit::usage)?;
    if let Some(recording) = &args.record {
        recording.ready().map_err(Exit::usage)?;
    }
    if let Some(bind) = args.bind {
        // The server of what is told takes it later; that it is free is said before anybody hears of it.
        TcpListener::bind(bind).map_err(|error| Exit::usage(format_args!("--bind {bind}: {error}")))?;
    }
    let tell = Tell { progress: args.progress };
    let folder = folder(args)?;
    let world = match (args.mailboxes, args.messages) {
        (None, None) => World::demo().map_err(Exit::failed)?,
        (mailboxes, messages) => World::uniform(mailboxes.unwrap_or(5).into(), messages.unwrap_or(200).into()),
    };
    if args.duration.is_some() || (screen && !args.once) {
        return living::watch(args, &env, &folder, world, console, tell, shutdown).await;
    }
    let mut launch = Launch::from(world);
    launch.options.admin = Some(launch.options.listen);
    let application = launch.world.apps.first().cloned().ok_or_else(|| Exit::failed("the test server knows no application"))?;
    let server = Simulator::start(launch).await.map_err(Exit::failed)?;
    let admin = server.admin_url().ok_or_else(|| Exit::failed("the test server has no admin API"))?;
    let mailboxes = mailboxes(&server);
    let by_ews = write_config(&folder, "ews", &on_premises(&server.ews_url()), &mailboxes, true)?;
    tell.say(format_args!("A test Exchange server with {} mailboxes listens at {}", mailboxes.len(), server.ews_url()));
    tell.say(format_args!("It is copied by EWS into {} by the configuration {}", folder.display(), by_ews.display()));
    if let Some(bind) = args.bind.filter(|bind| bind.port() != 0) {
        tell.say(format_args!(
            "Meanwhile http://{bind}/status tells how far it is, and so do `exchange-sync status {bind}` and `exchange-sync attach {bind}`"
        ));
    }
    let first = pass(args, &env, &folder, by_ews, true, console, shutdown.as_mut()).await?;
    if first != Outcome::Done && first != Outcome::Gaps {
        return Ok(first.code());
    }
    let told = stir(&admin, &mailboxes).await?;
    let by_graph = write_config(&folder, "graph", &online(&server.url(), &application), &mailboxes, false)?;
    tell.say(format_args!("\nMeanwhile {told}, and the mailboxes moved to the cloud."));
    tell.say(format_args!("A second pass goes on by Microsoft Graph with {}: what is known is not downloaded again", by_graph.display()));
    let second = pass(args, &env, &folder, by_graph, true, console, shutdown.as_mut()).await?;
    tell.say(format_args!("\nLook around: ls {0}/data, or read the catalog: head -n 3 {0}/data/*/*/*/catalog/*.jsonl", folder.display()));
    tell.say(format_args!("For mailboxes of your own: exchange-sync config sample > config.json, and see exchange-sync run --help"));
    server.shutdown().await;
    Ok(second.code())
}

/// Tells what happens, beside what a program reads.
#[derive(Clone, Copy)]
struct Tell {
    progress: Progress,
}

impl Tell {
    fn say(self, words: fmt::Arguments<'_>) {
        match self.progress {
            Progress::None => {}
            Progress::Json => complain(words),
            _ => say(words),
        }
    }
}

/// The server's mailboxes, and whether each has an archive.
fn mailboxes(server: &Simulator) -> Vec<(String, bool)> {
    server.state().store.mailboxes().iter().map(|mailbox| (mailbox.address().to_owned(), mailbox.has_archive())).collect()
}

/// The folder named, or a new one among the temporary files, which stays so that one can look into it.
fn folder(args: &DemoArgs) -> Result<PathBuf, Failure> {
    let folder = match &args.dir {
        Some(dir) => dir.clone(),
        None => fresh(&std::env::temp_dir())?,
    };
    std::fs::create_dir_all(folder.join("config")).map_err(|error| unmade(&folder, &error))?;
    Ok(folder)
}

/// A folder that was not there before: two demonstrations that begin at once make two.
fn fresh(parent: &Path) -> Result<PathBuf, Failure> {
    for n in 0..u32::MAX {
        let folder = parent.join(format!("exchange-sync-demo-{n}"));
        match std::fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unmade(&folder, &error)),
        }
    }
    Err(Exit::failed("no name for a temporary folder is free"))
}

fn unmade(folder: &Path, error: &std::io::Error) -> Failure {
    Exit::failed(format_args!("making the folder {} failed: {error}", folder.display()))
}

/// A run over all mailboxes, of one pass or until it is stopped.
async fn pass(
    args: &DemoArgs,
    env: &Env,
    folder: &Path,
    file: PathBuf,
    once: bool,
    console: &Console,
    shutdown: impl Future<Output = ()>,
) -> Result<Outcome, Failure> {
    let source = Source { file: Some(file), ..Source::default() };
    let shelf = source.shelf(env).map_err(Exit::usage)?;
    let loaded = config::load(&*shelf, env, None).await.map_err(|refused| Exit { code: refused.code, ..Exit::failed(refused) })?;
    run::run(&run_args(args, folder, source, once), loaded.config, None, env, console, shutdown)
        .await
        .map_err(|unready| Exit { code: unready.code(), ..Exit::failed(unready) })
}

/// How a person would write this server down while it stands in the cellar.
fn on_premises(endpoint: &str) -> Value {
    json!({
        "ews_endpoint": endpoint,
        "auth_type": "ntlm",
        "auth_user": "service@example.com",
        "auth_password": "service",
        "access_type": "impersonation",
    })
}

/// The same once it is in the cloud.
fn online(endpoint: &str, application: &AppSpec) -> Value {
    json!({
        "microsoft_api": "graph",
        "graph_endpoint": endpoint,
        "auth_oauth_authority": format!("{endpoint}/{}/", application.tenant),
        "auth_oauth_client_id": application.client_id,
        "auth_oauth_client_secret": application.secrets.first(),
    })
}

/// A configuration for these mailboxes. The pause between messages is off: nobody else uses this server.
fn write_config(folder: &Path, name: &str, server: &Value, mailboxes: &[(String, bool)], archives: bool) -> Result<PathBuf, Failure> {
    let mailboxes: serde_json::Map<String, Value> = mailboxes
        .iter()
        .map(|(address, archive)| {
            (address.clone(), json!({"bucket": {"owner": "demo", "name": "mail"}, "start_from": "bucket", "archive": archives && *archive}))
        })
        .collect();
    let mut config = server.clone();
    config["poll_message_sleep"] = json!(0);
    config["mailboxes"] = Value::Object(mailboxes);
    let file = folder.join("config").join(format!("{name}.json"));
    let text = serde_json::to_string_pretty(&config).map_err(Exit::failed)?;
    std::fs::write(&file, text + "\n").map_err(|error| Exit::failed(format_args!("writing {} failed: {error}", file.display())))?;
    Ok(file)
}

fn run_args(args: &DemoArgs, folder: &Path, source: Source, once: bool) -> RunArgs {
    RunArgs {
        destination: Destination::Files(Place::Folder(folder.to_owned())),
        state: None,
        source,
        config_poll: Duration::ZERO,
        once,
        shard: None,
        memory_budget: MEMORY,
        reconcile_every: None,
        grace: Duration::ZERO,
        restart: false,
        bind: args.bind,
        mask: false,
        progress: match args.progress {
            // A dashboard that is gone within seconds, twice.
            Progress::Auto if once => Progress::Plain,
            progress => progress,
        },
        screen: args.screen.clone(),
        record: args.record.clone(),
        log: LogArgs { debug_level: 0, log_format: LogFormat::Text, log_dir: None },
    }
}

/// Lets things happen on the server, as they would between two passes.
async fn stir(admin: &str, mailboxes: &[(String, bool)]) -> Result<String, Failure> {
    let client = reqwest::Client::builder().no_proxy().build().map_err(Exit::failed)?;
    let call = async |path: &str, body: Value| -> Result<(), Failure> {
        let answer = client.post(format!("{admin}{path}")).json(&body).send().await.map_err(Exit::failed)?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(Exit::failed(format_args!("the test server refused {path}: {}", answer.text().await.unwrap_or_default()))),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demonstrations_that_begin_at_once_have_folders_of_their_own() {
        let parent = tempfile::tempdir().unwrap();
        let begin = || fresh(parent.path()).unwrap();
        let folders = std::thread::scope(|scope| {
            let begun: Vec<_> = (0..8).map(|_| scope.spawn(begin)).collect();
            begun.into_iter().map(|one| one.join().unwrap()).collect::<std::collections::BTreeSet<_>>()
        });
        assert_eq!(folders.len(), 8, "{folders:?}");
    }
}
