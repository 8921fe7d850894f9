//! From words to a command.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};

use url::Url;

use super::{
    AttachArgs, CheckArgs, Command, ConfigCommand, DemoArgs, Exit, LogArgs, Place, Progress, QuarantineArgs, RunArgs, ScreenArgs, ShowArgs,
    StatusArgs, UploadArgs, VerifyArgs, bind, destination, duration, recording::Recording, size, unbuilt,
};
use crate::{
    attach,
    auth::Secret,
    config::{Env, Source},
    mail::Address,
    server,
    shard::Shard,
};

/// Images of the programs this one replaces are started with their name as first word.
const LEADING: [&str; 2] = ["reinfer-ews", "uipath-exchange-sync-app"];

/// Copies every message of many Exchange mailboxes, continuously and resumably, into a folder, Azure Blob Storage or the Communications Mining API
#[derive(Debug, Parser)]
#[command(
    name = "exchange-sync",
    version,
    max_term_width = 110,
    after_help = "Without a command it runs: `exchange-sync --local-files-prefix DIR --config FILE` is the same as with `run`.\n\
        See `exchange-sync run --help` for the options, or try `exchange-sync demo` first: it needs no server.\n\n\
        Exit codes: 0 done; 1 failed; 2 usage or configuration; 3 finished with gaps; 4 refused by Exchange, the identity provider or the sink; \
        130 a second interrupt."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Copy mailboxes, until stopped or once
    Run(Box<RunOptions>),
    /// Prove that every message is there: Exchange against the catalog against the sink
    Verify(Box<VerifyOptions>),
    /// List the messages that could not be read or stored, or try them again
    Quarantine {
        #[command(subcommand)]
        what: Quarantine,
    },
    /// Tell what a running instance does, once
    Status(StatusOptions),
    /// Watch running instances on one dashboard; to quit it stops nothing
    #[command(
        after_help = "Actions, such as to pause a mailbox, need the instance's token in the environment variable EXCHANGE_SYNC_TOKEN."
    )]
    Attach(AttachOptions),
    /// Show it off: a test Exchange server, and a copy of it into a folder
    Demo(DemoArgs),
    /// Judge the configuration
    Check(CheckOptions),
    /// Show a configuration and the values in force, or put one where instances read it
    Config {
        #[command(subcommand)]
        what: What,
    },
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print a configuration to start from: for servers of your own, or with --graph for Exchange Online
    Sample {
        /// For Exchange Online, read by Microsoft Graph
        #[arg(long)]
        graph: bool,
    },
    /// Print the JSON Schema (draft 2020-12) of the configuration
    Schema,
    /// Print the values in force and where each came from; secrets are hidden
    Show(ShowOptions),
    /// Put a good configuration where instances read it: with the API, or in the folder
    Upload(UploadOptions),
}

#[derive(Debug, Args)]
struct SourceOptions {
    /// The configuration file; wins over the environment variable REINFER_EWS_CONFIG
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder to copy into: messages and catalog in DIR/data, cursors in DIR/state
    #[arg(long, value_name = "DIR")]
    local_files_prefix: Option<PathBuf>,
    #[command(flatten)]
    name: NameOptions,
}

#[derive(Debug, Args)]
struct NameOptions {
    /// Read the configuration from DIR/config/OWNER/KEY.json, or from the API, unless a file is named
    #[arg(long, value_name = "OWNER", requires = "remote_config_key")]
    remote_config_owner: Option<String>,
    /// See --remote-config-owner
    #[arg(long, value_name = "KEY", requires = "remote_config_owner")]
    remote_config_key: Option<String>,
}

/// What verbs besides `run` know of the API.
#[derive(Debug, Args)]
struct ApiOptions {
    /// The Communications Mining API that keeps the configuration; its token is read from the environment variable REINFER_API_TOKEN
    #[arg(long, value_name = "URL", value_parser = destination::endpoint, conflicts_with = "local_files_prefix")]
    reinfer_api_endpoint: Option<Url>,
}

#[derive(Debug, Args)]
struct ShowOptions {
    /// Show the configuration that OWNER and KEY lead to, even where a local file wins over it
    #[arg(long, requires = "remote_config_owner")]
    remote: bool,
    #[command(flatten)]
    source: SourceOptions,
    #[command(flatten)]
    api: ApiOptions,
}

#[derive(Debug, Args)]
struct UploadOptions {
    /// The configuration file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Put it into DIR/config/OWNER/KEY.json
    #[arg(long, value_name = "DIR")]
    local_files_prefix: Option<PathBuf>,
    #[command(flatten)]
    api: ApiOptions,
    /// The project that owns it
    #[arg(long, value_name = "OWNER")]
    remote_config_owner: String,
    /// Its name
    #[arg(long, value_name = "KEY")]
    remote_config_key: String,
}

#[derive(Debug, Args)]
struct CheckOptions {
    /// Judge the file alone, without asking any server
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    source: SourceOptions,
    #[command(flatten)]
    api: ApiOptions,
}

#[derive(Debug, Subcommand)]
enum Quarantine {
    /// Print each message in quarantine with its folder, ids and the reason; no server is asked
    List(QuarantineOptions),
    /// Fetch them again, all or those named; beside a running copy, too
    Retry(QuarantineOptions),
}

#[derive(Debug, Args)]
struct QuarantineOptions {
    /// These messages only, by the key or the item id that `quarantine list` prints
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    what: WhatOptions,
    #[command(flatten)]
    place: PlaceOptions,
}

/// What verbs that look at a copy look at.
#[derive(Debug, Args)]
struct WhatOptions {
    /// This mailbox only; may be given several times
    #[arg(long = "mailbox", value_name = "ADDRESS")]
    mailboxes: Vec<String>,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct VerifyOptions {
    /// Read every message back from the sink and compare its SHA-256
    #[arg(long, conflicts_with = "sample")]
    deep: bool,
    /// Read so many messages of each mailbox back, others each day; all are looked at for being there in their length
    #[arg(long, value_name = "N", default_value_t = 100)]
    sample: u64,
    /// Give a running copy this long to store what seems to be missing: a number with h, m, s or ms, 0 for none
    #[arg(long, value_name = "TIME", value_parser = duration::length, default_value = "20s")]
    settle: Duration,
    /// Fetch what is missing or damaged, try again what is in quarantine, and look once more
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    what: WhatOptions,
    #[command(flatten)]
    place: PlaceOptions,
}

/// Where a copy is.
#[derive(Debug, Args)]
struct PlaceOptions {
    #[command(flatten)]
    source: SourceOptions,
    /// The container of Azure Blob Storage to copy into, in place of a folder: az://ACCOUNT/CONTAINER[/PREFIX]
    #[arg(long, value_name = "AZ_URL", value_parser = Place::container)]
    private_file_prefix: Option<Place>,
    /// The Communications Mining API to copy to, in place of a folder; its token is read from the environment variable REINFER_API_TOKEN
    #[arg(long, value_name = "URL", value_parser = destination::endpoint)]
    reinfer_api_endpoint: Option<Url>,
    /// Keep cursors and catalog in this folder or container, not beside the messages: with the API they outlive a pod by this
    #[arg(long, value_name = "DIR|AZ_URL", value_parser = Place::parse)]
    state_prefix: Option<Place>,
    /// This instance's name; its last number, counted from 0, says which share of the mailboxes is its own
    #[arg(long, value_name = "NAME-N", requires = "total_shards")]
    shard_name: Option<String>,
    /// How many instances share the mailboxes
    #[arg(long, value_name = "N", requires = "shard_name")]
    total_shards: Option<u32>,
    /// Mask mailbox addresses and subjects on screen and in logs
    #[arg(long)]
    mask: bool,
    #[command(flatten)]
    log: LogArgs,
}

#[derive(Debug, Args)]
struct StatusOptions {
    /// Where it serves: what its --bind says, such as localhost:8080; may come from the environment variable EXCHANGE_SYNC_URL
    #[arg(value_name = "URL")]
    address: Option<attach::Address>,
    /// Say only whether it is ready, as /readyz does, and end with code 0 if so; for probes
    #[arg(long, conflicts_with = "json")]
    ready: bool,
    /// Tell of folders, requests, log and history as well
    #[arg(long, requires = "json")]
    folders: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct AttachOptions {
    /// Where they serve: what their --bind says, such as localhost:8080; one may come from the environment variable EXCHANGE_SYNC_URL
    #[arg(value_name = "URL")]
    addresses: Vec<attach::Address>,
    /// Play a recording instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["addresses", "record"])]
    replay: Option<PathBuf>,
    /// Play it at so many times its pace, such as 10 or 0.5 [default: 1]
    #[arg(long, value_name = "N", value_parser = speed, requires = "replay", conflicts_with_all = ["addresses", "record"])]
    speed: Option<f64>,
    /// Keep what is seen of one instance in this file, which must not exist yet; at most 100 MiB
    #[arg(long, value_name = "FILE")]
    record: Option<Recording>,
    /// Mask mailbox addresses from the beginning
    #[arg(long)]
    mask: bool,
    /// Print the keymap in force when none is named, as a file to begin with
    #[arg(long, exclusive = true)]
    print_keymap: bool,
    #[command(flatten)]
    screen: ScreenArgs,
}

#[derive(Debug, Args)]
struct RunOptions {
    #[command(flatten)]
    place: PlaceOptions,
    /// Look at the configuration again this often and take a changed one over without a restart: a number with h, m, s or ms, 0 for never
    #[arg(long, value_name = "TIME", value_parser = duration::length, default_value = "60s")]
    config_poll: Duration,
    /// Make one complete pass over every mailbox, print the summary and end
    #[arg(long)]
    once: bool,
    /// How much memory messages in flight may take: bytes, or a number with KiB, MiB or GiB; at least 16MiB
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = size::memory_budget)]
    memory_budget: u64,
    /// List each folder from the start this often although its cursor works: a number with d, h, m or s, 0 for never [default: what the interface
    /// needs, which for EWS is never]
    #[arg(long, value_name = "TIME", value_parser = duration::length)]
    reconcile_every: Option<Duration>,
    /// When told to stop, store what is under way for at most this long: a number with h, m, s or ms, 0 to drop it, which loses nothing
    #[arg(long, value_name = "TIME", value_parser = duration::length, default_value = "25s")]
    grace: Duration,
    /// Begin anew, after a pause, where a continuous run would end: a refused login, a configuration or a place that cannot be used
    #[arg(long, conflicts_with = "once")]
    restart_on_unrecoverable_errors: bool,
    /// Serve health, metrics and status here, such as 127.0.0.1:8080; actions need the environment variable EXCHANGE_SYNC_TOKEN
    #[arg(long, value_name = "ADDR:PORT", value_parser = bind::address)]
    bind: Option<SocketAddr>,
    /// What to show while copying
    #[arg(long, value_enum, default_value_t)]
    progress: Progress,
    /// Show the dashboard: the same as --progress tui
    #[arg(long, conflicts_with = "progress")]
    tui: bool,
    /// Keep what is shown in this file, which must not exist yet, for `attach --replay`; at most 100 MiB
    #[arg(long, value_name = "FILE")]
    record: Option<Recording>,
    #[command(flatten)]
    screen: ScreenArgs,
}

/// What the words ask for. `args` begins with the program's name. Help and version come back as an [`Exit`] with code 0, everything wrong as
/// one with code 2.
pub fn parse(args: impl IntoIterator<Item = OsString>, env: &Env) -> Result<Command, Exit> {
    let mut words: Vec<OsString> = args.into_iter().skip(1).collect();
    if words.first().is_some_and(|word| LEADING.iter().any(|leading| word == leading)) {
        words.remove(0);
    }
    let first = words.first().and_then(|word| word.to_str()).unwrap_or("--");
    if let Some(verb) = unbuilt::VERBS.iter().find(|verb| first == **verb) {
        return Err(Exit::usage(format!("{verb}: this version cannot do that yet; see `exchange-sync --help` for what it can")));
    }
    if first.starts_with('-') && !["-h", "--help", "-V", "--version"].contains(&first) {
        words.insert(0, "run".into());
    }
    words.insert(0, "exchange-sync".into());
    let cli = command().try_get_matches_from(words).and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| ended(&error))?;
    match cli.verb {
        Verb::Run(options) => run(*options, env).map(Box::new).map(Command::Run),
        Verb::Verify(options) => verify(*options, env).map(Box::new).map(Command::Verify),
        Verb::Quarantine { what } => {
            let (retry, options) = match what {
                Quarantine::List(options) => (false, options),
                Quarantine::Retry(options) => (true, options),
            };
            let QuarantineOptions { ids, what: WhatOptions { mailboxes, json }, place } = options;
            let run = place.run(env)?;
            Ok(Command::Quarantine(Box::new(QuarantineArgs { run, mailboxes: addresses(&mailboxes), ids, retry, json })))
        }
        Verb::Status(options) => status(options, env).map(Command::Status),
        Verb::Attach(options) => attach(options, env).map(Command::Attach),
        Verb::Demo(args) => Ok(Command::Demo(args)),
        Verb::Check(CheckOptions { offline: true, source, api }) => {
            let source = with_api(source, api);
            if source.is_online(env) {
                return Err(Exit::usage(
                    "check --offline: the API keeps this configuration and cannot be asked offline; name a file with --config FILE, \
                    or use `config show --remote`, which fetches the configuration and judges it",
                ));
            }
            Ok(Command::Check(CheckArgs { source }))
        }
        Verb::Check(_) => Err(Exit::usage("check: this version cannot ask the server; use `check --offline`, which judges the file alone")),
        Verb::Config { what } => Ok(Command::Config(match what {
            What::Sample { graph } => ConfigCommand::Sample { graph },
            What::Schema => ConfigCommand::Schema,
            What::Show(ShowOptions { remote, source, api }) => ConfigCommand::Show(ShowArgs { remote, source: with_api(source, api) }),
            What::Upload(options) => ConfigCommand::Upload(upload(options)?),
        })),
    }
}

fn with_api(source: SourceOptions, api: ApiOptions) -> Source {
    Source { api: api.reinfer_api_endpoint, ..source.into() }
}

fn upload(options: UploadOptions) -> Result<UploadArgs, Exit> {
    if options.local_files_prefix.is_none() && options.api.reinfer_api_endpoint.is_none() {
        return Err(Exit::usage("config upload: nowhere to put it: use --reinfer-api-endpoint URL, or --local-files-prefix DIR"));
    }
    let remote = Some((options.remote_config_owner, options.remote_config_key));
    let source = Source { file: None, local_files_prefix: options.local_files_prefix, api: options.api.reinfer_api_endpoint, remote };
    Ok(UploadArgs { file: options.file, source })
}

/// The command line as clap sees it.
pub(super) fn command() -> clap::Command {
    Cli::command()
}

fn ended(error: &clap::Error) -> Exit {
    let code = if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) { 0 } else { 2 };
    Exit { code, message: error.render().to_string() }
}

fn run(options: RunOptions, env: &Env) -> Result<RunArgs, Exit> {
    Ok(RunArgs {
        config_poll: options.config_poll,
        once: options.once,
        memory_budget: options.memory_budget,
        reconcile_every: options.reconcile_every,
        grace: options.grace,
        restart: options.restart_on_unrecoverable_errors,
        bind: options.bind,
        progress: if options.tui { Progress::Tui } else { options.progress },
        screen: options.screen,
        record: options.record,
        ..options.place.run(env)?
    })
}

fn status(options: StatusOptions, env: &Env) -> Result<StatusArgs, Exit> {
    let StatusOptions { address, ready, folders, json } = options;
    let address = match address {
        Some(address) => address,
        None => address_of(env)?.ok_or_else(|| Exit::usage(format!("status: {NOWHERE}")))?,
    };
    Ok(StatusArgs { address, ready, folders, json })
}

fn attach(options: AttachOptions, env: &Env) -> Result<AttachArgs, Exit> {
    let AttachOptions { mut addresses, replay, speed, record, mask, print_keymap, screen } = options;
    if print_keymap {
        return Err(Exit { code: 0, message: exchange_sync_tui::Keymap::sample() });
    }
    if addresses.is_empty() && replay.is_none() {
        addresses.push(address_of(env)?.ok_or_else(|| Exit::usage(format!("attach: {NOWHERE}; or play a recording with --replay FILE")))?);
    }
    if record.is_some() && addresses.len() > 1 {
        return Err(Exit::usage("attach --record: a recording is of one instance: name one URL"));
    }
    let token = env.var(server::TOKEN).map(Secret::new);
    Ok(AttachArgs { addresses, token, replay, speed: speed.unwrap_or(1.0), record, mask, screen })
}

/// A pace: faster than any screen is of no use, slower than a thousandth is a standstill.
fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed| (0.001..=100_000.0).contains(speed));
    speed.ok_or_else(|| "write a number from 0.001 to 100000, such as 10 or 0.5".into())
}

/// Where an instance is looked for that is not named.
const URL: &str = "EXCHANGE_SYNC_URL";

/// What is said where there is none.
const NOWHERE: &str = "nothing to look at: name the instance's URL, such as localhost:8080, or set EXCHANGE_SYNC_URL; \
    instances serve where they are started with --bind ADDR:PORT";

fn address_of(env: &Env) -> Result<Option<attach::Address>, Exit> {
    let address = env.var(URL).map(|text| text.parse().map_err(|fault| Exit::usage(format!("{URL} {text:?} {fault}"))));
    address.transpose()
}

fn verify(options: VerifyOptions, env: &Env) -> Result<VerifyArgs, Exit> {
    let VerifyOptions { deep, sample, settle, repair, what: WhatOptions { mailboxes, json }, place } = options;
    Ok(VerifyArgs { run: place.run(env)?, mailboxes: addresses(&mailboxes), deep, sample, settle, repair, json })
}

fn addresses(texts: &[String]) -> Vec<Address> {
    texts.iter().map(|text| Address::new(text)).collect()
}

impl PlaceOptions {
    /// A single pass over this place without anything shown.
    fn run(self, env: &Env) -> Result<RunArgs, Exit> {
        let folder = self.source.local_files_prefix.clone();
        let api = self.reinfer_api_endpoint.clone();
        let destination = destination::decide(folder, self.private_file_prefix, self.reinfer_api_endpoint, env)?;
        let shard = match (self.shard_name, self.total_shards) {
            (Some(name), Some(total)) => Some(Shard::named(&name, total).map_err(Exit::usage)?),
            _ => None,
        };
        Ok(RunArgs {
            destination,
            state: self.state_prefix,
            source: Source { api, ..self.source.into() },
            config_poll: Duration::ZERO,
            once: true,
            shard,
            memory_budget: size::LEAST,
            reconcile_every: None,
            grace: Duration::ZERO,
            restart: false,
            bind: None,
            mask: self.mask,
            progress: Progress::None,
            screen: ScreenArgs::default(),
            record: None,
            log: self.log,
        })
    }
}

impl From<SourceOptions> for Source {
    fn from(options: SourceOptions) -> Self {
        Self {
            file: options.config,
            local_files_prefix: options.local_files_prefix,
            api: None,
            remote: options.name.remote_config_owner.zip(options.name.remote_config_key),
        }
    }
}
