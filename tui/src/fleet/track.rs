//! How a counter grew of late: rates of fixed memory, from counters that come at any time.

use chrono::{DateTime, Utc};

use crate::figures::length;

/// Points that are shown at most.
pub(crate) const POINTS: usize = 60;

/// Seconds after which silence is more than that between two frames, of which there is one in ten seconds at least.
const SILENCE: i64 = 15;

/// The length of a point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Scale {
    #[default]
    Minutes,
    Hour,
    Day,
}

impl Scale {
    pub(crate) const ALL: [Self; 3] = [Self::Minutes, Self::Hour, Self::Day];

    /// Seconds of a point.
    pub(crate) fn seconds(self) -> i64 {
        match self {
            Self::Minutes => 5,
            Self::Hour => 60,
            Self::Day => 720,
        }
    }

    /// How much so many points show.
    pub(crate) fn span(self, points: usize) -> String {
        length(self.seconds() * i64::try_from(points.min(POINTS)).unwrap_or(0))
    }

    pub(crate) fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }
}

/// A counter's growth at each scale. Nothing is held for a counter that never grew, and nothing is to be done while it does not.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    last: u64,
    since: DateTime<Utc>,
    rings: Option<Box<[Ring; 3]>>,
}

/// Growth by points of equal length; the newest is still growing, so that one more is kept than is shown.
#[derive(Clone, Debug)]
struct Ring {
    newest: i64,
    values: [u32; POINTS + 1],
}

impl Track {
    /// A counter that stands there now; what it counted before is not growth.
    pub(crate) fn new(counter: u64, at: DateTime<Utc>) -> Self {
        Self { last: counter, since: at, rings: None }
    }

    /// Takes in where the counter stands, `since` when it was last heard of. A counter that fell began anew.
    pub(crate) fn take(&mut self, counter: u64, since: DateTime<Utc>, at: DateTime<Utc>) {
        let grown = counter.saturating_sub(self.last);
        self.last = counter;
        if grown == 0 {
            return;
        }
        let rings = self.rings.get_or_insert_with(|| Box::new(Scale::ALL.map(|_| Ring { newest: i64::MIN, values: [0; POINTS + 1] })));
        // What grew while nothing was heard of it did so little by little.
        let since = if (at - since).num_seconds() > SILENCE { since.max(self.since) } else { at };
        for (ring, scale) in rings.iter_mut().zip(Scale::ALL) {
            let [first, last] = [since, at].map(|time| time.timestamp().div_euclid(scale.seconds()));
            let points = (last - first).max(0) as u128 + 1;
            let until = |point: u128| u128::from(grown) * point / points;
            for place in points.saturating_sub(POINTS as u128 + 1)..points {
                let share = until(place + 1) - until(place);
                ring.add(first + place as i64, u32::try_from(share).unwrap_or(u32::MAX));
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn grew(&self) -> bool {
        self.rings.is_some()
    }

    /// Growth per second, oldest first: the newest so many points that are over.
    pub(crate) fn points(&self, scale: Scale, now: DateTime<Utc>, count: usize) -> Vec<f64> {
        let newest = now.timestamp().div_euclid(scale.seconds()) - 1;
        let Some(rings) = &self.rings else { return vec![0.0; count] };
        let ring = &rings[scale as usize];
        (0..count as i64).rev().map(|back| ring.value(newest - back) / scale.seconds() as f64).collect()
    }

    /// Growth per second over the last minute, or since it is watched.
    pub(crate) fn rate(&self, now: DateTime<Utc>) -> f64 {
        let Some(rings) = &self.rings else { return 0.0 };
        let seconds = Scale::Minutes.seconds();
        let present = now.timestamp().div_euclid(seconds);
        let grown: f64 = (present - 12..=present).map(|point| rings[Scale::Minutes as usize].value(point)).sum();
        // The present point is not over yet.
        let watched = (now - self.since).num_seconds().clamp(1, 60 + now.timestamp().rem_euclid(seconds));
        grown / watched as f64
    }
}

impl Ring {
    fn add(&mut self, point: i64, grown: u32) {
        let length = self.values.len() as i64;
        if point <= self.newest.saturating_sub(length) {
            // A clock that was set back by more than all of this.
            *self = Self { newest: point, values: [0; POINTS + 1] };
        }
        if point > self.newest {
            // What lies between was no growth; at most the whole ring is forgotten.
            for passed in (self.newest.max(point - length) + 1)..=point {
                self.values[passed.rem_euclid(length) as usize] = 0;
            }
            self.newest = point;
        }
        if point > self.newest - length {
            let value = &mut self.values[point.rem_euclid(length) as usize];
            *value = value.saturating_add(grown);
        }
    }

    fn value(&self, point: i64) -> f64 {
        let length = self.values.len() as i64;
        let known = point <= self.newest && point > self.newest.saturating_sub(length);
        if known { f64::from(self.values[point.rem_euclid(length) as usize]) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        "2026-03-02T08:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(second)
    }

    #[test]
    fn growth_falls_into_its_point() {
        let mut track = Track::new(100, at(0));
        track.take(110, at(0), at(1));
        track.take(115, at(1), at(4));
        track.take(135, at(4), at(11));
        assert_eq!(track.points(Scale::Minutes, at(15), 4), [0.0, 3.0, 0.0, 4.0]);
        assert_eq!(track.points(Scale::Hour, at(60), 2), [0.0, 35.0 / 60.0]);
        assert_eq!(track.rate(at(15)), 35.0 / 15.0);
        assert_eq!(track.points(Scale::Minutes, at(400), POINTS), [0.0; POINTS], "long ago");
    }

    #[test]
    fn a_counter_that_fell_began_anew() {
        let mut track = Track::new(100, at(0));
        track.take(3, at(0), at(1));
        track.take(8, at(1), at(6));
        assert_eq!(track.points(Scale::Minutes, at(10), 2), [0.0, 1.0]);
    }

    #[test]
    fn what_grew_unheard_grew_little_by_little() {
        let mut track = Track::new(0, at(0));
        track.take(6000, at(0), at(600));
        let points = track.points(Scale::Minutes, at(600), POINTS);
        assert!(points.iter().all(|rate| (9.0..11.0).contains(rate)), "{points:?}");
        let rate = track.rate(at(600));
        assert!((9.0..11.0).contains(&rate), "{rate}");
        let mut back = Track::new(0, at(100_000));
        back.take(10, at(99_999), at(100_000));
        back.take(20, at(100_000), at(11));
        assert_eq!(back.points(Scale::Minutes, at(15), 1), [2.0], "a clock that was set back goes on from there");
        // Older than all that is kept.
        track.take(6000 + 100_000, at(600), at(1_000_000));
        assert!(track.points(Scale::Minutes, at(1_000_000), POINTS).iter().all(|rate| *rate < 1.0));
    }

    #[test]
    fn twelve_hours_take_what_a_minute_takes() {
        let mut track = Track::new(0, at(0));
        for second in 0..43_200 {
            track.take(second as u64 * 2, at(second - 1), at(second));
        }
        let points = track.points(Scale::Day, at(43_200), POINTS);
        assert!(points[1..].iter().all(|rate| *rate == 2.0), "{points:?}");
        assert!(size_of::<[Ring; 3]>() < 800);
    }
}
