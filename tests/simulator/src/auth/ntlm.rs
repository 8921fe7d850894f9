//! The accepting side of NTLM (MS-NLMP), version 2 alone.
//!
//! `message` reads and writes the three messages, `crypto` has the arithmetic, [`Challenge`] is a login under way.

mod acceptor;
mod crypto;
mod message;

pub use acceptor::{Challenge, Claim, Realm, Refusal};
pub use message::{is_ntlm, message_type};

#[cfg(test)]
pub(crate) mod client;
#[cfg(test)]
mod tests;
