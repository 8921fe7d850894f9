//! Figures as people read them: counts, bytes, rates, lengths of time, times of day.

use chrono::{DateTime, Local, Utc};

use crate::status::Eta;

/// Whose time of day is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zone {
    /// That of the machine in front of which the person sits.
    #[default]
    Local,
    /// UTC.
    Utc,
}

impl Zone {
    /// The time, by a pattern of chrono's.
    pub(crate) fn format(self, at: DateTime<Utc>, pattern: &str) -> String {
        match self {
            Self::Local => at.with_timezone(&Local).format(pattern).to_string(),
            Self::Utc => at.format(pattern).to_string(),
        }
    }

    /// A time of day, and the day where it is not today's.
    pub(crate) fn wall(self, at: DateTime<Utc>, now: DateTime<Utc>) -> String {
        let day = |time| self.format(time, "%F");
        match (at - now).num_days().abs() {
            _ if day(at) == day(now) => self.format(at, "%H:%M"),
            0..6 => self.format(at, "%a %H:%M"),
            _ => self.format(at, "%-d %b %H:%M"),
        }
    }

    /// From when to when, with the day named once.
    pub(crate) fn range(self, eta: Eta, now: DateTime<Utc>) -> String {
        let (from, to) = (self.wall(eta.earliest, now), self.wall(eta.latest, now));
        if from == to {
            return from;
        }
        match (from.rsplit_once(' '), to.rsplit_once(' ')) {
            (Some((day, _)), Some((other, time))) if day == other => format!("{from}–{time}"),
            _ => format!("{from}–{to}"),
        }
    }
}

/// All digits, in groups of three.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// At most five columns: `98765`, `123k`, `1.2M`.
pub(crate) fn brief(n: u64) -> String {
    match n {
        0..100_000 => n.to_string(),
        _ => scaled(n as f64, &["", "k", "M", "G", "T"]),
    }
}

/// `812 B`, `18.2 GB`.
pub fn bytes(n: u64) -> String {
    scaled(n as f64, &[" B", " kB", " MB", " GB", " TB", " PB"])
}

/// Bytes per second.
pub(crate) fn speed(n: f64) -> String {
    format!("{}/s", scaled(n, &[" B", " kB", " MB", " GB", " TB", " PB"]))
}

/// Messages per second.
pub(crate) fn rate(n: f64) -> String {
    match n {
        n if n <= 0.0 => "0/s".into(),
        // One unit whatever the figure, so that a column can be compared.
        n if n < 0.01 => "<0.01/s".into(),
        n if n < 0.095 => format!("{n:.2}/s"),
        n if n < 9.95 => format!("{n:.1}/s"),
        n => format!("{}/s", scaled(n, &["", "k", "M", "G"])),
    }
}

/// Three digits and a unit; a thousand of one are one of the next.
fn scaled(n: f64, units: &[&str]) -> String {
    let (mut n, mut unit) = (n.max(0.0), 0);
    while n >= 999.5 && unit + 1 < units.len() {
        n /= 1000.0;
        unit += 1;
    }
    match unit > 0 && n < 99.95 {
        true => format!("{n:.1}{}", units[unit]),
        false => format!("{n:.0}{}", units[unit]),
    }
}

/// Of a hundred, and never 100 before all is there.
pub(crate) fn percent(done: u64, all: u64) -> Option<u64> {
    (all > 0).then(|| if done >= all { 100 } else { (done as f64 / all as f64 * 100.0).min(99.0) as u64 })
}

/// As a clock counts: `0:42`, `1:12:09`, `2d 01:12:09`.
pub(crate) fn clock(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes, seconds) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes}:{seconds:02}"),
        (0, _) => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("{days}d {hours:02}:{minutes:02}:{seconds:02}"),
    }
}

/// In its largest unit: `42 s`, `4 min`, `3 h`, `12 d`.
pub(crate) fn length(seconds: i64) -> String {
    match seconds.max(0) {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// Seconds until a time; those begun count.
pub(crate) fn until(at: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    ((at - now).num_milliseconds().max(0) + 999) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_or_short() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 99_999, 100_000, 999_600, 12_345_678].map(brief), ["0", "99999", "100k", "1.0M", "12.3M"]);
    }

    #[test]
    fn amounts_have_three_digits() {
        assert_eq!([0, 812, 1000, 18_240_000_000, 999_999].map(bytes), ["0 B", "812 B", "1.0 kB", "18.2 GB", "1.0 MB"]);
        assert_eq!(
            [0.0, 0.001, 0.04, 3.44, 9.97, 212.4, 12_345.0].map(rate),
            ["0/s", "<0.01/s", "0.04/s", "3.4/s", "10/s", "212/s", "12.3k/s"]
        );
    }

    #[test]
    fn all_is_a_hundred_and_less_is_not() {
        assert_eq!([percent(0, 0), percent(999, 1000), percent(1000, 1000), percent(5, 4)], [None, Some(99), Some(100), Some(100)]);
    }

    #[test]
    fn times_are_short() {
        assert_eq!([-5, 42, 252, 4329, 177_129].map(clock), ["0:00", "0:42", "4:12", "1:12:09", "2d 01:12:09"]);
        assert_eq!([5, 119, 125, 7300, 200_000].map(length), ["5 s", "119 s", "2 min", "2 h", "2 d"]);
    }

    #[test]
    fn a_day_is_named_where_it_is_not_today() {
        let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let now = time("2026-03-02T15:00:00Z");
        let eta = |earliest, latest| Zone::Utc.range(Eta { earliest: time(earliest), latest: time(latest) }, now);
        assert_eq!(eta("2026-03-02T18:25:00Z", "2026-03-02T19:10:00Z"), "18:25–19:10");
        assert_eq!(eta("2026-03-02T23:25:00Z", "2026-03-03T01:10:00Z"), "23:25–Tue 01:10");
        assert_eq!(eta("2026-03-03T01:10:00Z", "2026-03-03T04:10:00Z"), "Tue 01:10–04:10");
        assert_eq!(eta("2026-04-01T01:10:00Z", "2026-04-01T01:10:20Z"), "1 Apr 01:10");
    }
}
