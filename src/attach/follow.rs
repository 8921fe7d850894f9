//! The state of an instance as it changes, however often the connection is lost.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use exchange_sync_tui::{Frame, Signal};
use tokio::sync::mpsc;

use super::{
    Client, Trouble,
    client::not_understood,
    sse::{Event, LIMIT, Parser, TooLarge},
};
use crate::http::Backoff;

/// Between two tries.
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(15) };

/// Hands out frames until nobody takes them any more.
pub async fn follow(client: &Client, frames: &mpsc::Sender<Signal>) {
    let mut mark = None;
    let mut attempt = 0;
    loop {
        let reason = match stream(client, frames, &mut mark, &mut attempt).await {
            Ok(()) => return,
            Err(trouble) => trouble.to_string(),
        };
        let wait = pause(attempt);
        attempt = attempt.saturating_add(1);
        let again = Utc::now() + TimeDelta::from_std(wait).unwrap_or_default();
        if frames.send(Signal::Lost { reason, again }).await.is_err() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = frames.closed() => return,
        }
    }
}

/// At least half of the ceiling, so that nobody hammers at a door; the rest by chance, so that those who lost it together do not return together.
fn pause(attempt: u32) -> Duration {
    (BACKOFF.ceiling(attempt) + BACKOFF.draw(attempt)) / 2
}

/// One connection. `Ok` where nobody watches any more.
async fn stream(client: &Client, frames: &mpsc::Sender<Signal>, mark: &mut Option<String>, attempt: &mut u32) -> Result<(), Trouble> {
    let mut answer = tokio::select! {
        answer = client.events(mark.as_deref()) => answer?,
        () = frames.closed() => return Ok(()),
    };
    let mut parser = Parser::new(LIMIT);
    loop {
        let piece = tokio::select! {
            piece = answer.chunk() => piece.map_err(Trouble::of)?,
            () = frames.closed() => return Ok(()),
        };
        let Some(piece) = piece else { return Err(Trouble::new("the instance ended the connection: its run ended, or begins anew")) };
        let mut events = Vec::new();
        parser
            .take(&piece, |event| events.push(event))
            .map_err(|TooLarge| Trouble::new(format!("an event has more than {LIMIT} bytes")))?;
        for event in events {
            let id = event.id.clone();
            let Some(frame) = frame(event).inspect_err(|_| *mark = None)? else { continue };
            if frames.send(Signal::Frame(frame)).await.is_err() {
                return Ok(());
            }
            // Only now it was seen.
            *mark = Some(id).filter(|id| !id.is_empty());
            *attempt = 0;
        }
    }
}

/// The frame of an event; none where it is of a kind that is not known here.
fn frame(event: Event) -> Result<Option<Frame>, Trouble> {
    Ok(match event.kind.as_str() {
        "status" => Some(Frame::Status(serde_json::from_slice(&event.data).map_err(not_understood)?)),
        "update" => Some(Frame::Update(serde_json::from_slice(&event.data).map_err(not_understood)?)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_quarter_of_a_minute() {
        for (attempt, least, most) in [(0, 500, 1000), (1, 1000, 2000), (3, 4000, 8000), (4, 7500, 15_000), (u32::MAX, 7500, 15_000)] {
            for _ in 0..50 {
                let pause = pause(attempt).as_millis();
                assert!((least..=most).contains(&pause), "{attempt}: {pause}");
            }
        }
    }
}
