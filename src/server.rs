//! Health, metrics, status and actions over HTTP, for whoever watches from outside.
//!
//! Nothing here waits for a watcher and nothing is queued for one: each connection asks the board for what changed since it last looked, when its reader
//! has taken what came before. What may be held for all of them is bounded: connections, heads, bodies, and large answers under way.

mod actions;
mod answer;
mod events;
mod health;
mod listen;
mod mark;
mod metrics;
mod quarantine;
mod routes;
mod status;
#[cfg(test)]
mod tests;
mod timed;
mod token;

use crate::{auth::Secret, watch::Events};

pub use self::listen::{Listening, Serving, Unbound, bind};

/// The environment variable that holds what actions are asked for with.
pub const TOKEN: &str = "EXCHANGE_SYNC_TOKEN";

/// What is served.
pub struct Settings {
    /// The board, and who tells it.
    pub events: Events,
    /// What actions must be asked for with; without it none is taken.
    pub token: Option<Secret>,
    /// Whether addresses are masked.
    pub mask: bool,
}
