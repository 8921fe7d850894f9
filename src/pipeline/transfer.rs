//! Downloads a batch into the sink: bytes flow from Exchange's stream of parts to writes, and never pile up beyond the budget.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::wrappers::ReceiverStream;

use super::{
    Trouble,
    batches::Batch,
    budget::WHOLE,
    drain::UnderWay,
    folder_round::Visit,
    plan::{End, Wanted},
    task::Task,
};
use crate::{
    catalog::Entry,
    exchange::{self, Verdict},
    mail::{Failure, Origin, Part, Properties},
    sink::{self, Body, Broken, Envelope, Stored},
};

/// A batch whose messages are durably in the sink.
#[derive(Debug)]
pub struct Transferred {
    /// One entry a message of the batch, in order, then what else is to be written down.
    pub entries: Vec<Entry>,
    /// Set on a plan's last batch.
    pub end: Option<End>,
    /// What stopped the download before its end; then only what is durable already is among the entries.
    pub trouble: Option<Trouble>,
    /// That it is under way.
    pub under_way: UnderWay,
}

type Write = Task<Result<Stored, sink::Error>>;

/// Where one message's bytes are on their way to the sink.
enum Transit {
    /// Gathered so far.
    Gathering(BytesMut),
    /// Too large to be gathered: handed on as they come.
    Streaming(Flow),
    /// The sink would not have it, for the reason: the rest goes nowhere.
    Unacceptable(Box<sink::Error>),
}

/// A message on its way into a write under way.
struct Flow {
    chunks: mpsc::Sender<Result<Bytes, Broken>>,
    properties: oneshot::Sender<Arc<Properties>>,
    write: Write,
}

/// Fetches and stores a batch. Returns once every message of it is durable. What came before trouble counts, too: a server that grants less than a
/// batch between two rests would otherwise have the same messages fetched for ever.
pub fn transfer(visit: Arc<Visit>, batch: Batch) -> impl Future<Output = Result<Transferred, Trouble>> + Send {
    // Given here, in the order of the batches, and not by the tasks: one that went before its time would wait for the earlier ones with all that it has.
    let turn = visit.pace.turn(batch.wanted.len());
    at_its_turn(visit, batch, turn)
}

async fn at_its_turn(visit: Arc<Visit>, batch: Batch, turn: impl Future<Output = ()> + Send) -> Result<Transferred, Trouble> {
    let Batch { wanted, record, end } = batch;
    // What only waits for its turn is not under way.
    turn.await;
    visit.pipeline.drain.unless_begun().await;
    let under_way = visit.pipeline.drain.begin();
    if wanted.is_empty() {
        return Ok(Transferred { entries: record, end, trouble: None, under_way });
    }
    let (mut entries, trouble) = Download::new(&visit, wanted).run().await;
    if trouble.is_some() {
        return Ok(Transferred { entries, end: None, trouble, under_way });
    }
    entries.extend(record);
    Ok(Transferred { entries, end, trouble, under_way })
}

/// What became of one message.
enum Outcome {
    Pending,
    Writing { write: Write, properties: Arc<Properties>, origin: Origin },
    Done(Box<Entry>),
}

struct Download<'a> {
    visit: &'a Visit,
    wanted: Vec<Wanted>,
    outcomes: Vec<Outcome>,
    current: Option<(usize, Transit)>,
}

impl<'a> Download<'a> {
    fn new(visit: &'a Visit, wanted: Vec<Wanted>) -> Self {
        let outcomes = wanted.iter().map(|_| Outcome::Pending).collect();
        Self { visit, wanted, outcomes, current: None }
    }

    async fn run(mut self) -> (Vec<Entry>, Option<Trouble>) {
        let mut trouble = self.receive().await.err();
        if let Some(index) = self.current.as_ref().map(|(index, _)| *index)
            && let Err(error) = self.forget(index).await
        {
            trouble.get_or_insert(error);
        }
        self.finish(trouble).await
    }

    async fn receive(&mut self) -> Result<(), Trouble> {
        self.visit.pipeline.sink.ready().await;
        let _slot = self.visit.pipeline.budget.download().await;
        let listed = self.wanted.iter().map(|wanted| wanted.listed.clone()).collect();
        let mut parts = self.visit.pipeline.exchange.fetch(&self.visit.mailbox, &self.visit.folder, listed);
        while let Some(part) = parts.next().await {
            self.take(part?).await?;
        }
        Ok(())
    }

    async fn take(&mut self, part: Part) -> Result<(), Trouble> {
        match part {
            Part::Mime { index, chunk } => self.gather(index, chunk).await,
            Part::Restarted { index } => self.forget(index).await,
            Part::Read { index, properties, origin } => self.complete(index, properties, origin).await,
            Part::Unreadable { index, failure } => {
                self.forget(index).await?;
                self.set_aside(index, failure)
            }
            Part::Gone { index } => {
                self.forget(index).await?;
                let Wanted { listed, key } = self.wanted(index)?.clone();
                self.settle(index, Outcome::Done(Box::new(Entry::Vanished { key, listed })))
            }
        }
    }

    async fn gather(&mut self, index: usize, chunk: Bytes) -> Result<(), Trouble> {
        let state = match self.current.take() {
            Some((current, state)) if current == index => state,
            Some(_) => return Err(self.muddled("two messages at once").into()),
            None => Transit::Gathering(BytesMut::new()),
        };
        let state = match state {
            Transit::Gathering(mut whole) if whole.len() + chunk.len() <= WHOLE => {
                whole.extend_from_slice(&chunk);
                Transit::Gathering(whole)
            }
            Transit::Gathering(whole) => match self.stream(index)?.hand_on(whole.freeze()).await? {
                Transit::Streaming(flow) => flow.hand_on(chunk).await?,
                ended => ended,
            },
            Transit::Streaming(flow) => flow.hand_on(chunk).await?,
            ended @ Transit::Unacceptable(_) => ended,
        };
        self.current = Some((index, state));
        Ok(())
    }

    async fn complete(&mut self, index: usize, properties: Box<Properties>, origin: Origin) -> Result<(), Trouble> {
        let properties: Arc<Properties> = Arc::from(properties);
        let write = match self.current.take() {
            Some((current, state)) if current == index => match state {
                Transit::Gathering(whole) => self.write(index, whole.freeze(), properties.clone()).await?,
                Transit::Streaming(flow) => flow.end(properties.clone()),
                Transit::Unacceptable(error) => return self.set_aside(index, failure(*error)),
            },
            Some(_) => return Err(self.muddled("the end of a message amid another").into()),
            None => self.write(index, Bytes::new(), properties.clone()).await?,
        };
        self.settle(index, Outcome::Writing { write, properties, origin })
    }

    /// Drops what came of a message so far; a write under way is told that its source broke, so that nothing of it stays.
    async fn forget(&mut self, index: usize) -> Result<(), Trouble> {
        match self.current.take() {
            Some((current, _)) if current != index => Err(self.muddled("two messages at once").into()),
            Some((_, Transit::Streaming(Flow { chunks, properties, write }))) => {
                let _ = chunks.send(Err(Broken)).await;
                drop((chunks, properties));
                match write.done().await {
                    Err(error) if !matches!(error.verdict, sink::Verdict::Broken | sink::Verdict::Unacceptable) => Err(error.into()),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn set_aside(&mut self, index: usize, failure: Failure) -> Result<(), Trouble> {
        let Wanted { listed, key } = self.wanted(index)?.clone();
        self.settle(index, Outcome::Done(Box::new(Entry::Quarantined { key, listed, failure })))
    }

    /// Waits for the writes under way. Gives what is durable, and the first trouble.
    async fn finish(mut self, mut trouble: Option<Trouble>) -> (Vec<Entry>, Option<Trouble>) {
        let mut entries = Vec::with_capacity(self.wanted.len());
        for (wanted, outcome) in self.wanted.drain(..).zip(std::mem::take(&mut self.outcomes)) {
            match outcome {
                Outcome::Writing { write, properties, origin } => match write.done().await {
                    Ok(stored) => entries.push(Entry::Stored { key: wanted.key, listed: wanted.listed, properties, origin, stored }),
                    Err(error) if error.verdict == sink::Verdict::Unacceptable => {
                        entries.push(Entry::Quarantined { key: wanted.key, listed: wanted.listed, failure: failure(error) });
                    }
                    Err(error) => drop(trouble.get_or_insert(error.into())),
                },
                Outcome::Done(entry) => entries.push(*entry),
                Outcome::Pending => drop(trouble.get_or_insert_with(|| muddled(self.visit, "a message without an end").into())),
            }
        }
        (entries, trouble)
    }

    async fn write(&self, index: usize, whole: Bytes, properties: Arc<Properties>) -> Result<Write, Trouble> {
        let held = self.visit.pipeline.budget.hold(whole.len()).await;
        self.spawn(index, Body::Whole(held.with(whole), properties))
    }

    fn stream(&self, index: usize) -> Result<Flow, Trouble> {
        // One chunk in the channel beside the one being written: both fit the download's slot.
        let (chunks, receiver) = mpsc::channel(1);
        let (properties, later) = oneshot::channel();
        let write = self.spawn(index, Body::Stream(ReceiverStream::new(receiver).boxed(), later))?;
        Ok(Flow { chunks, properties, write })
    }

    fn spawn(&self, index: usize, body: Body) -> Result<Write, Trouble> {
        let Wanted { key, listed } = self.wanted(index)?;
        let envelope = Envelope {
            mailbox: self.visit.mailbox.clone(),
            folder: self.visit.path.clone(),
            key: key.clone(),
            received: listed.received,
            dated: listed.dated(),
        };
        let pipeline = self.visit.pipeline.clone();
        Ok(Task::spawn(async move { pipeline.sink.write(&envelope, body).await }))
    }

    fn wanted(&self, index: usize) -> Result<&Wanted, Trouble> {
        self.wanted.get(index).ok_or_else(|| self.muddled("a message that was not asked for").into())
    }

    fn settle(&mut self, index: usize, outcome: Outcome) -> Result<(), Trouble> {
        match self.outcomes.get_mut(index) {
            Some(pending @ Outcome::Pending) => {
                *pending = outcome;
                Ok(())
            }
            _ => Err(self.muddled("a message that was not asked for, or twice").into()),
        }
    }

    fn muddled(&self, what: &str) -> exchange::Error {
        muddled(self.visit, what)
    }
}

/// An answer that does not fit the question. Nothing of it is committed; the batch comes again in a later round.
fn muddled(visit: &Visit, what: &str) -> exchange::Error {
    exchange::Error {
        verdict: Verdict::Later,
        attempt: format!("fetching messages of {} from {}", visit.folder.path.join("/"), visit.mailbox.address),
        code: None,
        cause: format!("the answer held {what}"),
        hint: None,
    }
}

impl Flow {
    /// Sends a chunk; if the write has ended already, its error says why.
    async fn hand_on(self, chunk: Bytes) -> Result<Transit, Trouble> {
        if self.chunks.send(Ok(chunk)).await.is_ok() {
            return Ok(Transit::Streaming(self));
        }
        match self.write.done().await {
            Err(error) if error.verdict == sink::Verdict::Unacceptable => Ok(Transit::Unacceptable(Box::new(error))),
            Err(error) => Err(error.into()),
            Ok(stored) => Err(sink::Error {
                attempt: format!("writing {}", stored.object),
                code: None,
                cause: "the write ended before the message did".to_owned(),
                hint: None,
                verdict: sink::Verdict::Later(None),
            }
            .into()),
        }
    }

    /// The message is complete.
    fn end(self, properties: Arc<Properties>) -> Write {
        // Whoever writes and does not ask for them has no use for them.
        let _ = self.properties.send(properties);
        drop(self.chunks); // the end of the stream is the end of the message
        self.write
    }
}

/// Why the sink would not have a message.
fn failure(error: sink::Error) -> Failure {
    let text = error.to_string();
    Failure { code: error.code.unwrap_or_else(|| "SinkRefused".to_owned()), text }
}
