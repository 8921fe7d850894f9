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
pub mod autodiscover;
pub mod front;
pub mod limits;
pub mod oauth;
pub mod record;
pub mod state;
pub mod world;
pub mod ews;
