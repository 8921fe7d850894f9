//! The Basic scheme (RFC 7617), in UTF-8.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderValue;

use super::Login;

/// The `Authorization` value of a login, marked sensitive. `None` if the user has a colon, which the scheme cannot carry.
pub fn authorization(login: &Login) -> Option<HeaderValue> {
    if login.user.contains(':') {
        return None;
    }
    let pair = format!("{}:{}", login.user, login.password.reveal());
    let mut value = HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Secret;

    fn login(user: &str) -> Login {
        Login { user: user.to_owned(), password: Secret::new("123\u{a3}") }
    }

    #[test]
    fn the_pair_is_encoded_as_utf8() {
        let value = authorization(&login("test")).unwrap();
        assert_eq!(value, "Basic dGVzdDoxMjPCow==");
        assert!(value.is_sensitive());
    }

    #[test]
    fn a_colon_in_the_user_is_refused() {
        assert_eq!(authorization(&login("a:b")), None);
    }
}
