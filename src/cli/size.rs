//! An amount of memory as people write it.

const UNITS: [(&str, u64); 4] = [("gib", 1 << 30), ("mib", 1 << 20), ("kib", 1 << 10), ("b", 1)];

/// Parses `64MiB`, `1GiB`, `512KiB` or a plain number of bytes; case and a blank before the unit do not count.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let (digits, unit) = UNITS.iter().find_map(|(name, factor)| Some((lower.strip_suffix(name)?, *factor))).unwrap_or((lower.as_str(), 1));
    let digits = digits.trim_end();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("write a whole number of bytes, or one with KiB, MiB or GiB, such as 64MiB".into());
    }
    let count: Option<u64> = digits.parse().ok();
    count.and_then(|count| count.checked_mul(unit)).ok_or_else(|| "too large".into())
}

/// The least budget that holds some messages at once.
pub(super) const LEAST: u64 = 16 << 20;

/// The same, for a budget that must hold some messages at once.
pub(super) fn memory_budget(text: &str) -> Result<u64, String> {
    match bytes(text)? {
        size if size < LEAST => Err("at least 16MiB are needed".into()),
        size => Ok(size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_binary() {
        let cases =
            [("64MiB", 67_108_864), ("1GiB", 1 << 30), ("67108864", 67_108_864), ("20000 kib", 20_480_000), ("16777216B", 16_777_216)];
        for (text, expected) in cases {
            assert_eq!(memory_budget(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn others_are_refused() {
        for text in ["", "MiB", "64MB", "64M", "-1", "1.5GiB", "0x10", "16777215", "15MiB", "99999999999GiB", "18446744073709551616"] {
            assert!(memory_budget(text).is_err(), "{text}");
        }
    }
}
