//! Who may ask for actions.

use axum::http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};

use super::{TOKEN, answer::Refusal};
use crate::auth::Secret;

/// Whether these headers show the token.
pub fn admit(headers: &HeaderMap, token: Option<&Secret>) -> Result<(), Refusal> {
    let Some(token) = token else {
        let words = format!("no action is taken: the environment variable {TOKEN} is not set where this instance was started");
        return Err(Refusal::new(StatusCode::FORBIDDEN, words));
    };
    let Some(shown) = headers.get(header::AUTHORIZATION) else {
        let words = format!("no token was shown: send the header Authorization: Bearer with the value of {TOKEN}");
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, words));
    };
    let shown = bearer(shown.as_bytes()).unwrap_or_default();
    match same(shown, token.reveal().as_bytes()) {
        true => Ok(()),
        false => {
            Err(Refusal::new(StatusCode::UNAUTHORIZED, format!("the token is not that of this instance: compare {TOKEN} on both sides")))
        }
    }
}

/// The token of `Bearer TOKEN`; the word's case does not matter (RFC 9110, 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}

/// Digests are compared, in a time that does not depend on them: neither where two tokens differ nor how long ours is can be measured.
fn same(one: &[u8], other: &[u8]) -> bool {
    openssl::memcmp::eq(&Sha256::digest(one), &Sha256::digest(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(shown: Option<&str>, token: Option<&str>) -> Option<u16> {
        let mut headers = HeaderMap::new();
        if let Some(shown) = shown {
            headers.insert(header::AUTHORIZATION, shown.parse().unwrap());
        }
        let token = token.map(Secret::new);
        let refusal = admit(&headers, token.as_ref()).err();
        assert!(!format!("{refusal:?}").contains("hunter2"));
        refusal.map(|refusal| axum::response::IntoResponse::into_response(refusal).status().as_u16())
    }

    #[test]
    fn whoever_shows_the_token_is_admitted() {
        for shown in ["Bearer hunter2", "bearer hunter2", "BEARER  hunter2 "] {
            assert_eq!(verdict(Some(shown), Some("hunter2")), None, "{shown}");
        }
        for shown in ["Bearer hunter", "Bearer hunter22", "Bearer ", "Bearer", "Basic hunter2", "hunter2", ""] {
            assert_eq!(verdict(Some(shown), Some("hunter2")), Some(401), "{shown}");
        }
        assert_eq!(verdict(None, Some("hunter2")), Some(401));
        assert_eq!(verdict(Some("Bearer hunter2"), None), Some(403));
        assert_eq!(verdict(None, None), Some(403));
    }
}
