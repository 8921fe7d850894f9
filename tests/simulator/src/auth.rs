//! Who is asking: authentication as Exchange behind IIS does it.
//!
//! [`authenticate`] finds out who sent a request, or makes the 401 that says how to prove it. NTLM proves a connection, so what it has
//! reached is kept in the connection's [`Login`]; Basic and Bearer prove a request.

pub(crate) mod basic;
mod bearer;
mod binding;
mod logins;
pub mod ntlm;
mod schemes;
mod spnego;

pub use binding::channel_binding;
pub use logins::Logins;
pub use schemes::{Login, authenticate};

use crate::accounts::Accounts;
use crate::counters::Counters;
use crate::front::Gate;
use crate::options::Options;
use crate::quirks::Quirks;

#[cfg(test)]
mod tests;

/// The proven origin of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// A person or service account, by its primary address.
    User {
        /// The primary address, in lower case.
        account: String,
    },
    /// An application with permissions of its own (an app-only token).
    App {
        /// The application (client) id.
        client_id: String,
        /// The tenant it is registered in.
        tenant: String,
    },
}

/// What the rooms at the door need to know of the rest.
#[derive(Clone, Copy, Debug)]
pub struct Doors<'a> {
    /// Who may log in.
    pub accounts: &'a Accounts,
    /// Which ways are offered.
    pub options: &'a Options,
    /// Odd habits.
    pub quirks: &'a Quirks,
    /// What is counted.
    pub counters: &'a Counters,
    /// What the door remembers.
    pub gate: &'a Gate,
}
