//! Where a folder's listing stands, as it is kept between rounds.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::mail::{Cursor, IdForm};

/// The only version there is. It also tells a cursor of Graph's from one of another interface, which is not JSON.
const VERSION: u32 = 1;

/// A place in a folder's listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// How the ids were written that came with it. Ids of two forms must not be mixed in one listing.
    pub form: IdForm,
    /// The place.
    pub place: Place,
}

/// Where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Between two pages of changes. Such links die soon: each step makes a new generation, and the server keeps few.
    Next {
        /// The next page.
        link: String,
        /// Whether the listing began from the start.
        walk: bool,
        /// In a later round, where that round began.
        previous: Option<String>,
    },
    /// At the end of all changes so far.
    Delta(String),
    /// In a listing by time, where the server has no list of changes to offer.
    List(Keyset),
}

/// A listing by time of receipt: each page begins at the last time of the one before, since pages that are counted off shift when messages
/// come or go meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyset {
    /// Everything received before this second has been listed.
    pub since: DateTime<Utc>,
    /// What has been listed of that second itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<String>,
    /// More of that second, where it holds more than a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// When the newest message so far was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<DateTime<Utc>>,
    /// When it was resorted to. A list of changes is tried again later.
    pub began: DateTime<Utc>,
    /// Whether it has come to the end once: from then on it looks for what is new.
    #[serde(default)]
    pub caught_up: bool,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    graph: u32,
    ids: Ids,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    walk: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delta: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    list: Option<Keyset>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ids {
    Immutable,
    Rest,
}

impl Position {
    /// Reads a cursor; none for one that is not Graph's, or whose ids are not of `form`.
    pub fn read(cursor: &Cursor, form: IdForm) -> Option<Self> {
        let saved: Saved = serde_json::from_str(&cursor.0).ok()?;
        let place = match saved {
            Saved { graph: VERSION, list: Some(list), .. } => Place::List(list),
            Saved { graph: VERSION, next: Some(link), walk, previous, .. } => Place::Next { link, walk, previous },
            Saved { graph: VERSION, delta: Some(link), .. } => Place::Delta(link),
            _ => return None,
        };
        let written = if saved.ids == Ids::Immutable { IdForm::GraphImmutable } else { IdForm::GraphRest };
        (written == form).then_some(Self { form, place })
    }

    /// As a cursor.
    pub fn write(self) -> Cursor {
        let ids = if self.form == IdForm::GraphRest { Ids::Rest } else { Ids::Immutable };
        let mut saved = Saved { graph: VERSION, ids, walk: false, next: None, delta: None, previous: None, list: None };
        match self.place {
            Place::Next { link, walk, previous } => (saved.next, saved.walk, saved.previous) = (Some(link), walk, previous),
            Place::Delta(link) => saved.delta = Some(link),
            Place::List(list) => saved.list = Some(list),
        }
        // Strings, numbers and times are always JSON; an empty cursor would be read as a dead one.
        Cursor(serde_json::to_string(&saved).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_comes_back_as_it_was() {
        let time = DateTime::from_timestamp(1_714_558_831, 0).unwrap();
        let list = Keyset {
            since: time,
            seen: vec!["a".into()],
            next: Some("https://g/s".into()),
            newest: Some(time),
            began: time,
            caught_up: true,
        };
        for place in [
            Place::Next { link: "https://g/n?$skiptoken=a%20b".into(), walk: true, previous: None },
            Place::Next { link: "https://g/n".into(), walk: false, previous: Some("https://g/d".into()) },
            Place::Delta("https://g/d".into()),
            Place::List(list),
        ] {
            for form in [IdForm::GraphImmutable, IdForm::GraphRest] {
                let position = Position { form, place: place.clone() };
                assert_eq!(Position::read(&position.clone().write(), form), Some(position));
            }
        }
    }

    #[test]
    fn the_text_is_as_documented() {
        let place = Place::Next { link: "https://g/n".into(), walk: true, previous: None };
        let cursor = Position { form: IdForm::GraphImmutable, place }.write();
        assert_eq!(cursor.0, r#"{"graph":1,"ids":"immutable","walk":true,"next":"https://g/n"}"#);
    }

    #[test]
    fn other_interfaces_and_other_forms_are_refused() {
        let rest = Position { form: IdForm::GraphRest, place: Place::Delta("https://g/d".into()) }.write();
        assert_eq!(Position::read(&rest, IdForm::GraphImmutable), None);
        for text in ["", "H4sIAAAAAAAEAO29", "{}", r#"{"graph":1,"ids":"immutable"}"#, r#"{"graph":2,"ids":"rest","delta":"x"}"#] {
            assert_eq!(Position::read(&Cursor(text.into()), IdForm::GraphRest), None, "{text}");
        }
    }
}
