//! What servers say, in a length that fits a log.

/// At most 500 characters on one line.
pub fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(500) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_long_ones_cut_between_characters() {
        assert_eq!(shorten(" a\r\n  b\t"), "a b");
        let long = shorten(&"ä".repeat(501));
        assert_eq!((long.chars().count(), long.chars().last()), (501, Some('…')));
    }
}
