//! Questions to an instance, each answered by itself.

use exchange_sync_tui::Ask;
use futures::StreamExt;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{Client, Trouble};

/// Questions asked at a time.
const AT_ONCE: usize = 4;

/// Answers what is asked for as long as anything is watched.
pub async fn answer(client: &Client, asks: mpsc::Receiver<Ask>) {
    ReceiverStream::new(asks).for_each_concurrent(AT_ONCE, |ask| one(client, ask)).await;
    // Whoever asks nothing any more may still watch.
    std::future::pending().await
}

/// Nobody waits for an answer that cannot be sent.
async fn one(client: &Client, ask: Ask) {
    let words = |trouble: Trouble| trouble.to_string();
    match ask {
        Ask::Act { action, answer } => drop(answer.send(client.act(&action).await.map_err(words))),
        Ask::Quarantine { answer } => drop(answer.send(client.quarantine().await.map_err(words))),
    }
}
