//! OAuth2 client credentials at the Microsoft identity platform, by secret or by certificate.
//!
//! [`Tokens`] hands out bearer tokens: one request serves all who wait, a token is renewed five minutes before its end, and a refusal that only a
//! person can mend is remembered for a while rather than asked for again. (Microsoft identity platform: OAuth 2.0 client credentials flow.)

mod assertion;
mod error;
mod grant;
#[cfg(test)]
mod tests;
mod tokens;

pub use assertion::Certificate;
pub use error::TokenError;
pub use tokens::{Bearer, Tokens};

use std::path::PathBuf;

use super::Secret;

/// How the application proves itself.
#[derive(Clone, Debug)]
pub enum Proof {
    /// By a client secret.
    Secret(Secret),
    /// By signing an assertion with a certificate's key.
    Certificate(Certificate),
    /// By the assertion in a file, which whoever runs us writes anew from time to time: a pod of Kubernetes with a workload identity.
    Federated(PathBuf),
}

/// Which application asks for what, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `https://login.microsoftonline.com/TENANT`, or the whole token URL.
    pub authority: String,
    /// The application (client) id.
    pub client_id: String,
    /// Its proof.
    pub proof: Proof,
    /// One resource's default scope: `https://outlook.office365.com/.default` for EWS.
    pub scope: String,
}

/// The end of every token URL.
const PATH: &str = "/oauth2/v2.0/token";

/// The token URL of an authority, which may already be one.
fn token_url(authority: &str) -> String {
    let trimmed = authority.trim().trim_end_matches('/');
    if trimmed.ends_with(PATH) { trimmed.to_owned() } else { format!("{trimmed}{PATH}") }
}
