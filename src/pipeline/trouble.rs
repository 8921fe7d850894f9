//! Whatever can stop a folder.

use crate::{
    catalog,
    exchange::{self, Verdict},
    sink,
};

/// An error of one of the rooms that the chain joins.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Exchange.
    #[error(transparent)]
    Exchange(#[from] exchange::Error),
    /// The sink.
    #[error(transparent)]
    Sink(#[from] sink::Error),
    /// The catalog, or the checkpoints beside it.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
}

impl Trouble {
    /// What is left to do. Trouble of the sink or the catalog is tried again in a later round, unless a person must act.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Exchange(error) => error.verdict,
            // Asking again locks no account: what a person mends goes on by itself.
            Self::Sink(error) if error.verdict == sink::Verdict::Refused => Verdict::StopMailbox,
            Self::Sink(_) | Self::Catalog(_) => Verdict::Later,
        }
    }

    /// Whether a person must act: credentials, permission or configuration.
    pub fn refused(&self) -> bool {
        match self {
            Self::Exchange(error) => error.verdict == Verdict::Refused || error.denied(),
            Self::Sink(error) => error.verdict == sink::Verdict::Refused,
            Self::Catalog(_) => false,
        }
    }

    /// Whether another process holds the mailbox.
    pub fn locked(&self) -> bool {
        matches!(self, Self::Catalog(error) if error.locked)
    }

    /// Whether the rest of the mailbox is of no use either in this round.
    pub fn stops_mailbox(&self) -> bool {
        match self {
            Self::Exchange(error) => matches!(error.verdict, Verdict::StopMailbox | Verdict::Refused | Verdict::WaitFor(_)),
            Self::Sink(_) | Self::Catalog(_) => true,
        }
    }
}
