//! What can be asked for.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use super::{Destination, Place, ScreenArgs, recording::Recording};
use crate::{attach, auth::Secret, config::Source, mail::Address, shard::Shard};

/// What the program is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Copy mailboxes.
    Run(Box<RunArgs>),
    /// Compare Exchange, catalog and sink.
    Verify(Box<VerifyArgs>),
    /// Look at what could not be read or stored, or try it again.
    Quarantine(Box<QuarantineArgs>),
    /// Tell what a running instance does.
    Status(StatusArgs),
    /// Watch running instances.
    Attach(AttachArgs),
    /// Show it off against a test server.
    Demo(DemoArgs),
    /// Judge the configuration.
    Check(CheckArgs),
    /// Show what a configuration looks like.
    Config(ConfigCommand),
}

/// Options of `run`.
#[derive(Clone, Debug, PartialEq)]
pub struct RunArgs {
    /// Where messages go.
    pub destination: Destination,
    /// Where cursors and catalog are kept, if not beside the messages.
    pub state: Option<Place>,
    /// Where the configuration is.
    pub source: Source,
    /// How often a continuous run looks at the configuration again; zero for never.
    pub config_poll: Duration,
    /// One complete pass over every mailbox, then the end.
    pub once: bool,
    /// This instance's share; absent: all mailboxes.
    pub shard: Option<Shard>,
    /// Bytes of messages in flight, at least 16 MiB.
    pub memory_budget: u64,
    /// How often folders are listed from the start, zero for never; absent: as often as the interface needs it.
    pub reconcile_every: Option<Duration>,
    /// Whether addresses and subjects are masked on screen and in logs.
    pub mask: bool,
    /// How long what is under way is given to be stored when the program is told to stop.
    pub grace: Duration,
    /// Whether what would end a continuous run begins it anew.
    pub restart: bool,
    /// Where health, metrics and status are served.
    pub bind: Option<SocketAddr>,
    /// What a person sees.
    pub progress: Progress,
    /// How the dashboard looks.
    pub screen: ScreenArgs,
    /// Where what is seen is recorded.
    pub record: Option<Recording>,
    /// Logs.
    pub log: LogArgs,
}

/// Options of `verify`.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifyArgs {
    /// Where messages and catalog are, and how Exchange is reached.
    pub run: RunArgs,
    /// These mailboxes only; empty for all.
    pub mailboxes: Vec<Address>,
    /// Whether every message is read back from the sink.
    pub deep: bool,
    /// How many messages of each mailbox are read back otherwise.
    pub sample: u64,
    /// How long what seems to be missing is waited for.
    pub settle: Duration,
    /// Whether what is missing is fetched.
    pub repair: bool,
    /// Whether the report is JSON.
    pub json: bool,
}

/// Options of `quarantine list` and `quarantine retry`.
#[derive(Clone, Debug, PartialEq)]
pub struct QuarantineArgs {
    /// Where messages and catalog are, and how Exchange is reached.
    pub run: RunArgs,
    /// These mailboxes only; empty for all.
    pub mailboxes: Vec<Address>,
    /// These messages only, by key or item id; empty for all.
    pub ids: Vec<String>,
    /// Whether they are tried again, rather than listed.
    pub retry: bool,
    /// Whether the list is JSON, one object a line.
    pub json: bool,
}

/// Options of `status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusArgs {
    /// The instance.
    pub address: attach::Address,
    /// Whether it is only asked whether it is ready.
    pub ready: bool,
    /// Whether folders, requests, log and history are told as well.
    pub folders: bool,
    /// Whether it is told in JSON.
    pub json: bool,
}

/// Options of `attach`.
#[derive(Clone, Debug, PartialEq)]
pub struct AttachArgs {
    /// The instances; none where a recording is played.
    pub addresses: Vec<attach::Address>,
    /// What actions are asked for with.
    pub token: Option<Secret>,
    /// The recording to be played.
    pub replay: Option<PathBuf>,
    /// At how many times its pace.
    pub speed: f64,
    /// Where what is seen is recorded.
    pub record: Option<Recording>,
    /// Whether addresses are masked from the beginning.
    pub mask: bool,
    /// How the dashboard looks.
    pub screen: ScreenArgs,
}

/// Options of `demo`.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct DemoArgs {
    /// The folder to copy into; without it a new one among the temporary files, which stays
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Equal mailboxes instead of the built-in world [with --messages alone: 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub mailboxes: Option<u32>,
    /// Messages in each of them instead of the built-in world [with --mailboxes alone: 200]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub messages: Option<u32>,
    /// Two passes and the end, also on a terminal: by EWS, and after a few changes by Graph
    #[arg(long, conflicts_with = "duration")]
    pub once: bool,
    /// Copy a server on which mail comes and goes for this long: a number with h, m, s or ms [default: on a terminal until somebody leaves]
    #[arg(long, value_name = "TIME", value_parser = super::duration::length)]
    pub duration: Option<Duration>,
    /// What to show while copying
    #[arg(long, value_enum, default_value_t)]
    pub progress: Progress,
    /// Keep what is shown in this file, which must not exist yet, for `attach --replay`; at most 100 MiB
    #[arg(long, value_name = "FILE")]
    pub record: Option<Recording>,
    /// Serve health, metrics and status while copying
    #[arg(long, value_name = "ADDR:PORT", value_parser = super::bind::address)]
    pub bind: Option<SocketAddr>,
    /// How the dashboard looks.
    #[command(flatten)]
    pub screen: ScreenArgs,
}

/// Options of `check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckArgs {
    /// Where the configuration is.
    pub source: Source,
}

/// What `config` shows or does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigCommand {
    /// A configuration to start from, for Exchange Online or for servers of one's own.
    Sample {
        /// Whether for Exchange Online.
        graph: bool,
    },
    /// The JSON Schema.
    Schema,
    /// The values in force, and where each came from.
    Show(ShowArgs),
    /// Put a configuration where instances read it.
    Upload(UploadArgs),
}

/// Options of `config show`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShowArgs {
    /// Where the configuration is.
    pub source: Source,
    /// Whether the one that OWNER and KEY lead to is shown even where a local file wins.
    pub remote: bool,
}

/// Options of `config upload`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadArgs {
    /// The file to be put there.
    pub file: PathBuf,
    /// Where to.
    pub source: Source,
}

/// What a person sees while mailboxes are copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Progress {
    /// The dashboard on a terminal, plain lines elsewhere
    #[default]
    Auto,
    /// The dashboard
    Tui,
    /// A line every ten seconds
    Plain,
    /// One JSON object a line
    Json,
    /// Nothing
    None,
}

/// Where logs go, and how much of them.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub struct LogArgs {
    /// 0: warnings only; 1: what the service does; 2: everything. RUST_LOG wins over it
    #[arg(long, value_name = "0|1|2", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub debug_level: u8,
    /// How log lines look on standard error and in files
    #[arg(long, value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// Also write logs to daily files in this folder; 30 of them are kept
    #[arg(long, value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}
