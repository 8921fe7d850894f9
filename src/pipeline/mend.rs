//! Messages fetched out of turn: what a look found missing, and what is to be tried again. Cursors are left alone.

use std::sync::{Arc, Mutex};

use chrono::Utc;
use futures::{StreamExt, stream};
use tokio::time::sleep;

use super::{
    Pace, Pipeline, Subscription, Trouble,
    again::Again,
    carry,
    describe::describe,
    folder_round::{Start, Visit},
    plan::{Plan, Wanted},
    resolve,
    turns::Turns,
};
use crate::{
    catalog::{Ledger, Stand},
    checkpoint::Delivered,
    exchange::{self, Verdict},
    mail::{Change, Folder, Home, IdForm, ItemId, Key, Listed},
};

/// What is to be fetched from one folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Errand {
    /// The folder.
    pub folder: Folder,
    /// The messages.
    pub sought: Vec<Sought>,
}

/// A message to be fetched, as somebody found it who did not hold the ledger: fetched only if that is still true.
#[derive(Clone, Debug, PartialEq)]
pub enum Sought {
    /// An item that the folder lists and the ledger does not know.
    Missing(Listed),
    /// A message that the ledger has as stored and the sink has lost.
    Lost(Key, Listed),
    /// A message in quarantine.
    Quarantined(Key, Listed),
}

/// What came of errands.
#[derive(Debug, Default)]
pub struct Mended {
    /// Messages stored.
    pub stored: u64,
    /// What kept others from it.
    pub trouble: Option<Trouble>,
}

/// Items identified at once. What is decided of them is committed before others are looked at: until then keys are merely claimed, and claims are
/// forgotten in time.
const AT_ONCE: usize = 512;

impl Pipeline {
    /// Does what is to be done in one mailbox, which says that it is this one. Trouble of one folder leaves the others to be done first; where the server
    /// wants to be left alone, or a person pauses the mailbox, it goes on afterwards. A copy that runs beside it has its turns.
    pub async fn mend(self: Arc<Self>, subscription: &Subscription, home: Option<Home>, errands: Vec<Errand>) -> Mended {
        let mut turns = Turns::new(self, subscription, home);
        let mut mended = Mended::default();
        for Errand { folder, sought } in errands {
            for sought in sought.chunks(AT_ONCE) {
                let Err(trouble) = turns.some(&folder, sought, &mut mended.stored).await else { continue };
                if trouble.stops_mailbox() {
                    return Mended { trouble: Some(trouble), ..mended };
                }
                mended.trouble.get_or_insert(trouble);
                break;
            }
        }
        mended
    }

    /// Another mailbox under this address, or one read through another interface, is a matter for a round, which settles it.
    pub(super) async fn at_home(&self, subscription: &Subscription, home: Option<&Home>) -> Result<(), Trouble> {
        let known = self.checkpoints.hierarchy(&subscription.mailbox).await?;
        let settled = known.switch.is_none_or(|switch| switch.over);
        if settled && (home.is_none() || known.home.is_none() || known.home.as_ref() == home) {
            return Ok(());
        }
        Err(exchange::Error {
            verdict: Verdict::StopMailbox,
            attempt: format!("fetching messages of {} out of turn", subscription.mailbox.address),
            code: None,
            cause: "it is read through another interface than before, or is another mailbox".to_owned(),
            hint: Some("make one complete pass first: run --once".to_owned()),
        }
        .into())
    }

    /// A visit that is none of a round.
    fn out_of_turn(
        self: Arc<Self>,
        subscription: &Subscription,
        ledger: Arc<dyn Ledger>,
        form: IdForm,
        folder: Folder,
        again: Arc<Again>,
    ) -> Visit {
        Visit {
            pace: Pace::new(self.limits.message_interval),
            lever: self.levers.of(&subscription.mailbox.address),
            pipeline: self,
            mailbox: subscription.mailbox.clone(),
            path: folder.path.as_slice().into(),
            folder,
            ledger,
            filters: Arc::new(subscription.filters.clone()),
            start: Start::Beginning,
            digest: String::new(),
            form,
            // So that a message that Graph lists without its search key is recognised all the same.
            switched: Some(Utc::now()),
            again: Some(again),
            oldest_first: None,
            asked: Utc::now(),
            delivered: Delivered::default(),
            news: Mutex::default(),
        }
    }
}

impl Turns<'_> {
    /// Fetches some messages of one folder; counts those stored.
    async fn some(&mut self, folder: &Folder, sought: &[Sought], stored: &mut u64) -> Result<(), Trouble> {
        let again = Arc::new(Again::default());
        loop {
            let lever = self.pipeline.levers.of(&self.subscription.mailbox.address);
            if lever.is_paused() {
                self.rest(lever.released()).await;
            }
            let pauses = lever.watch();
            let visit = self.visit(folder, &again).await?;
            let done = fetch(&visit, sought, stored).await;
            drop(visit);
            let drain = self.pipeline.drain.clone();
            if drain.has_begun() {
                self.rest(drain.unless_begun()).await;
            }
            match done {
                Ok(()) if pauses.any() => {} // it may have been cut short
                Ok(()) => return Ok(()),
                Err(trouble) => match trouble.verdict() {
                    Verdict::WaitFor(wait) => {
                        tracing::info!(mailbox = %self.subscription.mailbox.address, %trouble, ?wait, "what is fetched out of turn waits");
                        self.rest(sleep(wait)).await;
                    }
                    _ => return Err(trouble),
                },
            }
        }
    }

    async fn visit(&mut self, folder: &Folder, again: &Arc<Again>) -> Result<Arc<Visit>, Trouble> {
        let ledger = self.ledger().await?;
        let pipeline = self.pipeline.clone();
        Ok(Arc::new(pipeline.out_of_turn(self.subscription, ledger, self.form(), folder.clone(), again.clone())))
    }
}

/// Fetches what is to be fetched still, and commits it.
async fn fetch(visit: &Arc<Visit>, sought: &[Sought], stored: &mut u64) -> Result<(), Trouble> {
    let ids: Vec<ItemId> = sought.iter().map(|sought| sought.listed().id.clone()).collect();
    let stands = visit.ledger.stands(&ids).await?;
    let (mut changes, mut wanted) = (Vec::new(), Vec::new());
    for (sought, _) in sought.iter().zip(stands).filter(|(sought, stand)| sought.is_so(stand.as_ref(), &visit.folder)) {
        match sought.clone() {
            Sought::Missing(listed) => changes.push(Change::Created(listed)),
            Sought::Lost(key, listed) | Sought::Quarantined(key, listed) => wanted.push(Wanted { listed, key }),
        }
    }
    if let Some(again) = &visit.again {
        again.left(&mut wanted);
    }
    describe(visit, &mut changes).await?;
    let decisions = visit.ledger.identify(&visit.folder, &changes).await?;
    let mut plan = resolve::resolve(visit, decisions).await?;
    plan.wanted.extend(wanted);
    let mut committed = std::pin::pin!(carry(visit, stream::iter([Ok::<Plan, Trouble>(plan)])));
    while let Some(batch) = committed.next().await {
        *stored += batch?.messages;
    }
    Ok(())
}

impl Sought {
    fn listed(&self) -> &Listed {
        match self {
            Self::Missing(listed) | Self::Lost(_, listed) | Self::Quarantined(_, listed) => listed,
        }
    }

    /// Whether it is still so in the ledger: a round may have stored the message meanwhile, or met it elsewhere, and knows better where it is.
    fn is_so(&self, stand: Option<&Stand>, folder: &Folder) -> bool {
        let here = |key: &Key| stand.filter(|stand| stand.key == *key && stand.folder == folder.id);
        match self {
            Self::Missing(_) => stand.is_none_or(|stand| !stand.stored && !stand.quarantined),
            Self::Lost(key, _) => here(key).is_some_and(|stand| stand.stored),
            Self::Quarantined(key, _) => here(key).is_some_and(|stand| stand.quarantined),
        }
    }
}
