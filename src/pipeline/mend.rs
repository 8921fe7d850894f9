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
    mail::{Change, Folder, IdForm, Key, Listed},
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
    /// Does what is to be done in one mailbox, whose items have ids of this form. Returns how many messages were stored.
    pub async fn mend(self: Arc<Self>, subscription: &Subscription, form: IdForm, errands: Vec<Errand>) -> Result<u64, Trouble> {
        let ledger: Arc<dyn Ledger> = Arc::from(self.ledger(subscription).await?);
        ledger.speaks(form).await?;
        let mut messages = 0;
        for errand in errands {
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
            pipeline: self,
            mailbox: subscription.mailbox.clone(),
            path: folder.path.as_slice().into(),
            folder,
            ledger,
            filters: Arc::new(subscription.filters.clone()),
            start: Start::Beginning,
            digest: String::new(),
            form,
            switched: None,
            retry_quarantined: false,
            oldest_first: None,
            asked: Utc::now(),
            delivered: Delivered::default(),
            news: Mutex::default(),
        }
    }
}
