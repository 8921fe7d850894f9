//! Standard error as the logs see it: lines go above progress bars, not through them.

use std::io::{self, Write};

use indicatif::MultiProgress;
use tracing_subscriber::fmt::MakeWriter;

/// Makes writers for log lines.
#[derive(Clone, Debug)]
pub struct Console {
    terminal: MultiProgress,
}

impl Console {
    /// Lines that share the terminal with these bars.
    pub fn new(terminal: MultiProgress) -> Self {
        Self { terminal }
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
        if self.text.is_empty() {
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        self.console.terminal.suspend(|| io::stderr().write_all(&text))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // A log that cannot be written is not worth a failure.
        let _ = self.flush();
    }
}
