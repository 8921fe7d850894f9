//! An end of the program that is told in a line: before any work began, or because it failed.

use std::{fmt, io::Write, process::ExitCode};

use super::console::complain;

/// What to print, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The exit code; 0 for help and version.
    pub code: u8,
    /// What to print: to standard output where the code is 0, else to standard error. Ends with a newline.
    pub message: String,
}

impl Exit {
    /// The end for a wrong command line or configuration: code 2.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self { code: 2, message: format!("error: {message}\n") }
    }

    /// The end for everything else that goes wrong: code 1.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self { code: 1, message: format!("error: {message}\n") }
    }

    /// Prints the message where it belongs and gives the code. A closed pipe is not worth a panic.
    pub fn report(&self) -> ExitCode {
        match self.code {
            0 => drop(std::io::stdout().write_all(self.message.as_bytes())),
            _ => complain(self.message.trim_end()),
        }
        ExitCode::from(self.code)
    }
}
