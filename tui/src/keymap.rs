//! Which key asks for which command: one map, with defaults that a file changes.

mod command;
mod file;
mod key;

use std::collections::HashMap;

pub use command::Command;
pub use key::Key;

/// Commands by the keys that ask for them; most are one key, some are two in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    commands: HashMap<Vec<Key>, Command>,
}

/// What a row of keys means so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// This.
    Command(Command),
    /// It is the beginning of something.
    Begun,
    /// Nothing.
    Nothing,
}

impl Default for Keymap {
    fn default() -> Self {
        let commands = Command::ALL.iter().flat_map(|command| {
            command.keys().iter().map(|keys| {
                // The defaults are constants, each read by a test.
                (key::parse(keys).unwrap_or_default(), *command)
            })
        });
        Self { commands: commands.collect() }
    }
}

impl Keymap {
    /// Reads a keymap file, TOML or JSON: commands, each with a key or a list of keys in place of its own. What the file does not name stays
    /// as it is.
    pub fn parse(text: &str) -> Result<Self, String> {
        file::parse(text)
    }

    /// The file that says what holds without one.
    pub fn sample() -> String {
        file::sample()
    }

    pub(crate) fn meaning(&self, keys: &[Key]) -> Meaning {
        match self.commands.get(keys) {
            Some(command) => Meaning::Command(*command),
            None if self.commands.keys().any(|longer| longer.starts_with(keys)) => Meaning::Begun,
            None => Meaning::Nothing,
        }
    }

    /// The keys of a command, as they are written on the screen.
    pub(crate) fn keys(&self, command: Command) -> Vec<String> {
        let mut keys: Vec<_> = self.commands.iter().filter(|(_, asked)| **asked == command).map(|(keys, _)| key::shown(keys)).collect();
        // The shortest first, in the order of the defaults where they are as short.
        keys.sort_by_key(|shown| (shown.chars().count(), command.keys().iter().position(|own| own == shown)));
        keys
    }

    /// The one key of a command that a bar has room for.
    pub(crate) fn key(&self, command: Command) -> Option<String> {
        let own = command.keys().first().and_then(|keys| key::parse(keys).ok());
        match own.filter(|keys| self.commands.get(keys) == Some(&command)) {
            Some(keys) => Some(key::shown(&keys)),
            None => self.keys(command).into_iter().next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_keys_of_its_own() {
        let written: usize = Command::ALL.iter().map(|command| command.keys().len()).sum();
        let map = Keymap::default();
        assert_eq!(map.commands.len(), written, "two commands share a key");
        assert!(Command::ALL.iter().flat_map(|command| command.keys()).all(|keys| key::parse(keys).is_ok()));
        for keys in map.commands.keys().filter(|keys| keys.len() > 1) {
            assert_eq!(map.meaning(&keys[..1]), Meaning::Begun, "{keys:?} is never reached");
        }
    }

    #[test]
    fn keys_in_a_row_are_waited_for() {
        let map = Keymap::default();
        let g = key::parse("g").unwrap();
        assert_eq!(map.meaning(&g), Meaning::Begun);
        assert_eq!(map.meaning(&[g.clone(), g].concat()), Meaning::Command(Command::Top));
        assert_eq!(map.meaning(&key::parse("g x").unwrap()), Meaning::Nothing);
    }
}
