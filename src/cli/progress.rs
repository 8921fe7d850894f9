//! What a person sees while mailboxes are copied: bars, lines, or nothing. Everything shown is read from the status.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use chrono::Utc;
use indicatif::{HumanBytes, HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::{sync::oneshot, task::JoinHandle, time};

use super::{Progress, mask::shown, summary::state};
use crate::{
    status::{Phase, SinkTrouble, Status, Sum},
    watch::Events,
};

/// Time between two lines.
const LINES: Duration = Duration::from_secs(10);

/// Time between two looks of the bars at the status.
const BARS: Duration = Duration::from_millis(200);

/// Mailboxes with a bar of their own.
const SHOWN: usize = 8;

/// A progress display that runs beside the work.
pub struct View {
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
}

impl View {
    /// Ends the display and leaves the terminal clean.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(task) = self.task.take() {
            // A display that broke does not concern the result.
            let _ = task.await;
        }
    }
}

/// Starts a display. `Auto` is bars on a terminal and lines elsewhere. `terminal` is where bars are drawn; logs that share it are printed above them.
pub fn start(progress: Progress, events: Events, mask: bool, terminal: &MultiProgress) -> View {
    let (stop, stopped) = oneshot::channel();
    let task = match progress {
        Progress::None => None,
        Progress::Json => Some(tokio::spawn(json(events, mask, stopped))),
        Progress::Plain => Some(tokio::spawn(lines(events, mask, stopped))),
        Progress::Auto if std::io::stderr().is_terminal() => Some(tokio::spawn(bars(events, mask, terminal.clone(), stopped))),
        Progress::Auto => Some(tokio::spawn(lines(events, mask, stopped))),
    };
    View { stop: Some(stop), task }
}

/// A line every ten seconds by the clock, so that a standstill shows. What a person should know in between is in the log, on the same screen.
async fn lines(events: Events, mask: bool, mut stopped: oneshot::Receiver<()>) {
    let began = Instant::now();
    let mut ticks = time::interval_at(time::Instant::now() + LINES, LINES);
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            _ = ticks.tick() => {}
        }
        let line = {
            let status = events.status();
            let waits = status.sink.as_ref().map(|trouble| format!("; {}", blocked(trouble))).unwrap_or_default();
            let refused = status.config.as_ref().map_or("", |_| "; the configuration that is kept is refused, see the log");
            heartbeat(&status.sum(), began.elapsed()) + &shown(&waits, mask) + refused
        };
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

/// The same as JSON, one object a line, on standard output.
async fn json(events: Events, mask: bool, mut stopped: oneshot::Receiver<()>) {
    let began = Instant::now();
    let mut ticks = time::interval_at(time::Instant::now() + LINES, LINES);
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            _ = ticks.tick() => {}
        }
        let line = {
            let status = events.status();
            let sum = status.sum();
            let mailboxes: serde_json::Map<_, _> = status
                .mailboxes
                .iter()
                .map(|(address, one)| {
                    let figures = serde_json::json!({"state": state(one.phase), "stored": one.figures.messages, "wanted": one.figures.wanted, "error": one.error.as_deref().map(|error| shown(error, mask))});
                    (shown(address.as_str(), mask).into_owned(), figures)
                })
                .collect();
            serde_json::json!({
                "event": "progress", "seconds": began.elapsed().as_secs(), "mailboxes_complete": sum.complete, "mailboxes_total": sum.mailboxes,
                "listed": sum.figures.listed, "wanted": sum.figures.wanted, "stored": sum.figures.messages, "bytes": sum.figures.bytes, "changes": sum.figures.changes,
                "quarantined": sum.figures.quarantined, "throttled": sum.figures.throttled, "retried": sum.figures.retried,
                "sink_error": status.sink.as_ref().map(|trouble| shown(&trouble.reason, mask)),
                "sink_retry_at": status.sink.as_ref().map(|trouble| trouble.until.format("%Y-%m-%dT%H:%M:%SZ").to_string()),
                "config_error": status.config.as_ref().map(|trouble| shown(&trouble.reason, mask)), "mailboxes": mailboxes,
            })
        };
        let _ = writeln!(std::io::stdout(), "{line}");
    }
}

/// Why nothing is stored just now, and for how long still.
fn blocked(trouble: &SinkTrouble) -> String {
    let left = (trouble.until - Utc::now()).num_milliseconds().max(0);
    format!("nothing can be stored, trying again in {} s: {}", (left + 999) / 1000, trouble.reason)
}

fn heartbeat(sum: &Sum, elapsed: Duration) -> String {
    format!(
        "{:>6} s  {} of {} mailboxes done, {} in trouble; {} messages found to copy, {} stored ({}), {} changes, {} in quarantine, {} waits",
        elapsed.as_secs(),
        sum.complete,
        sum.mailboxes,
        sum.failed,
        HumanCount(sum.figures.wanted),
        HumanCount(sum.figures.messages),
        HumanBytes(sum.figures.bytes),
        HumanCount(sum.figures.changes),
        HumanCount(sum.figures.quarantined),
        HumanCount(sum.figures.throttled),
    )
}

async fn bars(events: Events, mask: bool, terminal: MultiProgress, mut stopped: oneshot::Receiver<()>) {
    terminal.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
    let whole = terminal.add(ProgressBar::new(0).with_style(style("{elapsed_precise} {bar:20} {wide_msg}")));
    let rows: Vec<ProgressBar> = (0..SHOWN).map(|_| terminal.add(ProgressBar::new(0).with_style(style("{wide_msg}")))).collect();
    let mut ticks = time::interval(BARS);
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            _ = ticks.tick() => {}
        }
        draw(&events.status(), mask, &whole, &rows);
    }
    for row in &rows {
        row.finish_and_clear();
    }
    whole.finish_and_clear();
}

fn draw(status: &Status, mask: bool, whole: &ProgressBar, rows: &[ProgressBar]) {
    let sum = status.sum();
    // Before anything is found to copy the bar is empty, not full.
    whole.set_length(sum.figures.wanted.max(sum.figures.messages).max(1));
    whole.set_position(sum.figures.messages);
    whole.set_message(format!(
        "{}/{} messages · {}/{} mailboxes · {} in trouble · {} waits · {}",
        HumanCount(sum.figures.messages),
        HumanCount(sum.figures.wanted),
        sum.complete,
        sum.mailboxes,
        sum.failed,
        sum.figures.throttled,
        HumanBytes(sum.figures.bytes)
    ));
    if let Some(trouble) = &status.sink {
        whole.set_message(shown(&blocked(trouble), mask).into_owned());
    }
    let active: Vec<_> = status.mailboxes.iter().filter(|(_, one)| one.phase == Phase::Syncing).collect();
    for (at, row) in rows.iter().enumerate() {
        row.set_message(match active.get(at) {
            Some(_) if at + 1 == rows.len() && active.len() > rows.len() => format!("         and {} more", active.len() - at),
            Some((address, one)) => {
                let trouble = one.trouble.as_deref().map(|trouble| format!("  trying again: {trouble}")).unwrap_or_default();
                let line = format!("{:>9} / {:<9} {address}{trouble}", one.figures.messages, one.figures.wanted);
                shown(&line, mask).into_owned()
            }
            None => String::new(),
        });
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants; a wrong one would show as the default bar.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("█▉▊▋▌▍▎▏ ")
}
