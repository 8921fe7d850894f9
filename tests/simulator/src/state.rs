//! Everything a running server knows, shared by its rooms.

use crate::accounts::Accounts;
use crate::counters::Counters;
use crate::ews::Subscriptions;
use crate::fault::Faults;
use crate::front::Gate;
use crate::graph::Memory;
use crate::options::Options;
use crate::quirks::Quirks;
use crate::reinfer::Reinfer;
use crate::store::Store;

/// Everything a running server knows.
#[derive(Debug)]
pub struct State {
    /// The mailboxes.
    pub store: Store,
    /// Who may log in.
    pub accounts: Accounts,
    /// How it was started.
    pub options: Options,
    /// Odd habits that are on.
    pub quirks: Quirks,
    /// Faults on purpose.
    pub faults: Faults,
    /// Counts of what was asked.
    pub counters: Counters,
    /// What the door remembers between requests.
    pub gate: Gate,
    /// Who wants to hear of what happens.
    pub subscriptions: Subscriptions,
    /// What Graph remembers between requests.
    pub(crate) graph: Memory,
    /// The Communications Mining API and what it keeps.
    pub reinfer: Reinfer,
}
