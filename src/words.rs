//! How failures are told: what was attempted on what, the cause once, then what helps.

use std::{borrow::Cow, fmt, fmt::Write};

pub use exchange_sync_tui::mask::shown;

/// Writes `ATTEMPT failed: CODE: CAUSE (HINT)`. Some causes begin with their code already.
pub(crate) fn failed(f: &mut fmt::Formatter<'_>, attempt: &str, code: Option<&str>, cause: &str, hint: Option<&str>) -> fmt::Result {
    write!(f, "{} failed: ", visible(attempt))?;
    if let Some(code) = code.filter(|code| !cause.starts_with(code)) {
        write!(f, "{code}: ")?;
    }
    f.write_str(&visible(cause))?;
    match hint {
        Some(hint) => write!(f, " ({hint})"),
        None => Ok(()),
    }
}

/// Text of a stranger's for a terminal or a log: what moves the cursor, colours, or turns the direction of reading is written as `\u{1b}`.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(unseen) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if unseen(character) {
            // Writing into a String does not fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out.into()
}

/// Controls (C0, DEL, C1), separators of lines and paragraphs, and the marks, embeddings, overrides and isolates of bidirectional text (UAX 9).
fn unseen(character: char) -> bool {
    character.is_control() || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_shown() {
        assert!(matches!(visible("Größe 日本 שלום 👍"), Cow::Borrowed("Größe 日本 שלום 👍")));
        assert_eq!(visible("a\u{1b}[2Jb\r\n\u{7}"), "a\\u{1b}[2Jb\\u{d}\\u{a}\\u{7}");
        assert_eq!(visible("\u{9b}31m\u{7f}"), "\\u{9b}31m\\u{7f}");
        assert_eq!(visible("exe.\u{202e}cod\u{2066}\u{200f}\u{2028}"), "exe.\\u{202e}cod\\u{2066}\\u{200f}\\u{2028}");
    }

    #[test]
    fn a_failure_tells_no_control_characters() {
        struct Failed;
        impl fmt::Display for Failed {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                failed(f, "listing In\u{1b}box", Some("E"), "no\u{9b}", None)
            }
        }
        assert_eq!(Failed.to_string(), "listing In\\u{1b}box failed: E: no\\u{9b}");
    }
}
