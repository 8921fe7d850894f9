//! Standard error as the logs see it.

mod queue;

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use exchange_sync_tui::mask::Mask;
use rustix::fs::{fstat, makedev};
use tracing_subscriber::fmt::MakeWriter;

use self::queue::Queue;
use super::mask::shown;

/// What is on its way to standard error.
static QUEUE: LazyLock<Option<Arc<Queue>>> = LazyLock::new(|| {
    Queue::start(write_now, |lines| {
        tracing::warn!(lines, "lines of the log did not reach standard error, since what was written before was not read")
    })
});

/// Writes to standard error itself. A log that cannot be written is not worth a failure.
fn write_now(line: &[u8]) {
    let mut err = io::stderr();
    let drawn_on = DRAWN.load(Ordering::Relaxed) && is_drawn_on();
    if !is_silent(&err) && !drawn_on {
        let _ = err.write_all(line);
    }
}

/// Waits until all of the log is on standard error, five seconds at most: to be called before something is said that is to stand behind it. Whether it
/// is. Who takes nothing is waited for once.
pub fn settle() -> bool {
    settle_within(LAST)
}

/// The same where the process is to end at once, or the last words are a line of the log: half a second.
pub fn settle_in_haste() {
    settle_within(HASTE);
}

fn settle_within(patience: Duration) -> bool {
    QUEUE.as_ref().is_none_or(|queue| queue.settle(patience))
}

/// Whether a dashboard draws on the terminal just now.
static DRAWN: AtomicBool = AtomicBool::new(false);

/// Whether the terminal takes nothing any more, so that whoever writes to it waits for ever.
static STALLED: AtomicBool = AtomicBool::new(false);

/// So long a terminal that took nothing is given to take the last words.
const LAST: Duration = Duration::from_secs(5);

/// The same where there is less to lose.
const HASTE: Duration = Duration::from_millis(500);

/// Whether nothing is to be written there, since it would not be taken.
fn is_silent(to: &impl IsTerminal) -> bool {
    STALLED.load(Ordering::Relaxed) && to.is_terminal()
}

/// Writes to standard output, which took nothing a moment ago. What it does not take in time is lost, and nothing more is written to that terminal.
pub fn say_in_time(words: Vec<u8>) {
    let (over, done) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        let _over = over;
        let _ = io::stdout().write_all(&words);
    });
    if done.recv_timeout(LAST) == Err(mpsc::RecvTimeoutError::Timeout) {
        STALLED.store(true, Ordering::Relaxed);
    }
}

/// Says a line on standard output, behind what is logged. That nobody is there to read it, as where a terminal was closed, is not worth a failure.
pub fn say(words: impl fmt::Display) {
    settle();
    let mut out = io::stdout();
    if !is_silent(&out) {
        let _ = writeln!(out, "{words}");
    }
}

/// The same on standard error. Waits for whoever reads it, but not for ever.
pub fn complain(words: impl fmt::Display) {
    push(format!("{words}\n").into_bytes());
    settle();
}

/// Has this written to standard error when its turn comes.
fn push(text: Vec<u8>) {
    match &*QUEUE {
        Some(queue) => queue.push(text),
        None => write_now(&text),
    }
}

/// Whether a person sits before it: keys come in, and what is shown is seen.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Columns of the terminal on standard output; none where that is no terminal, or does not say.
pub fn columns() -> Option<usize> {
    rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Makes writers for log lines.
#[derive(Clone, Debug, Default)]
pub struct Console {
    lent: Arc<AtomicBool>,
    mask: Mask,
}

/// The terminal is somebody else's for as long as this lives.
#[derive(Debug)]
pub struct Lent(Arc<AtomicBool>);

impl Console {
    /// Lends the terminal to a dashboard: log lines are not written to it meanwhile. What a person must know is on the dashboard, and whoever wants
    /// every line keeps it in files.
    pub fn lend(&self) -> Lent {
        STALLED.store(false, Ordering::Relaxed);
        self.lent.store(true, Ordering::Relaxed);
        // Nothing is pushed any more; what was has its time. What is left then is not written over the pictures.
        settle_in_haste();
        DRAWN.store(true, Ordering::Relaxed);
        Lent(self.lent.clone())
    }

    /// The switch by which a dashboard hides addresses: what is written here when it has gone hides them, too. Whoever turned it on finds it so when the
    /// next dashboard comes.
    pub fn mask(&self, on: bool) -> Mask {
        if on {
            self.mask.turn_on();
        }
        self.mask.clone()
    }

    /// Whether addresses are hidden just now.
    pub fn hides(&self) -> bool {
        self.mask.is_on()
    }

    /// Whether a dashboard has the terminal.
    pub fn is_lent(&self) -> bool {
        self.lent.load(Ordering::Relaxed)
    }

    /// Has this written to standard error, unless that is the terminal that is lent. Never waits for whoever reads it.
    pub fn write(&self, text: &str) {
        let mut line = Line { console: self.clone(), text: text.as_bytes().to_vec() };
        let _ = line.flush();
    }
}

/// Whether standard error is the terminal that a dashboard draws on, rather than a file or another one.
fn is_drawn_on() -> bool {
    let (out, err) = (fstat(io::stdout()), fstat(io::stderr()));
    // By its other name it is mostly the same terminal (tty(4)).
    let tty = makedev(5, 0);
    let same = |out: u64, err: u64| out == err || out == tty || err == tty;
    io::stderr().is_terminal() && out.is_ok_and(|out| err.is_ok_and(|err| same(out.st_rdev, err.st_rdev)))
}

impl Drop for Lent {
    fn drop(&mut self) {
        DRAWN.store(false, Ordering::Relaxed);
        self.0.store(false, Ordering::Relaxed);
    }
}

impl<'a> MakeWriter<'a> for Console {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { console: self.clone(), text: Vec::new() }
    }
}

/// One event's text, written when it is complete.
pub struct Line {
    console: Console,
    text: Vec<u8>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut text = std::mem::take(&mut self.text);
        if text.is_empty() || (self.console.is_lent() && is_drawn_on()) {
            return Ok(());
        }
        // A file holds what `--mask` says, whatever is hidden from a screen.
        if self.console.hides() && io::stderr().is_terminal() {
            text = shown(&String::from_utf8_lossy(&text), true).into_owned().into_bytes();
        }
        push(text);
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let _ = self.flush();
    }
}
