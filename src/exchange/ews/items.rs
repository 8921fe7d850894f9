//! Properties of items by their ids, and lookups made of them.

use super::{
    element::Element,
    gate::Kind,
    operation::{
        get_item::{self, FEWEST, Shape},
        item::properties,
    },
    refusal::Refusal,
    retry::{Failed, Patience},
    session::Session,
    trouble::Trouble,
    verdict::{Action, Scope, judge},
    xml::Limits,
};
use crate::{
    exchange::Error,
    mail::{Failure, ItemId, Lookup},
};

/// The most ids of one lookup; 100 of the longest stay below the 64 KiB that some servers take on a connection to be used again.
const MOST: usize = 100;

/// How often an item is asked for again that is refused for passing reasons.
const TRIES: u32 = 4;

impl Session {
    /// Properties of `ids`, one answer an id.
    pub async fn lookup(&self, ids: &[ItemId]) -> Result<Vec<Lookup>, Error> {
        let mut found = Vec::with_capacity(ids.len());
        for batch in ids.chunks(MOST) {
            let attempt = || format!("looking up {} items of {}", batch.len(), self.desk.mailbox);
            found.extend(self.lookup_batch(batch).await.map_err(|failed| failed.into_error(Scope::Items, attempt()))?);
        }
        Ok(found)
    }

    async fn lookup_batch(&self, ids: &[ItemId]) -> Result<Vec<Lookup>, Failed> {
        let mut answers: Vec<Option<Lookup>> = vec![None; ids.len()];
        let mut open: Vec<Open> = (0..ids.len()).map(|index| Open { index, level: 0, tries: 0 }).collect();
        let mut most = ids.len().max(1);
        let mut patience = Patience::default();
        while let Some(level) = open.iter().map(|open| open.level).min() {
            let (batch, rest): (Vec<Open>, Vec<Open>) = open.drain(..).partition(|open| open.level == level);
            let (batch, later) = batch.split_at(batch.len().min(most));
            open.extend(rest);
            open.extend_from_slice(later);
            let asked: Vec<&ItemId> = batch.iter().filter_map(|open| ids.get(open.index)).collect();
            let mut asking = Patience::default();
            let results = self.items(&mut asking, Kind::Question, &asked, Shape::Properties, level, Limits::LEAN).await;
            patience.sent = asking.sent;
            let results = match results {
                Ok(results) => results,
                // The whole of a batch refused: in halves it will show which.
                Err(failed) if batch.len() > 1 && matches!(failed.trouble, Trouble::Refused(_)) && apart(failed.action) => {
                    most = batch.len() / 2;
                    open.extend_from_slice(batch);
                    continue;
                }
                Err(failed) => return Err(failed),
            };
            let before = open.len() + batch.len();
            let mut passing = None;
            for (item, result) in batch.iter().zip(results) {
                match settle(result, item.level) {
                    Settled::Answer(answer) => answers[item.index] = Some(answer),
                    Settled::Fewer => open.push(Open { level: level + 1, ..*item }),
                    Settled::Pause(refusal) => {
                        open.push(*item);
                        passing = Some(refusal);
                    }
                    Settled::Again(refusal) if item.tries + 1 >= TRIES => answers[item.index] = Some(unreadable(&refusal)),
                    Settled::Again(refusal) => {
                        open.push(Open { tries: item.tries + 1, ..*item });
                        passing = Some(refusal);
                    }
                }
            }
            if let Some(refusal) = passing.filter(|_| open.len() == before) {
                patience.after(Trouble::Refused(refusal), &self.desk).await?;
            }
        }
        Ok(answers.into_iter().map(|answer| answer.unwrap_or(Lookup::Gone)).collect())
    }

    /// The items of `ids` in order, each with its own refusal.
    pub async fn items(
        &self,
        patience: &mut Patience,
        kind: Kind,
        ids: &[&ItemId],
        shape: Shape,
        level: usize,
        limits: Limits,
    ) -> Result<Vec<Result<Element, Refusal>>, Failed> {
        let _pass = self.desk.gate.pass(kind).await;
        self.items_within(patience, ids, shape, level, limits).await
    }

    /// The same for one who already has a pass.
    pub async fn items_within(
        &self,
        patience: &mut Patience,
        ids: &[&ItemId],
        shape: Shape,
        level: usize,
        limits: Limits,
    ) -> Result<Vec<Result<Element, Refusal>>, Failed> {
        match self.ask_within(patience, limits, &|_| get_item::request(ids, shape, level)).await {
            Ok(messages) => Ok(messages.into_iter().map(|message| Refusal::of_message(&message).map_or(Ok(message), Err)).collect()),
            Err(Failed { trouble: Trouble::Refused(refusal), action }) if ids.len() == 1 && apart(action) => Ok(vec![Err(refusal)]),
            Err(failed) => Err(failed),
        }
    }
}

#[derive(Clone, Copy)]
struct Open {
    index: usize,
    level: usize,
    tries: u32,
}

enum Settled {
    Answer(Lookup),
    Fewer,
    /// Refused, perhaps for passing reasons.
    Again(Refusal),
    /// Refused for reasons that are not its own.
    Pause(Refusal),
}

fn settle(result: Result<Element, Refusal>, level: usize) -> Settled {
    let refusal = match result {
        Ok(message) => {
            return match get_item::item(&message) {
                Some(item) => Settled::Answer(Lookup::Found(Box::new(properties(item)))),
                None => Settled::Again(Refusal { code: "(no item)".into(), text: "the answer holds no item".into(), ..Refusal::default() }),
            };
        }
        Err(refusal) => refusal,
    };
    match judge(&refusal.code) {
        Some(Action::ItemGone) => Settled::Answer(Lookup::Gone),
        // Not an id of this interface: the catalog may hold Graph's.
        _ if refusal.code == "ErrorInvalidIdMalformed" => Settled::Answer(Lookup::Gone),
        Some(Action::FewerProperties) if level < FEWEST => Settled::Fewer,
        Some(Action::Retry | Action::Unavailable | Action::Login | Action::Throttle | Action::Again) => Settled::Pause(refusal),
        Some(Action::Suspect | Action::Smaller) | None => Settled::Again(refusal),
        _ => Settled::Answer(unreadable(&refusal)),
    }
}

fn unreadable(refusal: &Refusal) -> Lookup {
    Lookup::Unreadable(Failure { code: refusal.code.clone(), text: refusal.text.clone() })
}

/// Whether a refusal may concern one item rather than the mailbox or the account.
pub fn apart(action: Option<Action>) -> bool {
    !matches!(
        action,
        Some(
            Action::Mailbox
                | Action::PrimaryAddress
                | Action::Configuration
                | Action::Misunderstood
                | Action::OlderVersion
                | Action::Throttle
                | Action::Retry
                | Action::Unavailable
                | Action::Login
                | Action::Again
                | Action::Final(_)
        )
    )
}
