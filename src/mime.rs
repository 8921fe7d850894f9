//! MIME messages as streams of lines, read in constant memory: what is attached, what text there is, and how to make UTF-8 of all of it.
//!
//! A message is walked twice where need be: [`Survey`] looks what is in it, and only if it is not valid UTF-8 does [`Reencoder`] write it anew.

mod field;
mod head;
mod lines;
mod outline;
mod plan;
mod reencode;
mod shorten;
mod survey;
mod walk;

pub use outline::Attached;
pub use plan::Plan;
pub use reencode::Reencoder;
pub use shorten::Shortener;
pub use survey::{Survey, Surveyor};

#[cfg(test)]
mod tests;
