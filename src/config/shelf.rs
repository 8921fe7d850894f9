//! Where a configuration is kept: in a file, or by the Communications Mining API.

mod api;
mod file;
mod patience;

use std::{fmt, path::Path, time::Duration};

use async_trait::async_trait;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize;

use super::Fault;

pub use api::ApiShelf;
pub use file::FileShelf;
pub use patience::patiently;

/// A place where one configuration is kept.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// Its name to people.
    fn location(&self) -> &Location;

    /// The folder that paths in the configuration are relative to; empty for the one the program was started in.
    fn base(&self) -> &Path {
        Path::new("")
    }

    /// The configuration as it is kept just now; tried once.
    async fn fetch(&self) -> Result<Text, Unread>;

    /// Puts a configuration there in place of what is there; tried once. What is told of it is what whoever keeps it says of the change.
    async fn store(&self, text: &Text) -> Result<Value, Unread>;
}

/// The name of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file.
    File(std::path::PathBuf),
    /// A configuration kept by the API: its URL.
    Api(String),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Api(url) => f.write_str(url),
        }
    }
}

/// A configuration as it is kept. It may hold secrets: its `Debug` shows nothing of it, and its memory is cleared when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(Vec<u8>);

/// What tells one text from another.
pub type Digest = [u8; 32];

impl Text {
    /// Takes bytes into custody.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its digest.
    pub fn digest(&self) -> Digest {
        Sha256::digest(&self.0).into()
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A configuration that could not be read, or not be put in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// What is left to do.
    pub verdict: Verdict,
    /// What was wrong, and what helps.
    pub fault: Fault,
}

/// What is left to do about a shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same again later, not before the time that was named.
    Later(Option<Duration>),
    /// The token or its rights: a person must act.
    Refused,
    /// There is nothing to be read there: a person must act.
    Wrong,
}

impl Unread {
    /// The process's exit code where it ends by this.
    pub fn code(&self) -> u8 {
        match self.verdict {
            Verdict::Later(_) => 1,
            Verdict::Wrong => 2,
            Verdict::Refused => 4,
        }
    }
}

impl From<Fault> for Unread {
    /// A place that cannot be.
    fn from(fault: Fault) -> Self {
        Self { verdict: Verdict::Wrong, fault }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for Unread {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_is_shown() {
        let text = Text::new("hunter2");
        assert_eq!((format!("{text:?}"), text.bytes()), ("Text(7 bytes)".to_owned(), &b"hunter2"[..]));
        assert_ne!(text.digest(), Text::new("hunter3").digest());
    }
}
