//! Where Microsoft Graph is: each national cloud has its own (Microsoft Graph "National cloud deployments").

use url::Url;

use super::{Fault, endpoint, layer::Layers, raw::RawConfig, raw::top, report::Report};

/// One of Microsoft's clouds.
#[derive(Debug, PartialEq, Eq)]
struct Cloud {
    /// The root of Graph there.
    root: &'static str,
    /// Where applications log in.
    logins: &'static [&'static str],
    /// Whether Graph tells changes of mail and mail folders there.
    delta: bool,
}

/// The first cloud with a login is the one taken for it: GCC High and DoD share theirs.
const CLOUDS: [Cloud; 4] = [
    Cloud {
        root: "https://graph.microsoft.com",
        logins: &["login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net"],
        delta: true,
    },
    Cloud { root: "https://graph.microsoft.us", logins: &["login.microsoftonline.us"], delta: true },
    Cloud { root: "https://dod-graph.microsoft.us", logins: &["login.microsoftonline.us"], delta: true },
    Cloud {
        root: "https://microsoftgraph.chinacloudapi.cn",
        logins: &["login.chinacloudapi.cn", "login.partner.microsoftonline.cn"],
        delta: false,
    },
];

/// How Microsoft Graph is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph {
    /// The root of version 1.0, without a slash at its end, such as `https://graph.microsoft.com/v1.0`.
    pub endpoint: Url,
    /// What a token is asked for.
    pub scope: String,
    /// Whether changes of mail and mail folders can be asked for; in the cloud of China they cannot.
    pub delta: bool,
}

fn by_login(authority: &Url) -> Option<&'static Cloud> {
    let host = authority.host_str()?;
    CLOUDS.iter().find(|cloud| cloud.logins.iter().any(|login| login.eq_ignore_ascii_case(host)))
}

fn by_root(endpoint: &Url) -> Option<&'static Cloud> {
    let origin = endpoint.origin().ascii_serialization();
    CLOUDS.iter().find(|cloud| cloud.root == origin)
}

/// Decides by what is configured: the endpoint where it is written, else the cloud that the authority belongs to.
pub(super) fn graph(raw: &RawConfig, authority: Option<&Url>, layers: &Layers<'_>, report: &Report) -> Option<Graph> {
    let by_login = authority.and_then(by_login);
    let written = layers.value("graph_endpoint", raw.graph_endpoint.clone(), None);
    let Some(written) = written else {
        let cloud = by_login.unwrap_or(&CLOUDS[0]);
        if let (None, Some(host)) = (by_login, authority.and_then(Url::host_str)) {
            report.warn(
                top("graph_endpoint"),
                format!("missing, and {host} is no login of a cloud known here, so {} is assumed", cloud.root),
                "write graph_endpoint, or correct auth_oauth_authority",
            );
        }
        layers.record("graph_endpoint", format!("{}/v1.0", cloud.root).into(), super::Origin::Default);
        return from_root(cloud.root, cloud);
    };
    let how = "remove it, and the root of the tenant's cloud is used";
    let mut url = match endpoint::from_url(&written.value) {
        Ok(url) => url,
        Err((problem, _)) => {
            report.fault(written.at, problem, how);
            return None;
        }
    };
    let path = url.path().trim_end_matches('/').to_owned();
    let cloud = by_root(&url);
    let root = path.is_empty() || path.eq_ignore_ascii_case("/v1.0");
    let wrong = match () {
        () if url.query().is_some() => Some("has a ?"),
        () if path.to_ascii_lowercase().ends_with("/beta") => Some("is the beta version, which Microsoft may change at any time"),
        () if cloud.is_some() && !root => Some("goes on after the root"),
        () => None,
    };
    if let Some(wrong) = wrong {
        report.fault(written.at, format!("{} {wrong}", endpoint::quoted(&written.value)), how);
        return None;
    }
    if url.scheme() == "http" {
        report.warn(written.at.as_str(), format!("{url}: the access token and mail travel readable over http"), "use https");
    }
    if let (Some(cloud), Some(login), Some(authority)) = (cloud, by_login, authority)
        && !cloud.logins.iter().any(|host| login.logins.contains(host))
    {
        report.warn(
            written.at,
            format!("{} does not take tokens of {}", cloud.root, authority.host_str().unwrap_or_default()),
            format!("remove it, and {} is used; or correct auth_oauth_authority, if the tenant is in the other cloud", login.root),
        );
    }
    let v1 = path.to_ascii_lowercase().ends_with("/v1.0");
    url.set_path(&if v1 { path } else { format!("{path}/v1.0") });
    // A host of nobody's cloud passes requests on to Graph, or plays it.
    let cloud = cloud.or(by_login).unwrap_or(&CLOUDS[0]);
    Some(Graph { endpoint: url, scope: scope(cloud), delta: cloud.delta })
}

fn from_root(root: &str, cloud: &Cloud) -> Option<Graph> {
    Some(Graph { endpoint: Url::parse(&format!("{root}/v1.0")).ok()?, scope: scope(cloud), delta: cloud.delta })
}

fn scope(cloud: &Cloud) -> String {
    format!("{}/.default", cloud.root)
}

/// Warns of keys that mean nothing to Graph.
pub(super) fn unused(raw: &RawConfig, report: &Report) {
    let unused = [
        ("ews_endpoint", raw.ews_endpoint.is_some()),
        ("host", raw.host.is_some()),
        ("port", raw.port.is_some()),
        ("access_type", raw.access_type.is_some()),
        ("ews_ssl_verify", raw.ews_ssl_verify.is_some()),
        ("ews_ssl_ciphers", raw.ews_ssl_ciphers.is_some()),
    ];
    for (key, _) in unused.iter().filter(|(_, set)| *set) {
        report.warn(top(key), "not used with Microsoft Graph", "remove it");
    }
}

/// A mailbox's online archive, which Graph does not show.
pub(super) fn no_archive(mailboxes: &[super::MailboxSettings]) -> Option<Fault> {
    let wanted: Vec<&str> = mailboxes.iter().filter(|one| one.mailbox.archive).map(|one| one.mailbox.address.as_str()).collect();
    let first = *wanted.first()?;
    let others = match wanted.len() {
        1 => String::new(),
        more => format!(" and {} more", more - 1),
    };
    let fault = Fault::new(
        format!("$.mailboxes[\"{first}\"].archive"),
        format!("Microsoft Graph does not show online archives (version 1.0), so that of {first}{others} cannot be copied"),
    );
    Some(fault.remedy("remove archive, or read this mailbox by EWS"))
}
