//! One thing asked of several appliances: their answers as one.

use std::collections::BTreeSet;

use crate::Action;

/// Something asked of several appliances, and what came of it so far.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    action: Action,
    /// All appliances, those that are not asked included.
    all: usize,
    awaited: BTreeSet<usize>,
    done: usize,
    /// Why others did not do it.
    refusals: Vec<String>,
}

impl Round {
    /// Nobody answered yet. `refusals` tell of those that are not even asked.
    pub(crate) fn new(action: Action, asked: Vec<usize>, refusals: Vec<String>) -> Self {
        Self { action, all: asked.len() + refusals.len(), awaited: asked.into_iter().collect(), done: 0, refusals }
    }

    /// Whether this is an answer to what was asked.
    pub(crate) fn awaits(&self, source: usize, action: &Action) -> bool {
        self.action == *action && self.awaited.contains(&source)
    }

    pub(crate) fn take(&mut self, source: usize, name: &str, answer: Result<String, String>) {
        self.awaited.remove(&source);
        match answer {
            Ok(_) => self.done += 1,
            Err(words) => self.refusals.push(format!("{name}: {words}")),
        }
    }

    /// What came of it, and whether all did it who answered.
    pub(crate) fn words(&self) -> (String, bool) {
        let did = match self.action {
            Action::Pause { .. } => "paused",
            Action::Resume { .. } => "go on",
            Action::Retry { .. } | Action::RetryQuarantined { .. } => "try again",
            Action::Verify { .. } => "verify",
        };
        let mut words = format!("{} of {} {did}", self.done, self.all);
        if !self.awaited.is_empty() {
            words += &format!("; {} still to answer", self.awaited.len());
        }
        for refusal in &self.refusals {
            words += &format!("; {refusal}");
        }
        (words, self.refusals.is_empty())
    }
}
