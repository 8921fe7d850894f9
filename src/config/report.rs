//! What is found while a configuration is judged: everything, not the first.

use std::cell::RefCell;

use super::Fault;

/// Whom a finding stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// Everyone.
    Fault,
    /// A run; a check only mentions it, because it may be mended outside the file.
    RunFault,
    /// A check; a run only mentions it, because it can go on.
    CheckFault,
    /// No one.
    Warning,
}

/// The findings so far.
#[derive(Default)]
pub(super) struct Report(RefCell<Vec<(Severity, Fault)>>);

impl Report {
    pub(super) fn add(&self, severity: Severity, fault: Fault) {
        self.0.borrow_mut().push((severity, fault));
    }

    pub(super) fn fault(&self, at: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Fault, Fault::new(at, problem).remedy(remedy));
    }

    /// A fault of something absent, unless what stands there was found wrong before.
    pub(super) fn missing(&self, at: String, problem: impl Into<String>, remedy: impl Into<String>) {
        if !self.has(&at) {
            self.fault(at, problem, remedy);
        }
    }

    /// Whether something was found at this very place.
    pub(super) fn has(&self, at: &str) -> bool {
        self.0.borrow().iter().any(|(_, fault)| fault.at == at)
    }

    pub(super) fn warn(&self, at: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Warning, Fault::new(at, problem).remedy(remedy));
    }

    pub(super) fn into_findings(self) -> Vec<(Severity, Fault)> {
        self.0.into_inner()
    }
}
