//! How fast it goes, now and over the whole run, in fixed memory.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use exchange_sync_tui::status::{Rate, Sample};

/// Seconds over which the slower of the two rates is taken.
const QUARTER: i64 = 15 * 60;

/// Seconds for which it is still being stored.
const MOMENT: i64 = 2;

/// Seconds of a sample at first. Whenever there would be more than [`SAMPLES`], two become one and the next ones are twice as long.
const SAMPLE: u32 = 10;

/// The most samples: two hours at first, twelve hours and more with longer ones.
const SAMPLES: usize = 720;

/// Counts what is stored and asked.
#[derive(Debug, Default)]
pub struct Meter {
    began: Option<DateTime<Utc>>,
    /// The last seconds in which anything was stored: messages and bytes.
    seconds: VecDeque<(i64, u64, u64)>,
    samples: Vec<Sample>,
    present: Option<(Sample, Latencies)>,
    /// How often a sample was added.
    turns: u64,
}

impl Meter {
    /// Messages were stored.
    pub fn stored(&mut self, at: DateTime<Utc>, messages: u64, bytes: u64) {
        let second = at.timestamp();
        match self.seconds.back_mut() {
            // A clock that is set back does not tear the series.
            Some((last, all, size)) if *last >= second => (*all, *size) = (*all + messages, *size + bytes),
            _ => self.seconds.push_back((second, messages, bytes)),
        }
        while self.seconds.front().is_some_and(|(first, ..)| *first <= second - QUARTER) {
            self.seconds.pop_front();
        }
        let (sample, _) = self.sample(at);
        (sample.messages, sample.bytes) = (sample.messages + messages, sample.bytes + bytes);
    }

    /// Whether anything was stored a moment ago.
    pub fn flows(&self, at: DateTime<Utc>) -> bool {
        self.seconds.back().is_some_and(|(second, ..)| at.timestamp() - second <= MOMENT)
    }

    /// A request was answered.
    pub fn answered(&mut self, at: DateTime<Utc>, millis: u64) {
        let (sample, latencies) = self.sample(at);
        sample.requests += 1;
        latencies.note(millis);
    }

    /// A server asked for a wait.
    pub fn throttled(&mut self, at: DateTime<Utc>) {
        self.sample(at).0.throttled += 1;
    }

    /// Messages and bytes per second over the last `seconds`, or since the beginning where that is less.
    pub fn rate(&self, at: DateTime<Utc>, seconds: i64) -> Rate {
        let Some(began) = self.began else { return Rate::default() };
        let over = (at - began).num_seconds().clamp(1, seconds);
        // Of what is younger than the window, the first second counts, too.
        let since = at.timestamp() - over - i64::from(over < seconds);
        let (mut messages, mut bytes) = (0, 0);
        for (_, some, size) in self.seconds.iter().rev().take_while(|(second, ..)| *second > since) {
            (messages, bytes) = (messages + some, bytes + size);
        }
        Rate { messages: messages as f64 / over as f64, bytes: bytes as f64 / over as f64 }
    }

    /// The same over the last minute, and over the last quarter of an hour.
    pub fn rates(&self, at: DateTime<Utc>) -> (Rate, Rate) {
        (self.rate(at, 60), self.rate(at, QUARTER))
    }

    /// Lets time pass: stretches in which nothing happened are samples, too.
    pub fn advance(&mut self, at: DateTime<Utc>) {
        self.sample(at);
    }

    /// The finished samples, oldest first, and how often one was added.
    pub fn samples(&self) -> (&[Sample], u64) {
        (&self.samples, self.turns)
    }

    /// The sample that `at` falls into.
    fn sample(&mut self, at: DateTime<Utc>) -> &mut (Sample, Latencies) {
        self.began.get_or_insert(at);
        let mut present = self.present.take().unwrap_or_else(|| fresh(at, SAMPLE));
        loop {
            let ends = present.0.at + TimeDelta::seconds(present.0.seconds.into());
            if at < ends {
                return self.present.insert(present);
            }
            let (mut sample, latencies) = present;
            (sample.p50, sample.p95) = (latencies.within(50), latencies.within(95));
            self.samples.push(sample);
            self.turns += 1;
            let mut seconds = sample.seconds;
            if self.samples.len() >= SAMPLES {
                self.samples = self.samples.chunks(2).map(joined).collect();
                seconds *= 2;
            }
            present = fresh(ends, seconds);
        }
    }
}

fn fresh(at: DateTime<Utc>, seconds: u32) -> (Sample, Latencies) {
    (Sample { at, seconds, messages: 0, bytes: 0, requests: 0, throttled: 0, p50: 0, p95: 0 }, Latencies::default())
}

/// Two samples as one. Their latencies are no longer known one by one: the middle is weighed, of the slow ones the slower is kept.
fn joined(pair: &[Sample]) -> Sample {
    let mut all = pair[0];
    for one in &pair[1..] {
        let requests = all.requests + one.requests;
        all.p50 = (all.p50 * all.requests + one.p50 * one.requests).checked_div(requests).unwrap_or(0);
        all.p95 = all.p95.max(one.p95);
        all.requests = requests;
        all.seconds += one.seconds;
        all.messages += one.messages;
        all.bytes += one.bytes;
        all.throttled += one.throttled;
    }
    all
}

/// Latencies by size: four classes for each doubling.
#[derive(Debug)]
struct Latencies([u64; 80]);

impl Default for Latencies {
    fn default() -> Self {
        Self([0; 80])
    }
}

impl Latencies {
    fn note(&mut self, millis: u64) {
        let class = (((millis + 1) as f64).log2() * 4.0) as usize;
        self.0[class.min(79)] += 1;
    }

    /// So many milliseconds at most did `percent` of them take.
    fn within(&self, percent: u64) -> u64 {
        let all: u64 = self.0.iter().sum();
        let mut seen = 0;
        for (class, count) in self.0.iter().enumerate() {
            seen += count;
            if all > 0 && seen * 100 >= all * percent {
                return ((class + 1) as f64 / 4.0).exp2() as u64 - 1;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(1_000_000 + seconds)
    }

    #[test]
    fn rates_are_of_the_time_that_was() {
        let mut meter = Meter::default();
        assert_eq!(meter.rate(at(0), 60), Rate::default());
        for second in 0..30 {
            meter.stored(at(second), 10, 1000);
        }
        assert_eq!(meter.rate(at(29), 60).messages.round(), 10.0, "over what there was");
        let (minute, quarter) = meter.rates(at(600));
        assert_eq!(minute, Rate::default(), "a standstill shows after a minute");
        assert_eq!(quarter, Rate { messages: 0.5, bytes: 50.0 });
        meter.stored(at(2_000), 1, 1);
        assert_eq!(meter.seconds.len(), 1, "what is older is forgotten");
    }

    #[test]
    fn a_long_run_keeps_its_shape_in_fixed_memory() {
        let mut meter = Meter::default();
        let hours = 12 * 3600;
        for second in (0..hours).step_by(5) {
            meter.stored(at(second), 2, 20);
            meter.answered(at(second), if second % 100 == 0 { 900 } else { 20 });
        }
        meter.advance(at(hours));
        let (samples, _) = meter.samples();
        assert!(samples.len() < SAMPLES);
        let kept: i64 = samples.iter().map(|sample| i64::from(sample.seconds)).sum();
        assert!(hours - kept < 160, "{kept}");
        assert_eq!(samples.iter().map(|sample| sample.messages).sum::<u64>(), (kept as u64 / 5) * 2);
        assert!(samples.windows(2).all(|pair| pair[0].at + TimeDelta::seconds(pair[0].seconds.into()) == pair[1].at));
        let last = samples.last().unwrap();
        assert!((17..=24).contains(&last.p50), "{last:?}");
    }

    #[test]
    fn latencies_are_told_within_a_fifth() {
        let mut latencies = Latencies::default();
        (1..=1000).for_each(|millis| latencies.note(millis));
        assert!((500..=600).contains(&latencies.within(50)), "{}", latencies.within(50));
        assert!((950..=1140).contains(&latencies.within(95)), "{}", latencies.within(95));
        assert_eq!(Latencies::default().within(95), 0);
    }
}
