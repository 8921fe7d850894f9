//! The identity provider: tokens for applications, as Microsoft Entra gives them out.
//!
//! One grant is known, client credentials, proven by a secret or by a signed assertion (documentation page "OAuth 2.0 client credentials flow
//! on the Microsoft identity platform"). Errors have Entra's shape and its AADSTS codes.

mod assertion;
mod error;
mod metadata;
mod token;
mod tokens;

pub(crate) use token::EXCHANGE;
pub use token::Replays;
pub use tokens::{Audience, Grant, Tokens};
pub(crate) use tokens::{guid, random};

use crate::auth::Doors;
use crate::http::{Request, Response};

#[cfg(test)]
mod tests;

/// Answers a request to the identity provider; none if the path is not one of its own. Token requests count as `oauth.requests`, tokens given
/// out as `oauth.tokens`.
pub fn handle(doors: &Doors<'_>, request: &Request) -> Option<Response> {
    let path = request.path.trim_matches('/').to_ascii_lowercase();
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [tenant, "oauth2", "v2.0", "token"] => Some(token::answer(doors, request, tenant)),
        [tenant, "v2.0", ".well-known", "openid-configuration"] => Some(metadata::configuration(request, tenant)),
        [_, "discovery", "instance"] => Some(metadata::instance(request)),
        [_, "discovery", "v2.0", "keys"] => Some(metadata::keys()),
        _ => None,
    }
}
