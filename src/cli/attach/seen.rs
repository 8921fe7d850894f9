//! What was last seen of an instance, kept for when the dashboard has gone or a table is asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use exchange_sync_tui::{Signal, Source, Status, mask, status, text};
use tokio::sync::mpsc;

use crate::words::{shown, visible};

/// What was last seen of an instance.
pub struct Seen {
    name: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// None before anything was heard.
    status: Option<Status>,
    /// Why nothing is heard now.
    lost: Option<String>,
}

/// The same source, looked at on its way.
pub fn seen(mut source: Source) -> (Source, Seen) {
    let state = Arc::new(Mutex::new(State::default()));
    let seen = Seen { name: source.name.clone(), state: state.clone() };
    let (send, frames) = mpsc::channel(1);
    let (name, asks) = (source.name, source.asks);
    tokio::spawn(async move {
        loop {
            let signal = tokio::select! {
                signal = source.frames.recv() => signal,
                () = send.closed() => None,
            };
            let Some(signal) = signal else { return };
            held(&state).take(&signal);
            if send.send(signal).await.is_err() {
                return;
            }
        }
    });
    (Source { name, frames, asks }, seen)
}

impl State {
    fn take(&mut self, signal: &Signal) {
        match signal {
            Signal::Frame(frame) => {
                self.status.get_or_insert_default().take(frame.clone());
                self.lost = None;
            }
            Signal::Lost { reason, .. } | Signal::Closed { reason: Some(reason) } => self.lost = Some(reason.clone()),
            Signal::Closed { reason: None } | Signal::Replay { .. } => {}
        }
    }
}

impl Seen {
    /// As it calls itself, where it does.
    pub fn own_name(&self) -> String {
        let state = held(&self.state);
        let own = state.status.as_ref().map(|status| &status.head.instance).filter(|name| !name.is_empty());
        own.unwrap_or(&self.name).clone()
    }

    /// The table of its mailboxes, with its name above: its own, if it has that alone, or the one by which it was named.
    pub fn table(&self, alone: bool, columns: usize, mask: bool) -> String {
        let name = if alone { &self.own_name() } else { &self.name };
        let state = held(&self.state);
        let told = |words: &str| visible(&shown(words, mask)).into_owned();
        let over = state.status.as_ref().is_some_and(|status| status.head.state == status::State::Ended);
        let mut table = match state.lost.as_ref().filter(|_| !over) {
            Some(reason) => told(&format!("{name}, connection lost: {reason}")),
            None => told(name),
        } + "\n";
        match &state.status {
            Some(status) => table += &text::table(&mask::masked(status.clone(), mask), columns),
            None => table += "nothing was heard of it\n",
        }
        table
    }
}

fn held(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use exchange_sync_tui::Frame;

    use super::*;
    use crate::status::{Head, Mailbox};

    #[tokio::test]
    async fn what_was_seen_is_told_when_it_has_gone() {
        let (send, frames) = mpsc::channel(1);
        let (mut watched, seen) = seen(Source { name: "pod:8080".into(), frames, asks: None });
        assert_eq!(seen.table(true, 80, false), "pod:8080\nnothing was heard of it\n");
        let mailbox = Mailbox { reason: Some("ann@example.com is busy".into()), ..Mailbox::default() };
        let status = Status {
            head: Head { instance: "pod\u{1b}-0".into(), ..Head::default() },
            mailboxes: [("ann@example.com".to_owned(), mailbox)].into(),
            ..Status::default()
        };
        let lost = Signal::Lost { reason: "connection refused".into(), again: chrono::Utc::now() };
        for signal in [Signal::Frame(Frame::Status(Box::new(status))), lost] {
            send.send(signal.clone()).await.unwrap();
            assert_eq!(watched.frames.recv().await, Some(signal));
        }
        let table = seen.table(true, 80, false);
        assert!(table.starts_with("pod\\u{1b}-0, connection lost: connection refused\n"), "{table}");
        assert!(table.contains("ann@example.com"), "{table}");
        assert!(seen.table(false, 80, false).starts_with("pod:8080, connection lost"), "where another one has the same name");
        for columns in 60..120 {
            let table = seen.table(true, columns, true);
            assert!(!table.contains("ann"), "{table}");
        }
        drop(watched);
        send.closed().await;
    }
}
