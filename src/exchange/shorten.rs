//! What servers say, in a length that fits a log.

use crate::words::visible;

/// At most 500 characters on one line, none of which a terminal would act on.
pub fn shorten(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = visible(&line).into_owned();
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
        assert_eq!(shorten("\u{1b}[1m"), "\\u{1b}[1m");
        let long = shorten(&"ä".repeat(501));
        assert_eq!((long.chars().count(), long.chars().last()), (501, Some('…')));
    }
}
