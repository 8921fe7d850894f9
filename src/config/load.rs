//! From a place to a configuration.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{Config, Env, Examination, Fault, Purpose, Source, examine};

/// A larger file is not a configuration.
const MOST_BYTES: u64 = 64 << 20;

/// A configuration to run with.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The file it was read from.
    pub file: PathBuf,
    /// What is worth a warning in the log.
    pub warnings: Vec<Fault>,
}

/// A configuration that cannot be used, and every reason why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The file, where one was found.
    pub file: Option<PathBuf>,
    /// The reasons, at least one.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.faults.len()) {
            (None, _) => f.write_str("reading the configuration failed")?,
            (Some(file), 1) => write!(f, "the configuration {} has 1 fault", file.display())?,
            (Some(file), count) => write!(f, "the configuration {} has {count} faults", file.display())?,
        }
        self.faults.iter().try_for_each(|fault| write!(f, "\n  {fault}"))
    }
}

impl std::error::Error for Refused {}

/// Finds, reads and judges the configuration for a run.
pub fn load(source: &Source, env: &Env) -> Result<Loaded, Refused> {
    let (file, examination) = inspect(source, env, Purpose::Run).map_err(|fault| Refused { file: None, faults: vec![fault] })?;
    match examination.config {
        Some(config) => Ok(Loaded { config, file, warnings: examination.warnings }),
        None => Err(Refused { file: Some(file), faults: examination.faults }),
    }
}

/// Finds, reads and judges the configuration, and tells everything there is to say. Fails where there is no file to judge.
pub fn inspect(source: &Source, env: &Env, purpose: Purpose) -> Result<(PathBuf, Examination), Fault> {
    let file = source.locate(env)?;
    let text = read(&file)?;
    let base = file.parent().unwrap_or(Path::new(""));
    let examination = match String::from_utf8(text) {
        Ok(text) => examine(&text, base, env, purpose),
        Err(error) => {
            let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
            Examination::failed(Fault::new(format!("line {line}"), "the file is not UTF-8 text").remedy("save it as UTF-8"))
        }
    };
    Ok((file, examination))
}

fn read(file: &Path) -> Result<Vec<u8>, Fault> {
    let name = file.display().to_string();
    let failed = |error: std::io::Error| Fault::new(name.as_str(), format!("cannot be read: {error}"));
    let about = std::fs::metadata(file).map_err(failed)?;
    if about.is_dir() {
        return Err(Fault::new(name, "is a folder").remedy("name the file in it"));
    }
    if about.len() > MOST_BYTES {
        return Err(Fault::new(name, format!("has {} bytes, more than a configuration can have", about.len())));
    }
    std::fs::read(file).map_err(failed)
}
