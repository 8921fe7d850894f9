//! The command line: what was asked for, or why it cannot be done.
//!
//! [`parse`] turns words into a [`Command`]; [`check`] and [`config`] are the verbs that need nothing but a configuration, and [`logging`] starts
//! the logs.

mod args;
pub mod check;
pub mod config;
mod exit;
pub mod logging;
mod parse;
mod size;
#[cfg(test)]
mod tests;
mod unbuilt;

pub use args::{CheckArgs, Command, ConfigCommand, DemoArgs, LogArgs, LogFormat, Progress, RunArgs, ShowArgs};
pub use exit::Exit;
pub use parse::parse;
