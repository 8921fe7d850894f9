//! What can go wrong with the API, sorted by what it asks for.

use std::{fmt, time::Duration};

use crate::words;

/// What a failure asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The token is missing, invalid or revoked (401).
    Token,
    /// A right or a licence is missing (403).
    Forbidden,
    /// No such bucket, state or configuration (404).
    Missing,
    /// The body is refused (400, 422).
    Unprocessable,
    /// The body is too large (413).
    TooLarge,
    /// Anything else, and whatever did not come from the API itself: the same again later may work.
    Passing,
}

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What was attempted on what.
    pub attempt: String,
    /// The status, such as `HTTP 413`; none where no answer came.
    pub code: Option<String>,
    /// The cause.
    pub cause: String,
    /// What helps, where known.
    pub hint: Option<String>,
    /// What it asks for.
    pub kind: Kind,
    /// How long the server wants to be left alone, where it says.
    pub retry_after: Option<Duration>,
}

impl Error {
    /// Whether the same again later may work without anybody's doing.
    pub fn passing(&self) -> bool {
        self.kind == Kind::Passing
    }

    /// Trouble without an answer of the API.
    pub(super) fn cut(attempt: &str, cause: String) -> Self {
        let hint = crate::http::distrusted(&cause).then(|| crate::http::DISTRUSTED.to_owned());
        Self { attempt: attempt.to_owned(), code: None, cause, hint, kind: Kind::Passing, retry_after: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        words::failed(f, &self.attempt, self.code.as_deref(), &self.cause, self.hint.as_deref())
    }
}

impl std::error::Error for Error {}
