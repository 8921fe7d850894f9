//! What a person or a program sees while mailboxes are copied, other than the dashboard. Everything shown is read from the board.

use std::{
    fmt,
    io::Write,
    time::{Duration, Instant},
};

use chrono::Utc;
use indicatif::{HumanBytes, HumanCount};
use tokio::{sync::oneshot, task::JoinHandle, time};

use super::Progress;
use crate::{
    status::{SinkTrouble, Status, Totals},
    watch::Events,
};

/// Time between two lines.
const LINES: Duration = Duration::from_secs(10);

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

/// Starts a display; `Auto` is lines here.
pub fn start(progress: Progress, events: Events) -> View {
    let (stop, stopped) = oneshot::channel();
    let task = match progress {
        Progress::None => None,
        Progress::Json => Some(tokio::spawn(json(events, stopped))),
        Progress::Plain | Progress::Auto => Some(tokio::spawn(lines(events, stopped))),
    };
    View { stop: Some(stop), task }
}

/// A line every ten seconds by the clock, so that a standstill shows. What a person should know in between is in the log, on the same screen.
async fn lines(events: Events, mut stopped: oneshot::Receiver<()>) {
    let began = Instant::now();
    let mut ticks = time::interval_at(time::Instant::now() + LINES, LINES);
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            _ = ticks.tick() => {}
        }
        let line = {
            let board = events.status();
            let waits = board.sink_trouble().map(|trouble| format!("; {}", blocked(trouble))).unwrap_or_default();
            let refused = board.config_trouble().map_or("", |_| "; the configuration that is kept is refused, see the log");
            heartbeat(&board.totals(), began.elapsed()) + &waits + refused
        };
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}

/// The same as JSON on standard output: one object a line, with the fields of `/status`.
async fn json(events: Events, mut stopped: oneshot::Receiver<()>) {
    let mut ticks = time::interval_at(time::Instant::now() + LINES, LINES);
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            _ = ticks.tick() => {}
        }
        let status = events.status().overview(Utc::now());
        let _ = writeln!(std::io::stdout(), "{}", Line { event: "progress", status });
    }
}

/// A status as one line of JSON among others.
#[derive(serde::Serialize)]
struct Line {
    event: &'static str,
    #[serde(flatten)]
    status: Status,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// Why nothing is stored just now, and for how long still.
fn blocked(trouble: &SinkTrouble) -> String {
    let left = (trouble.until - Utc::now()).num_milliseconds().max(0);
    format!("nothing can be stored, trying again in {} s: {}", (left + 999) / 1000, trouble.reason)
}

fn heartbeat(sum: &Totals, elapsed: Duration) -> String {
    format!(
        "{:>6} s  {} of {} mailboxes done, {} in trouble; {} messages found to copy, {} stored ({}), {} changes, {} in quarantine, {} waits",
        elapsed.as_secs(),
        sum.complete,
        sum.mailboxes,
        sum.troubled,
        HumanCount(sum.figures.wanted),
        HumanCount(sum.figures.stored),
        HumanBytes(sum.figures.bytes),
        HumanCount(sum.figures.changes),
        HumanCount(sum.quarantined),
        HumanCount(sum.throttled),
    )
}
