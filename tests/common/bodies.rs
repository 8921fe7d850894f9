//! Bodies of Graph as they went over the wire, held against the types that Microsoft publishes.

use std::{path::Path, process::Command};

use tempfile::TempDir;

use super::shared::shared;

/// A record that is validated when the test is over, unless the test failed already.
pub struct Bodies(TempDir);

impl Bodies {
    /// An empty record.
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Bodies {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            judged(self.path(), true);
        }
    }
}

/// Every recorded body must be of its type.
pub fn validate(record: &Path) {
    judged(record, false);
}

fn judged(record: &Path, may_be_empty: bool) {
    let Some(validator) = shared("checks/graph-validate", "the validation of recorded bodies") else { return };
    let output = match Command::new("python3").arg(validator).arg(record).output() {
        Ok(output) => output,
        Err(error) => return eprintln!("skipped: the validation of recorded bodies: python3: {error}"),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    // It says 2 where there was nothing to check, as with a server that nobody got through to.
    assert!(output.status.success() || (may_be_empty && output.status.code() == Some(2)), "{text}");
}
