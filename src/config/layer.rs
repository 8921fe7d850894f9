//! Which of several values counts: the environment's, else the file's, else the default. What was decided is kept for `config show`.

use std::cell::RefCell;

use serde_json::Value;

use super::{
    Env, json,
    raw::top,
    report::{Report, Severity},
    written::Written,
};
use crate::config::Fault;

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An option of the command line.
    Flag,
    /// An environment variable.
    Env,
    /// The configuration file.
    File,
    /// Nobody said anything.
    Default,
}

impl Origin {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Env => "env",
            Self::File => "file",
            Self::Default => "default",
        }
    }
}

/// A value in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its key, below a mailbox with the mailbox's path.
    pub key: String,
    /// Its value as JSON; for a secret `"[redacted]"`.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// A value, and how to name its place in a fault.
#[derive(Clone, Debug)]
pub(super) struct Layered<T> {
    pub(super) value: T,
    pub(super) at: String,
    pub(super) origin: Origin,
}

/// Decides value by value.
pub(super) struct Layers<'a> {
    env: &'a Env,
    report: &'a Report,
    settings: RefCell<Vec<Setting>>,
}

impl<'a> Layers<'a> {
    pub(super) fn new(env: &'a Env, report: &'a Report) -> Self {
        Self { env, report, settings: RefCell::default() }
    }

    /// The value in force of a key that an environment variable can override.
    pub(super) fn with_env<T: Written>(&self, key: &str, variable: &str, file: Option<T>, default: Option<T>) -> Option<Layered<T>> {
        let Some(text) = self.env.var(variable) else {
            return self.value(key, file, default);
        };
        let secret = json::SECRETS.contains(&key);
        let Some(value) = T::read_text(text) else {
            let written = if secret { "the value (not shown)".into() } else { json::shown(&text.into()) };
            self.report.add(Severity::Fault, Fault::new(variable, format!("{written} is not {}", T::allowed())));
            return self.value(key, file, default);
        };
        Some(self.keep(key, Layered { value, at: variable.into(), origin: Origin::Env }))
    }

    /// The value in force of a key that only the file knows.
    pub(super) fn value<T: Written>(&self, key: &str, file: Option<T>, default: Option<T>) -> Option<Layered<T>> {
        let from_file = file.map(|value| Layered { value, at: top(key), origin: Origin::File });
        let layered = from_file.or_else(|| default.map(|value| Layered { value, at: top(key), origin: Origin::Default }))?;
        Some(self.keep(key, layered))
    }

    /// The value in force of a key that has a default.
    pub(super) fn or_default<T: Written>(&self, key: &str, file: Option<T>, default: T) -> T {
        let origin = if file.is_some() { Origin::File } else { Origin::Default };
        self.keep(key, Layered { value: file.unwrap_or(default), at: top(key), origin }).value
    }

    fn keep<T: Written>(&self, key: &str, layered: Layered<T>) -> Layered<T> {
        let value = if json::SECRETS.contains(&key) { "[redacted]".into() } else { layered.value.show() };
        self.record(key, value, layered.origin);
        layered
    }

    /// Keeps a value that was decided elsewhere.
    pub(super) fn record(&self, key: impl Into<String>, value: Value, origin: Origin) {
        self.settings.borrow_mut().push(Setting { key: key.into(), value, origin });
    }

    pub(super) fn into_settings(self) -> Vec<Setting> {
        self.settings.into_inner()
    }
}
