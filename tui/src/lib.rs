//! The dashboard: draws a [`Status`], turns keys into [`Action`]s, and knows nothing of how mail is copied.
//!
//! The types of [`status`] are what every watcher sees: the program fills them, serves them, writes them to recordings and reads them back.

pub mod action;
pub mod frame;
pub mod status;

pub use action::Action;
pub use frame::{Frame, Update};
pub use status::Status;
