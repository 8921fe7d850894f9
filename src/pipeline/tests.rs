//! The chain between a scripted Exchange and a sink in memory; catalog and checkpoints are the real ones, in a temporary folder.

pub(crate) mod bench;
pub(crate) mod double;
mod mending;
mod reconciling;
mod roster;
mod scenarios;
mod since;
mod switching;
mod uncovered;
