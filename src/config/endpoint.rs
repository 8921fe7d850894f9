//! The URL of Exchange Web Services, from a full URL or from a host and a port.

use url::Url;

/// What is wrong with it: the problem, and what to do.
pub(super) type Wrong = (String, String);

const HOW: &str = "write a name such as mail.example.com, or https://mail.example.com";

/// The service's URL at `host`, which may carry a scheme, a port and a path: `HOST:PORT/EWS/Exchange.asmx`.
///
/// `port` is what was configured; without it the host's own port counts, and without that 80. Port 443 means https unless the host says http.
pub(super) fn from_host(host: &str, port: Option<u16>) -> Result<Url, Wrong> {
    let written = quoted(host);
    let wrong = |problem: &str| (format!("{written} {problem}"), HOW.to_owned());
    let host = host.trim();
    let (scheme, rest) = match host.split_once("://") {
        Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
        None => (None, host),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(("holds a user or a password (not shown)".into(), "use auth_user, and REINFER_EWS_AUTH_PASS for the password".into()));
    }
    let after_name = authority.rsplit_once(']').map_or(authority, |(_, after)| after);
    let own = match after_name.rsplit_once(':') {
        Some((_, digits)) => {
            Some(digits.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(|| wrong("has no valid port after the colon"))?)
        }
        None => None,
    };
    let port = match (own, port) {
        (Some(own), Some(port)) if own != port => {
            return Err((format!("{written} says port {own}, but port is {port}"), "remove one of them".into()));
        }
        (own, port) => port.or(own).unwrap_or(80),
    };
    let scheme = match scheme.as_deref() {
        Some("http") => "http",
        Some("https") => "https",
        Some(_) => return Err(wrong("has a scheme other than http and https")),
        None if port == 443 => "https",
        None => "http",
    };
    let mut url = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| wrong("is not a host"))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has a ? or a #"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    let lower = path.to_ascii_lowercase();
    url.set_path(&match () {
        () if lower.ends_with(".asmx") => path,
        () if lower.ends_with("/ews") => format!("{path}/Exchange.asmx"),
        () => format!("{path}/EWS/Exchange.asmx"),
    });
    url.set_port(Some(port)).map_err(|()| wrong("is not a host"))?;
    Ok(url)
}

/// A full URL of the service.
pub(super) fn from_url(text: &str) -> Result<Url, Wrong> {
    let how = "write a full URL such as https://mail.example.com/EWS/Exchange.asmx".to_owned();
    // Before anything else, because nothing of such a URL may be shown.
    if text.split_once("://").is_some_and(|(_, rest)| rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))) {
        return Err(("holds a user or a password (not shown)".into(), "use auth_user, and REINFER_EWS_AUTH_PASS for the password".into()));
    }
    let url = Url::parse(text.trim()).map_err(|error| (format!("{} is not a URL ({error})", quoted(text)), how.clone()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err((format!("{} is not an http or https URL", quoted(text)), how));
    }
    if url.fragment().is_some() {
        return Err((format!("{} has a #", quoted(text)), how));
    }
    Ok(url)
}

/// A text as JSON writes it.
pub(super) fn quoted(text: &str) -> String {
    super::json::shown(&text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_make_the_url() {
        let cases = [
            ("https://exchange-server.example.com", Some(443), "https://exchange-server.example.com/EWS/Exchange.asmx"),
            ("mail.example.com", None, "http://mail.example.com/EWS/Exchange.asmx"),
            ("mail.example.com", Some(443), "https://mail.example.com/EWS/Exchange.asmx"),
            ("mail.example.com", Some(8080), "http://mail.example.com:8080/EWS/Exchange.asmx"),
            ("mail.example.com:8080", None, "http://mail.example.com:8080/EWS/Exchange.asmx"),
            ("mail.example.com:443", None, "https://mail.example.com/EWS/Exchange.asmx"),
            ("https://mail.example.com:443", None, "https://mail.example.com/EWS/Exchange.asmx"),
            ("https://mail.example.com", None, "https://mail.example.com:80/EWS/Exchange.asmx"),
            ("http://mail.example.com", Some(443), "http://mail.example.com:443/EWS/Exchange.asmx"),
            ("https://mail.example.com/proxy/", Some(443), "https://mail.example.com/proxy/EWS/Exchange.asmx"),
            ("https://mail.example.com/ews/", Some(443), "https://mail.example.com/ews/Exchange.asmx"),
            ("HTTPS://mail.example.com/EWS/Exchange.asmx", Some(8443), "https://mail.example.com:8443/EWS/Exchange.asmx"),
            ("[::1]:8080", None, "http://[::1]:8080/EWS/Exchange.asmx"),
            (" 127.0.0.1 ", Some(80), "http://127.0.0.1/EWS/Exchange.asmx"),
        ];
        for (host, port, url) in cases {
            assert_eq!(from_host(host, port).map(String::from), Ok(url.to_owned()), "{host} {port:?}");
        }
    }

    #[test]
    fn hosts_that_are_none_are_refused() {
        for host in
            ["", "ftp://mail.example.com", "mail.example.com:0", "mail:x", "::1", "a b", "mail?x", "user:pass@mail", "https://", "mail#"]
        {
            assert!(from_host(host, None).is_err(), "{host:?}");
        }
        assert!(from_host("mail.example.com:8080", Some(443)).is_err());
    }

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        for wrong in [from_host("https://u:hunter2@mail", None), from_url("https://u:hunter2@mail/"), from_url("https://u:hunter2@ma il/")]
        {
            assert!(!format!("{wrong:?}").contains("hunter2"), "{wrong:?}");
            assert!(wrong.is_err());
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,40}", port in proptest::option::of(1_u16..)) {
            let _ = from_host(&text, port);
            let _ = from_url(&text);
        }
    }
}
