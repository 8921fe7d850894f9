//! Who asks: API tokens, which are given out by hand and known to the world.

use super::refusal::Refusal;
use crate::http::Headers;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::{PoisonError, RwLock};

/// The permissions this server knows.
pub const PERMISSIONS: [&str; 9] = [
    "buckets-read",
    "buckets-items-read",
    "buckets-write",
    "buckets-append",
    "appliance-config-read",
    "appliance-config-write",
    "files-write",
    "integrations-read",
    "integrations-write",
];

/// A token and its user.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// What is sent behind `Bearer`.
    pub token: String,
    /// The user's name.
    pub username: String,
    /// The user's address.
    pub email: String,
    /// What the user may do.
    pub permissions: Vec<String>,
    /// The owners (projects) in which the user may do it; all when empty.
    pub owners: Vec<String>,
}

impl fmt::Debug for Token {
    /// The token is not shown.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Token(of {}, {})", self.username, self.permissions.join(" "))
    }
}

impl Token {
    /// Whether it covers one of these permissions in an owner's project, or in any where no owner is named.
    pub(super) fn allows(&self, permissions: &[&str], owner: Option<&str>) -> bool {
        let any = permissions.is_empty() || permissions.iter().any(|wanted| self.permissions.iter().any(|own| own == wanted));
        any && owner.is_none_or(|owner| self.sees(owner))
    }

    /// Whether an owner is among its own.
    pub(super) fn sees(&self, owner: &str) -> bool {
        self.owners.is_empty() || self.owners.iter().any(|own| own == owner)
    }

    /// The user as `GET /auth/user` shows it; `known` are the owners there are.
    pub(super) fn user(&self, known: &[String]) -> Value {
        let id = Sha256::digest(self.username.as_bytes());
        let owners = if self.owners.is_empty() { known } else { &self.owners };
        let projects: Map<String, Value> = owners.iter().map(|owner| (owner.clone(), json!(self.permissions))).collect();
        json!({
            "id": hex::encode(id.iter().take(8).copied().collect::<Vec<u8>>()),
            "username": self.username, "email": self.email, "created": "2020-01-01T00:00:00Z", "global_permissions": [],
            "organisation_permissions": projects, "sso_global_permissions": [], "verified": true,
        })
    }
}

/// The tokens in force.
#[derive(Debug, Default)]
pub(super) struct Tokens(RwLock<Vec<Token>>);

impl Tokens {
    pub(super) fn new(tokens: Vec<Token>) -> Self {
        Self(RwLock::new(tokens))
    }

    pub(super) fn all(&self) -> Vec<Token> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a token in force, in place of one of the same text.
    pub(super) fn add(&self, token: Token) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| known.token != token.token);
        all.push(token);
    }

    /// Takes one out of force; false where there was none.
    pub(super) fn revoke(&self, token: &str) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let before = all.len();
        all.retain(|known| known.token != token);
        all.len() != before
    }

    /// Who a request is from.
    ///
    /// # Errors
    /// 401 for no token, one of another scheme, and one that is not in force.
    pub(super) fn identify(&self, headers: &Headers) -> Result<Token, Refusal> {
        let refused = |why: &str| Refusal::new(401, why).header("WWW-Authenticate", "Bearer");
        let value = headers.value("authorization").ok_or_else(|| refused("401 Unauthorized: a token is missing"))?;
        let token = match value.trim().split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
            _ => return Err(refused("401 Unauthorized: the header is not of the form `Bearer TOKEN`")),
        };
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|known| known.token == token).cloned().ok_or_else(|| refused("401 Unauthorized: the token is not valid"))
    }
}
