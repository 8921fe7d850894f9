//! Messages fetched out of turn: what a look found missing, and what is to be tried again. Cursors are left alone.

use std::sync::{Arc, Mutex};

use chrono::Utc;
use futures::{StreamExt, stream};
use tokio::{sync::Semaphore, time::sleep};

use super::{
    Pace, Pipeline, Subscription, Trouble,
    again::Again,
    carry,
    describe::describe,
    folder_round::{Start, Visit},
    plan::{Plan, Wanted},
    resolve::{Resolved, resolve},
    turns::{PAUSE, Turn, Turns},
};
use crate::{
    catalog::{Ledger, Stand},
    checkpoint::Delivered,
    exchange::{self, Verdict},
    mail::{Change, Folder, Home, ItemId, Key, Listed},
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
    /// Messages of which something came: they are stored, gone, or in quarantine as before.
    pub tried: u64,
    /// Those of them that are stored.
    pub stored: u64,
    /// What kept others from it.
    pub trouble: Option<Trouble>,
    /// Whether a person paused the mailbox before the end.
    pub paused: bool,
}

/// Items identified at once. What is decided of them is committed before others are looked at: until then keys are merely claimed, and claims are
/// forgotten in time.
const AT_ONCE: usize = 512;

impl Pipeline {
    /// Does what is to be done in one mailbox, which says that it is this one, until that is done or a person pauses the mailbox. Trouble of one folder leaves
    /// the others to be done first; where the server wants to be left alone, it goes on afterwards. A copy that runs beside it has its turns. `places` bound how
    /// many mailboxes are at work so; one is had while something is done, and not in a rest.
    pub async fn mend(
        self: Arc<Self>,
        subscription: &Subscription,
        home: Option<Home>,
        errands: Vec<Errand>,
        places: Option<Arc<Semaphore>>,
    ) -> Mended {
        let mut turns = Turns::new(self, subscription, home, places);
        let mut mended = Mended::default();
        for Errand { folder, sought } in errands {
            for sought in sought.chunks(AT_ONCE) {
                let again = Arc::new(Again::default());
                let done = turns.some(&folder, sought, &again, &mut mended.stored).await;
                mended.tried += again.tried();
                match done {
                    Ok(true) => {}
                    Ok(false) => return Mended { paused: true, ..mended },
                    Err(trouble) if trouble.stops_mailbox() => return Mended { trouble: Some(trouble), ..mended },
                    Err(trouble) => {
                        mended.trouble.get_or_insert(trouble);
                        break;
                    }
                }
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
    fn out_of_turn(self: Arc<Self>, turns: &Turns<'_>, ledger: Arc<dyn Ledger>, folder: Folder, again: Arc<Again>) -> Visit {
        let subscription = turns.subscription;
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
            uncovered: Vec::new(),
            unread: Arc::default(),
            digest: String::new(),
            form: turns.form(),
            // So that a message that Graph lists without its search key is recognised all the same.
            switched: Some(Utc::now()),
            again: Some(again),
            turn: Some(turns.turn()),
            oldest_first: None,
            asked: Utc::now(),
            delivered: Delivered::default(),
            news: Mutex::default(),
        }
    }
}

impl Turns<'_> {
    /// Fetches some messages of one folder, unless a person pauses the mailbox; counts those stored.
    async fn some(&mut self, folder: &Folder, sought: &[Sought], again: &Arc<Again>, stored: &mut u64) -> Result<bool, Trouble> {
        loop {
            let lever = self.pipeline.levers.of(&self.subscription.mailbox.address);
            let pauses = lever.watch();
            if pauses.any() {
                return Ok(false);
            }
            let ledger = self.ledger().await?;
            if pauses.any() {
                return Ok(false);
            }
            let visit = Arc::new(self.pipeline.clone().out_of_turn(self, ledger, folder.clone(), again.clone()));
            let done = fetch(&visit, sought, stored).await;
            self.pipeline.tell_totals(&visit.mailbox.address, visit.ledger.as_ref()).await?;
            let cut = visit.turn.as_ref().is_some_and(Turn::was_cut);
            drop(visit);
            let drain = self.pipeline.drain.clone();
            if drain.has_begun() {
                self.rest(drain.unless_begun()).await;
            }
            match done {
                Ok(()) if cut || pauses.any() => {} // something may be left
                Ok(()) => return Ok(true),
                Err(trouble) => match trouble.verdict() {
                    Verdict::WaitFor(wait) => {
                        tracing::info!(mailbox = %self.subscription.mailbox.address, %trouble, ?wait, "what is fetched out of turn waits");
                        // A copy beside it waits as long, and is to come first then.
                        self.rest(sleep(wait + PAUSE)).await;
                    }
                    _ => return Err(trouble),
                },
            }
        }
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
        again.begin();
        again.left(&mut wanted);
    }
    describe(visit, &mut changes).await?;
    let decisions = visit.ledger.identify(&visit.folder, &changes).await?;
    let Resolved { mut plan, .. } = resolve(visit, decisions).await?;
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
