//! What was asked for when a request failed.

use super::Verdict;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A mailbox's folders.
    Mailbox,
    /// One folder's items.
    Folder,
    /// Items by their ids.
    Items,
}

impl Scope {
    /// What is left to do where the trouble itself does not tell: no more is given up than was asked for.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Mailbox => Verdict::StopMailbox,
            Self::Folder => Verdict::SkipFolder,
            Self::Items => Verdict::Later,
        }
    }
}
