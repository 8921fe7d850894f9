//! What there is room for only a part of elsewhere, to be read whole.

use crate::{
    Zone,
    status::{LogLine, Quarantined},
    theme,
};

/// Something as it was when somebody wanted to read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Whole {
    pub(crate) title: &'static str,
    /// Names and what they name; what has no name stands by itself.
    pub(crate) words: Vec<(&'static str, String)>,
}

impl Whole {
    /// A line of the log, and whose it is where there are several.
    pub(crate) fn line(line: &LogLine, instance: Option<&str>, zone: Zone) -> Self {
        let (_, level, _) = theme::level(line.level);
        let mut words = vec![("when", zone.format(line.at, TIME)), ("level", level.to_owned())];
        words.extend(instance.map(|name| ("instance", name.to_owned())));
        words.extend(line.mailbox.clone().map(|mailbox| ("mailbox", mailbox)));
        words.push(("", line.text.clone()));
        Self { title: "Line of the log", words }
    }

    /// A message in quarantine.
    pub(crate) fn quarantined(item: &Quarantined, instance: Option<&str>, zone: Zone) -> Self {
        let mut words = vec![("since", zone.format(item.at, TIME)), ("tried", format!("{} times at least", item.attempts))];
        words.extend(instance.map(|name| ("instance", name.to_owned())));
        words.extend([
            ("mailbox", item.mailbox.clone()),
            ("folder", item.folder.join("/")),
            ("key", item.key.clone()),
            ("item", item.item.clone()),
            ("", format!("{}: {}", item.code, item.words)),
        ]);
        Self { title: "Message in quarantine", words }
    }
}

const TIME: &str = "%Y-%m-%d %H:%M:%S";
