//! All appliances as one.

use chrono::{DateTime, Utc};

use super::{Fleet, Instance};
use crate::status::{Eta, Head, Rate, State, Totals};

impl Fleet {
    /// The sums, the gravest state, and the end that comes last. What one that is not reached had counted stays so; how fast it is, what it does
    /// and when it ends nobody knows.
    pub(crate) fn head(&self, now: DateTime<Utc>) -> Head {
        if let [one] = &self.instances[..] {
            let head = Head { at: one.clock(now), ..one.status.head.clone() };
            return if one.lost() { Head { last_minute: Rate::default(), last_quarter: Rate::default(), eta: None, ..head } } else { head };
        }
        let mut whole = Head::default();
        let heard: Vec<&Instance> = self.instances.iter().filter(|instance| instance.met()).collect();
        let present = || self.instances.iter().filter(|instance| instance.met() && !instance.lost());
        whole.state = present().map(|instance| instance.status.head.state).min_by_key(|state| precedence(*state)).unwrap_or_default();
        whole.started = heard.iter().map(|instance| instance.status.head.started).min().unwrap_or(now);
        // A clock that stands still, of one that is lost, must not hold the others' time.
        whole.at = heard.iter().map(|instance| instance.clock(now)).max().unwrap_or(now);
        for instance in present() {
            let head = &instance.status.head;
            for (sum, rate) in [(&mut whole.last_minute, head.last_minute), (&mut whole.last_quarter, head.last_quarter)] {
                sum.messages += rate.messages;
                sum.bytes += rate.bytes;
            }
            whole.eta = match (whole.eta, head.eta) {
                (Some(one), Some(other)) => Some(Eta { earliest: one.earliest.max(other.earliest), latest: one.latest.max(other.latest) }),
                (one, other) => one.or(other),
            };
        }
        for head in self.instances.iter().map(|instance| &instance.status.head) {
            add(&mut whole.totals, &head.totals);
            whole.token_expires = match (whole.token_expires, head.token_expires) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
            for (word, other) in [(&mut whole.api, &head.api), (&mut whole.sink, &head.sink), (&mut whole.version, &head.version)] {
                if word.is_empty() {
                    word.clone_from(other);
                } else if !other.is_empty() && word != other {
                    "mixed".clone_into(word);
                }
            }
            whole.actions |= head.actions;
        }
        // The end of the whole can be told only if it can be told of each that is not at its own.
        let unknown = |instance: &Instance| {
            let head = &instance.status.head;
            // One that has no share of the mailboxes begins for ever.
            let works =
                head.totals.mailboxes > 0 && matches!(head.state, State::Starting | State::Listing | State::Syncing | State::Throttled);
            let left = head.state != State::Ended && head.totals.likely() > head.totals.figures.stored;
            !instance.met() || ((head.eta.is_none() || instance.lost()) && (works || left))
        };
        if self.instances.iter().any(unknown) {
            whole.eta = None;
        }
        whole
    }

    /// How many are not reached any more.
    pub(crate) fn lost(&self) -> usize {
        self.instances.iter().filter(|instance| instance.lost()).count()
    }
}

/// What is told of several in different states, first of all.
fn precedence(state: State) -> u8 {
    match state {
        State::Degraded => 0,
        State::Syncing => 1,
        State::Listing => 2,
        State::Throttled => 3,
        State::Stopping => 4,
        State::Starting => 5,
        State::Paused => 6,
        State::Idle => 7,
        State::Ended => 8,
    }
}

fn add(sum: &mut Totals, one: &Totals) {
    for (sum, one) in [
        (&mut sum.mailboxes, one.mailboxes),
        (&mut sum.complete, one.complete),
        (&mut sum.troubled, one.troubled),
        (&mut sum.unmet, one.unmet),
        (&mut sum.folders, one.folders),
        (&mut sum.figures.items, one.figures.items),
        (&mut sum.figures.listed, one.figures.listed),
        (&mut sum.figures.wanted, one.figures.wanted),
        (&mut sum.figures.expected, one.figures.expected),
        (&mut sum.figures.stored, one.figures.stored),
        (&mut sum.figures.bytes, one.figures.bytes),
        (&mut sum.figures.changes, one.figures.changes),
        (&mut sum.figures.passed_over, one.figures.passed_over),
        (&mut sum.figures.known, one.figures.known),
        (&mut sum.in_sink, one.in_sink),
        (&mut sum.counted, one.counted),
        (&mut sum.quarantined, one.quarantined),
        (&mut sum.throttled, one.throttled),
        (&mut sum.waited, one.waited),
        (&mut sum.retried, one.retried),
        (&mut sum.errors, one.errors),
        (&mut sum.requests, one.requests),
    ] {
        // They are what others say.
        *sum = sum.saturating_add(one);
    }
}
