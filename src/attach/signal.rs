//! What comes of watching an instance, and what it may be asked.

use chrono::{DateTime, Utc};
use exchange_sync_tui::{Action, Frame, status::Quarantined};
use tokio::sync::oneshot;

/// Something that comes from an instance, or is known of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// A status, or what changed of it.
    Frame(Frame),
    /// The connection is lost; a frame that comes later says by itself that it is back.
    Lost {
        /// Why.
        reason: String,
        /// When the next try begins.
        again: DateTime<Utc>,
    },
}

/// Something that is asked of an instance.
#[derive(Debug)]
pub enum Ask {
    /// Something to be done.
    Act {
        /// What.
        action: Action,
        /// A few words on what came of it, or why it is refused.
        answer: oneshot::Sender<Result<String, String>>,
    },
    /// What is in quarantine.
    Quarantine {
        /// The list.
        answer: oneshot::Sender<Result<Vec<Quarantined>, String>>,
    },
}
