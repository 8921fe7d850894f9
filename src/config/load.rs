//! From a place to a configuration.

use std::{fmt, path::Path, time::Duration};

use super::{Config, Digest, Env, Examination, Fault, Location, Purpose, Shelf, Text, Unread, examine, patiently};

/// A configuration to run with.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Where it was read.
    pub location: Location,
    /// What tells its text from another.
    pub digest: Digest,
    /// What is worth a warning in the log.
    pub warnings: Vec<Fault>,
}

/// A configuration that cannot be used, and every reason why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where it was read, if it was.
    pub location: Option<Location>,
    /// The reasons, at least one.
    pub faults: Vec<Fault>,
    /// The process's exit code.
    pub code: u8,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.location, self.faults.len()) {
            (None, _) => f.write_str("reading the configuration failed")?,
            (Some(location), 1) => write!(f, "the configuration {location} has 1 fault")?,
            (Some(location), count) => write!(f, "the configuration {location} has {count} faults")?,
        }
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for Refused {}

impl From<Unread> for Refused {
    fn from(unread: Unread) -> Self {
        Self { location: None, code: unread.code(), faults: vec![unread.fault] }
    }
}

/// Reads and judges the configuration for a run. Passing trouble is waited out for `patience`, none being without end.
pub async fn load(shelf: &dyn Shelf, env: &Env, patience: Option<Duration>) -> Result<Loaded, Refused> {
    let text = patiently(patience, async || shelf.fetch().await).await?;
    let examination = judge(&text, shelf.base(), env, Purpose::Run);
    let location = shelf.location().clone();
    match examination.config {
        Some(config) => Ok(Loaded { config, location, digest: text.digest(), warnings: examination.warnings }),
        None => Err(Refused { location: Some(location), faults: examination.faults, code: 2 }),
    }
}

/// Reads and judges the configuration, and tells everything there is to say. Fails where there is nothing to judge.
pub async fn inspect(shelf: &dyn Shelf, env: &Env, purpose: Purpose, patience: Option<Duration>) -> Result<Examination, Unread> {
    let text = patiently(patience, async || shelf.fetch().await).await?;
    Ok(judge(&text, shelf.base(), env, purpose))
}

/// Judges a text. Paths in it are relative to the folder `base`.
pub fn judge(text: &Text, base: &Path, env: &Env, purpose: Purpose) -> Examination {
    match std::str::from_utf8(text.bytes()) {
        Ok(text) => examine(text, base, env, purpose),
        Err(error) => {
            let line = text.bytes()[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            Examination::failed(Fault::new(format!("line {line}"), "the file is not UTF-8 text").remedy("save it as UTF-8"))
        }
    }
}
