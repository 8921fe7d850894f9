//! Standard error as the logs see it.

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tracing_subscriber::fmt::MakeWriter;

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
}

/// The terminal is somebody else's for as long as this lives.
#[derive(Debug)]
pub struct Lent(Arc<AtomicBool>);

impl Console {
    /// Lends the terminal to a dashboard: log lines are not written to it meanwhile. What a person must know is on the dashboard, and whoever wants
    /// every line keeps it in files.
    pub fn lend(&self) -> Lent {
        self.lent.store(true, Ordering::Relaxed);
        Lent(self.lent.clone())
    }
}

impl Console {
    /// Writes to standard error, unless the terminal is lent.
    pub fn write(&self, text: &str) {
        let mut line = Line { console: self.clone(), text: text.as_bytes().to_vec() };
        let _ = line.flush();
    }
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
        if text.is_empty() || self.console.lent.load(Ordering::Relaxed) {
            return Ok(());
        }
        io::stderr().write_all(&text)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // A log that cannot be written is not worth a failure.
        let _ = self.flush();
    }
}
