//! What reading one mailbox taught, until the process ends.

/// The lessons.
#[derive(Debug, Default)]
pub struct Memory {}
