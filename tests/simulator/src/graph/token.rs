//! Bearer tokens at Graph's door (RFC 6750; documentation page "Microsoft Graph error responses and resource types").

use super::error::GraphError;
use crate::accounts::App;
use crate::http::Headers;
use crate::oauth::{Audience, Grant};
use crate::state::State;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;

/// The application id of Graph itself, which its challenge names.
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";

/// The application a request speaks for.
///
/// # Errors
/// 401 `InvalidAuthenticationToken` with the challenge.
pub(super) fn identify<'a>(state: &'a State, headers: &Headers, origin: &str) -> Result<&'a App, GraphError> {
    let value = headers.value("authorization").unwrap_or_default().trim();
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(refused(state, origin, "Access token is empty.", None)),
    };
    let malformed = || refused(state, origin, "IDX14100: JWT is not well formed, there are no dots (.).", None);
    let grant = state.gate.tokens.read(token).ok_or_else(malformed)?;
    if Utc::now().timestamp() >= grant.exp {
        return Err(refused(state, origin, "Lifetime validation failed, the token is expired.", None));
    }
    if !is_for_graph(&grant, headers) {
        return Err(refused(state, origin, "Access token validation failure. Invalid audience.", None));
    }
    if grant.generation != state.gate.logins.generation(&grant.appid) {
        let claims = STANDARD.encode(format!(r#"{{"access_token":{{"nbf":{{"essential":true,"value":"{}"}}}}}}"#, Utc::now().timestamp()));
        let text = "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp";
        return Err(refused(state, origin, text, Some(&claims)));
    }
    state
        .accounts
        .app(&grant.appid)
        .ok_or_else(|| refused(state, origin, "The identity of the calling application could not be established.", None))
}

/// A token for one of Graph's own names is taken, and one for the name the client calls this server by.
fn is_for_graph(grant: &Grant, headers: &Headers) -> bool {
    let name = |text: &str| text.rsplit_once(':').map_or(text, |(name, _)| name).to_ascii_lowercase();
    let own = || {
        let audience = grant.aud.split("://").last().unwrap_or_default().trim_end_matches('/');
        name(audience) == name(headers.value("host").unwrap_or_default())
    };
    grant.service == Audience::Graph || own()
}

fn refused(state: &State, origin: &str, text: &str, claims: Option<&str>) -> GraphError {
    state.counters.add("http.401", 1);
    state.counters.add("graph.401", 1);
    let mut challenge =
        format!("Bearer realm=\"\", authorization_uri=\"{}/common/oauth2/authorize\", client_id=\"{GRAPH_APP}\"", origin.replace('"', ""));
    if let Some(claims) = claims {
        challenge.push_str(&format!(", error=\"insufficient_claims\", claims=\"{claims}\""));
    }
    GraphError::new(401, "InvalidAuthenticationToken", text).header("WWW-Authenticate", challenge)
}
