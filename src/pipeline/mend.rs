//! Messages fetched out of turn: what a look found missing, and what is to be tried again. Cursors are left alone.

use std::sync::{Arc, Mutex};

use chrono::Utc;
use futures::{StreamExt, stream};

use super::{
    Pace, Pipeline, Subscription, Trouble, carry,
    describe::describe,
    folder_round::{Start, Visit},
    plan::{Plan, Wanted},
    resolve,
    turns::Turns,
};
use crate::{
    catalog::Ledger,
    checkpoint::Delivered,
    exchange::{self, Verdict},
    mail::{Change, Folder, Home, IdForm, Key, Listed},
};

/// What is to be fetched from one folder.
#[derive(Clone, Debug, PartialEq)]
pub struct Errand {
    /// The folder.
    pub folder: Folder,
    /// Items that it lists and the ledger does not know.
    pub listed: Vec<Listed>,
    /// Messages that the ledger knows, to be stored under their keys again.
    pub again: Vec<(Key, Listed)>,
}

/// Items identified at once. What is decided of them is committed before others are looked at: until then keys are merely claimed, and claims are
/// forgotten in time.
const AT_ONCE: usize = 512;

impl Pipeline {
    /// Does what is to be done in one mailbox, which says that it is this one. Returns how many messages were stored; trouble of one folder leaves the
    /// others to be done first. A copy that runs beside it has its turns.
    pub async fn mend(self: Arc<Self>, subscription: &Subscription, home: Option<Home>, errands: Vec<Errand>) -> Result<u64, Trouble> {
        let mut turns = Turns::new(self, subscription, home);
        let (mut messages, mut trouble) = (0, None);
        for errand in errands {
            match turns.errand(errand, &mut messages).await {
                Ok(()) => {}
                Err(error) if error.stops_mailbox() => return Err(error),
                Err(error) => drop(trouble.get_or_insert(error)),
            }
        }
        trouble.map_or(Ok(messages), Err)
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
    fn out_of_turn(self: Arc<Self>, subscription: &Subscription, ledger: Arc<dyn Ledger>, form: IdForm, folder: Folder) -> Visit {
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
            retry_quarantined: false,
            oldest_first: None,
            asked: Utc::now(),
            delivered: Delivered::default(),
            news: Mutex::default(),
        }
    }
}

impl Turns<'_> {
    /// Does what is to be done in one folder, some items at a time; counts the messages stored.
    async fn errand(&mut self, errand: Errand, messages: &mut u64) -> Result<(), Trouble> {
        let Errand { folder, listed, again } = errand;
        for listed in listed.chunks(AT_ONCE) {
            let visit = self.visit(&folder).await?;
            let mut changes: Vec<Change> = listed.iter().cloned().map(Change::Created).collect();
            describe(&visit, &mut changes).await?;
            let decisions = visit.ledger.identify(&visit.folder, &changes).await?;
            let plan = resolve::resolve(&visit, decisions).await?;
            to_the_end(&visit, plan, messages).await?;
        }
        for again in again.chunks(AT_ONCE) {
            let visit = self.visit(&folder).await?;
            let wanted = again.iter().map(|(key, listed)| Wanted { listed: listed.clone(), key: key.clone() }).collect();
            to_the_end(&visit, Plan { wanted, ..Plan::default() }, messages).await?;
        }
        Ok(())
    }

    async fn visit(&mut self, folder: &Folder) -> Result<Arc<Visit>, Trouble> {
        let ledger = self.ledger().await?;
        Ok(Arc::new(self.pipeline.clone().out_of_turn(self.subscription, ledger, self.form(), folder.clone())))
    }
}

/// Carries a plan until all of it is committed.
async fn to_the_end(visit: &Arc<Visit>, plan: Plan, messages: &mut u64) -> Result<(), Trouble> {
    let mut committed = std::pin::pin!(carry(visit, stream::iter([Ok(plan)])));
    while let Some(batch) = committed.next().await {
        *messages += batch?.messages;
    }
    Ok(())
}
