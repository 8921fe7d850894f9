//! How much of a folder the sink certainly has, told in time rather than by a cursor: for sinks that keep no cursors. Pure.
//!
//! The claim "all that is older is there" is made only of a folder that was read to its end, reaches no further than the newest message that was
//! stored from it, nor than the moment at which it was asked for, and ends before the oldest message in quarantine. While a folder is being listed
//! from the start the last claim stands; only where its messages are fetched by their age does the claim follow them.
//!
//! Who starts from such a claim lists the folder whole and passes over what is older, less [`OVERLAP`]. A message counts as new by the time it was
//! received, by the time it came into this mailbox and by the time of its last change, since a move into this folder is one. One that Exchange gave no
//! time, and drafts, always count as new.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::mail::Listed;

/// Mail on its way, clocks that differ.
pub const OVERLAP: TimeDelta = TimeDelta::minutes(15);

/// How much of a folder the sink certainly has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Delivered {
    /// What the sink had when nothing was known here: what is older was passed over, and is again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
    /// The newest message stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<DateTime<Utc>>,
    /// All that is older is in the sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// Whether the folder had been read to its end.
    pub drained: bool,
}

impl Delivered {
    /// What the sink has already, where nothing is known here.
    pub fn before(since: Option<DateTime<Utc>>) -> Self {
        Self { since, newest: since, until: since, drained: false }
    }

    /// Whether a listed message may be missing in the sink.
    pub fn admits(&self, listed: &Listed) -> bool {
        let Some(since) = self.since else { return true };
        // Exchange may tell whole seconds only.
        let since = (since - OVERLAP).trunc_subsecs(0);
        listed.dated().is_none() || listed.draft() == Some(true) || listed.came() >= Some(since)
    }

    /// A message was stored.
    pub fn note(&mut self, listed: &Listed) {
        self.newest = self.newest.max(listed.came());
    }

    /// The folder was read to its end, having been asked for at `asked`. `quarantined` is the oldest message that is not in the sink.
    pub fn drain(&mut self, asked: DateTime<Utc>, quarantined: Option<DateTime<Utc>>) {
        self.drained = true;
        self.until = self.newest.map(|newest| quarantined.map_or(newest, |oldest| newest.min(oldest)).min(asked));
    }

    /// While messages come by their age: all that is older than `left` was delivered, but for what is in quarantine. What was claimed before stands.
    pub fn reached(&self, left: Option<DateTime<Utc>>, quarantined: Option<DateTime<Utc>>) -> Self {
        let until = self.since.max(left);
        let until = until.map(|until| quarantined.map_or(until, |oldest| until.min(oldest)));
        Self { until, drained: false, ..self.clone() }
    }

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::ItemId;

    fn at(minutes: i64) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp(1_700_000_000 + 60 * minutes, 0)
    }

    fn listed(received: Option<DateTime<Utc>>, created: Option<DateTime<Utc>>, flags: u32) -> Listed {
        Listed { received, created, flags: Some(flags), ..Listed::bare(ItemId("i".into())) }
    }

    #[test]
    fn what_is_older_is_passed_over_by_both_its_times() {
        let delivered = Delivered::before(at(100));
        for (received, created, admitted) in [
            (at(84), at(84), false),
            (at(85), at(0), true),
            (at(0), at(85), true),
            (at(84), None, false),
            (None, at(84), false),
            (None, at(86), true),
            (None, None, true),
        ] {
            assert_eq!(delivered.admits(&listed(received, created, 0)), admitted, "{received:?} {created:?}");
            assert!(Delivered::default().admits(&listed(received, created, 0)));
        }
        assert!(delivered.admits(&listed(at(0), at(0), 0x8)), "a draft may have been written on");
        let moved = |minutes| Listed { modified: at(minutes), ..listed(at(0), at(0), 0) };
        assert!(delivered.admits(&moved(85)), "it may have come from another folder");
        assert!(!delivered.admits(&moved(84)));
    }

    #[test]
    fn a_claim_follows_messages_that_come_by_their_age() {
        let delivered = Delivered::before(at(50));
        assert_eq!(delivered.reached(at(20), None).until, at(50), "what was claimed before stands");
        assert_eq!(delivered.reached(at(70), None).until, at(70));
        assert_eq!(delivered.reached(at(70), at(60)).until, at(60));
        assert_eq!(Delivered::default().reached(None, None).until, None);
        assert!(!delivered.reached(at(70), None).drained);
    }

    #[test]
    fn a_claim_is_made_at_the_end_and_never_too_far() {
        let mut delivered = Delivered::default();
        delivered.note(&listed(at(10), at(9), 0));
        delivered.note(&listed(at(5), at(5), 0));
        delivered.note(&listed(None, None, 0));
        assert_eq!(delivered.until, None, "the listing goes on");
        delivered.drain(at(60).unwrap(), None);
        assert_eq!((delivered.until, delivered.drained), (at(10), true));
        delivered.note(&listed(at(9000), None, 0));
        delivered.drain(at(70).unwrap(), None);
        assert_eq!(delivered.until, at(70), "mail from the future hides nothing");
        delivered.drain(at(80).unwrap(), at(7));
        assert_eq!(delivered.until, at(7), "what is in quarantine is not there");
        let mut nothing = Delivered::default();
        nothing.drain(at(80).unwrap(), None);
        assert_eq!(nothing.until, None);
    }
}
