//! Cookies, a jar for each anchor mailbox: `X-BackEndOverrideCookie`, `exchangecookie` and those of load balancers keep a mailbox on one server.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};

/// Bounds against a server that never stops setting cookies.
const COOKIES: usize = 24;
const COOKIE_BYTES: usize = 4096;
const JARS: usize = 4096;

type Jar = Vec<(String, String)>;

/// All jars. They hold for one endpoint and one identity, so domain, path and `Secure` say nothing; Exchange is known to send wrong domains.
#[derive(Default)]
pub struct Cookies(Mutex<HashMap<String, Jar>>);

impl Cookies {
    /// Keeps what an answer set.
    pub fn keep(&self, anchor: Option<&str>, headers: &HeaderMap) {
        if !headers.contains_key(SET_COOKIE) {
            return;
        }
        let mut jars = self.jars();
        let key = key(anchor);
        if jars.len() >= JARS && !jars.contains_key(&key) {
            // Losing affinity costs a detour, no more.
            jars.clear();
        }
        let jar = jars.entry(key).or_default();
        for value in headers.get_all(SET_COOKIE) {
            let Some((name, value, expired)) = value.to_str().ok().and_then(parse) else { continue };
            jar.retain(|(known, _)| *known != name);
            if !expired && jar.len() < COOKIES && name.len() + value.len() <= COOKIE_BYTES {
                jar.push((name, value));
            }
        }
    }

    /// The `Cookie` header for a request.
    pub fn header(&self, anchor: Option<&str>) -> Option<(http::HeaderName, HeaderValue)> {
        let jars = self.jars();
        let jar = jars.get(&key(anchor)).filter(|jar| !jar.is_empty())?;
        let text = jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some((COOKIE, value))
    }

    /// Empties a jar.
    pub fn forget(&self, anchor: Option<&str>) {
        self.jars().remove(&key(anchor));
    }

    fn jars(&self) -> MutexGuard<'_, HashMap<String, Jar>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(anchor: Option<&str>) -> String {
    anchor.unwrap_or_default().to_lowercase()
}

/// Name, value, and whether the cookie is to be removed (RFC 6265, section 5.2).
fn parse(text: &str) -> Option<(String, String, bool)> {
    let mut parts = text.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let expired = parts.any(|attribute| {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        match key.trim().to_ascii_lowercase().as_str() {
            "max-age" => value.trim().parse::<i64>().is_ok_and(|age| age <= 0),
            // Only the way to remove a cookie counts: a date long past.
            "expires" => crate::http::parse_date(&value.replace('-', " ")).is_some_and(|date| date < chrono::Utc::now()),
            _ => false,
        }
    });
    (!name.is_empty()).then(|| (name.to_owned(), value.to_owned(), expired))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (SET_COOKIE, HeaderValue::from_static(value))).collect()
    }

    fn sent(cookies: &Cookies, anchor: &str) -> Option<String> {
        cookies.header(Some(anchor)).map(|(_, value)| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn each_anchor_has_its_jar_and_case_does_not_count() {
        let cookies = Cookies::default();
        cookies.keep(Some("A@example.com"), &set(&["X-BackEndOverrideCookie=mbx1~1; path=/; secure; HttpOnly", "exchangecookie=x"]));
        assert_eq!(sent(&cookies, "a@example.com").unwrap(), "X-BackEndOverrideCookie=mbx1~1; exchangecookie=x");
        assert_eq!(sent(&cookies, "b@example.com"), None);
        cookies.forget(Some("a@Example.com"));
        assert_eq!(sent(&cookies, "a@example.com"), None);
    }

    #[test]
    fn cookies_are_replaced_removed_and_bounded() {
        let cookies = Cookies::default();
        cookies.keep(Some("a"), &set(&["c=1", "d=1", "e=1", "=", "nonsense"]));
        cookies.keep(
            Some("a"),
            &set(&["c=2; expires=Fri, 01-Jan-2999 00:00:00 GMT", "d=; Max-Age=0", "e=; expires=Thu, 01-Jan-1970 00:00:00 GMT"]),
        );
        assert_eq!(sent(&cookies, "a").unwrap(), "c=2");
        for n in 0..100 {
            cookies.keep(Some("a"), &HeaderMap::from_iter([(SET_COOKIE, HeaderValue::try_from(format!("n{n}=1")).unwrap())]));
        }
        assert_eq!(sent(&cookies, "a").unwrap().split("; ").count(), COOKIES);
    }
}
