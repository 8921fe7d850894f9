//! What is known of the appliances that are watched.

mod instance;
mod track;
mod whole;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

pub(crate) use instance::{Instance, Link, Place, RESTARTED, stalled};
pub(crate) use track::{POINTS, Scale, Track};

use crate::{Frame, Signal};

/// All appliances, in the order in which they were named.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fleet {
    pub(crate) instances: Vec<Instance>,
    /// Grows with everything that changes.
    pub(crate) version: u64,
    /// Folders looked at so far: what an update costs.
    pub(crate) work: u64,
}

impl Fleet {
    pub(crate) fn new(names: impl IntoIterator<Item = String>, now: DateTime<Utc>) -> Self {
        Self { instances: names.into_iter().map(|name| Instance::new(name, now)).collect(), version: 0, work: 0 }
    }

    /// Takes in what comes from one of them.
    pub(crate) fn take(&mut self, source: usize, signal: Signal, now: DateTime<Utc>) {
        if let Some(instance) = self.instances.get_mut(source) {
            self.version += 1;
            // Only a whole status may come from another one than before.
            let introduced = matches!(signal, Signal::Frame(Frame::Status(_)));
            self.work += instance.take(signal, now);
            if introduced {
                self.call();
            }
        }
    }

    /// Whoever has a name alone is called by it.
    fn call(&mut self) {
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for instance in &self.instances {
            *names.entry(instance.own_name().to_owned()).or_default() += 1;
        }
        for instance in &mut self.instances {
            let alone = names.get(instance.own_name()) == Some(&1);
            instance.call(alone);
        }
    }

    /// Whether nothing on the screen changes with time alone.
    pub(crate) fn still(&self) -> bool {
        self.instances.iter().all(Instance::still)
    }

    /// How many mailboxes stand still under work; who is among them changes with time alone.
    pub(crate) fn stalls(&self, now: DateTime<Utc>) -> usize {
        let stalls = |instance: &Instance| {
            let clock = instance.clock(now);
            instance.status.mailboxes.values().filter(|mailbox| stalled(mailbox, clock)).count()
        };
        self.instances.iter().map(stalls).sum()
    }
}
