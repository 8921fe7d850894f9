//! From words to a command.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};

use url::Url;

use super::{
    CheckArgs, Command, ConfigCommand, DemoArgs, Exit, LogArgs, Place, Progress, RunArgs, ShowArgs, destination, duration, size, unbuilt,
};
use crate::{
    config::{Env, Source},
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
        Exit codes: 0 done; 1 failed; 2 usage or configuration; 3 finished with gaps; 4 refused by Exchange or the identity provider."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Copy mailboxes, until stopped or once
    Run(Box<RunOptions>),
    /// Show it off: a test Exchange server, and a copy of it into a folder
    Demo(DemoArgs),
    /// Judge the configuration
    Check(CheckOptions),
    /// Show what a configuration looks like, or which values are in force
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
    Show(SourceOptions),
    #[command(hide = true)]
    Upload {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<OsString>,
    },
}

#[derive(Debug, Args)]
struct SourceOptions {
    /// The configuration file; wins over the environment variable REINFER_EWS_CONFIG
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder to copy into: messages and catalog in DIR/data, cursors in DIR/state
    #[arg(long, value_name = "DIR")]
    local_files_prefix: Option<PathBuf>,
    /// Read the configuration from DIR/config/OWNER/KEY.json, unless a file is named
    #[arg(long, value_name = "OWNER", requires = "remote_config_key")]
    remote_config_owner: Option<String>,
    /// See --remote-config-owner
    #[arg(long, value_name = "KEY", requires = "remote_config_owner")]
    remote_config_key: Option<String>,
}

#[derive(Debug, Args)]
struct CheckOptions {
    /// Judge the file alone, without asking any server
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    source: SourceOptions,
}

#[derive(Debug, Args)]
struct RunOptions {
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
    /// Make one complete pass over every mailbox, print the summary and end
    #[arg(long)]
    once: bool,
    /// This instance's name; its last number, counted from 0, says which share of the mailboxes is its own
    #[arg(long, value_name = "NAME-N", requires = "total_shards")]
    shard_name: Option<String>,
    /// How many instances share the mailboxes
    #[arg(long, value_name = "N", requires = "shard_name")]
    total_shards: Option<u32>,
    /// How much memory messages in flight may take: bytes, or a number with KiB, MiB or GiB; at least 16MiB
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = size::memory_budget)]
    memory_budget: u64,
    /// List each folder from the start this often although its cursor works: a number with d, h, m or s, 0 for never [default: what the interface
    /// needs, which for EWS is never]
    #[arg(long, value_name = "TIME", value_parser = duration::length)]
    reconcile_every: Option<Duration>,
    /// Mask mailbox addresses and subjects on screen and in logs
    #[arg(long)]
    mask: bool,
    /// What to show while copying
    #[arg(long, value_enum, default_value_t)]
    progress: Progress,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    unbuilt: unbuilt::Unbuilt,
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
        Verb::Demo(args) => Ok(Command::Demo(args)),
        Verb::Check(CheckOptions { offline: true, source }) => Ok(Command::Check(CheckArgs { source: source.into() })),
        Verb::Check(_) => Err(Exit::usage("check: this version cannot ask the server; use `check --offline`, which judges the file alone")),
        Verb::Config { what: What::Sample { graph } } => Ok(Command::Config(ConfigCommand::Sample { graph })),
        Verb::Config { what: What::Schema } => Ok(Command::Config(ConfigCommand::Schema)),
        Verb::Config { what: What::Show(source) } => Ok(Command::Config(ConfigCommand::Show(ShowArgs { source: source.into() }))),
        Verb::Config { what: What::Upload { .. } } => {
            Err(Exit::usage("config upload: this version cannot write to the Communications Mining API"))
        }
    }
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
    let refused = options.unbuilt.asked();
    if !refused.is_empty() {
        return Err(Exit::usage(refused.join("\nerror: ")));
    }
    let folder = options.source.local_files_prefix.clone();
    let destination = destination::decide(folder, options.private_file_prefix, options.reinfer_api_endpoint, env)?;
    let shard = match (options.shard_name, options.total_shards) {
        (Some(name), Some(total)) => Some(Shard::named(&name, total).map_err(Exit::usage)?),
        _ => None,
    };
    Ok(RunArgs {
        destination,
        state: options.state_prefix,
        source: options.source.into(),
        once: options.once,
        shard,
        memory_budget: options.memory_budget,
        reconcile_every: options.reconcile_every,
        mask: options.mask,
        progress: options.progress,
        log: options.log,
    })
}

impl From<SourceOptions> for Source {
    fn from(options: SourceOptions) -> Self {
        Self {
            file: options.config,
            local_files_prefix: options.local_files_prefix,
            remote: options.remote_config_owner.zip(options.remote_config_key),
        }
    }
}
