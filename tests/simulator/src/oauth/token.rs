//! The token endpoint.

use super::assertion::{self, Expected};
use super::error::Denial;
use super::tokens::{Audience, Grant, guid};
use crate::accounts::App;
use crate::auth::{Doors, basic};
use crate::http::{Request, Response, form_pairs};
use chrono::Utc;
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The names under which Exchange is asked for.
pub(crate) const EXCHANGE: [&str; 3] = ["outlook.office365.com", "outlook.office.com", "ps.outlook.com"];
/// The names of Graph, cloud by cloud (documentation page "Microsoft Graph national cloud deployments").
const GRAPH: [&str; 4] = ["graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"];
/// Assertion ids remembered at most; beyond it the oldest end first, which only a flood within ten minutes can bring about.
const REMEMBERED: usize = 50_000;

/// Assertion ids that were used and may not be used again while they would still be valid.
#[derive(Debug, Default)]
pub struct Replays {
    used: Mutex<HashMap<String, i64>>,
}

impl Replays {
    /// Notes an id; false when it was used before.
    fn note(&self, jti: String, until: i64, now: i64) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= REMEMBERED {
            used.retain(|_, until| *until > now);
        }
        while used.len() >= REMEMBERED {
            let Some(first) = used.iter().min_by_key(|(_, until)| **until).map(|(jti, _)| jti.clone()) else {
                break;
            };
            used.remove(&first);
        }
        used.insert(jti, until).is_none_or(|until| until <= now)
    }
}

/// What a client sent.
struct Form(Vec<(String, String)>);

impl Form {
    fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Answers a request for a token.
pub(super) fn answer(doors: &Doors<'_>, request: &Request, tenant: &str) -> Response {
    doors.counters.add("oauth.requests", 1);
    if request.method != "POST" {
        return Response::new(405).header("Allow", "POST");
    }
    match grant(doors, request, tenant) {
        Ok(grant) => {
            doors.counters.add("oauth.tokens", 1);
            let body = json!({
                "token_type": "Bearer",
                "expires_in": grant.exp - grant.nbf,
                "ext_expires_in": grant.exp - grant.nbf,
                "access_token": doors.gate.tokens.issue(&grant),
            });
            Response::json(200, &body).header("Cache-Control", "no-store").header("Pragma", "no-cache")
        }
        Err(denial) => {
            doors.counters.add("oauth.refused", 1);
            denial.response()
        }
    }
}

fn grant(doors: &Doors<'_>, request: &Request, tenant: &str) -> Result<Grant, Denial> {
    let form = Form(form_pairs(&request.text()));
    match form.value("grant_type") {
        Some("client_credentials") => {}
        Some(other) => {
            let text = format!("The provided grant_type '{other}' is not supported.");
            return Err(Denial::new(400, "unsupported_grant_type", 70003, text));
        }
        None => return Err(missing("grant_type")),
    }
    if matches!(tenant, "common" | "organizations" | "consumers") {
        let text = format!(
            "Application is not configured as a multi-tenant application. Usage of the /{tenant} endpoint is not supported for client credentials; use a tenant-specific endpoint."
        );
        return Err(Denial::request(50194, text));
    }
    let header = request.header("authorization").and_then(basic::decode).map(|(name, secret)| (plain(&name), plain(&secret)));
    let assertion = form.value("client_assertion");
    let client_id = form
        .value("client_id")
        .map(str::to_owned)
        .or_else(|| header.as_ref().map(|(name, _)| name.clone()))
        .or_else(|| assertion.and_then(assertion::speaker))
        .ok_or_else(|| missing("client_id"))?;
    let app = find(doors, &client_id, tenant)?;
    match (assertion, form.value("client_secret").or(header.as_ref().map(|(_, secret)| secret.as_str()))) {
        (Some(assertion), None) => by_assertion(doors, request, &form, app, assertion)?,
        (None, Some(secret)) if app.secrets.iter().any(|known| known == secret) => {}
        (None, Some(_)) => {
            let text = format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client_id}'."
            );
            return Err(Denial::client(7000215, text));
        }
        (Some(_), Some(_)) => return Err(Denial::request(90015, "More than one client credential was sent.")),
        (None, None) => {
            let text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
            return Err(Denial::client(7000218, text));
        }
    }
    let (aud, service) = scope(form.value("scope"), request)?;
    let now = Utc::now().timestamp();
    let life = i64::try_from(doors.options.token_life.as_secs()).unwrap_or(i64::MAX / 4);
    let roles = match service {
        Audience::Exchange => vec!["full_access_as_app".to_owned()],
        Audience::Graph => app.graph_permissions.clone(),
    };
    Ok(Grant {
        aud,
        service,
        appid: app.client_id.clone(),
        tid: app.tenant.clone(),
        roles,
        nbf: now,
        exp: now + life,
        generation: doors.gate.logins.generation(&app.client_id),
        jti: guid(),
    })
}

fn missing(name: &str) -> Denial {
    Denial::request(900144, format!("The request body must contain the following parameter: '{name}'."))
}

/// In a Basic header both parts are form-encoded first (RFC 6749 section 2.3.1).
fn plain(text: &str) -> String {
    crate::http::percent_decode(&text.replace('+', " "))
}

fn find<'a>(doors: &Doors<'a>, client_id: &str, tenant: &str) -> Result<&'a App, Denial> {
    let accounts = doors.accounts;
    if !accounts.apps().iter().any(|app| app.tenant.eq_ignore_ascii_case(tenant)) {
        let text = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
        );
        return Err(Denial::request(90002, text));
    }
    accounts.app(client_id).filter(|app| app.tenant.eq_ignore_ascii_case(tenant)).ok_or_else(|| {
        let text = format!("Application with identifier '{client_id}' was not found in the directory '{tenant}'.");
        Denial::new(400, "unauthorized_client", 700016, text)
    })
}

fn by_assertion(doors: &Doors<'_>, request: &Request, form: &Form, app: &App, assertion: &str) -> Result<(), Denial> {
    if form.value("client_assertion_type") != Some(ASSERTION_TYPE) {
        return Err(missing("client_assertion_type"));
    }
    let now = Utc::now().timestamp();
    let proven = assertion::prove(
        assertion,
        &Expected {
            client_id: &app.client_id,
            endpoint: &format!("{}{}", request.origin(), request.path),
            certificates: &app.certificates,
            only_x5t: doors.quirks.has("only-x5t"),
            now,
        },
    )?;
    if doors.gate.replays.note(proven.jti, proven.until, now) {
        Ok(())
    } else {
        Err(Denial::client(50013, "Assertion failed validation. The assertion was already used."))
    }
}

/// Which service a scope asks for: exactly one, by `/.default`.
fn scope(scope: Option<&str>, request: &Request) -> Result<(String, Audience), Denial> {
    let scope = scope.ok_or_else(|| missing("scope"))?;
    let invalid = || {
        let text = format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid."
        );
        Denial::new(400, "invalid_scope", 70011, text)
    };
    let mut words = scope.split_whitespace();
    let (Some(only), None) = (words.next(), words.next()) else {
        return Err(invalid());
    };
    let resource = only.strip_suffix("/.default").ok_or_else(invalid)?;
    let host = resource
        .strip_prefix("https://")
        .or(resource.strip_prefix("http://"))
        .map(|rest| rest.trim_end_matches('/'))
        .ok_or_else(invalid)?;
    let own = request.header("host").unwrap_or_default();
    let own_name = own.rsplit_once(':').map_or(own, |(name, _)| name);
    let service = if GRAPH.iter().any(|known| known.eq_ignore_ascii_case(host)) {
        Audience::Graph
    } else if EXCHANGE.iter().chain([&own, &own_name]).any(|known| known.eq_ignore_ascii_case(host)) {
        Audience::Exchange
    } else {
        let text = format!("The resource principal named {resource} was not found in the tenant.");
        return Err(Denial::new(400, "invalid_resource", 500011, text));
    };
    Ok((resource.to_owned(), service))
}
