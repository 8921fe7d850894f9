//! HTTP dates.

use chrono::{DateTime, NaiveDateTime, Utc};

/// Reads a date in any of the three forms of RFC 9110, section 5.6.7. The weekday is not checked: it is redundant, and some servers get it wrong.
pub fn parse_date(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let naive = if let Some((_weekday, rest)) = text.split_once(',') {
        let rest = rest.trim();
        let forms = ["%d %b %Y %H:%M:%S GMT", "%d-%b-%y %H:%M:%S GMT"];
        forms.iter().find_map(|form| NaiveDateTime::parse_from_str(rest, form).ok())?
    } else {
        let (_weekday, rest) = text.split_once(' ')?;
        NaiveDateTime::parse_from_str(rest.trim(), "%b %e %H:%M:%S %Y").ok()?
    };
    Some(naive.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_forms_name_the_same_instant() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(parse_date(text).map(|date| date.timestamp()), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn a_wrong_weekday_is_forgiven_and_junk_is_not() {
        assert!(parse_date("Mon, 06 Nov 1994 08:49:37 GMT").is_some());
        for text in ["", "soon", ",", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "Sun"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }
}
