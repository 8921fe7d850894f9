//! Where messages, catalog and cursors are kept: sink, ledger and checkpoints, opened as the command line asks.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use super::{Unready, scratch::Scratch};
use crate::{
    blob::{self, Blobs, Location},
    catalog::{BlobCatalog, Catalog, LocalCatalog, Records},
    checkpoint::{BlobCheckpoints, Checkpoints, KeyedCheckpoints, LocalCheckpoints, keyed},
    cli::{Destination, Place, RunArgs},
    config::{Config, Env},
    http::Backoff,
    reinfer::{Client, UpdatedBy},
    sink::{
        ApiSink, BlobSink, Fence, LocalSink, Patience, Patient, Sink, Writes,
        inspect::{Container, Emails, Files, Inspect},
        reinfer,
    },
    watch::Events,
};

/// Waits for a disk that takes nothing.
const DISK: Backoff = Backoff { first: Duration::from_secs(5), cap: Duration::from_secs(60) };

/// Waits for a service that takes nothing.
const SERVICE: Backoff = Backoff { first: Duration::from_secs(5), cap: Duration::from_secs(300) };

/// A single pass waits so long for a sink that takes nothing; whoever called it waits for its end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The folder among the temporary ones, one a user, for indexes of catalogs that are in a container. It is left there: the next start need not read
/// them whole.
const INDEXES: &str = "exchange-sync-indexes";

/// What a run writes to.
pub(super) struct Stores {
    pub(super) sink: Arc<dyn Sink>,
    pub(super) catalog: Arc<dyn Catalog>,
    pub(super) checkpoints: Arc<dyn Checkpoints>,
    told: Option<Arc<KeyedCheckpoints>>,
    /// Lives as long as the run.
    _scratch: Option<Scratch>,
}

/// At the end of a run what the API is yet to be told may take so long.
const LAST_WORDS: Duration = Duration::from_secs(5);

impl Stores {
    /// The last words of a run.
    pub(super) async fn flush(&self) {
        if let Some(told) = &self.told {
            told.flush(LAST_WORDS).await;
        }
        // Whoever goes on need not wait until locks are out of date.
        let _ = tokio::time::timeout(LAST_WORDS, self.catalog.close()).await;
    }
}

/// What of a sink may change while it works.
#[derive(Clone)]
pub(super) struct Tuning {
    /// Writes under way at the same time.
    pub(super) writes: Writes,
    /// Messages in one upload to the API.
    pub(super) batch: Arc<AtomicUsize>,
}

impl Tuning {
    /// As the configuration says.
    pub(super) fn of(config: &Config) -> Self {
        let pace = &config.pace;
        Self { writes: Writes::new(pace.concurrent_writes.get()), batch: Arc::new(AtomicUsize::new(pace.batch.get())) }
    }
}

/// Catalog and cursors, which are always kept together.
type Ledger = (Arc<dyn Catalog>, Arc<dyn Checkpoints>);

/// Opens what was asked for. Proves that it can be written to.
pub(super) async fn open(args: &RunArgs, tuning: &Tuning, env: &Env, events: &Events) -> Result<Stores, Unready> {
    let opening = Opening { args, tuning, events, temporary: temporary(env) };
    match &args.destination {
        Destination::Files(place) => {
            let ground = reach(place, env)?;
            let sink = opening.files(&ground).await?;
            let state = match &args.state {
                Some(state) => reach(state, env)?,
                None => ground,
            };
            let (catalog, checkpoints) = opening.ledger(&state).await?;
            Ok(Stores { sink, catalog, checkpoints, told: None, _scratch: None })
        }
        Destination::Api { endpoint, token } => {
            let client = Client::new(endpoint, token.clone()).map_err(Unready::Configuration)?;
            let (scratch, (catalog, inner)) = match &args.state {
                Some(state) => (None, opening.ledger(&reach(state, env)?).await?),
                None => {
                    let scratch = opening.scratch()?;
                    let ledger = in_folder(&scratch.path())?;
                    (Some(scratch), ledger)
                }
            };
            let settings = keyed::Settings { fleeting: scratch.is_some(), ..keyed::Settings::default() };
            let told = Arc::new(KeyedCheckpoints::new(inner, client.clone(), settings));
            Ok(Stores { sink: opening.api(client), catalog, checkpoints: told.clone(), told: Some(told), _scratch: scratch })
        }
    }
}

/// What was stored, for whoever only looks: the ledger's records, and the sink.
pub(super) fn records(args: &RunArgs, env: &Env) -> Result<(Records, Arc<dyn Inspect>), Unready> {
    let (sink, state): (Arc<dyn Inspect>, Ground) = match (&args.destination, &args.state) {
        (Destination::Files(place), state) => {
            let ground = reach(place, env)?;
            let sink: Arc<dyn Inspect> = match &ground {
                Ground::Folder(folder) => Arc::new(Files::new(folder)),
                Ground::Container(blobs) => Arc::new(Container::new(blobs.clone())),
            };
            let state = match state {
                Some(state) => reach(state, env)?,
                None => ground,
            };
            (sink, state)
        }
        (Destination::Api { endpoint, token }, Some(state)) => {
            let client = Client::new(endpoint, token.clone()).map_err(Unready::Configuration)?;
            (Arc::new(Emails::new(client)), reach(state, env)?)
        }
        (Destination::Api { .. }, None) => {
            let cause =
                "without --state-prefix a copy to the API keeps no catalog, so there is nothing to look at; name the one that it runs with";
            return Err(Unready::Configuration(cause.to_owned()));
        }
    };
    match state {
        Ground::Folder(folder) if !folder.is_dir() => {
            Err(Unready::Place(format!("{} is no folder: nothing was copied there", folder.display())))
        }
        Ground::Folder(folder) => Ok((Records::Folder(folder), sink)),
        Ground::Container(blobs) => Ok((Records::Container(blobs), sink)),
    }
}

/// A place that can be reached; whatever is kept there shares the way to it.
enum Ground {
    Folder(PathBuf),
    Container(Blobs),
}

fn reach(place: &Place, env: &Env) -> Result<Ground, Unready> {
    match place {
        Place::Folder(folder) => Ok(Ground::Folder(folder.clone())),
        Place::Azure(url) => {
            let location = Location::parse(url).map_err(Unready::Configuration)?;
            let blobs = blob::connect(&location, env).map_err(|error| Unready::Configuration(error.to_string()))?;
            Ok(Ground::Container(blobs))
        }
    }
}

struct Opening<'a> {
    args: &'a RunArgs,
    tuning: &'a Tuning,
    events: &'a Events,
    /// The folder for what need not outlive the process.
    temporary: PathBuf,
}

impl Opening<'_> {
    fn scratch(&self) -> Result<Scratch, Unready> {
        Scratch::new(&self.temporary).map_err(|error| {
            let folder = self.temporary.display();
            Unready::Place(format!("making a temporary folder in {folder} failed: {error} (TMPDIR names another place for it)"))
        })
    }

    async fn files(&self, ground: &Ground) -> Result<Arc<dyn Sink>, Unready> {
        let unusable = |error: crate::sink::Error| Unready::Place(error.to_string());
        let writes = self.tuning.writes.clone();
        Ok(match ground {
            Ground::Folder(folder) => Arc::new(Patient::new(LocalSink::open(folder).map_err(unusable)?, writes, self.fence(DISK))),
            Ground::Container(blobs) => {
                let sink = BlobSink::open(blobs.clone()).await.map_err(unusable)?;
                Arc::new(Patient::new(sink, writes, self.fence(SERVICE)))
            }
        })
    }

    fn api(&self, client: Client) -> Arc<dyn Sink> {
        let settings = reinfer::Settings {
            batch: self.tuning.batch.clone(),
            uploads: self.tuning.writes.clone(),
            updated_by: self.updated_by(),
            ..reinfer::Settings::default()
        };
        Arc::new(ApiSink::new(client, settings, self.fence(SERVICE), &self.temporary))
    }

    async fn ledger(&self, ground: &Ground) -> Result<Ledger, Unready> {
        match ground {
            Ground::Folder(folder) => in_folder(folder),
            Ground::Container(blobs) => {
                let indexes = self.temporary.join(format!("{INDEXES}-{}", rustix::process::getuid().as_raw()));
                let catalog = BlobCatalog::open(blobs.clone(), &indexes).await.map_err(|error| Unready::Place(error.to_string()))?;
                Ok((Arc::new(catalog), Arc::new(BlobCheckpoints::open(blobs.clone()))))
            }
        }
    }

    fn fence(&self, backoff: Backoff) -> Arc<Fence> {
        let patience = if self.args.once { Patience::For(PATIENCE) } else { Patience::Endless };
        Fence::new(self.events.clone(), backoff, patience)
    }

    /// Which configuration and which share of it feeds a bucket; known where the configuration is kept under a name.
    fn updated_by(&self) -> Option<UpdatedBy> {
        let (config_owner, config_key) = self.args.source.remote.clone()?;
        let (shard_index, num_shards) = self.args.shard.as_ref().map_or((0, 1), |shard| (shard.index(), shard.total()));
        Some(UpdatedBy { config_owner, config_key, shard_index, num_shards })
    }
}

fn in_folder(folder: &Path) -> Result<Ledger, Unready> {
    let unusable = |error: crate::catalog::Error| Unready::Place(error.to_string());
    Ok((Arc::new(LocalCatalog::open(folder).map_err(unusable)?), Arc::new(LocalCheckpoints::open(folder).map_err(unusable)?)))
}

fn temporary(env: &Env) -> PathBuf {
    env.var("TMPDIR").map_or_else(std::env::temp_dir, PathBuf::from)
}
