//! Progress without a screen: lines for people, JSON for programs.

use std::{fmt, io::Write, time::Duration};

use chrono::Utc;
use exchange_sync_tui::text;
use futures::{Stream, StreamExt};
use tokio::{task, time};
use tokio_stream::wrappers::IntervalStream;

use super::Stop;
use crate::{cli::console::Console, status::Status, watch::Events};

/// Time between two lines.
const LINES: Duration = Duration::from_secs(10);

/// A line every ten seconds by the clock, so that a standstill shows. What a person should know in between is in the log, on the same screen.
pub async fn lines(events: Events, console: Console, stopped: Stop) {
    let mut ticks = ticks(stopped);
    while ticks.next().await.is_some() {
        let status = events.status().overview(Utc::now());
        console.write(&(text::line(&status) + "\n"));
    }
}

/// So long the last line is given to be taken.
const LAST: Duration = Duration::from_secs(5);

/// The same as JSON on standard output: one object a line, with the fields of `/status`. While what was written is not read, nothing more is. Whether all
/// of it was taken at the end.
pub async fn json(events: Events, mut stopped: Stop) -> bool {
    let mut ticks = ticks(stopped.clone());
    while ticks.next().await.is_some() {
        let status = events.status().overview(Utc::now());
        // Not by a worker: whoever reads may be slow.
        let mut line = task::spawn_blocking(move || writeln!(std::io::stdout(), "{}", Line { event: "progress", status }));
        // That nobody reads it is not worth a failure.
        tokio::select! {
            _ = &mut stopped => return time::timeout(LAST, line).await.is_ok(),
            _ = &mut line => {}
        }
    }
    true
}

/// Until it is stopped, by the clock, however long a line takes.
fn ticks(stopped: Stop) -> impl Stream<Item = ()> + Unpin {
    let mut ticks = time::interval_at(time::Instant::now() + LINES, LINES);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Skip);
    IntervalStream::new(ticks).map(drop).take_until(stopped)
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
