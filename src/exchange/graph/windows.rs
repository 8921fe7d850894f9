//! Which stretches of time to list so as to meet many known messages with few requests, and which messages to ask for one by one. Pure.

use std::collections::BTreeSet;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// A stretch is worth a request where at least so many are met by it.
const WORTH: usize = 8;

/// The most entries of one page: they bring recipients along, of which there may be many.
const MOST: usize = 500;

/// One listing to be asked for, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From this second on.
    pub from: DateTime<Utc>,
    /// Up to before this one.
    pub to: DateTime<Utc>,
    /// How many entries at the most.
    pub top: usize,
}

/// The messages still looked for, by their place in what was asked for.
#[derive(Debug)]
pub struct Windows {
    /// Those that a window may still show, newest first.
    open: Vec<(DateTime<Utc>, usize)>,
    singles: Vec<usize>,
    /// How many of the open ones the next window shall cover; falls when the server breaks down over a window.
    span: usize,
    asked: usize,
    allowed: usize,
}

impl Windows {
    /// Looks for messages received at these times; without a time, a message can only be asked for by itself. All windows together cost at most
    /// one request and one more for each eight messages.
    pub fn new(times: &[Option<DateTime<Utc>>]) -> Self {
        let mut open: Vec<(DateTime<Utc>, usize)> =
            times.iter().enumerate().filter_map(|(index, time)| Some((time.as_ref()?.trunc_subsecs(0), index))).collect();
        open.sort_by(|a, b| b.cmp(a));
        let singles = times.iter().enumerate().filter(|(_, time)| time.is_none()).map(|(index, _)| index).collect();
        let (span, allowed) = (open.len(), 1 + open.len() / WORTH);
        Self { open, singles, span, asked: 0, allowed }
    }

    /// Nothing is to be listed: each by itself.
    pub fn none(count: usize) -> Self {
        Self { open: Vec::new(), singles: (0..count).collect(), span: 0, asked: 0, allowed: 0 }
    }

    /// The next window, if one is worth its request.
    pub fn next(&mut self) -> Option<Window> {
        self.span = self.span.min(self.open.len());
        if self.span < 2 || self.asked >= self.allowed {
            return None;
        }
        let (to, _) = self.open.first()?;
        let (from, _) = self.open.get(self.span - 1)?;
        self.asked += 1;
        // Graph writes whole seconds and compares exact times, so the last second is covered to its end.
        Some(Window { from: *from, to: *to + TimeDelta::seconds(1), top: (self.span + self.span / 4 + WORTH).min(MOST) })
    }

    /// The window showed these. `reached` is the time of its last entry where it held more than it showed.
    pub fn answered(&mut self, window: Window, found: &BTreeSet<usize>, reached: Option<DateTime<Utc>>) {
        self.open.retain(|(_, index)| !found.contains(index));
        // Of the last second shown there may be more.
        let shown = reached.map_or(window.from, |time| time.trunc_subsecs(0) + TimeDelta::seconds(1));
        let (missed, open): (Vec<_>, Vec<_>) = self.open.drain(..).partition(|(time, _)| *time >= shown);
        self.singles.extend(missed.into_iter().map(|(_, index)| index));
        self.open = open;
        self.span = self.open.len();
    }

    /// The server broke down over the window: over half of it, it may not.
    pub fn failed(&mut self) {
        self.span /= 2;
        self.allowed += 1;
        if self.span < WORTH / 2 {
            let near = self.open.len().min(WORTH / 2);
            self.singles.extend(self.open.drain(..near).map(|(_, index)| index));
            self.span = self.open.len();
        }
    }

    /// The server takes no such listing.
    pub fn refused(&mut self) {
        self.allowed = 0;
    }

    /// What is left to be asked for one by one, in order.
    pub fn singles(self) -> Vec<usize> {
        let mut singles: Vec<usize> = self.singles.into_iter().chain(self.open.into_iter().map(|(_, index)| index)).collect();
        singles.sort_unstable();
        singles
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    /// Runs a plan against a folder that holds messages at `folder`'s seconds; of these the ones at `wanted` places are looked for.
    fn run(folder: &[i64], wanted: &[usize]) -> (usize, BTreeSet<usize>, Vec<usize>) {
        let times: Vec<_> = wanted.iter().map(|place| Some(at(folder[*place]))).collect();
        let mut windows = Windows::new(&times);
        let (mut requests, mut met) = (0, BTreeSet::new());
        while let Some(window) = windows.next() {
            requests += 1;
            let mut inside: Vec<usize> =
                (0..folder.len()).filter(|place| at(folder[*place]) >= window.from && at(folder[*place]) < window.to).collect();
            inside.sort_by_key(|place| std::cmp::Reverse(folder[*place]));
            let more = inside.len() > window.top;
            inside.truncate(window.top);
            let found = (0..wanted.len()).filter(|index| inside.contains(&wanted[*index])).collect();
            let reached = inside.last().filter(|_| more).map(|place| at(folder[*place]));
            windows.answered(window, &found, reached);
            met.extend(found);
        }
        (requests, met, windows.singles())
    }

    #[test]
    fn a_usual_batch_takes_one_request() {
        let folder: Vec<i64> = (0..200).map(|second| second * 7).collect();
        let (requests, met, singles) = run(&folder, &(40..120).collect::<Vec<_>>());
        assert_eq!((requests, met.len(), singles), (1, 80, vec![]));
    }

    #[test]
    fn scattered_messages_are_asked_for_singly() {
        let folder: Vec<i64> = (0..10_000).collect();
        let (requests, met, singles) = run(&folder, &[0, 3_000, 6_000, 9_999]);
        assert_eq!((requests, met.len() + singles.len()), (1, 4));
    }

    #[test]
    fn a_page_of_equal_seconds_comes_to_an_end() {
        let (requests, met, singles) = run(&[5; 300], &(0..40).collect::<Vec<_>>());
        assert!(requests <= 6);
        assert_eq!(met.len() + singles.len(), 40);
    }

    #[test]
    fn breakdowns_narrow_the_window_to_single_messages() {
        let times: Vec<_> = (0..20).map(|second| Some(at(second))).collect();
        let mut windows = Windows::new(&times);
        let mut asked = 0;
        while windows.next().is_some() {
            asked += 1;
            windows.failed();
        }
        assert!(asked < 40);
        assert_eq!(windows.singles().len(), 20);
    }

    #[test]
    fn undated_messages_and_a_single_one_need_no_window() {
        let mut windows = Windows::new(&[None, Some(at(1)), None]);
        assert_eq!(windows.next(), None);
        assert_eq!(windows.singles(), [0, 1, 2]);
        assert_eq!(Windows::none(3).singles(), [0, 1, 2]);
    }

    proptest! {
        #[test]
        fn every_message_is_met_or_asked_for_and_windows_are_bounded(
            folder in prop::collection::vec(0i64..500, 1..300), picks in prop::collection::btree_set(0usize..300, 1..100)
        ) {
            let wanted: Vec<usize> = picks.into_iter().filter(|place| *place < folder.len()).collect();
            let (requests, met, singles) = run(&folder, &wanted);
            prop_assert!(requests <= 1 + wanted.len() / 8);
            let all: BTreeSet<usize> = met.iter().copied().chain(singles.iter().copied()).collect();
            prop_assert_eq!(all.len(), wanted.len());
            prop_assert_eq!(met.len() + singles.len(), wanted.len());
        }
    }
}
