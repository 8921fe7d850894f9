//! Bearer tokens (RFC 6750).

use super::{Doors, Identity};
use crate::http::Request;
use crate::oauth::{Audience, Grant};
use chrono::Utc;

/// Why a token is refused; becomes the `error_description` of the challenge.
pub(super) type Why = &'static str;

/// Who a token speaks for, if it is for Exchange and still valid.
pub(super) fn identify(doors: &Doors<'_>, request: &Request, token: &str) -> Result<Identity, Why> {
    let grant = doors.gate.tokens.read(token).ok_or("The token is not one of this provider's")?;
    let now = Utc::now().timestamp();
    if now >= grant.exp {
        return Err("The token has expired");
    }
    if grant.service != Audience::Exchange || !names_this_server(&grant, request) {
        return Err("The audience of the token is invalid");
    }
    if grant.generation != doors.gate.logins.generation(&grant.appid) {
        return Err("The token has been revoked");
    }
    doors.accounts.app(&grant.appid).ok_or("The application is gone")?;
    Ok(Identity::App { client_id: grant.appid, tenant: grant.tid })
}

/// A token for Exchange Online's own name is taken, and one for the name the client calls this server by.
fn names_this_server(grant: &Grant, request: &Request) -> bool {
    let audience = grant.aud.split("://").last().unwrap_or_default().trim_end_matches('/');
    let host = request.header("host").unwrap_or_default();
    let name = |text: &str| text.rsplit_once(':').map_or(text, |(name, _)| name).to_ascii_lowercase();
    crate::oauth::EXCHANGE.iter().any(|known| known.eq_ignore_ascii_case(audience)) || name(audience) == name(host)
}
