//! What a lane works on.

use crate::mail::{ItemId, Properties};

/// A message to be brought.
pub struct Job {
    /// Its place in the batch.
    pub index: usize,
    /// Its id.
    pub id: ItemId,
    /// What the catalog keeps of it.
    pub properties: Properties,
}
