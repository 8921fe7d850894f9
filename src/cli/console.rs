//! Standard error as the logs see it.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use exchange_sync_tui::mask::Mask;
use rustix::fs::fstat;
use tracing_subscriber::fmt::MakeWriter;

use super::mask::shown;

/// Whether the terminal takes nothing any more, so that whoever writes to it waits for ever.
static STALLED: AtomicBool = AtomicBool::new(false);

/// So long a terminal that took nothing is given to take the last words.
const LAST: Duration = Duration::from_secs(5);

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

/// Says a line on standard output. That nobody is there to read it, as where a terminal was closed, is not worth a failure.
pub fn say(words: impl fmt::Display) {
    let mut out = io::stdout();
    if !is_silent(&out) {
        let _ = writeln!(out, "{words}");
    }
}

/// The same on standard error.
pub fn complain(words: impl fmt::Display) {
    let mut err = io::stderr();
    if !is_silent(&err) {
        let _ = writeln!(err, "{words}");
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

    /// Writes to standard error, unless that is the terminal that is lent.
    pub fn write(&self, text: &str) {
        let mut line = Line { console: self.clone(), text: text.as_bytes().to_vec() };
        let _ = line.flush();
    }
}

/// Whether standard error is the terminal that a dashboard draws on, rather than a file or another one.
fn is_drawn_on() -> bool {
    let (out, err) = (fstat(io::stdout()), fstat(io::stderr()));
    io::stderr().is_terminal() && out.is_ok_and(|out| err.is_ok_and(|err| out.st_rdev == err.st_rdev))
}

impl Drop for Lent {
    fn drop(&mut self) {
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
        let text = std::mem::take(&mut self.text);
        let mut err = io::stderr();
        if text.is_empty() || is_silent(&err) || (self.console.is_lent() && is_drawn_on()) {
            return Ok(());
        }
        // A file holds what `--mask` says, whatever is hidden from a screen.
        match self.console.hides() && err.is_terminal() {
            true => err.write_all(shown(&String::from_utf8_lossy(&text), true).as_bytes()),
            false => err.write_all(&text),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // A log that cannot be written is not worth a failure.
        let _ = self.flush();
    }
}
