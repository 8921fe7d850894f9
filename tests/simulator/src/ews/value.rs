//! Values as they are written: times, change keys, extended properties.

use super::shape::Extended;
use super::xml::Xml;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Duration, TimeZone as _, Utc};

/// How fine times are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Precision {
    /// Whole seconds, Exchange's default.
    #[default]
    Seconds,
    /// Milliseconds, when the request's DateTimePrecision header asks for them.
    Milliseconds,
    /// Nine digits, the habit of a lenient server.
    Nanoseconds,
}

impl Precision {
    /// A time as `xs:dateTime` in UTC.
    pub fn time(self, time: DateTime<Utc>) -> String {
        let format = match self {
            Self::Seconds => "%Y-%m-%dT%H:%M:%SZ",
            Self::Milliseconds => "%Y-%m-%dT%H:%M:%S%.3fZ",
            Self::Nanoseconds if time.timestamp_nanos_opt().is_none() => return wrapped(time),
            Self::Nanoseconds => "%Y-%m-%dT%H:%M:%S%.9fZ",
        };
        time.format(format).to_string()
    }
}

/// A time beyond what 64 bits of nanoseconds since 1970 hold, as it comes out where nobody looked: another time, and as its fraction a
/// negative number read as a positive one.
fn wrapped(time: DateTime<Utc>) -> String {
    let nanoseconds = time.timestamp().wrapping_mul(1_000_000_000).wrapping_add(i64::from(time.timestamp_subsec_nanos()));
    let (seconds, fraction) = (nanoseconds / 1_000_000_000, nanoseconds % 1_000_000_000);
    let wrong = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    let fraction = u64::from_ne_bytes(fraction.to_ne_bytes());
    format!("{}.{fraction:09}Z", wrong.format("%Y-%m-%dT%H:%M:%S"))
}

/// A number of 100 ns since 1601 (FILETIME, MS-DTYP 2.3.3) as a time.
pub(super) fn filetime(ticks: u64) -> Option<DateTime<Utc>> {
    let epoch = Utc.with_ymd_and_hms(1601, 1, 1, 0, 0, 0).single()?;
    let micros = i64::try_from(ticks / 10).ok()?;
    let rest = i64::try_from(ticks % 10 * 100).ok()?;
    epoch.checked_add_signed(Duration::microseconds(micros))?.checked_add_signed(Duration::nanoseconds(rest))
}

/// The change key of the nth write, in the form Exchange gives them.
pub(super) fn change_key(change: u64, folder: bool) -> String {
    let mut bytes = vec![if folder { 1 } else { 9 }, 0, 0, 0, 0x16, 0, 0, 0];
    bytes.extend_from_slice(b"exchsimu\x00\x00\x00\x00");
    bytes.extend_from_slice(&change.to_be_bytes());
    bytes.extend_from_slice(&[0, 0]);
    STANDARD.encode(bytes)
}

/// A value of an extended property.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PropertyValue {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A truth value.
    Bool(bool),
    /// Bytes.
    Binary(Vec<u8>),
    /// A time.
    Time(DateTime<Utc>),
}

/// Writes an extended property if the value is of the type it was asked as; otherwise it counts as absent.
pub(super) fn write_extended(xml: &mut Xml, asked: &Extended, value: &PropertyValue, precision: Precision) {
    let text = match (value, asked.kind.as_str()) {
        (PropertyValue::Text(text), "String") => text.clone(),
        (PropertyValue::Number(number), "Integer" | "Long" | "Short") => number.to_string(),
        (PropertyValue::Bool(flag), "Boolean") => flag.to_string(),
        (PropertyValue::Binary(bytes), "Binary") => STANDARD.encode(bytes),
        (PropertyValue::Time(time), "SystemTime") => precision.time(*time),
        _ => return,
    };
    let attributes: Vec<(&str, &str)> = asked.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    xml.open("t:ExtendedProperty").empty("t:ExtendedFieldURI", &attributes).element("t:Value", &text).close("t:ExtendedProperty");
}

/// All rights: nobody sees a mailbox here who may not do everything in it.
pub(super) fn write_rights(xml: &mut Xml) {
    xml.open("t:EffectiveRights");
    for right in ["CreateAssociated", "CreateContents", "CreateHierarchy", "Delete", "Modify", "Read", "ViewPrivateItems"] {
        xml.value(&format!("t:{right}"), true);
    }
    xml.close("t:EffectiveRights");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_precision_asked_for() {
        let time = filetime(133_800_804_001_234_567).expect("a time of this century");
        assert_eq!(Precision::Seconds.time(time), "2024-12-31T01:00:00Z");
        assert_eq!(Precision::Milliseconds.time(time), "2024-12-31T01:00:00.123Z");
        assert_eq!(Precision::Nanoseconds.time(time), "2024-12-31T01:00:00.123456700Z");
    }

    #[test]
    fn a_far_date_wraps_round_with_twenty_digits() {
        let far = Utc.with_ymd_and_hms(2999, 1, 1, 0, 0, 0).single().expect("a valid time");
        let text = Precision::Nanoseconds.time(far);
        assert_eq!(text.split_once('.').map(|(_, fraction)| fraction.len()), Some(21), "{text}");
        assert!(text.starts_with("1829-"), "{text}");
        assert_eq!(Precision::Seconds.time(far), "2999-01-01T00:00:00Z");
    }

    #[test]
    fn change_keys_differ() {
        assert_ne!(change_key(1, false), change_key(2, false));
        assert_ne!(change_key(1, false), change_key(1, true));
    }
}
