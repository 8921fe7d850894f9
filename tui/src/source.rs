//! Where statuses come from, and where what is asked goes.

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};

use crate::{Action, Frame, status::Listing};

/// One appliance that is watched.
#[derive(Debug)]
pub struct Source {
    /// What to call it before it says so itself: its URL, or the recording's name.
    pub name: String,
    /// What comes from it. Its end means that nothing more will.
    pub frames: mpsc::Receiver<Signal>,
    /// Where to ask; none where nothing can be asked.
    pub asks: Option<mpsc::Sender<Ask>>,
}

/// Something that comes from an appliance, or is known of it.
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
    /// What follows is a recording, played at so many times its pace.
    Replay {
        /// How many times.
        speed: f64,
    },
    /// Nothing more will come.
    Closed {
        /// Why, where that was not to be expected.
        reason: Option<String>,
    },
}

/// Something that is asked of an appliance. An answer that is dropped says that the appliance is gone.
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
        answer: oneshot::Sender<Result<Listing, String>>,
    },
}
