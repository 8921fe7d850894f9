//! What the end-to-end tests share: a test server, the real program against it, and the comparison of what it stored with what the server holds.
#![allow(dead_code, unused_imports, reason = "each test file uses its own share")]

pub mod api;
pub mod azurite;
pub mod bodies;
pub mod container;
pub mod disk;
pub mod patience;
pub mod process;
pub mod server;
pub mod shared;
pub mod sink;
pub mod table;
pub mod tamper;
pub mod truth;
pub mod verdict;
pub mod ways;

pub use process::{Ran, Setup};
pub use server::Server;
pub use verdict::{Tally, compare};

/// The account that may impersonate everybody.
pub const SERVICE: (&str, &str) = ("service@example.com", "service");

/// The account that may open everybody's mailbox.
pub const DELEGATE: (&str, &str) = ("delegate@example.com", "delegate");
