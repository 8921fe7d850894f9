//! The Communications Mining (Reinfer) API, as much of it as a copy of mailboxes needs: buckets, emails, sync states and configurations.
//!
//! Every request is tried once; whoever asks knows whether and when it is worth another try, which [`Error::passing`] tells. Answers are read
//! leniently, since they grow fields; but what is no JSON comes from something between us and the API, and says nothing of it.

mod answer;
mod bucket;
mod client;
mod config;
pub mod email;
mod emails;
mod endpoint;
mod error;
pub mod escape;
mod state;

pub use bucket::{BucketInfo, UpdatedBy};
pub use client::Client;
pub use config::ConfigName;
pub use emails::Payload;
pub use error::{Error, Kind};
pub use state::{Status, SyncState};

#[cfg(test)]
mod tests;
