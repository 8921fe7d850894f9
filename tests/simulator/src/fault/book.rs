//! The rules in force and how often each has struck.

use super::{Action, EwsFault, Rule, WireFault, wire};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Names a rule for as long as the simulator runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RuleId(pub u64);

/// The rules in force.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    start: Instant,
    book: Mutex<Book>,
}

/// Tells whether bytes stand somewhere in a body.
pub type Search<'a> = dyn Fn(&[u8]) -> bool + Sync + 'a;

/// A request as rules see it.
#[derive(Clone, Default)]
pub struct Occasion<'a> {
    /// The operation's name.
    pub operation: &'a str,
    /// The mailboxes asked for; an upload may hold emails of several.
    pub mailboxes: Vec<&'a str>,
    /// The bucket asked for.
    pub bucket: Option<&'a str>,
    /// The ids of the emails in it.
    pub emails: Vec<&'a str>,
    /// Tells whether bytes stand somewhere in the body, where rules may look at it.
    pub holds: Option<&'a Search<'a>>,
}

impl<'a> Occasion<'a> {
    /// A request for one mailbox, or for none.
    fn plain(operation: &'a str, mailbox: Option<&'a str>) -> Self {
        Self { operation, mailboxes: mailbox.into_iter().collect(), ..Self::default() }
    }
}

#[derive(Debug, Default)]
struct Book {
    next: u64,
    entries: Vec<Entry>,
    waits: HashMap<String, Wait>,
}

/// A wait that a client was told.
#[derive(Clone, Copy, Debug)]
struct Wait {
    since: Instant,
    until: Instant,
}

/// How a request stands to the wait that its client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// There was none.
    Free,
    /// It came too early.
    Early,
    /// It is the first one after.
    After {
        /// How long the wait was to be.
        asked: Duration,
        /// How much longer it was.
        lost: Duration,
    },
}

/// So long an answer may take to reach the client; what it sends before then, it sends without knowing.
const ON_ITS_WAY: Duration = Duration::from_millis(250);

#[derive(Debug)]
struct Entry {
    id: RuleId,
    rule: Rule,
    seen: u64,
    struck: u64,
}

impl Faults {
    /// A book with these rules; `seed` decides what probability means for each request.
    pub fn new(rules: Vec<Rule>, seed: u64) -> Self {
        let faults = Self { seed, start: Instant::now(), book: Mutex::default() };
        for rule in rules {
            faults.add(rule);
        }
        faults
    }

    /// Puts a rule in force.
    pub fn add(&self, rule: Rule) -> RuleId {
        let mut book = self.book();
        let id = RuleId(book.next);
        book.next += 1;
        book.entries.push(Entry { id, rule, seen: 0, struck: 0 });
        id
    }

    /// Takes a rule out of force; false if there is none of this id.
    pub fn remove(&self, id: RuleId) -> bool {
        let mut book = self.book();
        let before = book.entries.len();
        book.entries.retain(|entry| entry.id != id);
        book.entries.len() != before
    }

    /// Takes every rule out of force.
    pub fn clear(&self) {
        self.book().entries.clear();
    }

    /// The rules in force, each with its id and how often it has struck.
    pub fn list(&self) -> Vec<(RuleId, Rule, u64)> {
        self.book().entries.iter().map(|entry| (entry.id, entry.rule.clone(), entry.struck)).collect()
    }

    /// The faults in the meaning of the answer that strike this request. To be asked once a request, by the operation.
    pub fn for_operation(&self, operation: &str, mailbox: Option<&str>) -> Vec<EwsFault> {
        let faults = self.strike(&Occasion::plain(operation, mailbox), |action| match action {
            Action::Ews(fault) => Some(fault.clone()),
            Action::Wire(_) => None,
        });
        self.note_wait(mailbox, faults.iter().find_map(EwsFault::wait));
        faults
    }

    /// The faults on the wire that strike this request. To be asked once a request, by the front.
    pub fn for_wire(&self, operation: &str, mailbox: Option<&str>) -> Vec<WireFault> {
        let faults = self.for_call(&Occasion::plain(operation, mailbox));
        self.note_wait(mailbox, wire::wait(&faults));
        faults
    }

    /// The same for a request of which more is known. Waits are for who asks to remember.
    pub fn for_call(&self, occasion: &Occasion<'_>) -> Vec<WireFault> {
        self.strike(occasion, |action| match action {
            Action::Wire(WireFault::CutRequest { .. }) | Action::Ews(_) => None,
            Action::Wire(fault) => Some(fault.clone()),
        })
    }

    /// After how many bytes of a request's body its connection is to be cut. To be asked once a request, when its head is known.
    pub fn for_intake(&self, occasion: &Occasion<'_>) -> Option<u64> {
        let cuts = self.strike(occasion, |action| match action {
            Action::Wire(WireFault::CutRequest { after_bytes }) => Some(*after_bytes),
            _ => None,
        });
        cuts.into_iter().min()
    }

    /// Whether a fault has told this mailbox's client to wait, and how well it did. To be asked once a request.
    pub fn arrives(&self, mailbox: &str) -> Arrival {
        let (now, mailbox) = (Instant::now(), mailbox.to_lowercase());
        let mut book = self.book();
        match book.waits.get(&mailbox).copied() {
            Some(Wait { until, since }) if until <= now => {
                book.waits.remove(&mailbox);
                Arrival::After { asked: until - since, lost: now - until }
            }
            Some(wait) if wait.since + ON_ITS_WAY < now => Arrival::Early,
            _ => Arrival::Free,
        }
    }

    fn note_wait(&self, mailbox: Option<&str>, wait: Option<Duration>) {
        if let (Some(mailbox), Some(wait)) = (mailbox, wait) {
            // A wait beyond reason is part of the fault; a year is as good as for ever.
            let since = Instant::now();
            let until = since + wait.min(Duration::from_secs(365 * 24 * 3600));
            let mut book = self.book();
            // Told again while it waits, a client has to wait until the later of both.
            let known = book.waits.entry(mailbox.to_lowercase()).or_insert(Wait { since, until });
            known.until = known.until.max(until);
        }
    }

    fn strike<T>(&self, occasion: &Occasion<'_>, family: impl Fn(&Action) -> Option<T>) -> Vec<T> {
        let elapsed = self.start.elapsed().as_secs_f64();
        let mut book = self.book();
        let mut struck = Vec::new();
        for entry in &mut book.entries {
            let Some(fault) = family(&entry.rule.action) else {
                continue;
            };
            if entry.matches(occasion, elapsed) && entry.decides(self.seed) {
                entry.struck += 1;
                struck.push(fault);
            }
        }
        struck
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn matches(&self, occasion: &Occasion<'_>, elapsed: f64) -> bool {
        let rule = &self.rule;
        let any = |wanted: &Option<String>, given: &[&str]| {
            wanted.as_deref().is_none_or(|wanted| given.iter().any(|given| given.eq_ignore_ascii_case(wanted)))
        };
        any(&rule.operation, &[occasion.operation])
            && any(&rule.mailbox, &occasion.mailboxes)
            && any(&rule.bucket, occasion.bucket.as_slice())
            && rule.email.as_deref().is_none_or(|wanted| occasion.emails.contains(&wanted))
            && rule.from_s.is_none_or(|from| elapsed >= from)
            && rule.until_s.is_none_or(|until| elapsed <= until)
            && rule.body.as_deref().is_none_or(|wanted| occasion.holds.is_some_and(|holds| holds(wanted.as_bytes())))
    }

    /// Counts a matching request and says whether this one is struck.
    fn decides(&mut self, seed: u64) -> bool {
        self.seen += 1;
        let rule = &self.rule;
        rule.count.is_none_or(|count| self.struck < count)
            && rule.nth.is_none_or(|nth| self.seen == nth)
            && rule.every.is_none_or(|every| every > 0 && self.seen.is_multiple_of(every))
            && rule.probability.is_none_or(|chance| lot(seed, self.id, self.seen) < chance)
    }
}

/// A number in 0..1 that depends on the seed, the rule and the request's number alone, so that a run can be repeated.
fn lot(seed: u64, id: RuleId, seen: u64) -> f64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(id.0.to_le_bytes());
    hash.update(seen.to_le_bytes());
    let digest = hash.finalize();
    let drawn = digest.iter().take(4).fold(0u32, |number, byte| number << 8 | u32::from(*byte));
    f64::from(drawn) / (f64::from(u32::MAX) + 1.0)
}
