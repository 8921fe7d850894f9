//! Downloads: a batch of items as a stream of parts, whatever happens to connections, servers and single items on the way.

mod outbox;
mod plan;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use tokio::sync::mpsc;

use self::{
    outbox::{Outbox, Tap},
    plan::Note,
};
use super::{
    gate::Kind,
    items::apart,
    operation::get_item::{self, FEWEST, Shape},
    refusal::Refusal,
    retry::{Failed, Patience},
    session::{Session, miscounted},
    trouble::Trouble,
    verdict::{Action, Scope},
    xml::{Intake, Limits},
};
use crate::{
    exchange::Error,
    mail::{Failure, ItemId, Listed, Part},
};

/// How many parts may wait for their taker.
const WAITING: usize = 4;

/// How often an item is asked for again that is refused for passing reasons.
const TRIES: u32 = 4;

impl Session {
    /// The parts of `messages`. Nothing happens unless the stream is polled, and all of it ends when the stream is dropped.
    pub fn fetch(self, messages: Vec<Listed>) -> BoxStream<'static, Result<Part, Error>> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let work = async move {
            let outbox = Outbox::new(sender);
            let attempt = format!("downloading {} messages of {}", messages.len(), self.desk.mailbox);
            if let Err(failed) = Work::new(self, messages, outbox.clone()).run().await {
                outbox.fail(failed.into_error(Scope::Items, attempt)).await;
            }
        };
        stream::unfold((receiver, Some(Box::pin(work))), |(mut receiver, mut work)| async move {
            loop {
                let Some(working) = work.as_mut() else {
                    return receiver.recv().await.map(|part| (part, (receiver, work)));
                };
                tokio::select! {
                    biased;
                    part = receiver.recv() => return part.map(|part| (part, (receiver, work))),
                    () = working => work = None,
                }
            }
        })
        .boxed()
    }
}

/// A batch under way.
struct Work {
    session: Session,
    messages: Vec<Listed>,
    outbox: Outbox,
    /// Items still to be answered for, by their place in `messages`.
    queue: VecDeque<usize>,
    notes: Vec<Note>,
    /// The most items of one request; falls when the server finds it too much.
    most: usize,
    patience: Patience,
    /// Items without usable MIME, to be written from their properties once the answer under way has been read.
    hopeless: Vec<(usize, Failure)>,
    /// A refusal that asks for a pause, if only where nothing was achieved.
    pause: Option<Refusal>,
}

impl Work {
    fn new(session: Session, messages: Vec<Listed>, outbox: Outbox) -> Self {
        let level = session.desk.level(super::desk::Set::Messages);
        let notes = vec![Note { level, ..Note::default() }; messages.len()];
        let queue = (0..messages.len()).collect();
        Self { session, messages, outbox, queue, notes, most: plan::MOST, patience: Patience::default(), hopeless: Vec::new(), pause: None }
    }

    async fn run(mut self) -> Result<(), Failed> {
        // Held to the end, through every retry: of two downloads in order the second must never keep the first from going on.
        let _pass = self.session.desk.gate.pass(Kind::Fetch).await;
        while !self.queue.is_empty() {
            let batch = plan::batch(&self.queue, &self.messages, &self.notes, self.most);
            let open = self.queue.len();
            let result = self.download(&batch).await;
            for (index, failure) in std::mem::take(&mut self.hopeless) {
                self.by_properties(index, failure).await?;
            }
            if self.queue.len() < open {
                self.patience.renew();
            }
            if let Err(trouble) = result {
                self.overcome(trouble, &batch).await?;
            }
            let progressed = self.queue.len() < open;
            if let Some(refusal) = self.pause.take().filter(|refusal| refusal.wait.is_some() || !progressed) {
                self.wait_out(Trouble::Refused(refusal), &batch).await?;
            }
        }
        Ok(())
    }

    /// One request. What it answers for leaves the queue; trouble that concerns the rest comes out.
    async fn download(&mut self, batch: &[usize]) -> Result<(), Trouble> {
        let ids: Vec<&ItemId> = batch.iter().filter_map(|index| self.messages.get(*index)).map(|listed| &listed.id).collect();
        let level = batch.first().map_or(0, |first| self.notes[*first].level);
        let mut answer = self.session.open(&get_item::request(&ids, Shape::Mime, level)).await?;
        let mut refused = Vec::new();
        for index in batch.iter().copied() {
            let mut tap = Tap::new(&self.outbox, index);
            let mut intake = Intake::new(&mut tap);
            let message = answer.message(Limits::LEAN, Some(&mut intake)).await;
            let (bytes, junk) = (intake.bytes, intake.junk);
            let stalled = tap.stalled;
            let message = match message {
                Ok(Some(message)) => message,
                broken => {
                    drop(answer);
                    self.cut(index, bytes > 0).await;
                    let trouble = broken.err().unwrap_or_else(|| miscounted(batch.len(), refused.len()));
                    return Err(if stalled { Trouble::Stalled } else { trouble });
                }
            };
            match Refusal::of_message(&message) {
                Some(refusal) => {
                    if bytes > 0 {
                        self.outbox.part(Part::Restarted { index }).await;
                    }
                    refused.push((index, refusal));
                }
                None => self.arrived(index, &message, bytes, junk).await?,
            }
        }
        // Refusals carry no id. Only a whole answer with as many messages as were asked for is surely the one to this request.
        if answer.message(Limits::LEAN, None).await?.is_some() {
            return Err(miscounted(batch.len(), batch.len() + 1));
        }
        answer.finish().await?;
        self.refused(refused).await
    }

    /// The transfer broke within an item, or before it.
    async fn cut(&mut self, index: usize, begun: bool) {
        if begun {
            self.outbox.part(Part::Restarted { index }).await;
            self.last(index);
        }
    }

    /// Puts an item behind the others, to be asked for alone.
    fn last(&mut self, index: usize) {
        self.notes[index].alone = true;
        self.queue.retain(|queued| *queued != index);
        self.queue.push_back(index);
    }

    /// Answers for an item.
    async fn end(&mut self, part: Part) {
        let (Part::Mime { index, .. }
        | Part::Restarted { index }
        | Part::Read { index, .. }
        | Part::Unreadable { index, .. }
        | Part::Gone { index }) = part;
        self.queue.retain(|queued| *queued != index);
        self.outbox.part(part).await;
    }

    /// Deals with trouble that concerned a whole request.
    async fn overcome(&mut self, trouble: Trouble, batch: &[usize]) -> Result<(), Failed> {
        let open: Vec<usize> = batch.iter().copied().filter(|index| self.queue.contains(index)).collect();
        let Trouble::Refused(refusal) = &trouble else {
            return self.wait_out(trouble, &open).await;
        };
        let (refusal, action) = (refusal.clone(), trouble.action());
        let failed = Failed { trouble, action };
        match (action, open.as_slice()) {
            (Some(Action::Smaller), [_, _, ..]) => self.most = open.len() / 2,
            _ if failed.wants_fewer() && open.iter().all(|index| self.notes[*index].level < FEWEST) => {
                let level = open.first().map_or(0, |first| self.notes[*first].level) + 1;
                for index in &open {
                    self.notes[*index].level = level;
                }
                // A violation of the schema is the server's, not the items'.
                if action != Some(Action::FewerProperties) {
                    self.session.desk.learn(super::desk::Set::Messages, level);
                    self.notes.iter_mut().for_each(|note| note.level = note.level.max(level));
                }
            }
            (
                None
                | Some(Action::Retry | Action::Suspect | Action::Throttle | Action::Again | Action::OlderVersion | Action::PrimaryAddress),
                _,
            ) => return self.wait_out(failed.trouble, &open).await,
            (action, _) if !apart(action) => return Err(failed),
            (_, [index]) => self.refused(vec![(*index, refusal)]).await.map_err(|trouble| Failed { action: trouble.action(), trouble })?,
            // One of them is meant; alone it will show.
            _ => self.most = 1,
        }
        Ok(())
    }

    /// Waits and lets the request be made again, or finds who is to blame once patience is over.
    async fn wait_out(&mut self, trouble: Trouble, open: &[usize]) -> Result<(), Failed> {
        let failed = match self.patience.after(trouble, &self.session.desk).await {
            Ok(()) => return Ok(()),
            Err(failed) => failed,
        };
        let blamable = match &failed.trouble {
            Trouble::Broken(_) => true,
            Trouble::Refused(_) => apart(failed.action),
            _ => false,
        };
        let open: Vec<usize> = open.iter().copied().filter(|index| self.queue.contains(index)).collect();
        match open.as_slice() {
            _ if !blamable => Err(failed),
            [index] => {
                let index = *index;
                self.patience.renew();
                match failed.trouble {
                    Trouble::Refused(refusal) => self.by_properties(index, Failure { code: refusal.code, text: refusal.text }).await,
                    // The rest of the server must be well before one item is blamed for a broken transfer.
                    trouble => {
                        let id = self.messages[index].id.clone();
                        self.session.items_within(&[&id], Shape::Properties, FEWEST, Limits::LEAN).await?;
                        let failure = Failure { code: "TransferCut".into(), text: trouble.text().to_owned() };
                        self.end(Part::Unreadable { index, failure }).await;
                        Ok(())
                    }
                }
            }
            _ => {
                self.most = 1;
                self.patience.renew();
                Ok(())
            }
        }
    }
}
