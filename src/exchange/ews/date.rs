//! Times as servers write them (XML Schema part 2, dateTime), and as they should not.

use chrono::{DateTime, Duration, NaiveDate, Utc};

/// Reads a time: any number of fraction digits, with or without a zone (then UTC). None where it is no time, or one that cannot be held.
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let (negative, date) = date.strip_prefix('-').map_or((false, date), |date| (true, date));
    let mut parts = date.split('-');
    let (year, month, day) = (parts.next()?.parse::<i32>().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let date = NaiveDate::from_ymd_opt(if negative { -year } else { year }, month, day)?;
    let (clock, offset) = zone(time)?;
    let mut fields = clock.split(':');
    let (hour, minute, second) = (fields.next()?, fields.next()?, fields.next().unwrap_or("0"));
    let (second, fraction) = second.split_once('.').unwrap_or((second, ""));
    let digits: String = fraction.chars().take_while(char::is_ascii_digit).chain("000000000".chars()).take(9).collect();
    // A leap second is as good as the one before.
    let second = second.parse::<u32>().ok()?.min(59);
    let naive = date.and_hms_nano_opt(hour.parse().ok()?, minute.parse().ok()?, second, digits.parse().ok()?)?;
    naive.checked_sub_signed(Duration::minutes(offset)).map(|naive| naive.and_utc())
}

/// The clock part and the zone's minutes east of Greenwich.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else { return Some((time, 0)) };
    let (clock, zone) = time.split_at(at);
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let minutes = i64::from(hours.parse::<u8>().ok()?) * 60 + i64::from(minutes.parse::<u8>().ok()?);
    Some((clock, if zone.starts_with('-') { -minutes } else { minutes }))
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn shown(text: &str) -> String {
        parse(text).map_or("none".into(), |time| time.to_rfc3339())
    }

    #[test]
    fn reads_times_in_all_their_dress() {
        assert_eq!(shown("2026-01-01T04:00:00Z"), "2026-01-01T04:00:00+00:00");
        assert_eq!(shown("2026-11-21T03:53:28.871027500Z"), "2026-11-21T03:53:28.871027500+00:00");
        assert_eq!(shown("1829-11-23T10:50:53.18446744073290448384Z"), "1829-11-23T10:50:53.184467440+00:00");
        assert_eq!(shown("2026-06-01T12:00:00+02:00"), "2026-06-01T10:00:00+00:00");
        assert_eq!(shown("2026-06-01T12:00:00.5-01:30"), "2026-06-01T13:30:00.500+00:00");
        assert_eq!(shown(" 2026-06-01T12:00:00 "), "2026-06-01T12:00:00+00:00");
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "yesterday",
            "2026-13-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "999999-01-01T00:00:00Z",
            "2026-01-01T25:00:00Z",
            "2026-01-01",
        ] {
            assert_eq!(shown(text), "none", "{text}");
        }
        assert_eq!(shown("262142-12-31T23:59:59-23:59"), "none");
    }
}
