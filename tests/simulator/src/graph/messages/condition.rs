//! `$filter` of messages: which of its comparisons bound a date, and what the others ask of a message.

use super::entity::{importance, is_message};
use crate::graph::GraphError;
use crate::graph::query::{Compare, Literal, Term};
use crate::store::{Date, Item, Listing};
use chrono::{DateTime, TimeDelta, Utc};

/// A filter, taken apart.
#[derive(Debug, Default)]
pub(super) struct Condition<'a> {
    by: Date,
    from: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
    rest: Vec<&'a Term>,
}

/// The date a property is, if it is one that folders are sorted by.
pub(super) fn date(property: &str) -> Option<Date> {
    match property {
        "receivedDateTime" | "sentDateTime" => Some(Date::Received),
        "createdDateTime" => Some(Date::Created),
        "lastModifiedDateTime" => Some(Date::Modified),
        _ => None,
    }
}

/// The first moment that fulfils a comparison from below, or the first that no longer does from above.
fn after(time: DateTime<Utc>) -> DateTime<Utc> {
    time.checked_add_signed(TimeDelta::nanoseconds(1)).unwrap_or(time)
}

impl<'a> Condition<'a> {
    /// Takes a filter apart.
    ///
    /// # Errors
    /// For properties that cannot be filtered by, and for literals of another type.
    pub(super) fn of(filter: &'a [Term]) -> Result<Self, GraphError> {
        let mut condition = Self::default();
        // The dates of the first property become the range; those of others are looked at one by one.
        let first = filter.iter().find_map(|term| date(&term.property).filter(|_| term.property != "sentDateTime"));
        condition.by = first.unwrap_or_default();
        for term in filter {
            check(term)?;
            let ranged = first.is_some() && date(&term.property) == first && term.property != "sentDateTime";
            let Literal::Time(time) = term.literal else {
                condition.rest.push(term);
                continue;
            };
            match term.compare {
                Compare::Ge if ranged => condition.from = condition.from.max(Some(time)),
                Compare::Gt if ranged => condition.from = condition.from.max(Some(after(time))),
                Compare::Lt if ranged => condition.before = Some(condition.before.map_or(time, |known| known.min(time))),
                Compare::Le if ranged => condition.before = Some(condition.before.map_or(after(time), |known| known.min(after(time)))),
                _ => condition.rest.push(term),
            }
        }
        Ok(condition)
    }

    /// Whether a message fulfils what is not the range.
    pub(super) fn admits(&self, item: &Item) -> bool {
        self.rest.iter().all(|term| holds(term, item))
    }

    /// The listing of what fulfils it, newest first; `filter` is to be [`Condition::admits`].
    pub(super) fn listing<'f>(&self, filter: &'f dyn Fn(&Item) -> bool) -> Listing<'f> {
        Listing {
            by: self.by,
            newest_first: true,
            from: self.from,
            before: self.before,
            class: Some(is_message),
            filter: (!self.rest.is_empty()).then_some(filter),
            ..Listing::default()
        }
    }
}

const TEXTS: [&str; 5] = ["subject", "internetMessageId", "importance", "from/emailAddress/address", "sender/emailAddress/address"];
const FLAGS: [&str; 3] = ["isRead", "isDraft", "hasAttachments"];

fn check(term: &Term) -> Result<(), GraphError> {
    let name = term.property.as_str();
    let (known, fits) = match &term.literal {
        Literal::Time(_) => (date(name).is_some(), true),
        Literal::Bool(_) => (FLAGS.contains(&name), matches!(term.compare, Compare::Eq | Compare::Ne)),
        Literal::Text(_) => (TEXTS.contains(&name), matches!(term.compare, Compare::Eq | Compare::Ne)),
        Literal::Number(_) => (false, false),
    };
    if known && fits {
        return Ok(());
    }
    if date(name).is_some() || FLAGS.contains(&name) || TEXTS.contains(&name) {
        return Err(GraphError::request("BadRequest", format!("A binary operator with incompatible types was detected for '{name}'.")));
    }
    Err(GraphError::query(format!("The property '{name}' does not support filtering.")))
}

fn holds(term: &Term, item: &Item) -> bool {
    let text = |value: Option<&str>, wanted: &str| term.compare.holds(value.unwrap_or_default().to_lowercase().cmp(&wanted.to_lowercase()));
    let email = |address: Option<&crate::store::Address>| address.and_then(|address| address.email.clone());
    match (&term.literal, term.property.as_str()) {
        (Literal::Time(time), "sentDateTime") => term.compare.holds(item.sent.unwrap_or(item.sort_date()).cmp(time)),
        (Literal::Time(time), name) => date(name).is_some_and(|date| term.compare.holds(date.of(item).cmp(time))),
        (Literal::Bool(flag), "isRead") => term.compare.holds(item.read.cmp(flag)),
        (Literal::Bool(flag), "isDraft") => term.compare.holds(item.draft.cmp(flag)),
        (Literal::Bool(flag), "hasAttachments") => term.compare.holds(item.has_attachments.cmp(flag)),
        (Literal::Text(wanted), "subject") => text(item.subject.as_deref(), wanted),
        (Literal::Text(wanted), "internetMessageId") => text(item.message_id.as_deref(), wanted),
        (Literal::Text(wanted), "importance") => text(Some(importance(item.importance)), wanted),
        (Literal::Text(wanted), "from/emailAddress/address") => text(email(item.from.as_ref()).as_deref(), wanted),
        (Literal::Text(wanted), "sender/emailAddress/address") => {
            text(email(item.sender.as_ref().or(item.from.as_ref())).as_deref(), wanted)
        }
        _ => false,
    }
}
