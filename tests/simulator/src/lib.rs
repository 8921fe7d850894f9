//! x
pub mod auth;
pub mod fault;
pub mod http;
pub mod accounts;
pub mod content;
pub mod counters;
pub mod options;
pub mod quirks;
pub mod store;
