//! Who a run is, as watchers are told.

use chrono::Utc;

use crate::{
    cli::RunArgs,
    config::{Api, Config},
    status::{Head, Shard},
};

/// What is known of a run before it begins.
pub(super) fn identity(args: &RunArgs, config: &Config) -> Head {
    let now = Utc::now();
    Head {
        instance: host(),
        // Not a secret: only another one than before.
        run: format!("{:016x}", getrandom::u64().unwrap_or(now.timestamp_micros().unsigned_abs())),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        shard: args.shard.as_ref().map(|shard| Shard { index: shard.index(), total: shard.total() }),
        api: match config.api {
            Api::Ews(_) => "EWS",
            Api::Graph(_) => "Graph",
        }
        .to_owned(),
        sink: args.destination.to_string(),
        once: args.once,
        started: now,
        at: now,
        ..Head::default()
    }
}

/// This machine's name.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
