//! Downloads: a batch of items as a stream of parts, whatever happens to connections, servers and single items on the way.

mod outbox;
mod overcome;
mod plan;
mod settle;
#[cfg(test)]
mod tests;
mod write;

use std::collections::VecDeque;

use futures::stream::BoxStream;

use self::{
    outbox::{Outbox, Tap},
    plan::Note,
};
use super::{
    desk::Set,
    gate::Kind,
    operation::get_item::{self, Shape},
    refusal::Refusal,
    retry::{Failed, Patience},
    session::{Session, miscounted},
    trouble::Trouble,
    verdict::Scope,
    xml::{Intake, Limits},
};
use crate::{
    exchange::{Error, ahead::ahead},
    mail::{Failure, ItemId, Listed, Part},
};

/// How many parts may wait for their taker.
const WAITING: usize = 4;

/// How often an item is asked for again that is refused for passing reasons.
const TRIES: u32 = 4;

impl Session {
    /// The parts of `messages`. Nothing happens before the stream is polled, and all of it ends when the stream is dropped. In between the
    /// download goes on by itself, a few parts ahead of its taker.
    pub fn fetch(self, messages: Vec<Listed>) -> BoxStream<'static, Result<Part, Error>> {
        let desk = self.desk.clone();
        ahead(WAITING, async move { desk.gate.pass(Kind::Fetch).await }, |sender| async move {
            let outbox = Outbox::new(sender);
            let attempt = format!("downloading {} messages of {}", messages.len(), self.desk.mailbox);
            if let Err(failed) = Work::new(self, messages, outbox.clone()).run().await {
                outbox.fail(failed.into_error(Scope::Items, attempt)).await;
            }
        })
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
    /// The end of a message that nobody took in time, to be sent once no connection waits for it.
    late: Option<Part>,
    /// A refusal that asks for a pause, if only where nothing was achieved.
    pause: Option<Refusal>,
}

impl Work {
    fn new(session: Session, messages: Vec<Listed>, outbox: Outbox) -> Self {
        let level = session.desk.level(Set::Messages);
        let notes = vec![Note { level, ..Note::default() }; messages.len()];
        let queue = (0..messages.len()).collect();
        Self {
            session,
            messages,
            outbox,
            queue,
            notes,
            most: plan::MOST,
            patience: Patience::default(),
            hopeless: Vec::new(),
            late: None,
            pause: None,
        }
    }

    async fn run(mut self) -> Result<(), Failed> {
        while !self.queue.is_empty() {
            let batch = plan::batch(&self.queue, &self.messages, &self.notes, self.most);
            let open = self.queue.len();
            let result = self.download(&batch).await;
            if let Some(part) = self.late.take() {
                self.outbox.part(part).await;
            }
            self.write_hopeless().await?;
            if self.queue.len() < open {
                self.patience.renew();
            }
            if let Err(trouble) = result {
                self.overcome(trouble, &batch).await?;
                self.write_hopeless().await?;
            }
            let progressed = self.queue.len() < open;
            if let Some(refusal) = self.pause.take().filter(|refusal| refusal.wait.is_some() || !progressed) {
                self.wait_out(Trouble::Refused(refusal), &batch).await?;
            }
        }
        Ok(())
    }

    /// Writes the items without MIME from their properties; not before, since one request at a time is under way.
    async fn write_hopeless(&mut self) -> Result<(), Failed> {
        for (index, failure) in std::mem::take(&mut self.hopeless) {
            self.by_properties(index, failure).await?;
        }
        Ok(())
    }

    /// One request. What it answers for leaves the queue; trouble that concerns the rest comes out.
    async fn download(&mut self, batch: &[usize]) -> Result<(), Trouble> {
        let ids: Vec<&ItemId> = batch.iter().filter_map(|index| self.messages.get(*index)).map(|listed| &listed.id).collect();
        let level = batch.first().map_or(0, |first| self.notes[*first].level);
        let request = get_item::request(&ids, Shape::Mime, level);
        let mut answer = self.session.open(&mut self.patience, &request).await?;
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
                    if bytes > 0 {
                        self.outbox.part(Part::Restarted { index }).await;
                        // A stall is the taker's; a cut may be the item's, which then must not hold up the others.
                        if !stalled {
                            self.last(index);
                        }
                    }
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
        if refused.is_empty() {
            self.session.desk.gate.well(&self.session.desk.mailbox, self.patience.sent);
        }
        self.refused(refused).await
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
}
