//! Reads scenarios, plays them with the real program against a test server, and judges what came of them.

mod bound;
mod judge;
mod play;
mod scenario;
mod stage;

pub use play::play;
pub use scenario::Scenario;
