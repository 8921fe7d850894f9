//! Basic authentication (RFC 7617) in UTF-8.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The name and password of an `Authorization` value; none if it is of another scheme or damaged.
pub(crate) fn decode(value: &str) -> Option<(String, String)> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (name, password) = pair.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_may_hold_colons_and_any_letter() {
        let value = format!("basic {}", STANDARD.encode("CORP\\jörg:a:b:ü"));
        assert_eq!(decode(&value), Some(("CORP\\jörg".to_owned(), "a:b:ü".to_owned())));
    }

    #[test]
    fn what_is_not_basic_is_none() {
        for value in ["Basic", "Basic !!!", "Bearer eA==", "Basic eA==", ""] {
            assert_eq!(decode(value), None, "{value}");
        }
    }
}
