//! How a run ended, and the exit code that tells it.

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything asked for is done.
    Done,
    /// Something could not be read or stored; the next run goes on from there.
    Failed,
    /// Done, but some messages are in quarantine.
    Gaps,
    /// Exchange, the identity provider or the sink refused.
    Refused,
}

impl Outcome {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Gaps => 3,
            Self::Refused => 4,
        }
    }
}
