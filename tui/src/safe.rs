//! Strangers' text on a screen: nothing in it acts on the terminal, and it takes the columns that it was given.

use std::{borrow::Cow, fmt::Write};

use unicode_width::UnicodeWidthChar;

/// Marks that may stand on one character; more of them are drawn over the lines above and below.
const MARKS: usize = 3;

/// The text with all that moves the cursor, colours, turns the direction of reading or cannot be seen written as `\u{1b}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut marks = 0;
    for character in text.chars() {
        // Which of two pictures a sign has is the terminal's choice: they may differ in width.
        if matches!(character, '\u{fe00}'..='\u{fe0f}') {
            continue;
        }
        let width = character.width();
        marks = if width == Some(0) { marks + 1 } else { 0 };
        // A mark at the very beginning would sit on what is not part of the text.
        if unseen(character) || width.is_none() || marks > MARKS || (marks > 0 && out.is_empty()) {
            // Writing into a String does not fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(character));
        } else {
            out.push(character);
        }
    }
    out.into()
}

/// Controls, separators of lines, what steers bidirectional text (UAX 9), and what has no shape: joiners, fillers, tags.
fn unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// The columns that a text takes.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
}

/// Its beginning, in exactly so many columns.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let mut out = clip(text, columns);
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(width(&out))));
    out
}

/// Its beginning, in exactly so many columns, at their right edge.
pub(crate) fn right(text: &str, columns: usize) -> String {
    let text = clip(text, columns);
    " ".repeat(columns.saturating_sub(width(&text))) + &text
}

/// Its beginning, in at most so many columns.
pub(crate) fn clip(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (mut out, mut taken) = (String::new(), 0);
    for character in text.chars() {
        let width = character.width().unwrap_or(0);
        if taken + width + 1 > columns {
            break;
        }
        taken += width;
        out.push(character);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// Its end, in at most so many columns: of a path that is what tells.
pub(crate) fn tail(text: &str, columns: usize) -> String {
    let all = width(text);
    if all <= columns {
        return text.to_owned();
    }
    let mut over = (all + 1).saturating_sub(columns);
    let rest = text.trim_start_matches(|character: char| {
        let width = character.width().unwrap_or(0);
        let cut = over > 0 || width == 0;
        over = over.saturating_sub(width);
        cut
    });
    if columns > 0 { format!("…{rest}") } else { String::new() }
}

/// Lines of at most so many columns, broken at blanks where there are any.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = vec![String::new()];
    let mut taken = 0;
    for word in text.split_inclusive(' ') {
        if taken > 0 && taken + width(word.trim_end()) > columns {
            lines.push(String::new());
            taken = 0;
        }
        for character in word.chars() {
            let width = character.width().unwrap_or(0);
            if taken + width > columns {
                if character == ' ' {
                    continue;
                }
                lines.push(String::new());
                taken = 0;
            }
            taken += width;
            if let Some(line) = lines.last_mut() {
                line.push(character);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        assert_eq!(visible("Größe 日本 שלום 👍"), "Größe 日本 שלום 👍");
        assert_eq!(visible("a\u{1b}[2Jb\r\n\u{9b}"), "a\\u{1b}[2Jb\\u{d}\\u{a}\\u{9b}");
        assert_eq!(visible("exe.\u{202e}cod\u{200b}\u{e0041}"), "exe.\\u{202e}cod\\u{200b}\\u{e0041}");
        assert_eq!(visible("e\u{301}\u{fe0f}"), "e\u{301}");
        assert_eq!(visible(&format!("z{}", "\u{301}".repeat(5))), format!("z{}\\u{{301}}\\u{{301}}", "\u{301}".repeat(3)));
        assert_eq!(visible("\u{301}a"), "\\u{301}a");
    }

    #[test]
    fn wide_characters_take_two_columns_and_are_never_halved() {
        assert_eq!(width("日本"), 4);
        assert_eq!([clip("日本語", 5), clip("日本語", 4), clip("日本語", 6)], ["日本…", "日…", "日本語"]);
        assert_eq!([fit("日本語", 4), right("ab", 4), fit("ab", 0)], ["日… ", "  ab", ""]);
        assert_eq!([tail("Inbox/日本語", 7), tail("Inbox/日本語", 6), tail("ab", 2), tail("abc", 0)], ["…日本語", "…本語", "ab", ""]);
    }

    #[test]
    fn lines_are_broken_at_blanks() {
        assert_eq!(wrap("the server is busy", 10), ["the server", "is busy"]);
        assert_eq!(wrap("日本語のフォルダー", 6), ["日本語", "のフォ", "ルダー"]);
        assert_eq!(wrap("", 6), [""]);
    }
}
