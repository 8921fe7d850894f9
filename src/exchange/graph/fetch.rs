//! Downloads: a batch of messages as a stream of parts, whatever happens to connections, servers and single messages on the way.
//!
//! Several downloads run ahead of the taker, each in a `lane`; what comes out is in order, the parts of a message following each other.

mod job;
mod lane;
mod outbox;
mod rebuild;
#[cfg(test)]
mod tests;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::stream::BoxStream;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::sleep,
};
use tokio_util::task::AbortOnDropHandle;

use self::{
    job::Job,
    lane::Lane,
    outbox::{Out, Outbox},
};
use super::{desk::IN_FLIGHT, retry::Failed, session::Session, verdict::Scope};
use crate::{
    exchange::{Error, ahead::ahead, gate::Kind},
    mail::{Folder, Listed, Lookup, Part, Properties},
};

/// How many parts of one message may wait for their taker.
const WAITING: usize = 4;

/// What is listed may be missing for seconds where it is read: so long, and so often, it is waited for.
const ABSENT: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(5)];

impl Session {
    /// The parts of `messages` of `folder`. Nothing happens before the stream is polled, and all of it ends when the stream is dropped.
    pub fn fetch(self, folder: Folder, messages: Vec<Listed>) -> BoxStream<'static, Result<Part, Error>> {
        let desk = self.desk.clone();
        ahead(WAITING, async move { desk.gate.pass(Kind::Fetch).await }, |sender| async move {
            let attempt = format!("downloading {} messages of {}", messages.len(), self.desk.mailbox);
            if let Err(failed) = (Batch { session: self, folder, messages }).run(&sender).await {
                // Sender and receiver are dropped together, so a closed channel is seen by nobody.
                let _ = sender.send(Err(failed.into_error(Scope::Items, attempt))).await;
            }
        })
    }
}

/// A batch under way.
struct Batch {
    session: Session,
    folder: Folder,
    messages: Vec<Listed>,
}

impl Batch {
    async fn run(self, sender: &mpsc::Sender<Result<Part, Error>>) -> Result<(), Failed> {
        let known = self.properties().await?;
        let mut queue: VecDeque<Job> = VecDeque::with_capacity(self.messages.len());
        for (index, (listed, properties)) in self.messages.iter().zip(known).enumerate() {
            queue.push_back(Job { index, id: listed.id.clone(), properties });
        }
        for wait in ABSENT {
            queue = self.pass_over(queue, sender).await?;
            if queue.is_empty() {
                return Ok(());
            }
            sleep(wait).await;
        }
        for job in self.pass_over(queue, sender).await? {
            let _ = sender.send(Ok(Part::Gone { index: job.index })).await;
        }
        Ok(())
    }

    /// What the catalog keeps of each message: described by the server, or, where it would not, as listed.
    async fn properties(&self) -> Result<Vec<Properties>, Failed> {
        let found = self.session.describe(&self.folder, &self.messages).await?;
        let one = |(listed, found): (&Listed, Lookup)| {
            let mut properties = match found {
                Lookup::Found(properties) => *properties,
                Lookup::Gone | Lookup::Unreadable(_) => Properties::default(),
            };
            properties.received = properties.received.or(listed.received);
            properties.created = properties.created.or(listed.created);
            properties.size = properties.size.or(listed.size);
            properties.class = properties.class.or_else(|| listed.class.clone());
            properties.read = properties.read.or(listed.read());
            properties
        };
        Ok(self.messages.iter().zip(found).map(one).collect())
    }

    /// Downloads what is queued, in order; returns what was not there.
    async fn pass_over(&self, queue: VecDeque<Job>, sender: &mpsc::Sender<Result<Part, Error>>) -> Result<VecDeque<Job>, Failed> {
        let lanes = queue.len().min(IN_FLIGHT);
        let (mut outs, mut jobs) = (Vec::with_capacity(queue.len()), VecDeque::with_capacity(queue.len()));
        let (head, turns) = watch::channel(0);
        for (place, job) in queue.into_iter().enumerate() {
            let (out, receiver) = mpsc::channel(WAITING);
            jobs.push_back((job, Outbox::new(out, place, turns.clone())));
            outs.push(receiver);
        }
        // So many messages may be begun before the first of them is handed over: what waits in channels is bounded by that.
        let ahead = Arc::new(Semaphore::new(IN_FLIGHT));
        let jobs = Arc::new(Mutex::new(jobs));
        let _lanes: Vec<AbortOnDropHandle<()>> = (0..lanes)
            .map(|number| {
                let lane = Lane { session: self.session.clone(), jobs: jobs.clone(), ahead: ahead.clone() };
                // The first lane has the batch's own place; so whatever the others wait for, the batch goes on.
                AbortOnDropHandle::new(tokio::spawn(lane.run(number > 0)))
            })
            .collect();
        let mut absent = VecDeque::new();
        for (place, mut out) in outs.into_iter().enumerate() {
            head.send_replace(place);
            while let Some(what) = out.recv().await {
                match what {
                    Out::Part(part) => {
                        let _ = sender.send(Ok(part)).await;
                    }
                    Out::Absent(job) => absent.push_back(*job),
                    Out::Failed(failed) => return Err(*failed),
                }
            }
            ahead.add_permits(1);
        }
        Ok(absent)
    }
}
