//! How figures are written: a family at a time, each with what it means.

use std::fmt::{Display, Write};

use chrono::{DateTime, Utc};

/// What every name begins with.
const PREFIX: &str = "exchange_sync";

/// A text being written.
#[derive(Debug, Default)]
pub struct Text(String);

/// Figures of one name.
pub struct Family<'a> {
    text: &'a mut String,
    name: &'a str,
}

impl Text {
    /// What goes up and down.
    pub fn gauge<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "gauge", help)
    }

    /// What only grows while the process lives.
    pub fn counter<'a>(&'a mut self, name: &'a str, help: &str) -> Family<'a> {
        self.family(name, "counter", help)
    }

    fn family<'a>(&'a mut self, name: &'a str, kind: &str, help: &str) -> Family<'a> {
        // Writing into a String does not fail, here and below.
        let _ = writeln!(self.0, "# HELP {PREFIX}_{name} {help}\n# TYPE {PREFIX}_{name} {kind}");
        Family { text: &mut self.0, name }
    }

    /// All of it.
    pub fn end(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// A figure, with its labels.
    pub fn figure(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        let _ = write!(self.text, "{PREFIX}_{}", self.name);
        for (n, (label, content)) in labels.iter().enumerate() {
            let _ = write!(self.text, "{}{label}=\"", if n == 0 { '{' } else { ',' });
            for character in content.chars() {
                match character {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    other => self.text.push(other),
                }
            }
            self.text.push('"');
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
        self
    }

    /// A time in seconds since 1970, where there is one: how long ago that was is `time()` less this.
    pub fn time(&mut self, labels: &[(&str, &str)], at: Option<DateTime<Utc>>) -> &mut Self {
        match at {
            Some(at) => self.figure(labels, at.timestamp()),
            None => self,
        }
    }
}

/// The word that a state is in JSON.
pub fn word(state: &impl serde::Serialize) -> String {
    serde_json::to_value(state).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
