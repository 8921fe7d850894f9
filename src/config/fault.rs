//! One thing wrong with a configuration.

use std::fmt;

/// What is wrong, where, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where: a JSON path such as `$.mailboxes["a@example.com"].start_timestamp`, the name of an environment variable, or a file.
    pub at: String,
    /// What is wrong with it, with the value as written unless that is a secret.
    pub problem: String,
    /// What is allowed, or what to do.
    pub remedy: Option<String>,
}

impl Fault {
    /// A fault without a remedy yet.
    pub fn new(at: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { at: at.into(), problem: problem.into(), remedy: None }
    }

    /// With what is allowed, or what to do.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.problem)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}
