//! The dashboard on a thread of its own. A terminal that takes nothing, such as that of a connection that sleeps, stops whoever writes to it: that must not be
//! the work, nor anybody who waits for its end.

use std::{
    io,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::Duration,
};

use tokio::{runtime::Builder, sync::oneshot, time::timeout};

use crate::{Left, Settings, Source, terminal::give_back, urgent::discard};

/// The name by which the system shows what the dashboard takes of the processor.
const NAME: &str = "dashboard";

/// So long the dashboard may take to give the terminal back.
const LAST: Duration = Duration::from_secs(5);

/// The same where it did not, and for whoever does not wait.
const SHORT: Duration = Duration::from_secs(2);

/// How often within that what it did not take is thrown away.
const ROUNDS: u32 = 20;

/// Shows the dashboard until a person leaves it or `ending` is over. The terminal is as it was before on every way out: also when this is
/// dropped, and before a panic is told; unless it takes nothing, which is [`Left::Stalled`].
///
/// Fails where the terminal cannot be drawn on.
pub async fn show(sources: Vec<Source>, settings: Settings, ending: impl Future<Output = ()>) -> io::Result<Left> {
    let mut apart = Apart::start(sources, settings)?;
    tokio::select! {
        left = &mut apart.left => return told(left),
        () = ending => {}
    }
    apart.end = None;
    if let Ok(left) = timeout(LAST, &mut apart.left).await {
        return told(left);
    }
    // Without the rest of a picture that nobody took there is room for what gives the terminal back; a large picture takes several times.
    for _ in 0..ROUNDS {
        discard();
        if timeout(SHORT / ROUNDS, &mut apart.left).await.is_ok() {
            return Ok(Left::Stalled);
        }
    }
    give_back();
    Ok(Left::Stalled)
}

fn told(left: Result<io::Result<Left>, oneshot::error::RecvError>) -> io::Result<Left> {
    left.unwrap_or_else(|_| Err(io::Error::other("it broke off")))
}

struct Apart {
    /// Dropped when it is to end.
    end: Option<oneshot::Sender<()>>,
    left: oneshot::Receiver<io::Result<Left>>,
    /// Nothing is sent over it; it is closed with the end of the thread.
    over: Receiver<()>,
}

impl Apart {
    fn start(sources: Vec<Source>, settings: Settings) -> io::Result<Self> {
        let (end, ended) = oneshot::channel();
        let (leave, left) = oneshot::channel();
        let (open, over) = channel();
        thread::Builder::new().name(NAME.to_owned()).spawn(move || {
            let _open: Sender<()> = open;
            // Whoever waited may have gone.
            let _ = leave.send(here(sources, settings, ended));
        })?;
        Ok(Self { end: Some(end), left, over })
    }
}

fn here(sources: Vec<Source>, settings: Settings, ended: oneshot::Receiver<()>) -> io::Result<Left> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(crate::show::show(sources, settings, async {
        let _ = ended.await;
    }))
}

impl Drop for Apart {
    fn drop(&mut self) {
        self.end = None;
        let _ = self.over.recv_timeout(SHORT);
    }
}
