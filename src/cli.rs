//! The command line: what was asked for, or why it cannot be done.

mod args;
mod exit;
mod size;

pub use args::{CheckArgs, Command, ConfigCommand, DemoArgs, LogArgs, LogFormat, Progress, RunArgs, ShowArgs};
pub use exit::Exit;
