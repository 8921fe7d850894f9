//! From a world to what a server serves.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::accounts::{check_address, numbered, owner};
use super::{MailboxSpec, Rates, World, eml_tree};
use crate::accounts::Accounts;
use crate::content::Rng;
use crate::quirks::Quirks;
use crate::reinfer::Reinfer;
use crate::store::{Guid, Mailbox, Store};

/// What a server serves.
#[derive(Debug)]
pub struct Built {
    /// The mailboxes.
    pub store: Store,
    /// Who may log in.
    pub accounts: Accounts,
    /// Odd habits.
    pub quirks: Quirks,
    /// Least and most delay of an answer.
    pub latency: [Duration; 2],
    /// What happens in which mailbox while the server runs.
    pub rates: Vec<(Mailbox, Rates)>,
    /// The Communications Mining API.
    pub reinfer: Reinfer,
}

/// The most mailboxes one entry may ask for.
const MOST: u64 = 100_000;

impl MailboxSpec {
    /// The numbers that `{n}` stands for.
    pub(super) fn numbers(&self) -> std::ops::RangeInclusive<u64> {
        1..=self.count.unwrap_or(1)
    }
}

impl World {
    /// Builds the mailboxes, and those of the trees of .eml files (address and folder) on top.
    ///
    /// # Errors
    /// A text naming the key that is wrong, or the file that cannot be read.
    pub fn build(&self, eml_trees: &[(String, PathBuf)]) -> Result<Built, String> {
        let quirks = Quirks::new(&self.quirks).map_err(|error| format!("quirks: {error}"))?;
        for (at, rule) in self.faults.iter().enumerate() {
            if let Some(complaint) = rule.complaint() {
                return Err(format!("faults[{at}]: {complaint}"));
            }
        }
        let [least, most] = self.latency_ms.bounds();
        if least > most {
            return Err(format!("latency_ms: [{least}, {most}] is no range from least to most"));
        }
        let mut accounts = self.accounts()?;
        let store = Store::default();
        let mut rates = Vec::new();
        for (at, spec) in self.mailboxes.iter().enumerate() {
            let key = format!("mailboxes[{at}]");
            spec.check(&key)?;
            let lively = check_rates(&key, spec.rates.unwrap_or(self.rates))?;
            for number in spec.numbers() {
                let mailbox = self.mailbox(&key, spec, number)?;
                if !store.add(mailbox.clone()) {
                    return Err(format!("{key}.address: an address of {} is taken already", mailbox.address()));
                }
                if lively != Rates::default() {
                    rates.push((mailbox, lively));
                }
            }
        }
        for (address, tree) in eml_trees {
            let mailbox = match store.mailbox(address) {
                Some(known) => known,
                None => {
                    check_address("the tree of .eml files", address)?;
                    let new = Mailbox::new(self.seed, address, address, Vec::new(), born());
                    store.add(new.clone());
                    if accounts.of(address).is_none() {
                        let mut people = accounts.people().to_vec();
                        people.push(owner(address));
                        accounts = Accounts::new(people, accounts.apps().to_vec());
                    }
                    new
                }
            };
            eml_tree::plant(&mailbox, tree)?;
        }
        let latency = [Duration::from_millis(least), Duration::from_millis(most)];
        Ok(Built { store, accounts, quirks, latency, rates, reinfer: self.reinfer.build()? })
    }

    fn mailbox(&self, key: &str, spec: &MailboxSpec, number: u64) -> Result<Mailbox, String> {
        let address = numbered(&spec.address, number);
        let name = match &spec.display_name {
            Some(name) => numbered(name, number),
            None => address.split_once('@').map_or(address.as_str(), |(local, _)| local).replace('.', " "),
        };
        let proxies = spec.proxies.iter().map(|proxy| numbered(proxy, number)).collect();
        let mailbox = Mailbox::new(self.seed, &address, &name, proxies, born());
        if spec.archive {
            mailbox.add_archive();
        }
        mailbox.set_full(spec.over_quota);
        let Guid(guid) = mailbox.guid();
        let own = guid.iter().fold(0u64, |sum, byte| sum.rotate_left(5) ^ u64::from(*byte));
        for (at, folder) in spec.folders.iter().enumerate() {
            let seed = Rng::of(&[self.seed, own, at as u64]).next_u64();
            folder.plant(&format!("{key}.folders[{at}]"), seed, &mailbox)?;
        }
        Ok(mailbox)
    }
}

impl MailboxSpec {
    fn check(&self, key: &str) -> Result<(), String> {
        let count = self.count.unwrap_or(1);
        if count == 0 || count > MOST {
            return Err(format!("{key}.count: from 1 to {MOST}"));
        }
        if count > 1 && !self.address.contains("{n}") {
            return Err(format!("{key}.address: with count, the address needs {{n}}, as in user{{n}}@example.com"));
        }
        Ok(())
    }
}

fn check_rates(key: &str, rates: Rates) -> Result<Rates, String> {
    let all = [rates.arrivals_per_minute, rates.moves_per_minute, rates.deletions_per_minute, rates.reads_per_minute];
    if all.iter().all(|rate| (0.0..=600_000.0).contains(rate)) {
        Ok(rates)
    } else {
        Err(format!("{key}.rates: each from 0 to 600000 a minute"))
    }
}

/// When every mailbox was made: before all that is generated, so that nothing is older than its folder's first commit time by chance.
fn born() -> DateTime<Utc> {
    DateTime::from_timestamp(1_577_836_800, 0).unwrap_or(DateTime::UNIX_EPOCH)
}
