//! The ways to log in, chosen by the `Authorization` field, and the 401 that offers them (RFC 9110 section 11, RFC 4559).

use super::ntlm::{Challenge, Realm, Refusal, message_type};
use super::spnego::{self, Token};
use super::{Doors, Identity, basic, bearer};
use crate::accounts::Account;
use crate::http::{Peer, Request, Response};
use crate::oauth::random;
use crate::options::AuthScheme;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::time::{SystemTime, UNIX_EPOCH};

/// The application id of Exchange Online itself, which its Bearer challenge names.
const EXCHANGE_APP: &str = "00000002-0000-0ff1-ce00-000000000000";
/// A login token longer than this is not looked at; a real one has a few kilobytes at most.
const MAX_TOKEN: usize = 48 * 1024;

/// How far a connection has come in authenticating itself.
#[derive(Debug, Default)]
pub struct Login(Stage);

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Nobody,
    Challenged(Challenge),
    Known {
        identity: Identity,
        name: String,
        generation: u64,
    },
}

/// A request whose origin is proven.
#[derive(Debug)]
pub struct Proven {
    /// Where it comes from.
    pub identity: Identity,
    /// A `WWW-Authenticate` value the answer must carry: the last token of a `Negotiate` exchange.
    pub last_word: Option<String>,
}

impl From<Identity> for Proven {
    fn from(identity: Identity) -> Self {
        Self { identity, last_word: None }
    }
}

/// Finds out who sent a request. Logins count as `auth.logins`, NTLM messages as `auth.ntlm.legs`, refusals as `auth.refused` and
/// `auth.refused.REASON`.
///
/// # Errors
/// The response to send instead: a 401 with a challenge or with the ways that are offered.
pub fn authenticate(doors: &Doors<'_>, request: &Request, peer: &Peer, login: &mut Login) -> Result<Proven, Box<Response>> {
    let Some(value) = request.header("authorization") else {
        if let Stage::Known { identity, name, generation } = &login.0 {
            if *generation == doors.gate.logins.generation(name) {
                return Ok(identity.clone().into());
            }
            login.0 = Stage::Nobody;
        }
        return Err(offer(doors, request, None));
    };
    let (scheme, rest) = value.trim().split_once(' ').unwrap_or((value.trim(), ""));
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("basic") && offers(doors, AuthScheme::Basic) {
        return by_password(doors, request, value);
    }
    if scheme.eq_ignore_ascii_case("bearer") && offers(doors, AuthScheme::Bearer) {
        return bearer::identify(doors, request, rest).map(Proven::from).map_err(|why| {
            refused(doors, "token");
            offer(doors, request, Some(why))
        });
    }
    let scheme = if scheme.eq_ignore_ascii_case("ntlm") { AuthScheme::Ntlm } else { AuthScheme::Negotiate };
    if value.len() > MAX_TOKEN || !(offers(doors, scheme) || doors.quirks.has("negotiate-only")) {
        return Err(offer(doors, request, None));
    }
    let token = STANDARD.decode(rest).unwrap_or_default();
    by_ntlm(doors, request, peer, login, scheme, &token)
}

fn by_password(doors: &Doors<'_>, request: &Request, value: &str) -> Result<Proven, Box<Response>> {
    let found = basic::decode(value).and_then(|(name, password)| Some((doors.accounts.login(&name)?, password)));
    let Some((account, password)) = found else {
        refused(doors, "credentials");
        return Err(offer(doors, request, None));
    };
    if is_locked(doors, account) || account.password != password {
        return Err(wrong(doors, request, account));
    }
    Ok(right(doors, account).into())
}

fn by_ntlm(
    doors: &Doors<'_>,
    request: &Request,
    peer: &Peer,
    login: &mut Login,
    scheme: AuthScheme,
    token: &[u8],
) -> Result<Proven, Box<Response>> {
    let label = if scheme == AuthScheme::Ntlm && !doors.quirks.has("negotiate-only") { "NTLM" } else { "Negotiate" };
    let again = |token: &[u8]| Err(unauthorized(doors).header("WWW-Authenticate", format!("{label} {}", STANDARD.encode(token))).into());
    let (ntlm, wrapped) = match spnego::open(token) {
        Token::Raw(ntlm) => (ntlm, false),
        Token::Wrapped(ntlm) if label == "Negotiate" => (ntlm, true),
        Token::OffersNtlm if label == "Negotiate" => {
            login.0 = Stage::Nobody;
            return again(&spnego::go_on(None));
        }
        _ => {
            refused(doors, "malformed");
            return Err(offer(doors, request, None));
        }
    };
    doors.counters.add("auth.ntlm.legs", 1);
    let stage = std::mem::take(&mut login.0);
    if message_type(ntlm) == Some(1) {
        return match Challenge::answer(ntlm, &realm(doors), random(), unix_nanos()) {
            Ok(challenge) => {
                let message = challenge.message().to_vec();
                login.0 = Stage::Challenged(challenge);
                if wrapped { again(&spnego::go_on(Some(&message))) } else { again(&message) }
            }
            Err(refusal) => {
                refused(doors, &refusal.to_string());
                Err(offer(doors, request, None))
            }
        };
    }
    // An answer without a challenge on this very connection is worth nothing.
    let Stage::Challenged(challenge) = stage else {
        refused(doors, "no-challenge");
        return Err(offer(doors, request, None));
    };
    let claimed = challenge.claim(ntlm).ok().and_then(|claim| {
        let name = if claim.domain.is_empty() { claim.user } else { format!("{}\\{}", claim.domain, claim.user) };
        doors.accounts.login(&name)
    });
    let Some(account) = claimed else {
        refused(doors, "credentials");
        return Err(offer(doors, request, None));
    };
    let end_point = peer.server_end_point.as_deref();
    let checked = challenge.check(ntlm, &account.password, doors.options.extended_protection, end_point);
    match checked {
        Ok(()) if !is_locked(doors, account) => {
            let identity = right(doors, account);
            let name = account.address.clone();
            let generation = doors.gate.logins.generation(&name);
            login.0 = Stage::Known { identity: identity.clone(), name, generation };
            let last_word = wrapped.then(|| format!("Negotiate {}", STANDARD.encode(spnego::done())));
            Ok(Proven { identity, last_word })
        }
        Ok(()) | Err(Refusal::Credentials) => Err(wrong(doors, request, account)),
        Err(refusal) => {
            refused(doors, &refusal.to_string());
            Err(offer(doors, request, None))
        }
    }
}

fn is_locked(doors: &Doors<'_>, account: &Account) -> bool {
    doors.quirks.has("account-lock") && doors.gate.logins.is_locked(&account.address)
}

fn right(doors: &Doors<'_>, account: &Account) -> Identity {
    doors.counters.add("auth.logins", 1);
    doors.gate.logins.right(&account.address);
    Identity::User { account: account.address.to_lowercase() }
}

fn wrong(doors: &Doors<'_>, request: &Request, account: &Account) -> Box<Response> {
    if !is_locked(doors, account) {
        doors.gate.logins.wrong(&account.address);
    }
    refused(doors, "credentials");
    offer(doors, request, None)
}

fn refused(doors: &Doors<'_>, reason: &str) {
    doors.counters.add("auth.refused", 1);
    doors.counters.add(&format!("auth.refused.{reason}"), 1);
}

fn offers(doors: &Doors<'_>, scheme: AuthScheme) -> bool {
    doors.options.auth.contains(&scheme)
}

fn unauthorized(doors: &Doors<'_>) -> Response {
    doors.counters.add("http.401", 1);
    Response::html(
        401,
        "<html><head><title>401 - Unauthorized</title></head><body>Access is denied due to invalid credentials.</body></html>",
    )
}

/// The 401 that lists every way to log in. `why` says what was wrong with a token.
fn offer(doors: &Doors<'_>, request: &Request, why: Option<&str>) -> Box<Response> {
    let mut response = unauthorized(doors);
    let host = request.header("host").unwrap_or("localhost");
    for scheme in &doors.options.auth {
        let value = match scheme {
            AuthScheme::Negotiate => "Negotiate".to_owned(),
            AuthScheme::Ntlm if doors.quirks.has("negotiate-only") => continue,
            AuthScheme::Ntlm => "NTLM".to_owned(),
            AuthScheme::Basic => basic_challenge(host),
            AuthScheme::Bearer => bearer_challenge(request, why),
        };
        response.headers.push("WWW-Authenticate", value);
    }
    if doors.quirks.has("basic-advertised") && !offers(doors, AuthScheme::Basic) {
        response.headers.push("WWW-Authenticate", basic_challenge(host));
    }
    Box::new(response)
}

fn basic_challenge(host: &str) -> String {
    format!("Basic realm=\"{}\"", host.replace('"', ""))
}

fn bearer_challenge(request: &Request, why: Option<&str>) -> String {
    let origin = request.origin().replace('"', "");
    let mut value = format!(
        "Bearer client_id=\"{EXCHANGE_APP}\", trusted_issuers=\"00000001-0000-0000-c000-000000000000@*\", token_types=\"app_asserted_user_v1 service_asserted_app_v1\", authorization_uri=\"{origin}/common/oauth2/authorize\""
    );
    if let Some(why) = why {
        value.push_str(&format!(", error=\"invalid_token\", error_description=\"{why}\""));
    }
    value
}

/// The domain the server belongs to: the one of its first account.
fn realm(doors: &Doors<'_>) -> Realm {
    let mut realm = Realm::default();
    if let Some(first) = doors.accounts.people().first() {
        if !first.domain.is_empty() {
            realm.domain = first.domain.to_uppercase();
        }
        if let Some((_, domain)) = first.address.split_once('@') {
            realm.dns_domain = domain.to_owned();
        }
    }
    realm
}

fn unix_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
