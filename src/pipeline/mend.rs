//! Messages fetched out of turn: what a look found missing, and what is to be tried again. Cursors are left alone.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::Utc;
use futures::{StreamExt, stream};
use tokio::time::{Instant, sleep};

use super::{
    Pace, Pipeline, Subscription, Trouble, carry,
    describe::describe,
    folder_round::{Start, Visit},
    plan::{Plan, Wanted},
    resolve,
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

/// Whoever copies this mailbox lets go of its ledger after each round.
const PATIENCE: Duration = Duration::from_secs(120);

/// Items planned at once.
const AT_ONCE: usize = 512;

impl Pipeline {
    /// Does what is to be done in one mailbox, which says that it is this one. Returns how many messages were stored; trouble of one folder leaves the
    /// others to be done first.
    pub async fn mend(self: Arc<Self>, subscription: &Subscription, home: Option<Home>, errands: Vec<Errand>) -> Result<u64, Trouble> {
        self.at_home(subscription, home.as_ref()).await?;
        let form = home.map_or_else(IdForm::default, |home| home.form);
        let ledger: Arc<dyn Ledger> = Arc::from(self.ledger(subscription).await?);
        ledger.speaks(form).await?;
        let (mut messages, mut trouble) = (0, None);
        for errand in errands {
            match self.clone().errand(subscription, &ledger, form, errand).await {
                Ok(stored) => messages += stored,
                Err(error) if error.stops_mailbox() => return Err(error),
                Err(error) => drop(trouble.get_or_insert(error)),
            }
        }
        trouble.map_or(Ok(messages), Err)
    }

    /// Another mailbox under this address, or one read through another interface, is a matter for a round, which settles it.
    async fn at_home(&self, subscription: &Subscription, home: Option<&Home>) -> Result<(), Trouble> {
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

    async fn errand(
        self: Arc<Self>,
        subscription: &Subscription,
        ledger: &Arc<dyn Ledger>,
        form: IdForm,
        errand: Errand,
    ) -> Result<u64, Trouble> {
        let mut messages = 0;
        {
            let visit = Arc::new(self.clone().out_of_turn(subscription, ledger.clone(), form, errand.folder));
            let mut plans = Vec::new();
            for listed in errand.listed.chunks(AT_ONCE) {
                let mut changes: Vec<Change> = listed.iter().cloned().map(Change::Created).collect();
                describe(&visit, &mut changes).await?;
                let decisions = ledger.identify(&visit.folder, &changes).await?;
                plans.push(Ok(resolve::resolve(&visit, decisions).await?));
            }
            for again in errand.again.chunks(AT_ONCE) {
                let wanted = again.iter().map(|(key, listed)| Wanted { listed: listed.clone(), key: key.clone() }).collect();
                plans.push(Ok(Plan { wanted, ..Plan::default() }));
            }
            let mut committed = std::pin::pin!(carry(&visit, stream::iter(plans)));
            while let Some(batch) = committed.next().await {
                messages += batch?.messages;
            }
        }
        Ok(messages)
    }

    async fn ledger(&self, subscription: &Subscription) -> Result<Box<dyn Ledger>, Trouble> {
        let start = Instant::now();
        loop {
            match self.catalog.open(&subscription.mailbox).await {
                Err(error) if error.locked && start.elapsed() < PATIENCE => sleep(Duration::from_millis(500)).await,
                opened => return Ok(opened?),
            }
        }
    }

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
