//! The configuration in force, and how another one takes its place while mailboxes are read.

use std::{
    fmt::Write as _,
    sync::{Arc, atomic::Ordering},
};

use chrono::Utc;
use futures::{Stream, StreamExt, stream};
use tokio::sync::watch;

use super::{Tuning, Unready, actions::Present, exchange, limits, schedule, subscriptions};
use crate::{
    cli::RunArgs,
    config::{Config, Fault, Loaded, Lookout, News},
    event::Event,
    pipeline::{Assignment, Difference, Mode},
    watch::Events,
};

/// The configuration in force, and what was made of it.
pub(super) struct InForce {
    pub(super) args: RunArgs,
    /// Others want to know of it, too.
    pub(super) present: watch::Sender<Present>,
    pub(super) tuning: Tuning,
    pub(super) events: Events,
}

/// What is to be read: now, and whenever the lookout has another configuration for it. Without a lookout a continuous run goes on as it began.
pub(super) fn assignments(in_force: InForce, lookout: Option<Lookout>) -> impl Stream<Item = Assignment> {
    let first = in_force.assignment(lookout.is_some());
    let later = match (lookout, first.schedule.mode) {
        (Some(lookout), _) => stream::unfold((in_force, lookout), |(mut in_force, mut lookout)| async move {
            let assignment = in_force.next(&mut lookout).await;
            Some((assignment, (in_force, lookout)))
        })
        .boxed(),
        (None, Mode::Continuous) => stream::pending().boxed(),
        (None, Mode::Once) => stream::empty().boxed(),
    };
    stream::iter([first]).chain(later)
}

impl InForce {
    fn assignment(&self, more: bool) -> Assignment {
        let Present { config, pipeline } = self.present.borrow().clone();
        let (subscriptions, schedule) = (subscriptions(&self.args, &config), schedule(&self.args, &config));
        // Such an instance stays: ending would only make whoever watches over it start it again.
        if subscriptions.is_empty() && schedule.mode == Mode::Continuous {
            let what = if more { ", or for another configuration" } else { "" };
            tracing::warn!("no mailbox is enabled and of this instance's share; waiting to be stopped{what}");
        }
        Assignment { pipeline, subscriptions, schedule }
    }

    /// Waits for a configuration that can be taken over.
    async fn next(&mut self, lookout: &mut Lookout) -> Assignment {
        loop {
            match lookout.news().await {
                News::Changed(loaded) => match self.take_over(*loaded) {
                    Ok(()) => {
                        lookout.took_over();
                        return self.assignment(true);
                    }
                    Err(unready) => self.refuse(unready.to_string()),
                },
                News::Refused(faults) => self.refuse(reason(&faults)),
                News::Recovered => self.events.tell(Event::ConfigRecovered),
            }
        }
    }

    /// Puts a configuration in force; one that asks for what cannot be done changes nothing.
    fn take_over(&mut self, loaded: Loaded) -> Result<(), Unready> {
        let Loaded { config, warnings, .. } = loaded;
        let Present { config: before, mut pipeline } = self.present.borrow().clone();
        let elsewhere = reach(&before) != reach(&config);
        let exchange = if elsewhere { Some(exchange(&config, &self.events)?) } else { None };
        let limits = limits(&self.args, &config);
        let otherwise = elsewhere || pipeline.limits() != limits;
        if otherwise {
            pipeline = pipeline.with(exchange, limits);
        }
        self.tuning.writes.resize(config.pace.concurrent_writes.get());
        self.tuning.batch.store(config.pace.batch.get(), Ordering::Relaxed);
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        let Difference { added, removed, changed } =
            Difference::between(&subscriptions(&self.args, &before), &subscriptions(&self.args, &config));
        let everybody = otherwise || schedule(&self.args, &before) != schedule(&self.args, &config);
        self.present.send_replace(Present { config: Arc::new(config), pipeline });
        self.events.tell(Event::ConfigChanged { added, removed, changed, everybody });
        Ok(())
    }

    fn refuse(&self, reason: String) {
        self.events.tell(Event::ConfigRefused { reason, at: Utc::now() });
    }
}

/// What decides how Exchange is reached.
fn reach(config: &Config) -> impl PartialEq + '_ {
    (&config.api, &config.auth, config.access, &config.tls)
}

/// All faults in one line.
fn reason(faults: &[Fault]) -> String {
    if let [fault] = faults {
        return fault.to_string();
    }
    let mut text = format!("{} faults:", faults.len());
    for (n, fault) in (1..).zip(faults) {
        let _ = write!(text, " ({n}) {fault}");
    }
    text
}

#[cfg(test)]
mod tests;
