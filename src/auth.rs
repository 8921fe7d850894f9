//! Logging in: Basic, NTLM, and OAuth2 client credentials. This room knows nothing of mailboxes or of EWS.

pub mod basic;
pub mod ntlm;
pub mod oauth;
pub mod offer;
mod secret;

pub use secret::Secret;

/// An account that logs in with a password.
#[derive(Clone, Debug)]
pub struct Login {
    /// `DOMAIN\user` or a user principal name such as `user@example.com`.
    pub user: String,
    /// The password.
    pub password: Secret,
}
