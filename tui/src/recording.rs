//! Recordings of a status: JSON Lines, for support cases and for tests of the screens.

mod read;
mod write;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use read::{play, read};
pub use write::Recorder;

use crate::Frame;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When the frame was seen.
    pub at: DateTime<Utc>,
    /// What was seen.
    pub frame: Frame,
}
