//! The dashboard: draws a [`Status`], turns keys into [`Action`]s, and knows nothing of how mail is copied.
//!
//! The types of [`status`] are what every watcher sees: the program fills them, serves them, writes them to recordings and reads them back.
//!
//! [`show()`] runs the dashboard over one or several [`Source`]s. Without a terminal [`text`] says the same in lines, and [`recording`] keeps it.
//!
//! Inside, everything goes one way: signals and keys change the `app`, which is all of the state; `screen` draws it, a file a panel; `show` is
//! the only place that waits, on a thread of its own (`apart`), and `terminal` the only one that touches the terminal.

pub mod action;
mod apart;
mod app;
mod figures;
mod fleet;
pub mod frame;
mod gone;
pub mod keymap;
pub mod mask;
pub mod recording;
mod safe;
mod screen;
mod settings;
mod show;
mod source;
pub mod status;
mod terminal;
#[cfg(test)]
mod tests;
pub mod text;
mod theme;
mod urgent;

pub use action::Action;
pub use apart::show;
pub use figures::Zone;
pub use frame::{Frame, Update};
pub use keymap::Keymap;
pub use settings::{Color, Colors, Settings};
pub use show::Left;
pub use source::{Ask, Signal, Source};
pub use status::Status;
pub use terminal::{give_back, stop};
