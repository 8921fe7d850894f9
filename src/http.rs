//! What every HTTP client of ours needs: back-off arithmetic, Retry-After, caps on body sizes, and the roots of trust.

mod backoff;
mod cap;
mod cause;
mod client;
mod date;
mod guid;
mod retry_after;
pub mod roots;
#[cfg(test)]
pub(crate) mod scripted;

pub use backoff::Backoff;
pub use cap::{TooLarge, capped};
pub use cause::{DISTRUSTED, cause, distrusted};
pub use client::{builder, builder_trusting, built, client};
pub use date::parse_date;
pub use guid::guid;
pub use retry_after::retry_after;

/// `exchange-sync/VERSION`: administrators allow or block clients by it, so it is the same everywhere.
pub const USER_AGENT: &str = concat!("exchange-sync/", env!("CARGO_PKG_VERSION"));
