//! The dashboard's view of the run in the same process.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use exchange_sync_tui::{Ask, Frame, Signal, Source};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use super::{Events, Hands, listing};
use crate::status::{Head, Seen, State};

/// So often the board is looked at.
const LOOKS: Duration = Duration::from_millis(250);

/// Frames and questions that wait to be taken.
const WAITING: usize = 4;

/// This run as something to be watched. It is looked at until nobody takes what is seen.
pub fn source(name: String, events: Events, hands: Option<Arc<dyn Hands>>) -> Source {
    let (send, frames) = mpsc::channel(WAITING);
    tokio::spawn(look(events, send));
    let asks = hands.map(|hands| {
        let (asks, asked) = mpsc::channel(WAITING);
        tokio::spawn(answer(hands, asked));
        asks
    });
    Source { name, frames, asks }
}

async fn look(events: Events, frames: mpsc::Sender<Signal>) {
    let mut changes = Changes::default();
    let mut looks = interval(LOOKS);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let Some(frame) = changes.next(&events) else { continue };
        let ended = frame.head().state == State::Ended;
        if frames.send(Signal::Frame(frame)).await.is_err() || ended {
            return;
        }
    }
}

async fn answer(hands: Arc<dyn Hands>, mut asked: mpsc::Receiver<Ask>) {
    while let Some(ask) = asked.recv().await {
        let hands = hands.clone();
        // A list that takes long holds up no action.
        tokio::spawn(async move {
            // Whoever asked may have gone.
            match ask {
                Ask::Act { action, answer } => drop(answer.send(hands.act(action).await)),
                Ask::Quarantine { answer } => drop(answer.send(hands.quarantine().await.map(listing))),
            }
        });
    }
}

/// A board as one watcher sees it change.
#[derive(Default)]
pub struct Changes {
    seen: Seen,
    /// The last head, without the time.
    head: Head,
}

impl Changes {
    /// What is new, where anything is but the time.
    pub fn next(&mut self, events: &Events) -> Option<Frame> {
        let mut board = events.status();
        let now = Utc::now();
        // Rates fall while nothing happens.
        if !board.has_news(&self.seen) && board.head(now).timeless() == self.head {
            return None;
        }
        let frame = board.frame(&mut self.seen, now);
        self.head = frame.head().timeless();
        Some(frame)
    }
}
