//! The ids of well-known folders (Graph "mailFolder resource type", section "Well-known folder names"): version 1.0 names no folder in lists.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    batch::Outcome,
    call::Call,
    message,
    retry::Failed,
    session::Session,
    trouble::Trouble,
    verdict::{Action, action},
};

/// The names asked for. What is kept for the recovery of deleted items is not for reading.
const NAMES: [&str; 16] = [
    "archive",
    "clutter",
    "conflicts",
    "conversationhistory",
    "deleteditems",
    "drafts",
    "inbox",
    "junkemail",
    "localfailures",
    "msgfolderroot",
    "outbox",
    "scheduled",
    "searchfolders",
    "sentitems",
    "serverfailures",
    "syncissues",
];

impl Session {
    /// The well-known folders that the mailbox has, by name, and whether these are all. A mailbox lacks most of them. A filter may go by a name, so
    /// a name that cannot be told now is an error at first: what a filter keeps out must not be copied, and what it lets in not be passed over.
    pub async fn well_known(&self) -> Result<(BTreeMap<String, String>, bool), Failed> {
        let calls: Vec<Call> = NAMES.iter().map(|name| Call::get("name folder", format!("/mailFolders/{name}?$select=id"))).collect();
        let outcomes = match self.batch(&calls).await {
            Ok(outcomes) => outcomes,
            Err(failed @ Failed { action: Some(Action::Final(_) | Action::Throttle | Action::Configuration), .. }) => return Err(failed),
            Err(failed) => {
                tracing::debug!(mailbox = %self.desk.mailbox, trouble = %failed.trouble, "well-known folders are asked for one by one");
                self.one_by_one(&calls).await?
            }
        };
        let (mut named, mut untold) = (BTreeMap::new(), None);
        for (name, outcome) in NAMES.iter().zip(outcomes) {
            match outcome {
                Ok(folder) => {
                    if let Some(id) = message::id(&folder) {
                        named.insert((*name).to_owned(), id.0);
                    }
                }
                Err(refusal) if passing(action(&refusal)) => {
                    untold = Some((*name, refusal));
                }
                // There is none, or the server has no such name.
                Err(_) => {}
            }
        }
        match untold {
            None => Ok((named, true)),
            Some((_, refusal)) if !self.desk.memory.go_nameless() => {
                Err(Failed { trouble: Trouble::Refused(refusal), action: Some(Action::Retry) })
            }
            Some((name, refusal)) => {
                let (mailbox, code) = (&self.desk.mailbox, refusal.name());
                tracing::warn!(%mailbox, name, code, "whether this well-known folder exists cannot be told; it is taken for an ordinary one");
                Ok((named, false))
            }
        }
    }

    async fn one_by_one(&self, calls: &[Call]) -> Result<Vec<Outcome>, Failed> {
        let mut outcomes = Vec::with_capacity(calls.len());
        for call in calls {
            outcomes.push(match self.ask::<Value>(call).await {
                Ok(answered) => Ok(answered.value),
                Err(Failed { trouble: Trouble::Refused(refusal), action }) if !matches!(action, Some(Action::Final(_))) => Err(refusal),
                Err(failed) => return Err(failed),
            });
        }
        Ok(outcomes)
    }
}

fn passing(action: Option<Action>) -> bool {
    matches!(action, Some(Action::Retry | Action::Throttle | Action::Suspect | Action::Smaller))
}
