//! A page of a folder's messages by time of receipt, for mailboxes and clouds without lists of changes (Graph "List messages").
//!
//! Each page begins with the second in which the one before ended, and leaves out what that one showed: pages that the server counts off
//! lose messages when others come or go meanwhile.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
use serde_json::Value;

use super::{
    call::Call,
    cursor::{Keyset, Place},
    delta::Found,
    link::{encode, query},
    message::{self, LISTED},
    page::Page,
    retry::Failed,
    session::Session,
    verdict::Action,
};
use crate::{
    exchange::gate::Kind,
    mail::{Change, Folder},
};

/// The most entries of a page.
const MOST: usize = 1000;

/// What is asked for where the server breaks down over more of some message.
const BARE: &str = "id,receivedDateTime";

/// The next round begins so long before the newest message: mail is not always filed in the order of its receipt. What was moved in with an older
/// date is found when the folder is listed from the start again.
const OVERLAP: TimeDelta = TimeDelta::hours(1);

/// No message is older; an order must have its filter.
const BEGINNING: DateTime<Utc> = DateTime::UNIX_EPOCH;

impl Keyset {
    /// A listing from the start, resorted to at `now`.
    pub fn new(now: DateTime<Utc>) -> Self {
        Self { since: BEGINNING, seen: Vec::new(), next: None, newest: None, began: now, caught_up: false }
    }

    /// Takes in a page: what of it is new, and where to go on; `None` at the end. `size` is how many entries were asked for.
    fn take<'a>(&self, page: &'a Page<Value>, followed: bool, size: usize) -> (Vec<&'a Value>, Option<Self>) {
        let seen: BTreeSet<&str> = self.seen.iter().filter(|_| !followed).map(String::as_str).collect();
        let second = |entry: &Value| message::received(entry).map(|time| time.trunc_subsecs(0));
        let fresh: Vec<&Value> =
            page.value.iter().filter(|entry| message::id(entry).is_some_and(|id| !seen.contains(id.0.as_str()))).collect();
        let reached = page.value.iter().filter_map(second).max();
        let newest = self.newest.max(reached);
        // A full page that names no next one may be the last, or the server's may be a short memory.
        if page.next.is_none() && (page.value.len() < size || fresh.is_empty()) {
            return (fresh, None);
        }
        let at = |time| page.value.iter().filter(move |entry| second(entry) == Some(time)).filter_map(message::id).map(|id| id.0);
        let next = match reached.filter(|time| *time > self.since) {
            Some(time) => Self { since: time, seen: at(time).collect(), next: None, newest, ..self.clone() },
            // Still within one second.
            None => {
                let seen: BTreeSet<String> = self.seen.iter().cloned().chain(at(self.since)).collect();
                Self { seen: seen.into_iter().take(MOST).collect(), next: page.next.clone(), newest, ..self.clone() }
            }
        };
        (fresh, Some(next))
    }

    /// At the end: from a little before the newest message on.
    /// `now` bounds that: imported mail may be dated in the future, and would keep all that comes until then from being seen.
    fn ended(&self, page: &Page<Value>, now: DateTime<Utc>) -> Self {
        let newest = self.newest.max(page.value.iter().filter_map(message::received).max());
        let since = newest.map_or(self.since, |time| (time.min(now).trunc_subsecs(0) - OVERLAP).max(BEGINNING));
        Self { since, seen: Vec::new(), next: None, newest, caught_up: true, ..self.clone() }
    }
}

impl Session {
    /// One page of a listing by time.
    pub async fn listing(&self, folder: &Folder, list: Keyset, limit: usize) -> Result<Found, Failed> {
        let size = limit.clamp(1, MOST);
        let (page, followed, size) = self.listed_page(folder, &list, size).await?;
        let (fresh, next) = list.take(&page, followed, size);
        let changes = fresh.into_iter().filter_map(message::listed).map(Change::Created).collect();
        let last = next.is_none();
        Ok(Found { changes, place: Place::List(next.unwrap_or_else(|| list.ended(&page, Utc::now()))), last })
    }

    /// The page, whether a link was followed to it, and how many entries were asked for. Where the server breaks down over one message on it,
    /// a smaller page may get past, and one of ids alone does: the message itself then fails by itself.
    async fn listed_page(&self, folder: &Folder, list: &Keyset, size: usize) -> Result<(Page<Value>, bool, usize), Failed> {
        if let Some(link) = &list.next {
            let call = Call::follow("list messages", link.clone()).kind(Kind::Sync);
            match self.ask::<Page<Value>>(&self.in_form(call)).await {
                Ok(answered) => return Ok((answered.value, true, size)),
                Err(failed) if !matches!(failed.action, Some(Action::Suspect | Action::Smaller | Action::Resync | Action::Query)) => {
                    return Err(failed);
                }
                Err(_) => {}
            }
        }
        // Beside what of the second was seen, there must be room for more.
        let size = (size + list.seen.len()).min(MOST);
        let smaller = (size / 8).max(1 + list.seen.len()).min(size);
        let mut last = None;
        for (select, size) in [(LISTED, size), (LISTED, smaller), (BARE, size), (BARE, smaller), (BARE, 1 + list.seen.len())] {
            match self.ask::<Page<Value>>(&self.in_form(by_time(folder, list.since, select, size))).await {
                Ok(answered) => return Ok((answered.value, false, size)),
                Err(failed) if matches!(failed.action, Some(Action::Suspect | Action::Smaller)) => last = Some(failed),
                Err(failed) => return Err(failed),
            }
        }
        Err(last.unwrap_or_else(|| Failed {
            trouble: super::trouble::Trouble::Broken("no page of any size could be listed".to_owned()),
            action: Some(Action::Retry),
        }))
    }
}

/// Graph takes no order without a filter of the same property before all others (error InefficientFilter).
fn by_time(folder: &Folder, since: DateTime<Utc>, select: &str, size: usize) -> Call {
    let filter = format!("receivedDateTime ge {}", since.to_rfc3339_opts(SecondsFormat::Secs, true));
    let top = size.to_string();
    let options = query(&[("$select", select), ("$filter", &filter), ("$orderby", "receivedDateTime asc"), ("$top", &top)]);
    Call::get("list messages", format!("/mailFolders/{}/messages{options}", encode(&folder.id.0))).kind(Kind::Sync)
}

#[cfg(test)]
mod tests;
