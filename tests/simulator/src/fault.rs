//! Faults: what goes wrong on purpose, when, and for whom.
//!
//! A [`Rule`] says when (operation, mailbox, how often) and what ([`Action`]). Worlds list rules, the admin interface adds and removes them.
//! Actions are of two families. Those on the wire (a status, a delay, a cut) are applied by the front to whatever the operation
//! answered. Those on the meaning of an answer ([`EwsFault`]) are applied by the operation itself, which asks [`Faults::for_operation`].

mod action;
mod book;
mod rule;
mod soap;
mod text;
mod wire;

pub use action::{Action, CutFraming, EwsFault, Shape, WireFault};
pub use book::{Arrival, Faults, Occasion, RuleId, Search};
pub use rule::Rule;
pub use soap::{soap_fault, throttled_message};
pub(crate) use wire::{damage, delay, replacement, retry_after, second_response, wait};

#[cfg(test)]
mod tests;
