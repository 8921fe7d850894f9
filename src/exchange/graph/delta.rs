//! A page of a folder's changes (Graph "message: delta").

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{
    call::Call,
    cursor::{Keyset, Place, Position},
    link::{encode, query},
    memory::FORGIVEN,
    message::{self, LISTED},
    page,
    retry::Failed,
    session::Session,
    trouble::Trouble,
    verdict::{Action, Scope},
};
use crate::{
    exchange::{Error, Verdict, gate::Kind},
    mail::{Change, Cursor, Folder, Page},
};

/// The most entries of a page.
const MOST: usize = 500;

/// What one page brings, however it was asked for.
pub struct Found {
    /// The changes.
    pub changes: Vec<Change>,
    /// Where to go on.
    pub place: Place,
    /// Whether nothing is left.
    pub last: bool,
}

impl Session {
    /// The changes in a folder since `cursor`, at most `limit`. `delta` is whether the cloud has lists of changes at all.
    pub async fn page(&self, folder: &Folder, cursor: Option<&Cursor>, limit: usize, delta: bool) -> Result<Page, Error> {
        let attempt = || format!("listing {} of {}", folder.path.join("/"), self.desk.mailbox);
        if folder.archive {
            return Err(unreachable(attempt()));
        }
        let failed = |failed: Failed| failed.into_error(Scope::Folder, attempt());
        let form = self.form(false).await.map_err(failed)?;
        let place = match cursor.map(|cursor| Position::read(cursor, form)) {
            None => None,
            Some(Some(position)) => Some(position.place),
            Some(None) => return Err(dead(attempt(), "the cursor is none of Graph's, or its ids are of another form")),
        };
        let now = Utc::now();
        let found = match place {
            Some(Place::List(list)) if delta && overdue(&list, now) => {
                self.desk.memory.forgive(&folder.id);
                return Err(dead(attempt(), "listed by time for a day: the list of changes may be back"));
            }
            Some(Place::List(list)) => self.listing(folder, list, limit).await.map_err(failed)?,
            None if !delta || self.desk.memory.lists(&folder.id) => self.listing(folder, Keyset::new(now), limit).await.map_err(failed)?,
            place => match self.changes(folder, place.clone(), limit).await {
                Ok(found) => found,
                Err(failure) => self.otherwise(folder, place, limit, failure).await.map_err(failed)?,
            },
        };
        Ok(Page { changes: found.changes, cursor: Position { form, place: found.place }.write(), last: found.last, certain: true })
    }

    /// One page of changes; smaller ones where the server breaks down over something on it.
    async fn changes(&self, folder: &Folder, place: Option<Place>, limit: usize) -> Result<Found, Failed> {
        let (walk, previous) = match &place {
            None => (true, None),
            Some(Place::Next { walk, previous, .. }) => (*walk, previous.clone()),
            Some(Place::Delta(link)) => (false, Some(link.clone())),
            Some(Place::List(_)) => (false, None),
        };
        let mut size = limit.clamp(1, MOST);
        let page = loop {
            let asked = match &place {
                Some(Place::Next { link, .. } | Place::Delta(link)) => Call::follow("list changes", link.clone()),
                _ => Call::get("list changes", self.first(folder)),
            };
            let asked = self.in_form(asked.kind(Kind::Sync).page(size));
            match self.ask::<page::Page<Value>>(&asked).await {
                Ok(answered) => break answered.value,
                Err(failed) if matches!(failed.action, Some(Action::Suspect | Action::Smaller)) && size > 1 => size = (size / 8).max(1),
                // No order is promised of changes; newest first is only kinder to people who watch.
                Err(Failed { action: Some(Action::Query), .. }) if place.is_none() && !self.desk.memory.unordered() => {
                    self.desk.memory.leave_order();
                }
                Err(failed) => return Err(failed),
            }
        };
        let changes = page.value.iter().filter_map(|entry| message::change(entry, walk)).collect();
        let (place, last) = match (page.delta, page.next) {
            (Some(link), _) => (Place::Delta(link), true),
            (None, Some(link)) => (Place::Next { link, walk, previous }, false),
            (None, None) => {
                let trouble = Trouble::Broken("the page names neither a next link nor a delta link".to_owned());
                return Err(Failed { trouble, action: Some(Action::Retry) });
            }
        };
        if last {
            self.desk.memory.survived(&folder.id);
        }
        Ok(Found { changes, place, last })
    }

    /// The way of the first page. Not filtered: with a filter no more than 5,000 messages come at all. Not `$top`: here that bounds the whole
    /// listing.
    fn first(&self, folder: &Folder) -> String {
        let select = ("$select", LISTED);
        let order = ("$orderby", "receivedDateTime desc");
        let options = if self.desk.memory.unordered() { query(&[select]) } else { query(&[select, order]) };
        format!("/mailFolders/{}/messages/delta{options}", encode(&folder.id.0))
    }

    /// What is done where a page of changes was not to be had: another way to the same, or a new beginning.
    async fn otherwise(&self, folder: &Folder, place: Option<Place>, limit: usize, failed: Failed) -> Result<Found, Failed> {
        let memory = &self.desk.memory;
        let fresh = place.is_none();
        let dead = match (failed.action, &place) {
            (Some(Action::Resync), _) => true,
            // A link that is not understood is one of another time.
            (Some(Action::Query | Action::WrongId), Some(_)) => true,
            // Nor is one that is refused for a reason nobody knows: without it there is another way.
            (None, Some(_)) if failed.trouble.refusal().is_some_and(|refusal| (400..500).contains(&refusal.status)) => true,
            (Some(Action::NoDelta | Action::Query | Action::Misunderstood | Action::Suspect | Action::Smaller), _) => false,
            _ => return Err(failed),
        };
        tracing::debug!(mailbox = %self.desk.mailbox, folder = folder.path.join("/"), trouble = %failed.trouble, "no list of changes");
        match place {
            Some(Place::Next { walk: false, previous: Some(previous), .. }) if dead => {
                return match self.changes(folder, Some(Place::Delta(previous)), limit).await {
                    Err(Failed { trouble, action: Some(Action::Query) }) => Err(Failed { trouble, action: Some(Action::Resync) }),
                    other => other,
                };
            }
            None | Some(Place::Next { walk: true, .. }) if dead => {
                if memory.died(&folder.id) || fresh {
                    memory.list(&folder.id);
                }
            }
            _ if dead => {}
            _ => memory.list(&folder.id),
        }
        if fresh {
            return self.listing(folder, Keyset::new(Utc::now()), limit).await;
        }
        Err(Failed { action: Some(Action::Resync), ..failed })
    }
}

/// Whether a listing by time has served long enough to ask for changes again.
fn overdue(list: &Keyset, now: DateTime<Utc>) -> bool {
    list.caught_up && TimeDelta::from_std(FORGIVEN).is_ok_and(|day| now - list.began > day)
}

fn dead(attempt: String, cause: &str) -> Error {
    Error { verdict: Verdict::Resync, attempt, code: None, cause: cause.to_owned(), hint: None }
}

fn unreachable(attempt: String) -> Error {
    Error {
        verdict: Verdict::SkipFolder,
        attempt,
        code: None,
        cause: "Graph gives no access to online archives".to_owned(),
        hint: Some("set the mailbox's archive to false; what was copied of it stays".to_owned()),
    }
}

#[cfg(test)]
mod tests;
