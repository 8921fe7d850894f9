//! The keymap file.

use std::{collections::BTreeMap, fmt::Write};

use serde::Deserialize;

use super::{Command, Key, Keymap, key};

/// One key, or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Keys {
    One(String),
    Several(Vec<String>),
}

pub(super) fn parse(text: &str) -> Result<Keymap, String> {
    let file: BTreeMap<String, Keys> = match text.trim_start().starts_with('{') {
        true => serde_json::from_str(text).map_err(|error| format!("keymap: {error}"))?,
        false => toml::from_str(text).map_err(|error| format!("keymap: {}", error.to_string().trim_end()))?,
    };
    let mut map = Keymap::default();
    let mut given: Vec<(Vec<Key>, Command)> = Vec::new();
    for (name, keys) in file {
        let command = Command::ALL.iter().copied().find(|command| command.name() == name);
        let command = command.ok_or_else(|| {
            format!("keymap: unknown command `{name}`{}", nearest(&name, Command::ALL.iter().map(|command| command.name())))
        })?;
        map.commands.retain(|_, other| *other != command);
        let keys = match keys {
            Keys::One(one) => vec![one],
            Keys::Several(several) => several,
        };
        for written in keys {
            let keys = key::parse(&written).map_err(|error| format!("keymap: {name}: {error}"))?;
            if let Some((_, other)) = given.iter().find(|(known, other)| *known == keys && *other != command) {
                return Err(format!("keymap: `{written}` is given to both {} and {name}", other.name()));
            }
            given.push((keys, command));
        }
    }
    // What the file gives away is taken from whatever had it, along with all that could not be reached any more.
    map.commands.retain(|own, _| !given.iter().any(|(keys, _)| own.starts_with(keys) || keys.starts_with(own)));
    for (keys, command) in &given {
        if let Some((longer, other)) = given.iter().find(|(longer, _)| longer.len() > keys.len() && longer.starts_with(keys)) {
            let (keys, longer) = (key::shown(keys), key::shown(longer));
            return Err(format!("keymap: `{longer}` of {} is never reached, since `{keys}` is {}", other.name(), command.name()));
        }
    }
    map.commands.extend(given);
    Ok(map)
}

/// A hint at the nearest known name, if one is near.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = known.map(|known| (strsim::damerau_levenshtein(name, known), known)).min();
    match near.filter(|(distance, known)| *distance <= known.len().div_ceil(2)) {
        Some((_, known)) => format!(", did you mean `{known}`?"),
        None => String::new(),
    }
}

pub(super) fn sample() -> String {
    let mut out = String::from(
        "# Keys of the dashboard. Each line gives a command its keys; lines that are left out hold as they stand here.\n\
         # Two keys in a row are parted by a blank. Held keys are written ctrl-, alt-, shift-. An empty list takes a command's keys away.\n\n",
    );
    for command in Command::ALL {
        let keys: Vec<_> = command.keys().iter().map(|keys| format!("\"{keys}\"")).collect();
        let line = format!("{} = [{}]", command.name(), keys.join(", "));
        // Writing into a String does not fail.
        let _ = writeln!(out, "{line:<32} # {}", command.what());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keymap::Meaning;

    fn meaning(map: &Keymap, keys: &str) -> Meaning {
        map.meaning(&key::parse(keys).unwrap())
    }

    #[test]
    fn the_sample_says_what_holds_without_it() {
        assert_eq!(parse(&sample()).unwrap(), Keymap::default());
        assert_eq!(parse("").unwrap(), Keymap::default());
    }

    #[test]
    fn a_file_changes_what_it_names() {
        let map = parse("quit = [\"ctrl-q\", \"f10\"]\nfreeze = 'g'\n").unwrap();
        assert_eq!(map, parse(r#"{"quit": ["ctrl-q", "f10"], "freeze": "g"}"#).unwrap());
        assert_eq!(meaning(&map, "ctrl-q"), Meaning::Command(Command::Quit));
        assert_eq!(meaning(&map, "q"), Meaning::Nothing);
        assert_eq!(meaning(&map, "g"), Meaning::Command(Command::Freeze), "not the beginning of `g g` any more");
        assert_eq!(map.keys(Command::Top), ["home"]);
    }

    #[test]
    fn errors_name_what_is_wrong_and_what_was_meant() {
        for (text, error) in [
            ("qiut = 'x'", "keymap: unknown command `qiut`, did you mean `quit`?"),
            ("verify = 'entre'", "keymap: verify: unknown key `entre`, did you mean `enter`?"),
            ("quit = 'x'\nmask = 'x'", "keymap: `x` is given to both mask and quit"),
            ("quit = 'x'\nmask = 'x x'", "keymap: `x x` of mask is never reached, since `x` is quit"),
            ("wholly-unknown-thing = 'x'", "keymap: unknown command `wholly-unknown-thing`"),
        ] {
            assert_eq!(parse(text).unwrap_err(), error);
        }
        assert!(parse("quit = 3").unwrap_err().starts_with("keymap: TOML parse error at line 1"));
        assert!(parse("{\"quit\": \"x\",").unwrap_err().contains("line 1"));
    }
}
