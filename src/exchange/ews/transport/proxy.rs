//! The HTTP proxy between us and the endpoint, if there is one.

use std::net::IpAddr;

use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use url::Url;

use super::{Kind, SetupError, TransportError, io::Io};
use crate::{auth::Secret, http::USER_AGENT};

/// A proxy answer's head is not longer.
const HEAD: usize = 16 * 1024;

/// A proxy that makes tunnels by CONNECT (RFC 9110, section 9.3.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    pub host: String,
    pub port: u16,
    /// `Proxy-Authorization`, from the user and password in the proxy's URL.
    authorization: Option<Secret>,
}

/// The proxy the environment names for an endpoint: `HTTPS_PROXY`, else `ALL_PROXY` (either case), unless `NO_PROXY` exempts the host. An endpoint with
/// `http://` is in the house and reached directly. `variable` reads the environment.
pub fn proxy_for(endpoint: &Url, variable: impl Fn(&str) -> Option<String>) -> Result<Option<Proxy>, SetupError> {
    let read =
        |name: &str| [name.to_lowercase(), name.to_owned()].iter().find_map(|name| variable(name)).filter(|value| !value.trim().is_empty());
    if endpoint.scheme() != "https" || read("NO_PROXY").is_some_and(|list| exempt(&list, endpoint)) {
        return Ok(None);
    }
    let (setting, text) = match (read("HTTPS_PROXY"), read("ALL_PROXY")) {
        (Some(text), _) => ("HTTPS_PROXY", text),
        (None, Some(text)) => ("ALL_PROXY", text),
        (None, None) => return Ok(None),
    };
    // The text may hold a password, so no message quotes it.
    let wrong = |cause: &str| SetupError::new(setting, cause);
    let text = text.trim();
    let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    let url = url.map_err(|_| wrong("it is not a URL such as http://proxy.example.com:3128"))?;
    if url.scheme() != "http" {
        return Err(wrong("only proxies with http:// are supported for EWS"));
    }
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it names no host"))?;
    let authorization = (!url.username().is_empty() || url.password().is_some()).then(|| {
        let pair = [decode(url.username()), b":".to_vec(), decode(url.password().unwrap_or_default())].concat();
        Secret::new(BASE64_STANDARD.encode(pair))
    });
    Ok(Some(Proxy { host: bare(host), port: url.port_or_known_default().unwrap_or(80), authorization }))
}

/// A host without the brackets of an IPv6 address.
pub fn bare(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

/// Undoes percent-encoding; what is not valid stays.
fn decode(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, tail)) = rest.split_first() {
        let pair = (first == b'%').then(|| tail.get(..2)).flatten().and_then(|digits| hex::decode(digits).ok());
        match pair.as_deref() {
            Some([byte]) => {
                bytes.push(*byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    bytes
}

/// Whether `NO_PROXY` names the endpoint: `*`, a host, a domain with all below it, an address, or a network such as `10.0.0.0/8`; each with or without a
/// port.
fn exempt(list: &str, endpoint: &Url) -> bool {
    let host = bare(endpoint.host_str().unwrap_or_default()).to_lowercase();
    let port = endpoint.port_or_known_default();
    list.split([',', ' ']).map(|entry| entry.trim().to_lowercase()).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let (Ok(address), Some((network, bits))) = (host.parse::<IpAddr>(), entry.split_once('/')) {
            return within(address, network, bits);
        }
        let (name, wanted) = match entry.rsplit_once(':') {
            Some((name, digits)) if !name.contains(':') || name.ends_with(']') => (name.to_owned(), digits.parse::<u16>().ok()),
            _ => (entry, None),
        };
        let name = bare(name.trim_start_matches("*.").trim_start_matches('.'));
        let under = host.strip_suffix(&name).is_some_and(|front| front.is_empty() || front.ends_with('.'));
        !name.is_empty() && under && (wanted.is_none() || wanted == port)
    })
}

fn within(address: IpAddr, network: &str, bits: &str) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    };
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let ((ours, width), (theirs, other)) = (number(address), number(network));
    width == other && bits <= width && (bits == 0 || (ours ^ theirs) >> (128 - bits) == 0)
}

impl Proxy {
    /// Where it is.
    pub fn name(&self) -> String {
        format!("proxy {}:{}", self.host, self.port)
    }

    /// Asks for a tunnel to `host:port` over an open stream.
    pub async fn tunnel(&self, stream: &mut Io, host: &str, port: u16) -> Result<(), TransportError> {
        let target = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: {USER_AGENT}\r\n");
        if let Some(pair) = &self.authorization {
            request.push_str(&format!("Proxy-Authorization: Basic {}\r\n", pair.reveal()));
        }
        request.push_str("\r\n");
        let broke = |error: std::io::Error| self.failed(format!("it broke the connection: {error}"), false);
        stream.write_all(request.as_bytes()).await.map_err(broke)?;
        stream.flush().await.map_err(broke)?;
        let mut head = Vec::new();
        // Byte by byte: what follows the head belongs to TLS.
        while !head.ends_with(b"\r\n\r\n") {
            if head.len() == HEAD {
                return Err(self.failed("its answer is not HTTP".to_owned(), false));
            }
            head.push(stream.read_u8().await.map_err(broke)?);
        }
        self.judge(&String::from_utf8_lossy(&head), &target)
    }

    fn judge(&self, head: &str, target: &str) -> Result<(), TransportError> {
        let line = head.lines().next().unwrap_or_default();
        let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).and_then(|code| code.parse::<u16>().ok());
        match status {
            Some(200..=299) => Ok(()),
            Some(407) => {
                let error = self.failed(format!("it wants a login before it connects to {target} (407)"), true);
                Err(error.hint("put user and password into the proxy's URL: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"))
            }
            Some(status @ 400..=499) => {
                let error = self.failed(format!("it refuses to connect to {target} ({status})"), true);
                Err(error.hint("allow the host on the proxy, or exempt it by NO_PROXY"))
            }
            Some(status) => Err(self.failed(format!("it cannot connect to {target} ({status})"), false)),
            None => Err(self.failed("its answer is not HTTP".to_owned(), false)),
        }
    }

    fn failed(&self, cause: String, fatal: bool) -> TransportError {
        TransportError::new(Kind::Proxy { fatal }, format!("no connection through {}: {cause}", self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(endpoint: &str, variables: &[(&str, &str)]) -> Result<Option<Proxy>, SetupError> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        proxy_for(&Url::parse(endpoint).unwrap(), find)
    }

    #[test]
    fn the_environment_names_the_proxy() {
        let proxy = of("https://mail.example.com/", &[("HTTPS_PROXY", "http://user:p%40ss@proxy.example.com:3128")]).unwrap().unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.example.com", 3128));
        assert_eq!(proxy.authorization, Some(Secret::new(BASE64_STANDARD.encode("user:p@ss"))));
        assert_eq!(of("https://mail.example.com/", &[("all_proxy", "proxy:8080")]).unwrap().unwrap().port, 8080);
        assert_eq!(of("http://mail.example.com/", &[("ALL_PROXY", "proxy:8080")]).unwrap(), None);
        assert_eq!(of("https://mail.example.com/", &[("HTTPS_PROXY", " ")]).unwrap(), None);
    }

    #[test]
    fn a_wrong_proxy_is_a_fault_that_quotes_no_password() {
        for text in ["socks5://user:hunter2@proxy", "http://user:hunter2@:80:80"] {
            let error = of("https://mail.example.com/", &[("HTTPS_PROXY", text)]).unwrap_err();
            assert_eq!(error.setting, "HTTPS_PROXY");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn no_proxy_exempts_hosts_domains_and_networks() {
        let url = |text: &str| Url::parse(text).unwrap();
        let mail = url("https://mail.example.com/");
        for list in ["*", "mail.example.com", "example.com", ".example.com", "*.example.com", "x, EXAMPLE.com:443"] {
            assert!(exempt(list, &mail), "{list}");
        }
        for list in ["", "ample.com", "example.com:8443", "other.example.com", "10.0.0.0/8"] {
            assert!(!exempt(list, &mail), "{list}");
        }
        assert!(exempt("10.0.0.0/8", &url("https://10.1.2.3/")));
        assert!(!exempt("10.0.0.0/8", &url("https://11.1.2.3/")));
        assert!(exempt("0.0.0.0/0", &url("https://11.1.2.3/")));
        assert!(exempt("fd00::/8", &url("https://[fd12::1]/")));
        assert!(exempt("::1", &url("https://[::1]/")));
    }

    #[test]
    fn answers_are_judged() {
        let proxy = Proxy { host: "proxy".into(), port: 1, authorization: None };
        let kind = |head: &str| proxy.judge(head, "mail.example.com:443").map_err(|error| error.kind);
        assert_eq!(kind("HTTP/1.1 200 Connection established\r\n"), Ok(()));
        assert_eq!(kind("HTTP/1.0 200\r\n"), Ok(()));
        assert_eq!(kind("HTTP/1.1 407 No\r\n"), Err(Kind::Proxy { fatal: true }));
        assert_eq!(kind("HTTP/1.1 503 Busy\r\n"), Err(Kind::Proxy { fatal: false }));
        assert_eq!(kind("SSH-2.0-x\r\n"), Err(Kind::Proxy { fatal: false }));
    }
}
