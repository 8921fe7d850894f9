//! Judging a whole document.

use std::{num::NonZeroUsize, path::Path, time::Duration};

use openssl::ssl::{SslContextBuilder, SslMethod};
use url::Url;

use super::{
    Access, Api, Auth, Config, Env, Fault, Pace, Tls, cloud, endpoint, json,
    layer::{Layers, Origin, Setting},
    login, mailboxes,
    object::Record,
    placeholders,
    raw::{AccessName, ApiName, Port, RawConfig, top},
    report::{Report, Severity},
    written::{Seconds, Truth, Whole},
};

/// Why a configuration is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It is to be used now. Unknown keys are only warned of.
    Run,
    /// Someone asks whether it is good. An unknown key is a fault; a password that is not there yet is only warned of.
    Check,
}

/// Everything there is to say about a configuration.
#[derive(Clone, Debug)]
pub struct Examination {
    /// What it comes to; absent where there are faults.
    pub config: Option<Config>,
    /// What makes it unusable.
    pub faults: Vec<Fault>,
    /// What looks wrong but can be used.
    pub warnings: Vec<Fault>,
    /// The values in force, in the order of the documentation.
    pub settings: Vec<Setting>,
}

impl Examination {
    /// Of something that could not even be read.
    pub(super) fn failed(fault: Fault) -> Self {
        Self { config: None, faults: vec![fault], warnings: Vec::new(), settings: Vec::new() }
    }
}

/// Judges a document. Paths in it are relative to the folder `base`.
pub fn examine(text: &str, base: &Path, env: &Env, purpose: Purpose) -> Examination {
    let (value, repeated) = match json::parse(text) {
        Ok(parsed) => parsed,
        Err(fault) => return Examination::failed(fault),
    };
    let report = Report::default();
    for fault in repeated {
        report.add(Severity::Fault, fault);
    }
    let Some(raw) = RawConfig::from_value(&value, "$".into(), &report) else {
        return sorted(None, report, Vec::new(), purpose);
    };
    placeholders::warn("$", &value, &report);
    let layers = Layers::new(env, &report);
    let config = judge(&raw, &layers, &report, base);
    let settings = layers.into_settings();
    sorted(config, report, settings, purpose)
}

fn sorted(config: Option<Config>, report: Report, settings: Vec<Setting>, purpose: Purpose) -> Examination {
    let stops = |severity| match severity {
        Severity::Fault => true,
        Severity::RunFault => purpose == Purpose::Run,
        Severity::CheckFault => purpose == Purpose::Check,
        Severity::Warning => false,
    };
    let (faults, warnings): (Vec<_>, Vec<_>) = report.into_findings().into_iter().partition(|(severity, _)| stops(*severity));
    let plain = |findings: Vec<(Severity, Fault)>| findings.into_iter().map(|(_, fault)| fault).collect::<Vec<_>>();
    let faults = plain(faults);
    Examination { config: config.filter(|_| faults.is_empty()), faults, warnings: plain(warnings), settings }
}

fn judge(raw: &RawConfig, layers: &Layers<'_>, report: &Report, base: &Path) -> Option<Config> {
    let login = login::Judge { raw, layers, report, base };
    let api = layers.or_default("microsoft_api", raw.microsoft_api, ApiName::Ews);
    let unclear = report.has(&top("microsoft_api"));
    let placed = raw.ews_endpoint.is_some() || raw.host.is_some();
    if raw.microsoft_api.is_none() && !unclear && (raw.graph_endpoint.is_some() || (raw.auth_oauth_client_id.is_some() && !placed)) {
        report.warn(
            top("microsoft_api"),
            "missing, so EWS is assumed, though the rest looks like Graph",
            r#"write "microsoft_api": "graph""#,
        );
    }
    let url = match api {
        ApiName::Ews if unclear => None,
        ApiName::Ews => ews(raw, layers, report),
        ApiName::Graph => None,
    };
    let auth = if unclear { None } else { login.auth(api) };
    let graph = match (api, &auth) {
        (ApiName::Graph, Some(Auth::OAuth(app))) if !unclear => cloud::graph(raw, Some(&app.authority), layers, report),
        (ApiName::Graph, _) => cloud::graph(raw, None, layers, report),
        (ApiName::Ews, _) => {
            if raw.graph_endpoint.is_some() {
                report.warn(top("graph_endpoint"), "not used with EWS", r#"remove it, or write "microsoft_api": "graph""#);
            }
            None
        }
    };
    let access = match api {
        ApiName::Ews => login.access(raw.auth_type),
        ApiName::Graph => AccessName::Delegate,
    };
    let Truth(verify) = layers.or_default("ews_ssl_verify", raw.ews_ssl_verify, Truth(true));
    let ciphers = ciphers(raw, layers, report);
    match api {
        ApiName::Ews if !verify => report.warn(
            top("ews_ssl_verify"),
            "the server's certificate is not verified: anyone on the way can read along",
            "add the server's CA to the system, or name it by SSL_CERT_FILE",
        ),
        ApiName::Ews => {}
        ApiName::Graph => cloud::unused(raw, report),
    }
    if let (Some(url), Some(auth)) = (&url, &auth) {
        encryption(url, auth, report);
    }
    let pace = pace(raw, layers, report);
    if let Some(address) = &raw.audit_email {
        layers.record("audit_email", address.as_str().into(), Origin::File);
    }
    let mailboxes = mailboxes::judge(raw.mailboxes.clone(), layers, report);
    if let (ApiName::Graph, Some(fault)) = (api, cloud::no_archive(&mailboxes)) {
        report.add(Severity::Fault, fault);
    }
    Some(Config {
        api: match api {
            ApiName::Ews => Api::Ews(url?),
            ApiName::Graph => Api::Graph(graph?),
        },
        auth: auth?,
        access: match access {
            AccessName::Delegate => Access::Delegate,
            AccessName::Impersonation => Access::Impersonation,
        },
        tls: Tls { verify, ciphers },
        pace,
        mailboxes,
        audit_email: raw.audit_email.clone(),
    })
}

/// The URL of EWS. A host from the environment is stronger than a URL from the file.
fn ews(raw: &RawConfig, layers: &Layers<'_>, report: &Report) -> Option<Url> {
    let full = layers.value("ews_endpoint", raw.ews_endpoint.clone(), None);
    let host = layers.with_env("host", "REINFER_EWS_HOST", raw.host.clone(), None);
    let port = layers.with_env::<Port>("port", "REINFER_EWS_PORT", raw.port, None);
    let by_env = host.as_ref().is_some_and(|host| host.origin == Origin::Env);
    let (at, url) = match (full, host) {
        (Some(full), host) if !by_env => {
            for (at, set) in [(host.map(|host| host.at), "host"), (port.map(|port| port.at), "port")] {
                if let Some(at) = at {
                    report.warn(at, format!("the {set} is not used, because ews_endpoint is set"), "remove one of them");
                }
            }
            let url = endpoint::from_url(&full.value);
            if url.as_ref().is_ok_and(|url| url.path() == "/") {
                report.warn(full.at.as_str(), "the URL has no path", "Exchange answers at /EWS/Exchange.asmx");
            }
            (full.at, url)
        }
        (full, Some(host)) => {
            if full.is_some() {
                report.warn(top("ews_endpoint"), "not used, because REINFER_EWS_HOST is set", "remove one of them");
            }
            if port.is_none() {
                layers.record("port", 80.into(), Origin::Default);
            }
            (host.at, endpoint::from_host(&host.value, port.map(|port| port.value.0 as u16)))
        }
        (_, None) => {
            if !["$.host", "REINFER_EWS_HOST"].iter().any(|at| report.has(at)) {
                let remedy = "write ews_endpoint with the full URL, or host and port, or set REINFER_EWS_HOST";
                report.missing(top("ews_endpoint"), "missing, and so is host", remedy);
            }
            return None;
        }
    };
    match url {
        Ok(url) => Some(url),
        Err((problem, remedy)) => {
            report.fault(at, problem, remedy);
            None
        }
    }
}

fn encryption(url: &Url, auth: &Auth, report: &Report) {
    let at = "EWS URL";
    match (url.scheme(), url.port_or_known_default()) {
        ("https", Some(80)) => {
            report.warn(at, format!("{url} is https on port 80, which Exchange does not answer"), r#"write "port": 443"#)
        }
        ("http", Some(443)) => {
            report.warn(at, format!("{url} is http on port 443, which Exchange does not answer"), "write https:// before the host")
        }
        ("http", _) => {
            let what = match auth {
                Auth::Basic(_) => "the password travels readable over http",
                Auth::Ntlm(_) => "mail travels readable over http, and whoever listens can attack the password",
                Auth::OAuth(_) => "the access token and mail travel readable over http",
            };
            report.warn(at, format!("{url}: {what}"), "use https and port 443");
        }
        _ => {}
    }
}

fn ciphers(raw: &RawConfig, layers: &Layers<'_>, report: &Report) -> Option<String> {
    let ciphers = layers.value("ews_ssl_ciphers", raw.ews_ssl_ciphers.clone(), None)?;
    // OpenSSL takes a C string, and its binding panics at a zero byte.
    let text = Some(ciphers.value.as_str()).filter(|text| !text.contains('\0'));
    let known = text
        .is_some_and(|text| SslContextBuilder::new(SslMethod::tls_client()).and_then(|mut context| context.set_cipher_list(text)).is_ok());
    if !known {
        report.fault(
            ciphers.at,
            format!("{} names no cipher that OpenSSL knows", endpoint::quoted(&ciphers.value)),
            "write an OpenSSL cipher list such as HIGH:!aNULL, or remove it",
        );
        return None;
    }
    Some(ciphers.value)
}

fn pace(raw: &RawConfig, layers: &Layers<'_>, report: &Report) -> Pace {
    let count = |number: u32| NonZeroUsize::new(number as usize).unwrap_or(NonZeroUsize::MIN);
    let Seconds(rounds) = layers.or_default("poll_frequency", raw.poll_frequency, Seconds(15.0));
    let Seconds(messages) = layers.or_default("poll_message_sleep", raw.poll_message_sleep, Seconds(0.1));
    let Whole(uploads) = layers.or_default("max_concurrent_uploads", raw.max_concurrent_uploads, Whole(8));
    let Whole(folder) = layers.or_default("emails_per_folder", raw.emails_per_folder, Whole(2520));
    let Whole(batch) = layers.or_default("reinfer_batch_size", raw.reinfer_batch_size, Whole(80));
    if rounds < 1.0 {
        report.warn(top("poll_frequency"), "less than a second between rounds keeps asking the server without need", "write 1 or more");
    }
    Pace {
        between_rounds: Duration::from_secs_f64(rounds),
        between_messages: Duration::from_secs_f64(messages),
        concurrent_writes: count(uploads),
        messages_per_folder: count(folder),
        batch: count(batch),
    }
}
