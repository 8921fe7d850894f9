//! What becomes of a single item: stored as it came, asked for again, written from its properties, or given up.

use tokio::sync::Semaphore;

use super::{
    super::{
        element::Element,
        items::apart,
        operation::{
            get_item::{self, FEWEST, Shape},
            item::properties,
        },
        refusal::Refusal,
        retry::{Failed, Patience},
        trouble::Trouble,
        verdict::{Action, judge},
        xml::Limits,
    },
    TRIES, Work,
};
use crate::mail::{Failure, Origin, Part};

/// One item at a time is written from its properties: unlike MIME they are held whole, outside of the memory budget.
static REWRITES: Semaphore = Semaphore::const_new(1);

impl Work {
    /// An item came. Its id must be the one asked for, else the answer belongs to another request.
    pub(super) async fn arrived(&mut self, index: usize, message: &Element, bytes: u64, junk: bool) -> Result<(), Trouble> {
        let item = get_item::item(message);
        let id = item.and_then(|item| item.id("ItemId"));
        let foreign = id.is_some_and(|id| id != self.messages[index].id.0);
        if bytes > 0 && (junk || foreign) {
            self.outbox.part(Part::Restarted { index }).await;
        }
        if foreign {
            return Err(Trouble::Broken("the answer holds another item than the one asked for".into()));
        }
        if let (Some(item), false, 1..) = (item, junk, bytes) {
            let mut properties = properties(item);
            let listed = &self.messages[index];
            // Where the server told few properties, the listing may have told more.
            properties.class = properties.class.or_else(|| listed.class.clone());
            properties.received = properties.received.or(listed.received);
            properties.created = properties.created.or(listed.created);
            properties.size = properties.size.or(listed.size);
            properties.read = properties.read.or(listed.read());
            self.queue.retain(|queued| *queued != index);
            let read = Part::Read { index, properties: Box::new(properties), origin: Origin::Mime };
            return match self.outbox.soon(read).await {
                Ok(()) => Ok(()),
                Err(read) => {
                    self.late = Some(*read);
                    Err(Trouble::Stalled)
                }
            };
        }
        let (code, text) = if junk {
            ("MimeContentJunk", "the MIME content is not base64")
        } else {
            ("MimeContentAbsent", "the answer has no MIME content")
        };
        let failure = Failure { code: code.into(), text: text.into() };
        // Seen as a passing weakness, so time is given to pass: a message once written from its properties stays without its own bytes.
        self.notes[index].tries += 1;
        if self.notes[index].tries < TRIES {
            self.last(index);
            self.pause = self.pause.take().or(Some(Refusal { code: failure.code, text: failure.text, ..Refusal::default() }));
            return Ok(());
        }
        self.hopeless.push((index, failure));
        Ok(())
    }

    /// Items were refused. Trouble comes out where it concerns more than an item.
    pub(super) async fn refused(&mut self, refused: Vec<(usize, Refusal)>) -> Result<(), Trouble> {
        // Busy without a time means that the batch was too large for the server.
        if refused.iter().any(|(_, refusal)| refusal.wait.is_none() && refusal.throttles()) {
            self.most = (self.most / 2).max(1);
        }
        for (index, refusal) in refused {
            let action = judge(&refusal.code);
            let failure = Failure { code: refusal.code.clone(), text: refusal.text.clone() };
            match action {
                Some(Action::ItemGone) => self.end(Part::Gone { index }).await,
                Some(Action::Again | Action::Retry | Action::Unavailable | Action::Login) => {
                    self.pause = self.pause.take().or(Some(refusal))
                }
                Some(Action::Throttle) => self.pause = self.pause.take().filter(|pause| pause.wait.is_some()).or(Some(refusal)),
                Some(Action::FewerProperties) if self.notes[index].level < FEWEST => self.notes[index].level += 1,
                Some(Action::Suspect | Action::Smaller) | None if self.notes[index].tries + 1 < TRIES => {
                    self.notes[index].tries += 1;
                    self.last(index);
                    self.pause = self.pause.take().or(Some(refusal));
                }
                action if !apart(action) => return Err(Trouble::Refused(refusal)),
                _ => self.hopeless.push((index, failure)),
            }
        }
        Ok(())
    }

    /// Writes a message from the item's properties, since the server gave `failure` for its MIME; gives the item up where that fails too.
    pub(super) async fn by_properties(&mut self, index: usize, failure: Failure) -> Result<(), Failed> {
        // Never closed.
        let _turn = REWRITES.acquire().await.ok();
        let id = self.messages[index].id.clone();
        let mut level = 0;
        let refusal = loop {
            let answers = self.session.items_within(&mut Patience::default(), &[&id], Shape::Everything, level, Limits::BODY).await?;
            match answers.into_iter().next() {
                Some(Ok(message)) => match get_item::item(&message) {
                    Some(item) => return self.write(index, item).await,
                    None => break None,
                },
                Some(Err(refusal)) if judge(&refusal.code) == Some(Action::ItemGone) => {
                    self.end(Part::Gone { index }).await;
                    return Ok(());
                }
                Some(Err(refusal)) if judge(&refusal.code) == Some(Action::FewerProperties) && level < FEWEST => level += 1,
                // Not about this item: it is asked for again in a later round.
                Some(Err(refusal)) if !apart(judge(&refusal.code)) => {
                    let trouble = Trouble::Refused(refusal);
                    return Err(Failed { action: trouble.action(), trouble });
                }
                other => break other.and_then(Result::err),
            }
        };
        let text = match refusal {
            Some(refusal) if refusal.code != failure.code => {
                format!("{}; its properties: {}: {}", failure.text, refusal.code, refusal.text)
            }
            _ => failure.text,
        };
        self.end(Part::Unreadable { index, failure: Failure { text, ..failure } }).await;
        Ok(())
    }
}
