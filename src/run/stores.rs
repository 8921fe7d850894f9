//! Where messages, catalog and cursors are kept: sink, ledger and checkpoints, opened as the command line asks.

use std::{path::Path, sync::Arc, time::Duration};

use super::Unready;
use crate::{
    catalog::{Catalog, LocalCatalog},
    checkpoint::{Checkpoints, LocalCheckpoints},
    cli::{Destination, Place, RunArgs},
    http::Backoff,
    sink::{Fence, LocalSink, Patience, Patient, Sink, Writes},
    watch::Events,
};

/// Waits for a disk that takes nothing.
const DISK: Backoff = Backoff { first: Duration::from_secs(5), cap: Duration::from_secs(60) };

/// A single pass waits so long for a sink that takes nothing; whoever called it waits for its end.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a run writes to.
pub(super) struct Stores {
    pub(super) sink: Arc<dyn Sink>,
    pub(super) catalog: Arc<dyn Catalog>,
    pub(super) checkpoints: Arc<dyn Checkpoints>,
}

/// Catalog and cursors, which are always kept together.
type Ledger = (Arc<dyn Catalog>, Arc<dyn Checkpoints>);

/// Opens what was asked for. Proves that it can be written to.
pub(super) async fn open(args: &RunArgs, writes: &Writes, events: &Events) -> Result<Stores, Unready> {
    match &args.destination {
        Destination::Files(place) => {
            let sink = sink(place, args, writes, events)?;
            let (catalog, checkpoints) = ledger(args.state.as_ref().unwrap_or(place))?;
            Ok(Stores { sink, catalog, checkpoints })
        }
        Destination::Api { .. } => Err(Unready::Configuration("the API".into())),
    }
}

fn sink(place: &Place, args: &RunArgs, writes: &Writes, events: &Events) -> Result<Arc<dyn Sink>, Unready> {
    match place {
        Place::Folder(folder) => {
            let sink = LocalSink::open(folder).map_err(|error| Unready::Place(error.to_string()))?;
            Ok(Arc::new(Patient::new(sink, writes.clone(), Fence::new(events.clone(), DISK, patience(args)))))
        }
        Place::Azure(url) => Err(Unready::Configuration(url.clone())),
    }
}

fn ledger(place: &Place) -> Result<Ledger, Unready> {
    match place {
        Place::Folder(folder) => in_folder(folder),
        Place::Azure(url) => Err(Unready::Configuration(url.clone())),
    }
}

fn in_folder(folder: &Path) -> Result<Ledger, Unready> {
    let unusable = |error: crate::catalog::Error| Unready::Place(error.to_string());
    Ok((Arc::new(LocalCatalog::open(folder).map_err(unusable)?), Arc::new(LocalCheckpoints::open(folder).map_err(unusable)?)))
}

fn patience(args: &RunArgs) -> Patience {
    if args.once { Patience::For(PATIENCE) } else { Patience::Endless }
}
