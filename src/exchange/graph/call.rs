//! A request, before it is known where the server is and who asks.

use serde_json::Value;

use crate::exchange::gate::Kind;

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A path below the mailbox, such as `/mailFolders/x?$select=id`, encoded already.
    Mailbox(String),
    /// A link that the server gave, to be followed to the letter.
    Link(String),
}

/// A request of one mailbox.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What it does, for logs: `list messages`.
    pub name: &'static str,
    /// What it is about.
    pub target: Target,
    /// JSON to be posted; a call without is a GET.
    pub body: Option<Value>,
    /// What kind of place it takes.
    pub kind: Kind,
    /// How many entries a page may have (`odata.maxpagesize`; a link does not remember it).
    pub page: Option<usize>,
    /// Whether ids that survive moves are wanted (Graph "Obtain immutable identifiers for Outlook resources").
    pub immutable: bool,
}

impl Call {
    /// Reads what is at a path below the mailbox.
    pub fn get(name: &'static str, path: impl Into<String>) -> Self {
        Self { name, target: Target::Mailbox(path.into()), body: None, kind: Kind::Question, page: None, immutable: true }
    }

    /// Posts JSON to a path below the mailbox.
    pub fn post(name: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self { body: Some(body), ..Self::get(name, path) }
    }

    /// Follows a link that the server gave.
    pub fn follow(name: &'static str, link: impl Into<String>) -> Self {
        Self { target: Target::Link(link.into()), ..Self::get(name, "") }
    }

    /// As a request of this kind. [`Kind::Question`] is what it is at first; listings are [`Kind::Sync`], downloads [`Kind::Fetch`].
    pub fn kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// With pages of at most so many entries.
    pub fn page(self, entries: usize) -> Self {
        Self { page: Some(entries), ..self }
    }

    /// With the ids that change when an item moves.
    pub fn plain_ids(self) -> Self {
        Self { immutable: false, ..self }
    }

    /// The value of `Prefer` (RFC 7240), where one is due.
    pub fn prefer(&self) -> Option<String> {
        let page = self.page.map(|entries| format!("odata.maxpagesize={entries}"));
        let ids = self.immutable.then(|| r#"IdType="ImmutableId""#.to_owned());
        let preferences: Vec<String> = page.into_iter().chain(ids).collect();
        (!preferences.is_empty()).then(|| preferences.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_listed_in_one_value() {
        assert_eq!(Call::get("x", "/a").prefer().as_deref(), Some(r#"IdType="ImmutableId""#));
        let call = Call::follow("x", "https://g/l").page(500);
        assert_eq!(call.prefer().as_deref(), Some(r#"odata.maxpagesize=500, IdType="ImmutableId""#));
        assert_eq!(call.plain_ids().prefer().as_deref(), Some("odata.maxpagesize=500"));
        assert_eq!(Call::get("x", "/a").plain_ids().prefer(), None);
    }
}
