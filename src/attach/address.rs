//! Where an instance is, as people write it.

use std::{fmt, str::FromStr};

use url::{Host, Url};

/// The routes of an instance; whoever copied one from elsewhere means the instance.
const ROUTES: [&str; 7] = ["healthz", "readyz", "status", "events", "quarantine", "metrics", "actions"];

/// An instance's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Url);

impl FromStr for Address {
    type Err = String;

    /// `pod:8080`, `http://pod:8080`, `https://gate.example.com/exchange-sync/`, with or without a route at its end.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let expected = "it looks like localhost:8080 or https://gate.example.com/exchange-sync/";
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let mut url = Url::parse(&with_scheme).map_err(|error| format!("is no URL ({error}): {expected}"))?;
        if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none() {
            return Err(format!("is no address of a web server: {expected}"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("holds a login: {expected}; the token for actions belongs into EXCHANGE_SYNC_TOKEN"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(format!("holds more than an address: {expected}"));
        }
        let mut names: Vec<&str> = url.path().split('/').filter(|name| !name.is_empty()).collect();
        if names.last().is_some_and(|last| ROUTES.contains(last)) {
            names.pop();
        }
        let path = names.iter().map(|name| format!("{name}/")).collect::<String>();
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl Address {
    /// One of the instance's routes.
    pub fn route(&self, name: &str) -> Url {
        let mut url = self.0.clone();
        let path = format!("{}{name}", url.path());
        url.set_path(&path);
        url
    }

    /// Whether it is on this machine, where no proxy is asked: many are set up by people who mean the world outside.
    pub fn is_local(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

/// Without what goes without saying: `pod:8080`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.as_str();
        f.write_str(text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_understood_with_and_without_scheme_and_path() {
        for (text, shown, events) in [
            ("localhost:8080", "localhost:8080", "http://localhost:8080/events"),
            ("127.0.0.1:8080/", "127.0.0.1:8080", "http://127.0.0.1:8080/events"),
            ("[::1]:8080", "[::1]:8080", "http://[::1]:8080/events"),
            (" http://pod/status ", "pod", "http://pod/events"),
            ("pod.ns.svc:80/events", "pod.ns.svc", "http://pod.ns.svc/events"),
            ("https://gate.example.com/mail", "https://gate.example.com/mail", "https://gate.example.com/mail/events"),
            ("https://gate.example.com/mail/metrics/", "https://gate.example.com/mail", "https://gate.example.com/mail/events"),
            ("HTTP://Pod:1", "pod:1", "http://pod:1/events"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string().as_str(), address.route("events").as_str()), (shown, events), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, words) in [
            ("", "is no URL"),
            ("http://", "is no URL"),
            ("pod:port", "is no URL"),
            ("ftp://pod", "no address of a web server"),
            ("http://token@pod:8080", "EXCHANGE_SYNC_TOKEN"),
            ("pod:8080/status?folders=true", "more than an address"),
        ] {
            let refused = text.parse::<Address>().unwrap_err();
            assert!(refused.contains(words), "{text}: {refused}");
        }
    }

    #[test]
    fn this_machine_is_known() {
        for (text, local) in [("localhost:1", true), ("127.9.9.9:1", true), ("[::1]:1", true), ("pod:1", false), ("10.0.0.1", false)] {
            assert_eq!(text.parse::<Address>().unwrap().is_local(), local, "{text}");
        }
    }
}
