//! Redirects, which are judged but never followed: they would carry the login to another host.

use http::{HeaderMap, header::LOCATION};
use url::Url;

use super::{Kind, TransportError};

/// What a redirect from `endpoint` means. Of the target only the host is named: its query may hold a ticket.
pub fn judge(endpoint: &Url, status: u16, headers: &HeaderMap) -> TransportError {
    let location = headers.get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default();
    let target = endpoint.join(&location).ok();
    let host = target.as_ref().and_then(Url::host_str).unwrap_or("an unnamed place").to_owned();
    let path = target.as_ref().map(|url| url.path().to_lowercase()).unwrap_or_default();
    let here = target.as_ref().is_some_and(|target| target.host_str() == endpoint.host_str());
    let (passing, place, hint) = if path.ends_with("/genericerrorpage.htm") {
        (true, "Exchange's own error page".to_owned(), None)
    } else if path.contains("/internalsite/internalerror") {
        (false, "an error page of the gateway before Exchange".to_owned(), Some("the gateway (TMG, UAG) is misconfigured for EWS"))
    } else if here && path.starts_with(&endpoint.path().to_lowercase()) {
        (
            false,
            format!("{host}, over another scheme or port"),
            Some("set ews_endpoint to the URL it redirects to, most likely with https://"),
        )
    } else if here || path.contains("login") || path.contains("logon") || path.contains("adfs") || path.contains("oauth2") {
        (
            false,
            format!("a page for people on {host}"),
            Some("ews_endpoint must lead to EWS without a web login before it: .../EWS/Exchange.asmx"),
        )
    } else {
        (false, host, Some("if the mailboxes live there, set ews_endpoint to that host; the login is not sent there unasked"))
    };
    let error = TransportError::new(Kind::Redirect { passing }, format!("HTTP {status} redirects to {place}"));
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(location: &'static str) -> TransportError {
        let headers = HeaderMap::from_iter([(LOCATION, http::HeaderValue::from_static(location))]);
        judge(&Url::parse("http://mail.example.com/EWS/Exchange.asmx").unwrap(), 302, &headers)
    }

    #[test]
    fn exchanges_own_error_page_passes() {
        assert!(judged("/ews/genericerrorpage.htm?aspxerrorpath=/ews/exchange.asmx").passing());
    }

    #[test]
    fn other_places_are_named_without_their_query() {
        for (location, words) in [
            ("https://other.example.com/EWS/Exchange.asmx?ticket=hunter2", "redirects to other.example.com"),
            ("/owa/auth/logon.aspx?url=hunter2", "a page for people on mail.example.com"),
            ("https://mail.example.com/EWS/Exchange.asmx", "another scheme"),
            ("/internalsite/internalerror.asp?site=x", "gateway"),
            ("", ""),
        ] {
            let error = judged(location);
            assert!(!error.passing(), "{location}");
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
