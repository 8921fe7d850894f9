//! The command line: what was asked for, or why it cannot be done.
//!
//! [`parse()`] turns words into a [`Command`]; [`check`] and [`config`] are the verbs that need nothing but a configuration, and [`logging`] starts
//! the logs.

mod args;
pub mod attach;
mod bind;
pub mod check;
pub mod config;
pub mod console;
mod destination;
mod duration;
mod exit;
pub mod logging;
pub mod mask;
mod parse;
pub mod progress;
pub mod quarantine;
mod recording;
mod screen;
pub mod signals;
mod size;
pub mod status;
pub mod summary;
mod tables;
#[cfg(test)]
mod tests;
mod unbuilt;
mod upload;
pub mod verify;

pub use args::{
    AttachArgs, CheckArgs, Command, ConfigCommand, DemoArgs, LogArgs, LogFormat, Progress, QuarantineArgs, RunArgs, ShowArgs, StatusArgs,
    UploadArgs, VerifyArgs,
};
pub use destination::{Destination, Place};
pub use exit::Exit;
pub use parse::parse;
pub use screen::ScreenArgs;
