//! Instances in lines, where there is no terminal.

use std::{
    future::Future,
    io::{self, Write},
    time::Duration,
};

use exchange_sync_tui::{Signal, Source, Status, status::State, text};
use futures::{StreamExt, stream::SelectAll};
use tokio::time::{Instant, interval_at};
use tokio_stream::wrappers::ReceiverStream;

use crate::words::{shown, visible};

/// Time between two lines of an instance.
const LINES: Duration = Duration::from_secs(10);

/// Prints a line for each instance by the clock, so that a standstill shows, and whenever a connection is lost; until all are over, nobody reads the
/// lines or `ending` is ready.
pub async fn lines(sources: Vec<Source>, mask: bool, ending: impl Future<Output = ()>) {
    let mut ending = std::pin::pin!(ending);
    let mut watched: Vec<(String, Status, bool)> = Vec::new();
    let mut signals = SelectAll::new();
    for (number, source) in sources.into_iter().enumerate() {
        watched.push((source.name, Status::default(), false));
        signals.push(ReceiverStream::new(source.frames).map(move |signal| (number, signal)));
    }
    let mut ticks = interval_at(Instant::now() + LINES, LINES);
    loop {
        let said = tokio::select! {
            () = &mut ending => return,
            signal = signals.next() => match signal {
                Some((number, signal)) => watched.get_mut(number).map_or(Ok(()), |one| take(one, signal, mask)),
                None => return,
            },
            _ = ticks.tick() => watched.iter().filter(|(.., known)| *known).try_for_each(|one| say(&one.0, &text::line(&one.1), mask)),
        };
        if said.is_err() {
            return;
        }
    }
}

/// The first frame, and the first one after a loss, is told at once.
fn take((name, status, known): &mut (String, Status, bool), signal: Signal, mask: bool) -> io::Result<()> {
    match signal {
        Signal::Frame(frame) => {
            status.take(frame);
            match std::mem::replace(known, true) {
                true => Ok(()),
                false => say(name, &text::line(status), mask),
            }
        }
        Signal::Lost { reason, again } => {
            *known = false;
            let wait = (again - chrono::Utc::now()).num_milliseconds().max(0);
            let what = if status.head.state == State::Ended { "has ended".to_owned() } else { format!("connection lost: {reason}") };
            say(name, &format!("{what}; trying again in {} s", (wait + 999) / 1000), mask)
        }
        Signal::Replay { .. } => Ok(()),
        Signal::Closed { reason } => {
            let last = say(name, &text::line(status), mask);
            reason.map_or(last, |reason| say(name, &reason, mask))
        }
    }
}

fn say(name: &str, words: &str, mask: bool) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{name}  {}", shown(&visible(words), mask))
}
