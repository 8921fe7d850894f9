//! Random identifiers.

/// A fresh version 4 UUID (RFC 9562, section 5.4) in lower case. Zeros stand for randomness the system did not give: the ids name requests in logs,
/// and guard nothing.
pub fn guid() -> String {
    let mut bytes = [0u8; 16];
    let _ = getrandom::fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

#[cfg(test)]
mod tests {
    #[test]
    fn version_and_variant_are_marked_and_no_two_are_equal() {
        let guid = super::guid();
        assert_eq!(guid.len(), 36);
        assert_eq!(&guid[14..15], "4");
        assert!("89ab".contains(&guid[19..20]));
        assert_ne!(guid, super::guid());
    }
}
