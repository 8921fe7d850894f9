//! Progress without a screen: lines for people, JSON for programs.

use std::{fmt, io::Write, time::Duration};

use chrono::Utc;
use exchange_sync_tui::text;
use tokio::time;

use super::Stop;
use crate::{cli::console::Console, status::Status, watch::Events};

/// Time between two lines.
const LINES: Duration = Duration::from_secs(10);

/// A line every ten seconds by the clock, so that a standstill shows. What a person should know in between is in the log, on the same screen.
pub async fn lines(events: Events, console: Console, stopped: Stop) {
    each(stopped, || {
        let status = events.status().overview(Utc::now());
        console.write(&(text::line(&status) + "\n"));
    })
    .await;
}

/// The same as JSON on standard output: one object a line, with the fields of `/status`.
pub async fn json(events: Events, stopped: Stop) {
    each(stopped, || {
        let status = events.status().overview(Utc::now());
        let _ = writeln!(std::io::stdout(), "{}", Line { event: "progress", status });
    })
    .await;
}

async fn each(mut stopped: Stop, tell: impl Fn()) {
    let mut ticks = time::interval_at(time::Instant::now() + LINES, LINES);
    loop {
        tokio::select! {
            _ = &mut stopped => return,
            _ = ticks.tick() => tell(),
        }
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
