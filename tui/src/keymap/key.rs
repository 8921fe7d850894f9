//! A key and how it is written.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key with the keys held down beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    held: KeyModifiers,
}

/// Keys that have a name, as it is written in files and on the screen.
const NAMED: [(&str, KeyCode); 16] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("backtab", KeyCode::BackTab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("insert", KeyCode::Insert),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
];

const HELD: [(&str, KeyModifiers); 3] = [("ctrl-", KeyModifiers::CONTROL), ("alt-", KeyModifiers::ALT), ("shift-", KeyModifiers::SHIFT)];

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        Self::new(event.code, event.modifiers)
    }
}

impl Key {
    /// Terminals tell of Shift beside a capital or not; the capital says it already.
    fn new(code: KeyCode, held: KeyModifiers) -> Self {
        let kept = KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT;
        let held = match code {
            KeyCode::Char(_) | KeyCode::BackTab => held & (kept - KeyModifiers::SHIFT),
            _ => held & kept,
        };
        Self { code, held }
    }
}

/// Reads keys in a row, parted by blanks.
pub(super) fn parse(text: &str) -> Result<Vec<Key>, String> {
    let keys: Vec<_> = text.split(' ').filter(|word| !word.is_empty()).map(one).collect::<Result<_, _>>()?;
    match keys.len() {
        0 => Err("an empty key; the blank is written `space`".into()),
        1 | 2 => Ok(keys),
        _ => Err(format!("`{text}` is more than two keys in a row")),
    }
}

fn one(word: &str) -> Result<Key, String> {
    let (mut rest, mut held) = (word, KeyModifiers::NONE);
    // A single character may be one that begins the name of another.
    while let Some((name, flag)) = HELD.iter().find(|(name, _)| rest.len() > name.len() && lower(rest).starts_with(name)) {
        rest = &rest[name.len()..];
        held |= *flag;
    }
    let mut characters = rest.chars();
    if let (Some(character), None) = (characters.next(), characters.next()) {
        return Ok(Key::new(KeyCode::Char(character), held));
    }
    let name = lower(rest);
    if let Some(number) = name.strip_prefix('f').and_then(|digits| digits.parse().ok()).filter(|number| (1..=24).contains(number)) {
        return Ok(Key::new(KeyCode::F(number), held));
    }
    match NAMED.iter().find(|(known, _)| *known == name) {
        Some((_, code)) => Ok(Key::new(*code, held)),
        None => {
            let known = NAMED.iter().map(|(known, _)| *known).chain(["f1", "f12"]);
            Err(format!("unknown key `{word}`{}", super::file::nearest(&name, known)))
        }
    }
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// Keys in a row as they are written.
pub(super) fn shown(keys: &[Key]) -> String {
    let one = |key: &Key| {
        let held: String = HELD.iter().filter(|(_, flag)| key.held.contains(*flag)).map(|(name, _)| *name).collect();
        let name = NAMED.iter().find(|(_, code)| *code == key.code).map(|(name, _)| (*name).to_owned());
        let name = name.unwrap_or_else(|| match key.code {
            KeyCode::Char(character) => character.to_string(),
            other => other.to_string().to_lowercase(),
        });
        held + &name
    };
    keys.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        for text in ["q", "G", "g g", "ctrl-c", "alt-ctrl-x", "space", "pgup", "f12", "?", "-", "ctrl--", "shift-up"] {
            let keys = parse(text).unwrap();
            assert_eq!(parse(&shown(&keys)).unwrap(), keys, "{text}");
        }
        assert_eq!(shown(&parse("CTRL-c  Enter").unwrap()), "ctrl-c enter");
    }

    #[test]
    fn others_are_refused() {
        assert_eq!(parse("entr").unwrap_err(), "unknown key `entr`, did you mean `enter`?");
        assert!(parse("").is_err() && parse("a b c").is_err() && parse("hyperspace").is_err());
    }
}
