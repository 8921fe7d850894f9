//! What watchers may ask of a run, and how it is done.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use exchange_sync_tui::{Action, status::Quarantined};
use futures::{StreamExt, TryStreamExt};
use tokio::{
    sync::{Semaphore, watch},
    task::AbortHandle,
};

use super::{
    quarantine::{Retried, retry_one},
    stores, subscriptions,
};
use crate::{
    catalog::{Records, SetAside},
    cli::{self, RunArgs},
    config::{Config, Env},
    event::Event,
    mail::Address,
    pipeline::{Pipeline, Subscription},
    sink::inspect::Inspect,
    status::MailboxState,
    verify::{Settings, Sum, Verifier},
    watch::{Events, Hands, QUARANTINE_SHOWN},
};

/// Messages of a mailbox that are read back when it is verified.
const SAMPLE: u64 = 100;

/// How long the copying is given to store what seems to be missing, beside the wait between two rounds.
const SETTLE: std::time::Duration = std::time::Duration::from_secs(20);

/// Mailboxes whose quarantine is being tried again, those that wait for their server included.
const AT_ONCE: usize = 32;

/// Mailboxes that are verified at the same time, and whose quarantine is tried again: they share the mailboxes' rates with the copying.
const ERRANDS: usize = 4;

/// The configuration in force and the chain that was made of it, as they are at the moment.
#[derive(Clone)]
pub(super) struct Present {
    pub(super) config: Arc<Config>,
    pub(super) pipeline: Arc<Pipeline>,
}

/// Does what watchers ask.
#[derive(Clone)]
pub struct Actions {
    args: Arc<RunArgs>,
    env: Arc<Env>,
    events: Events,
    present: watch::Receiver<Present>,
    /// What is being done, so that nobody has it done twice.
    under_way: Arc<Mutex<HashMap<String, AbortHandle>>>,
    /// Places of those whose quarantine is tried again, and of those that are verified: the former may wait for an hour.
    retries: Arc<Semaphore>,
    looks: Arc<Semaphore>,
}

impl Actions {
    pub(super) fn new(args: &RunArgs, env: &Env, events: &Events, present: watch::Receiver<Present>) -> Self {
        Self {
            args: Arc::new(args.clone()),
            env: Arc::new(env.clone()),
            events: events.clone(),
            present,
            under_way: Arc::default(),
            retries: Arc::new(Semaphore::new(ERRANDS)),
            looks: Arc::new(Semaphore::new(ERRANDS)),
        }
    }

    fn answer(&self, action: &Action) -> Result<String, String> {
        let present = self.present.borrow().clone();
        let levers = present.pipeline.levers();
        match action {
            Action::Pause { mailbox: None } => {
                levers.pause(None, &self.events);
                Ok("paused; what is under way is finished".to_owned())
            }
            Action::Resume { mailbox: None } => {
                levers.resume(None, &self.events);
                Ok("all go on".to_owned())
            }
            Action::Pause { mailbox: Some(name) } => {
                let mailbox = self.alive(name)?;
                levers.pause(Some(&mailbox), &self.events);
                Ok(format!("{name} is paused; what is under way is finished"))
            }
            Action::Resume { mailbox: Some(name) } => {
                levers.resume(Some(&self.named(name)?), &self.events);
                Ok(format!("{name} goes on"))
            }
            Action::Retry { mailbox } => {
                let address = self.alive(mailbox)?;
                if levers.paused(&address) {
                    return Err(format!("{mailbox} is paused"));
                }
                levers.nudge(&address);
                Ok(format!("{mailbox} is read now, unless its server asked for a wait"))
            }
            Action::RetryQuarantined { mailbox, id } => self.retry(present, mailbox.as_deref(), id.clone()),
            Action::Verify { mailbox } => self.verify(&present, mailbox),
        }
    }

    fn retry(&self, present: Present, mailbox: Option<&str>, id: Option<String>) -> Result<String, String> {
        let only = mailbox.map(|name| self.named(name)).transpose()?;
        let (records, _) = self.records()?;
        let mut chosen = subscriptions(&self.args, &present.config);
        chosen.retain(|one| only.as_ref().is_none_or(|only| *only == one.mailbox.address));
        let levers = present.pipeline.levers();
        let paused: Vec<_> =
            chosen.extract_if(.., |one| levers.paused(&one.mailbox.address)).map(|one| self.shown(&one.mailbox.address)).collect();
        if chosen.is_empty() && !paused.is_empty() {
            return Err(format!("{} paused: nothing is fetched of it", are(&paused)));
        }
        let ids: Vec<String> = id.into_iter().collect();
        let this = self.clone();
        let action = words(&Action::RetryQuarantined { mailbox: mailbox.map(str::to_owned), id: ids.first().cloned() });
        self.begin(action.clone(), async move {
            // One that waits for its server does not keep the others.
            let one = |subscription: Subscription| {
                let (this, action, ids) = (this.clone(), action.clone(), ids.clone());
                let (pipeline, records) = (present.pipeline.clone(), records.clone());
                async move { this.retry_one(&action, &ids, &pipeline, &records, &subscription).await }
            };
            let each = futures::stream::iter(chosen).map(one).buffer_unordered(AT_ONCE);
            let add = |(tried, stored), retried: Retried| std::future::ready((tried + retried.tried, stored + retried.stored));
            let (tried, stored) = each.fold((0, 0), add).await;
            let told = match tried {
                0 => Err("nothing that was asked for is in quarantine".to_owned()),
                1 => Ok(format!("1 message was tried again, and is {} now", if stored == 1 { "stored" } else { "not stored" })),
                tried => Ok(format!("{tried} messages were tried again, {stored} of them are stored now")),
            };
            this.tell(&action, told);
        })?;
        let but = if paused.is_empty() { String::new() } else { format!("; {} paused and passed over", are(&paused)) };
        Ok(format!("what is in quarantine is tried again, and the log tells what came of it{but}"))
    }

    async fn retry_one(
        &self,
        action: &str,
        ids: &[String],
        pipeline: &Arc<Pipeline>,
        records: &Records,
        subscription: &Subscription,
    ) -> Retried {
        let mut retried = Retried::default();
        let outcome = retry_one(ids, pipeline, records, subscription, Some(&self.retries), &mut retried).await;
        let name = || self.shown(&subscription.mailbox.address);
        if let Err(trouble) = outcome {
            self.tell(action, Err(format!("{}: {trouble}", name())));
        }
        if retried.paused {
            self.tell(action, Err(format!("{} was paused before all of its messages were tried", name())));
        }
        retried
    }

    fn verify(&self, present: &Present, name: &str) -> Result<String, String> {
        let address = self.named(name)?;
        let subscription = subscriptions(&self.args, &present.config).into_iter().find(|one| one.mailbox.address == address);
        let subscription: Subscription = subscription.ok_or_else(|| format!("{name} is not read any more"))?;
        self.verifiable(present, &address).map_err(|why| format!("{name} {why}: what is still to be copied would count as missing"))?;
        let (records, inspect) = self.records()?;
        let settle = present.config.pace.between_rounds + SETTLE;
        let settings = Settings { deep: false, sample: SAMPLE, settle, mailboxes: 1, repair: false };
        let verifier = Verifier::new(present.pipeline.exchange(), records, inspect, settings);
        let (events, looks) = (self.events.clone(), self.looks.clone());
        let (this, present, action) = (self.clone(), present.clone(), words(&Action::Verify { mailbox: name.to_owned() }));
        self.begin(action.clone(), async move {
            let Ok(_place) = looks.acquire().await else { return };
            // It may have had to wait for the place.
            if let Err(why) = this.verifiable(&present, &address) {
                return this.tell(&action, Err(why.to_owned()));
            }
            events.tell(Event::MailboxVerified { mailbox: address.clone(), gaps: 0, troubled: false, verdict: None });
            let mut sum = Sum::default();
            let mut looks = std::pin::pin!(verifier.verify(vec![subscription]));
            while let Some((report, _)) = looks.next().await {
                sum.add(&report);
            }
            let gaps = sum.missing + sum.quarantined + sum.lost;
            let (troubled, verdict) = (sum.troubled > 0, Some(cli::verify::words(&sum)));
            events.tell(Event::MailboxVerified { mailbox: address, gaps, troubled, verdict });
        })?;
        Ok(format!("{name} is being compared with its copy; the verdict becomes part of its status"))
    }

    /// Whether a comparison tells gaps from what is merely to come.
    fn verifiable(&self, present: &Present, address: &Address) -> Result<(), &'static str> {
        if present.pipeline.levers().paused(address) {
            return Err("is paused");
        }
        match self.events.status().mailbox(address) {
            Some(mailbox) if !mailbox.complete => Err("has not been read to its end"),
            Some(mailbox) => match mailbox.state {
                MailboxState::Idle | MailboxState::Done => Ok(()),
                MailboxState::Waiting => Err("waits just now"),
                MailboxState::Queued => Err("waits for its turn"),
                _ => Err("is being read just now"),
            },
            None => Err("is not read any more"),
        }
    }

    fn shown(&self, address: &Address) -> String {
        crate::words::shown(address.as_str(), self.args.mask).into_owned()
    }

    /// Begins something that takes long, unless the same is under way.
    fn begin(&self, what: String, work: impl Future<Output = ()> + Send + 'static) -> Result<(), String> {
        let mut under_way = self.under_way();
        if under_way.contains_key(&what) {
            return Err("that is under way already".to_owned());
        }
        let (this, name) = (self.clone(), what.clone());
        let task = tokio::spawn(async move {
            let done = Done { actions: &this, what };
            work.await;
            drop(done);
        });
        under_way.insert(name, task.abort_handle());
        Ok(())
    }

    /// The end has come: what is under way is dropped, and told.
    pub fn end(&self) {
        for (what, task) in std::mem::take(&mut *self.under_way()) {
            task.abort();
            self.tell(&what, Err("the run came to its end before".to_owned()));
        }
    }

    fn tell(&self, action: &str, answer: Result<String, String>) {
        self.events.tell(Event::ActionTaken { action: action.to_owned(), answer });
    }

    /// The mailbox that is shown by this name.
    fn named(&self, name: &str) -> Result<Address, String> {
        self.events.status().named(name).cloned().ok_or_else(|| format!("no mailbox {name} is read here"))
    }

    /// The same, if anything more will be done for it by itself.
    fn alive(&self, name: &str) -> Result<Address, String> {
        use MailboxState::{Done, Stopped};
        let address = self.named(name)?;
        match self.events.status().mailbox(&address).map(|mailbox| mailbox.state) {
            Some(Done | Stopped) => Err(format!("{name} has come to its end in this run")),
            _ => Ok(address),
        }
    }

    fn records(&self) -> Result<(Records, Arc<dyn Inspect>), String> {
        stores::records(&self.args, &self.env).map_err(|unready| unready.to_string())
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<String, AbortHandle>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Hands for Actions {
    async fn act(&self, action: Action) -> Result<String, String> {
        let answer = self.answer(&action);
        self.events.tell(Event::ActionTaken { action: words(&action), answer: answer.clone() });
        answer
    }

    async fn quarantine(&self) -> Result<Vec<Quarantined>, String> {
        let (records, _) = self.records()?;
        let subscriptions = subscriptions(&self.args, &self.present.borrow().config);
        let mut found = Vec::new();
        for subscription in subscriptions {
            let address = &subscription.mailbox.address;
            // What is not in quarantine by what is known needs no reading.
            if self.events.status().mailbox(address).is_some_and(|mailbox| mailbox.in_sink.is_some() && mailbox.quarantined == 0) {
                continue;
            }
            let shown = self.shown(address);
            let census = records.census(&subscription.mailbox).await.map_err(|error| error.to_string())?;
            let mut quarantine = census.quarantine();
            while let Some(one) = quarantine.try_next().await.map_err(|error| error.to_string())? {
                found.push(quarantined(&shown, &one, self.args.mask));
                if found.len() > QUARANTINE_SHOWN {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }
}

/// Something under way; no longer so when dropped, a panic included.
struct Done<'a> {
    actions: &'a Actions,
    what: String,
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.actions.under_way().remove(&self.what);
    }
}

fn quarantined(mailbox: &str, one: &SetAside, mask: bool) -> Quarantined {
    let shown = |text: &str| crate::words::shown(text, mask).into_owned();
    Quarantined {
        mailbox: mailbox.to_owned(),
        key: one.key.0.clone(),
        folder: one.path.clone(),
        item: one.listed.id.0.clone(),
        code: shown(&one.failure.code),
        words: shown(&one.failure.text),
        attempts: one.attempts,
        at: one.since,
    }
}

/// Mailboxes as the beginning of a sentence.
fn are(mailboxes: &[String]) -> String {
    match mailboxes {
        [one] => format!("{one} is"),
        [one, two] => format!("{one} and {two} are"),
        [one, rest @ ..] => format!("{one} and {} others are", rest.len()),
        [] => "none is".to_owned(),
    }
}

/// An action in words, for the log.
fn words(action: &Action) -> String {
    let of = |mailbox: &Option<String>| mailbox.clone().unwrap_or_else(|| "all mailboxes".to_owned());
    match action {
        Action::Pause { mailbox } => format!("pause {}", of(mailbox)),
        Action::Resume { mailbox } => format!("resume {}", of(mailbox)),
        Action::Retry { mailbox } => format!("retry {mailbox}"),
        Action::RetryQuarantined { mailbox, id: None } => format!("retry what is in quarantine of {}", of(mailbox)),
        Action::RetryQuarantined { id: Some(id), .. } => format!("retry {id}, which is in quarantine"),
        Action::Verify { mailbox } => format!("verify {mailbox}"),
    }
}
