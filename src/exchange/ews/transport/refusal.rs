//! What a 401 means.

use http::HeaderMap;

use super::{Kind, TransportError};
use crate::auth::{
    Login,
    offer::{names, offers},
};

/// A password was refused.
pub fn of_password(scheme: &str, login: &Login, headers: &HeaderMap, worked: bool) -> TransportError {
    let offered = offers(headers);
    let mut cause = format!("HTTP 401: the {scheme} login of {} was refused", login.user);
    if !offered.is_empty() && !offered.iter().any(|offer| offer.is(scheme)) {
        cause = format!("{cause}; the server offers {}", names(&offered));
    }
    let hint = match scheme {
        "NTLM" => {
            "wrong auth_user or auth_password, a locked or disabled account, or Extended Protection: then nothing between here and Exchange may \
             decrypt TLS, and ews_endpoint must be https"
        }
        _ => "wrong auth_user or auth_password, a locked account, or Basic is switched off for EWS: see auth_type",
    };
    TransportError::new(Kind::Unauthorized { worked }, cause).hint(hint)
}

/// A fresh token was refused.
pub fn of_token(headers: &HeaderMap, worked: bool) -> TransportError {
    let mut cause = "HTTP 401: the access token was refused".to_owned();
    if let Some(reason) = headers.get("x-ms-diagnostics").and_then(|value| value.to_str().ok()) {
        cause = format!("{cause}: {}", reason.chars().take(300).collect::<String>());
    }
    let hint = "the application needs the permission full_access_as_app for this Exchange, granted by an administrator";
    TransportError::new(Kind::Unauthorized { worked }, cause).hint(hint)
}
