//! Signals that end the program, and the one that stops it for a while.

use std::{future::Future, io, time::Duration};

use rustix::process::Signal as Raised;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::console::Console;

/// So long the terminal is given to be as it was when the program is ended at once.
const GIVES: Duration = Duration::from_secs(1);

/// Ready at the first SIGINT, SIGTERM or SIGHUP. The second of the former two ends the process with code 130. A hangup comes once for the terminal and
/// once from the shell, so another one hurries nobody.
pub fn interrupts() -> io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    // Whoever starts it with `nohup` wants it to outlive the terminal.
    let mut hangup = if is_ignored(Raised::HUP) { None } else { Some(signal(SignalKind::hangup())?) };
    let (first, ready) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let mut first = Some(first);
        loop {
            let hurried = tokio::select! {
                _ = interrupt.recv() => true,
                _ = terminate.recv() => true,
                () = raised(&mut hangup) => false,
            };
            match first.take() {
                Some(first) => {
                    tracing::info!("stopping; a second interrupt ends the program at once");
                    let _ = first.send(());
                }
                None if hurried => {
                    // A terminal that takes nothing would hold up the end for ever.
                    let given = tokio::task::spawn_blocking(exchange_sync_tui::give_back);
                    let _ = tokio::time::timeout(GIVES, given).await;
                    std::process::exit(130)
                }
                None => {}
            }
        }
    });
    Ok(async move {
        // The sender lives as long as the process listens for signals.
        if ready.await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}

/// Keeps Ctrl-Z what it is although a dashboard listens for it, which gives the terminal back first: a signal that is listened for once stops
/// nobody by itself any more, not even when the dashboard has gone.
pub fn stops(console: Console) -> io::Result<()> {
    let mut stop = signal(SignalKind::from_raw(Raised::TSTP.as_raw()))?;
    tokio::spawn(async move {
        while stop.recv().await.is_some() {
            if !console.is_lent() {
                let _ = exchange_sync_tui::stop();
            }
        }
    });
    Ok(())
}

async fn raised(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether whoever started the process had a signal ignored, as far as the system tells (proc(5), `SigIgn`).
fn is_ignored(raised: Raised) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (raised.as_raw() - 1) & 1 == 1)
}
