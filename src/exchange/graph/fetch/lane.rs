//! One of the downloads that run beside each other: takes the next message, brings it whole, takes the next.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;
use tokio::sync::Semaphore;

use super::{
    super::{
        call::Call,
        link::encode,
        retry::{Failed, Patience},
        session::Session,
        trouble::Trouble,
        verdict::Action,
    },
    job::Job,
    outbox::{Out, Outbox, Stalled},
};
use crate::{
    exchange::gate::Kind,
    mail::{Failure, Origin, Part},
};

/// An answer without content is asked for so often.
const EMPTY: u32 = 3;

/// A lane.
pub struct Lane {
    /// The mailbox.
    pub session: Session,
    /// What is to be brought, with the way out for each.
    pub jobs: Arc<Mutex<VecDeque<(Job, Outbox)>>>,
    /// How many more may be begun.
    pub ahead: Arc<Semaphore>,
}

/// How one attempt at a message's bytes ended short of them.
enum End {
    Stalled,
    Empty,
    Trouble(Trouble),
}

impl Lane {
    /// Brings messages until none is left. A lane that has to keeps its place for all of them: were it given back for a retry, lanes further
    /// ahead could take it and stand still, waiting for this one.
    pub async fn run(self, needs_place: bool) {
        let _pass = match needs_place {
            true => Some(self.session.desk.gate.pass(Kind::Fetch).await),
            false => None,
        };
        loop {
            // Never closed.
            if let Ok(permit) = self.ahead.acquire().await {
                // Given back by whoever has handed the message over.
                permit.forget();
            }
            let next = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some((job, outbox)) = next else { return };
            self.bring(job, &outbox).await;
        }
    }

    async fn bring(&self, job: Job, outbox: &Outbox) {
        let index = job.index;
        let (mut patience, mut empty) = (Patience::default(), 0);
        let call = self.session.in_form(Call::get("download", format!("/messages/{}/$value", encode(&job.id.0))).kind(Kind::Fetch));
        loop {
            let trouble = match self.pour(&mut patience, &call, index, outbox).await {
                Ok(()) => {
                    return outbox.part(Part::Read { index, properties: Box::new(job.properties), origin: Origin::Mime }).await;
                }
                // The taker's time, not the server's.
                Err(End::Stalled) => continue,
                Err(End::Empty) => {
                    empty += 1;
                    if empty >= EMPTY {
                        let failure = Failure { code: "MimeContentAbsent".into(), text: "the answer has no content".into() };
                        return self.rebuild(job, failure, outbox).await;
                    }
                    Trouble::Broken("the answer has no content".to_owned())
                }
                Err(End::Trouble(trouble)) => trouble,
            };
            let failed = match patience.after(trouble, &self.session.desk).await {
                Ok(()) => continue,
                Err(failed) => failed,
            };
            return self.judge(job, failed, outbox).await;
        }
    }

    /// One attempt. Bytes that came in vain are called back.
    async fn pour(&self, patience: &mut Patience, call: &Call, index: usize, outbox: &Outbox) -> Result<(), End> {
        let mut opened = self.session.open_within(patience, call).await.map_err(End::Trouble)?;
        // A proxy's login page comes under 200, too. Graph calls a message text/plain.
        if opened.is_page() {
            return Err(End::Trouble(Trouble::Broken("the answer is a web page and no message".to_owned())));
        }
        let mut begun = false;
        let end = loop {
            match opened.chunk().await {
                Ok(Some(bytes)) => {
                    begun = true;
                    if let Err(Stalled) = outbox.bytes(index, bytes).await {
                        break End::Stalled;
                    }
                }
                // There is no length to compare with: the body is chunked, and the end of the last chunk is the end.
                Ok(None) if begun => return Ok(()),
                Ok(None) => break End::Empty,
                Err(trouble) => break End::Trouble(trouble),
            }
        };
        drop(opened);
        if begun {
            outbox.part(Part::Restarted { index }).await;
        }
        Err(end)
    }

    /// Decides whose trouble it is that outlived its retries.
    async fn judge(&self, job: Job, failed: Failed, outbox: &Outbox) {
        let failure = || Failure { code: failed.trouble.code().unwrap_or_else(|| "TransferCut".to_owned()), text: failed.trouble.text() };
        match (failed.action, &failed.trouble) {
            (Some(Action::ItemGone | Action::WrongId | Action::FolderGone), _) => outbox.send(Out::Absent(Box::new(job))).await,
            (Some(Action::Item), _) => self.rebuild(job, failure(), outbox).await,
            (Some(Action::Throttle | Action::Denied | Action::Final(_)), _) | (_, Trouble::NoToken(_)) => {
                outbox.send(Out::Failed(Box::new(failed))).await;
            }
            // Whatever it says, the rest of the mailbox must be well before one message is blamed; and if it is, no other waits for this one.
            _ => match self.well().await {
                // The server said so itself: what it breaks down over may be the conversion alone.
                Ok(()) if failed.trouble.refusal().is_some() => self.rebuild(job, failure(), outbox).await,
                Ok(()) => outbox.part(Part::Unreadable { index: job.index, failure: failure() }).await,
                Err(failed) => outbox.send(Out::Failed(Box::new(failed))).await,
            },
        }
    }

    /// Whether the mailbox answers at all.
    pub(super) async fn well(&self) -> Result<(), Failed> {
        self.session.ask::<Value>(&Call::get("look at the root folder", "/mailFolders/msgfolderroot?$select=id")).await.map(drop)
    }
}
