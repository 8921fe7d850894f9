//! The Retry-After header (RFC 9110, section 10.2.3).

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use http::{HeaderMap, header::RETRY_AFTER};

use super::parse_date;

/// No shorter wait than this is believed: 0 and dates in the past are common and mean "I did not think about it".
const SHORTEST: Duration = Duration::from_secs(1);
/// No longer wait than this is obeyed at once: a wrong value must not silence a mailbox for a day. Whoever is still throttled then is told again.
const LONGEST: Duration = Duration::from_secs(15 * 60);

/// How long the server asks to wait, as seconds or as a date, clamped to 1 s to 15 minutes; `None` where it does not say or says junk.
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a u64 holds is a long wait, not junk.
        text.parse().map_or(LONGEST, Duration::from_secs)
    } else {
        (parse_date(text)? - DateTime::<Utc>::from(now)).to_std().unwrap_or_default()
    };
    Some(wait.clamp(SHORTEST, LONGEST))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(text: &str) -> Option<u64> {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_bytes(text.as_bytes()).unwrap())]);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        retry_after(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn seconds_are_clamped() {
        assert_eq!(read("120"), Some(120));
        assert_eq!(read(" 7 "), Some(7));
        assert_eq!(read("0"), Some(1));
        assert_eq!(read("86400"), Some(900));
        assert_eq!(read("99999999999999999999999999"), Some(900));
    }

    #[test]
    fn dates_count_from_now() {
        assert_eq!(read("Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
        assert_eq!(read("Sunday, 06-Nov-94 08:50:37 GMT"), Some(60));
        assert_eq!(read("Sun Nov  6 08:50:37 1994"), Some(60));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(1));
    }

    #[test]
    fn junk_counts_as_absent() {
        for text in ["", "-5", "1.5", "soon", "5 s", "\u{fc}"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), SystemTime::UNIX_EPOCH), None);
    }
}
