//! Instances in lines, where there is no terminal.

use std::{
    future::Future,
    io::{self, Write},
    time::Duration,
};

use exchange_sync_tui::{Signal, Source, Status, status::State, text};
use futures::{StreamExt, stream::SelectAll};
use tokio::{
    task::spawn_blocking,
    time::{Instant, MissedTickBehavior, interval_at},
};
use tokio_stream::wrappers::ReceiverStream;

use crate::words::{shown, visible};

/// Time between two lines of an instance.
const LINES: Duration = Duration::from_secs(10);

/// Prints a line for each instance by the clock, so that a standstill shows, and whenever a connection is lost; until all are over, nobody reads the
/// lines or `ending` is ready.
pub async fn lines(sources: Vec<Source>, mask: bool, ending: impl Future<Output = ()>) {
    let mut ending = std::pin::pin!(ending);
    let mut watched: Vec<Watched> = Vec::new();
    let mut signals = SelectAll::new();
    for (number, source) in sources.into_iter().enumerate() {
        watched.push(Watched { name: source.name, status: Status::default(), known: false });
        signals.push(ReceiverStream::new(source.frames).map(move |signal| (number, signal)));
    }
    let mut ticks = interval_at(Instant::now() + LINES, LINES);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        let told: String = tokio::select! {
            () = &mut ending => return,
            signal = signals.next() => match signal {
                Some((number, signal)) => watched.get_mut(number).map(|one| one.take(signal)).unwrap_or_default(),
                None => return,
            },
            _ = ticks.tick() => watched.iter().filter(|one| one.known).map(Watched::line).collect(),
        };
        if told.is_empty() {
            continue;
        }
        let said = tokio::select! {
            () = &mut ending => return,
            said = say(shown(&told, mask).into_owned()) => said,
        };
        if said.is_err() {
            return;
        }
    }
}

/// An instance, and whether anything is heard of it just now.
struct Watched {
    name: String,
    status: Status,
    known: bool,
}

impl Watched {
    /// Lines on what came. The first frame, and the first one after a loss, is told at once.
    fn take(&mut self, signal: Signal) -> String {
        match signal {
            Signal::Frame(frame) => {
                self.status.take(frame);
                if std::mem::replace(&mut self.known, true) { String::new() } else { self.line() }
            }
            Signal::Lost { reason, again } => {
                self.known = false;
                let wait = (again - chrono::Utc::now()).num_milliseconds().max(0);
                let over = self.status.head.state == State::Ended;
                let what = if over { "has ended".to_owned() } else { format!("connection lost: {reason}") };
                self.named(&format!("{what}; trying again in {} s", (wait + 999) / 1000))
            }
            Signal::Replay { .. } => String::new(),
            Signal::Closed { reason } => self.line() + &reason.map(|reason| self.named(&reason)).unwrap_or_default(),
        }
    }

    fn line(&self) -> String {
        self.named(&text::line(&self.status))
    }

    fn named(&self, words: &str) -> String {
        format!("{}  {}\n", self.name, visible(words))
    }
}

/// Not by a worker: whoever reads may be slow.
async fn say(lines: String) -> io::Result<()> {
    spawn_blocking(move || io::stdout().write_all(lines.as_bytes())).await?
}
