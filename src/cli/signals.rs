//! Signals that end the program, and the one that stops it for a while.

use std::{future::Future, io, thread};

use rustix::process::Signal as Raised;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

use super::console::{Console, settle_in_haste};

/// Ready at the first SIGINT, SIGTERM or SIGHUP. The second of the former two ends the process with code 130. A hangup comes once for the terminal and
/// once from the shell, so another one hurries nobody.
///
/// They are heard on a thread of their own: the workers may all wait for somebody who does not read what they write.
pub fn interrupts() -> io::Result<impl Future<Output = ()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let heard = {
        let _within = runtime.enter();
        let (interrupt, terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        // Whoever starts it with `nohup` wants it to outlive the terminal.
        let hangup = if is_ignored(Raised::HUP) { None } else { Some(signal(SignalKind::hangup())?) };
        Heard { interrupt, terminate, hangup }
    };
    let (first, ready) = oneshot::channel();
    thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(heard.tell(first)))?;
    Ok(async move {
        // The sender lives as long as the process listens for signals.
        if ready.await.is_err() {
            std::future::pending::<()>().await;
        }
        tracing::info!("stopping; a second interrupt ends the program at once");
    })
}

/// The signals that end the program.
struct Heard {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Heard {
    /// Tells of the first one; the second ends the process.
    async fn tell(mut self, first: oneshot::Sender<()>) {
        let mut first = Some(first);
        loop {
            let hurried = tokio::select! {
                _ = self.interrupt.recv() => true,
                _ = self.terminate.recv() => true,
                () = raised(&mut self.hangup) => false,
            };
            match first.take() {
                Some(first) => drop(first.send(())),
                None if hurried => {
                    settle_in_haste();
                    exchange_sync_tui::give_back();
                    std::process::exit(130)
                }
                None => {}
            }
        }
    }
}

/// Keeps Ctrl-Z what it is although a dashboard listens for it, which gives the terminal back first: a signal that is listened for once stops
/// nobody by itself any more, not even when the dashboard has gone. SIGUSR1 ends nobody from here on.
pub fn stops(console: Console) -> io::Result<()> {
    // What is listened for once ends nobody any more, also where there is no table to show yet.
    drop(signal(SignalKind::user_defined1())?);
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
