//! Verbs of the programs this one replaces, and of its own plans, that this version does not have: refused with a reason.

/// Verbs that are known but cannot be done.
pub(super) const VERBS: [&str; 3] = ["plan", "bench", "listen"];
