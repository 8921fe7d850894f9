//! Throughput and latency over the run.
//!
//! ```text
//!  messages/s                                          most 412/s, mean 188/s
//!  500 ┤            ▂▅█▆▃
//!      │        ▁▄▇█████▇▅▂        ▁
//!    0 ┼───────────────────────────────────────────────────────
//!      08:00                09:00                        10:00
//! ```

use chrono::{DateTime, TimeDelta, Utc};
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::{
    meter,
    strip::{piece, strip},
};
use crate::{
    app::App,
    figures::{length, rate, speed},
    safe::right,
    status::Sample,
    theme::Role,
};

/// Columns of the labels at the left.
const LABEL: u16 = 11;

/// What one column of a chart stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Slot {
    messages: f64,
    bytes: f64,
    throttled: bool,
    p50: f64,
    p95: f64,
    /// Whether anything is known of it.
    known: bool,
}

pub(super) fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let head = app.fleet().head(app.now());
    let columns = usize::from(area.width.saturating_sub(LABEL + 2));
    let began = app.fleet().instances.iter().filter_map(|instance| instance.status.history.first()).map(|sample| sample.at).min();
    let (Some(began), 4..) = (began, columns) else {
        app.theme.span("    nothing is known of the run yet", Role::Dim).render(Rect { y: area.y + 1, height: 1, ..area }, buffer);
        return;
    };
    let from = app.span.and_then(|span| head.at.checked_sub_signed(TimeDelta::seconds(span))).map_or(began, |from| began.max(from));
    let to = head.at.max(from.checked_add_signed(TimeDelta::seconds(1)).unwrap_or(from));
    let slots = slots(app.fleet().instances.iter().map(|instance| &instance.status.history[..]), from, to, columns);
    let charts: &[Chart] =
        if area.height >= 24 { &[Chart::Messages, Chart::Bytes, Chart::Latency] } else { &[Chart::Messages, Chart::Latency] };
    let height = area.height / charts.len() as u16;
    for (place, chart) in charts.iter().enumerate() {
        let area = Rect { y: area.y + place as u16 * height, height, ..area };
        let stretch = app.span.map_or("the whole run".into(), |span| format!("the last {}", length(span)));
        chart.draw(app, area, buffer, &slots, &stretch);
        if area.height > 3 {
            times(app, Rect { y: area.bottom() - 2, height: 1, ..area }, buffer, (from, to));
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chart {
    Messages,
    Bytes,
    Latency,
}

impl Chart {
    fn draw(self, app: &App, area: Rect, buffer: &mut Buffer, slots: &[Slot], stretch: &str) {
        let theme = app.theme;
        let most = |of: fn(&Slot) -> f64| slots.iter().map(of).fold(0.0, f64::max);
        let known = slots.iter().filter(|slot| slot.known).count().max(1) as f64;
        let mean = |of: fn(&Slot) -> f64| slots.iter().map(of).sum::<f64>() / known;
        let (title, note, top, label): (_, _, _, fn(f64) -> String) = match self {
            Self::Messages => {
                let of = |slot: &Slot| slot.messages;
                ("messages per second", format!("most {}, mean {}", rate(most(of)), rate(mean(of))), round(most(of)), rate)
            }
            Self::Bytes => {
                let of = |slot: &Slot| slot.bytes;
                ("bytes per second", format!("most {}, mean {}", speed(most(of)), speed(mean(of))), round(most(of)), speed)
            }
            Self::Latency => {
                let top = round(most(|slot| slot.p95));
                ("latency of requests", "█ half within  ░ 95 of 100 within".into(), top, |n| format!("{n:.0} ms"))
            }
        };
        let title = vec![theme.span(title, Role::Strong), theme.span(format!("  {stretch}"), Role::Dim)];
        let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), height: 1, ..area };
        strip(inner.width, 2, vec![piece(2, [title])], vec![piece(1, [vec![theme.span(note, Role::Dim)]])]).render(inner, buffer);
        // The title above; below the line of zero, the times, and a blank one.
        let rows = area.height.saturating_sub(4);
        for row in 0..rows {
            let y = area.y + 1 + row;
            let base = f64::from(rows - 1 - row);
            let text = match row {
                0 => label(top),
                row if row * 2 == rows && rows >= 6 => label(top * f64::from(rows - row) / f64::from(rows)),
                _ => String::new(),
            };
            axis(app, Rect { y, height: 1, ..area }, buffer, &text, if text.is_empty() { "│" } else { "┤" });
            for (x, slot) in (area.x + LABEL + 1..area.right()).zip(slots) {
                let part = |value: f64| if top > 0.0 { value / top * f64::from(rows) - base } else { 0.0 };
                let (sign, role) = match self {
                    Self::Messages => (meter::level(part(slot.messages).min(1.0)), Role::Accent),
                    Self::Bytes => (meter::level(part(slot.bytes).min(1.0)), Role::Accent),
                    Self::Latency if part(slot.p50) > 0.0 => (meter::level(part(slot.p50).min(1.0)), Role::Good),
                    Self::Latency if part(slot.p95) > 0.0 => ("░", Role::Warn),
                    Self::Latency => (" ", Role::Plain),
                };
                buffer.set_string(x, y, sign, theme.style(role));
            }
        }
        let zero = Rect { y: area.y + 1 + rows, height: 1, ..area };
        axis(app, zero, buffer, &label(0.0), "┼");
        for (x, slot) in (area.x + LABEL + 1..area.right()).zip(slots) {
            // Waits that servers asked for explain dents.
            let waited = self == Self::Messages && slot.throttled;
            let (sign, role) = if waited { ("◔", Role::Warn) } else { ("─", Role::Faint) };
            buffer.set_string(x, zero.y, sign, theme.style(role));
        }
    }
}

fn axis(app: &App, area: Rect, buffer: &mut Buffer, label: &str, sign: &str) {
    buffer.set_string(area.x, area.y, right(label, usize::from(LABEL) - 1), app.theme.style(Role::Dim));
    buffer.set_string(area.x + LABEL, area.y, sign, app.theme.style(Role::Faint));
}

/// The times at both ends and between.
fn times(app: &App, area: Rect, buffer: &mut Buffer, (from, to): (DateTime<Utc>, DateTime<Utc>)) {
    let room = area.width.saturating_sub(LABEL + 2);
    let marks = (room / 24).clamp(1, 8);
    let format = match to - from {
        short if short < TimeDelta::minutes(15) => "%H:%M:%S",
        long if long > TimeDelta::hours(20) => "%a %H:%M",
        _ => "%H:%M",
    };
    for mark in 0..=marks {
        let at = from + (to - from) * i32::from(mark) / i32::from(marks);
        let text = app.settings.zone.format(at, format);
        let x = area.x + LABEL + 1 + (u32::from(room) * u32::from(mark) / u32::from(marks)) as u16;
        // The last one ends where the chart does.
        let x = if mark == 0 { x } else { x.saturating_sub(text.len() as u16 / if mark == marks { 1 } else { 2 }) };
        buffer.set_string(x, area.y, text, app.theme.style(Role::Dim));
    }
}

/// A round figure that is no less.
fn round(most: f64) -> f64 {
    if most <= 0.0 {
        return 1.0;
    }
    let scale = 10_f64.powf(most.log10().floor());
    [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 8.0, 10.0].into_iter().map(|step| step * scale).find(|top| *top >= most).unwrap_or(most)
}

/// The samples of several appliances in so many slots: sums of rates, the middle of medians, the worst of the worst.
fn slots<'a>(histories: impl Iterator<Item = &'a [Sample]>, from: DateTime<Utc>, to: DateTime<Utc>, columns: usize) -> Vec<Slot> {
    let length = ((to - from).num_milliseconds().max(1) as f64 / 1000.0) / columns as f64;
    let mut all = vec![Slot::default(); columns];
    let mut asked = vec![0.0; columns];
    for history in histories {
        // Sums over the part of each slot that the samples cover: messages, bytes, seconds.
        let mut sums = vec![(0.0, 0.0, 0.0); columns];
        for sample in history {
            let begin = (sample.at - from).num_milliseconds() as f64 / 1000.0;
            let seconds = f64::from(sample.seconds.max(1));
            let (first, last) = ((begin / length).max(0.0), (begin + seconds) / length);
            for slot in (first as usize)..(last.ceil().max(0.0) as usize).min(columns) {
                let covered = ((slot + 1) as f64 * length).min(begin + seconds) - (slot as f64 * length).max(begin);
                if covered <= 0.0 {
                    continue;
                }
                let part = covered / seconds;
                sums[slot].0 += sample.messages as f64 * part;
                sums[slot].1 += sample.bytes as f64 * part;
                sums[slot].2 += covered;
                all[slot].throttled |= sample.throttled > 0;
                all[slot].p50 += sample.p50 as f64 * sample.requests as f64 * part;
                asked[slot] += sample.requests as f64 * part;
                all[slot].p95 = all[slot].p95.max(sample.p95 as f64);
                all[slot].known = true;
            }
        }
        for (slot, (messages, bytes, seconds)) in all.iter_mut().zip(sums).filter(|(_, (.., seconds))| *seconds > 0.0) {
            slot.messages += messages / seconds;
            slot.bytes += bytes / seconds;
        }
    }
    for (slot, asked) in all.iter_mut().zip(asked) {
        slot.p50 = if asked > 0.0 { slot.p50 / asked } else { 0.0 };
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(minute: u32, messages: u64, p50: u64) -> Sample {
        let at = format!("2026-03-02T08:{minute:02}:00Z").parse().unwrap();
        Sample { at, seconds: 60, messages, bytes: messages * 1000, requests: 10, throttled: 0, p50, p95: p50 * 3 }
    }

    #[test]
    fn samples_fall_into_slots_by_time() {
        let at = |minute: u32| format!("2026-03-02T08:{minute:02}:00Z").parse().unwrap();
        let one = [sample(0, 60, 10), sample(1, 120, 20), sample(3, 600, 30)];
        let other = [sample(1, 60, 40)];
        let messages = |columns, to| -> Vec<f64> {
            slots([&one[..], &other[..]].into_iter(), at(0), at(to), columns).iter().map(|slot| slot.messages).collect()
        };
        assert_eq!(messages(4, 4), [1.0, 3.0, 0.0, 10.0]);
        assert_eq!(messages(8, 4), [1.0, 1.0, 3.0, 3.0, 0.0, 0.0, 10.0, 10.0]);
        assert_eq!(messages(2, 4), [2.5, 10.0], "each appliance's mean over what is known of it, and their sum");
        let slot = slots([&one[..], &other[..]].into_iter(), at(1), at(2), 1)[0];
        assert_eq!((slot.p50, slot.p95), (30.0, 120.0));
    }

    #[test]
    fn tops_are_round() {
        assert_eq!([0.0, 0.4, 1.0, 7.0, 412.0, 95_000.0].map(round), [1.0, 0.4, 1.0, 8.0, 500.0, 100_000.0]);
    }
}
