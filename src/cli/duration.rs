//! A length of time as people write it.

use std::time::Duration;

/// In milliseconds, and `ms` before `s`, which it ends with.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("ms", 1), ("m", 60_000), ("s", 1000)];

/// Parses `24h`, `90m`, `30s`, `500ms`, `2d`, or `0`; case and a blank before the unit do not count.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    let lower = text.trim().to_ascii_lowercase();
    let unit = UNITS.iter().find_map(|(name, length)| Some((lower.strip_suffix(name)?, *length)));
    let digits = unit.map_or(lower.as_str(), |(digits, _)| digits.trim_end());
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) || (unit.is_none() && digits != "0") {
        return Err("write a whole number with d, h, m, s or ms, such as 24h or 90m; 0 for never".into());
    }
    let count: Option<u64> = digits.parse().ok();
    let length = count.and_then(|count| count.checked_mul(unit.map_or(1, |(_, length)| length)));
    // A hundred years are for ever, and keep all sums of times within their range.
    length.filter(|length| *length <= 36_525 * 86_400_000).map(Duration::from_millis).ok_or_else(|| "too long".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_the_clock() {
        for (text, seconds) in [("24h", 86_400), ("90m", 5400), ("30 S", 30), ("2d", 172_800), ("0", 0), ("0h", 0), (" 1H ", 3600)] {
            assert_eq!(length(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(length("200ms"), Ok(Duration::from_millis(200)));
    }

    #[test]
    fn others_are_refused() {
        for text in ["", "h", "24", "1.5h", "-1h", "1w", "never", "36526d", "99999999999999999999s"] {
            assert!(length(text).is_err(), "{text}");
        }
    }
}
