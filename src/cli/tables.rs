//! The whole table on standard error, whenever SIGUSR1 comes.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

use super::console::Console;

/// Columns of a table that is written where no terminal says how wide it is.
pub const WIDTH: usize = 160;

/// Writes what `table` gives at each signal, for as long as it is polled. From this call on the signal ends nobody.
pub fn tables(console: Console, table: impl Fn() -> String) -> Result<impl Future<Output = ()>, String> {
    let mut asked = signal(SignalKind::user_defined1()).map_err(|error| format!("watching for SIGUSR1 failed: {error}"))?;
    Ok(async move {
        while asked.recv().await.is_some() {
            console.write(&table());
        }
    })
}
