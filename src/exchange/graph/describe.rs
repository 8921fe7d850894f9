//! Properties of known messages: by stretches of time where one listing meets many of them, else one by one.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

use super::{
    call::Call,
    link::{encode, query},
    message::{self, DESCRIBED},
    page::Page,
    refusal::Refusal,
    retry::Failed,
    session::Session,
    trouble::Trouble,
    verdict::{Action, Scope, action},
    windows::{Window, Windows},
};
use crate::{
    exchange::Error,
    mail::{Failure, Folder, Listed, Lookup, Properties},
};

impl Session {
    /// Properties of messages of `folder`, one answer a message.
    pub async fn lookup(&self, folder: &Folder, items: &[Listed]) -> Result<Vec<Lookup>, Error> {
        let attempt = || format!("looking up {} messages of {}", items.len(), self.desk.mailbox);
        self.describe(folder, items).await.map_err(|failed| failed.into_error(Scope::Items, attempt()))
    }

    /// The listed messages with what a listing of changes could not tell.
    pub async fn complete(&self, folder: &Folder, mut listed: Vec<Listed>) -> Result<Vec<Listed>, Error> {
        let found = self.lookup(folder, &listed).await?;
        for (listed, found) in listed.iter_mut().zip(found) {
            if let Lookup::Found(properties) = found {
                fill(listed, *properties);
            }
        }
        Ok(listed)
    }

    pub(super) async fn describe(&self, folder: &Folder, items: &[Listed]) -> Result<Vec<Lookup>, Failed> {
        let mut answers: Vec<Option<Lookup>> = vec![None; items.len()];
        let places: HashMap<&str, usize> = items.iter().enumerate().map(|(index, listed)| (listed.id.0.as_str(), index)).collect();
        let times: Vec<Option<DateTime<Utc>>> = items.iter().map(|listed| listed.received).collect();
        let mut windows = if self.desk.memory.windowless() { Windows::none(items.len()) } else { Windows::new(&times) };
        while let Some(window) = windows.next() {
            match self.ask::<Page<Value>>(&self.in_form(within(folder, window))).await {
                Ok(answered) => {
                    let page = answered.value;
                    let mut found = BTreeSet::new();
                    for entry in &page.value {
                        let index = message::id(entry).and_then(|id| places.get(id.0.as_str()).copied());
                        if let Some(answer) = index.and_then(|index| answers.get_mut(index)) {
                            *answer = Some(Lookup::Found(Box::new(message::properties(entry))));
                            found.extend(index);
                        }
                    }
                    let reached = page.next.as_ref().map(|_| page.value.iter().filter_map(message::received).min().unwrap_or(window.to));
                    windows.answered(window, &found, reached);
                }
                // Larger than is read, perhaps; half of it is not.
                Err(Failed { trouble: Trouble::Broken(_), .. }) => windows.failed(),
                Err(failed) => match failed.action {
                    // Over one message on it; alone it will show which.
                    Some(Action::Suspect | Action::Smaller | Action::Item) => windows.failed(),
                    Some(Action::Query | Action::Misunderstood) | None => {
                        tracing::debug!(mailbox = %self.desk.mailbox, trouble = %failed.trouble, "messages are described one by one");
                        self.desk.memory.leave_windows();
                        windows.refused();
                    }
                    // The folder went; its messages may be elsewhere.
                    Some(Action::ItemGone | Action::FolderGone | Action::WrongId) => windows.refused(),
                    _ => return Err(failed),
                },
            }
        }
        let open: Vec<usize> = windows.singles().into_iter().filter(|index| matches!(answers.get(*index), Some(None))).collect();
        let asked: Vec<&Listed> = open.iter().filter_map(|index| items.get(*index)).collect();
        for (index, answer) in open.iter().zip(self.one_at_a_time(&asked).await?) {
            if let Some(place) = answers.get_mut(*index) {
                *place = Some(answer);
            }
        }
        // An id asked for twice is answered once; the other is as it is.
        Ok(answers.into_iter().map(|answer| answer.unwrap_or(Lookup::Gone)).collect())
    }

    async fn one_at_a_time(&self, items: &[&Listed]) -> Result<Vec<Lookup>, Failed> {
        let calls: Vec<Call> = items.iter().map(|listed| self.in_form(single(listed))).collect();
        match calls.as_slice() {
            [] => Ok(Vec::new()),
            [call] => match self.ask::<Value>(call).await {
                Ok(answered) => Ok(vec![answer(Ok(answered.value))?]),
                Err(Failed { trouble: Trouble::Refused(refusal), action }) if apart(action) => Ok(vec![answer(Err(refusal))?]),
                Err(failed) => Err(failed),
            },
            calls => {
                let outcomes = self.batch(calls).await?;
                // Where others are answered, trouble that does not pass is the message's own.
                let well = outcomes.iter().any(Result::is_ok);
                let own = |refusal: &Refusal| well && action(refusal) == Some(Action::Retry);
                let one = |outcome: Result<Value, Refusal>| match outcome {
                    Err(refusal) if own(&refusal) => Ok(Lookup::Unreadable(Failure { code: refusal.name(), text: refusal.text })),
                    outcome => answer(outcome),
                };
                outcomes.into_iter().map(one).collect()
            }
        }
    }
}

/// What one outcome says of a message. A refusal that concerns more than the message comes out as an error.
fn answer(outcome: Result<Value, Refusal>) -> Result<Lookup, Failed> {
    let refusal = match outcome {
        Ok(entry) => return Ok(Lookup::Found(Box::new(message::properties(&entry)))),
        Err(refusal) => refusal,
    };
    match action(&refusal) {
        // An id of another interface, too, is none that is here.
        Some(Action::ItemGone | Action::WrongId | Action::FolderGone) => Ok(Lookup::Gone),
        action if apart(action) => Ok(Lookup::Unreadable(Failure { code: refusal.name(), text: refusal.text })),
        action => Err(Failed { trouble: Trouble::Refused(refusal), action }),
    }
}

/// Whether a refusal may concern one message rather than the mailbox or the account.
pub fn apart(action: Option<Action>) -> bool {
    !matches!(action, Some(Action::Retry | Action::Throttle | Action::Mailbox | Action::Configuration | Action::Final(_)))
}

/// Adds to what a listing told of a message what its properties tell.
pub fn fill(listed: &mut Listed, properties: Properties) {
    listed.received = listed.received.or(properties.received);
    listed.created = listed.created.or(properties.created);
    listed.size = properties.size.or(listed.size);
    listed.class = properties.class.or_else(|| listed.class.take());
    listed.search_key = properties.search_key.or_else(|| listed.search_key.take());
    listed.flags = properties.flags.or(listed.flags);
}

fn within(folder: &Folder, window: Window) -> Call {
    let second = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let filter = format!("receivedDateTime lt {} and receivedDateTime ge {}", second(window.to), second(window.from));
    let (expand, top) = (message::expand(), window.top.to_string());
    let options =
        [("$select", DESCRIBED), ("$expand", &expand), ("$filter", &filter), ("$orderby", "receivedDateTime desc"), ("$top", &top)];
    Call::get("describe messages", format!("/mailFolders/{}/messages{}", encode(&folder.id.0), query(&options)))
}

fn single(listed: &Listed) -> Call {
    let options = query(&[("$select", DESCRIBED), ("$expand", &message::expand())]);
    Call::get("describe message", format!("/messages/{}{options}", encode(&listed.id.0)))
}

#[cfg(test)]
mod tests;
