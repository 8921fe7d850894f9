//! A running instance seen from afar: its state as it changes, and what it is asked for, over HTTP.
//!
//! What is lost is looked for again, for as long as anybody watches; whoever watches is told why and when.

mod address;
mod answers;
mod client;
mod follow;
mod sse;
#[cfg(test)]
mod tests;

use exchange_sync_tui::Source;
use tokio::sync::mpsc;

use crate::auth::Secret;

pub use self::{
    address::Address,
    client::{Client, Trouble},
};

/// Frames that wait for whoever watches. When there are more the instance waits, too, and then tells the newest.
const FRAMES: usize = 4;

/// Questions that wait for an answer.
const ASKS: usize = 16;

/// Watches an instance until nobody takes what comes of it. `Err` is a setting's fault.
pub fn connect(address: Address, token: Option<Secret>) -> Result<Source, String> {
    let name = address.to_string();
    let client = Client::new(address, token)?;
    let (frames, watched) = mpsc::channel(FRAMES);
    let (asks, asked) = mpsc::channel(ASKS);
    tokio::spawn(async move {
        tokio::select! {
            () = follow::follow(&client, &frames) => {}
            () = answers::answer(&client, asked) => {}
        }
    });
    Ok(Source { name, frames: watched, asks: Some(asks) })
}
