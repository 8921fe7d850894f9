//! Exchange Web Services.

pub mod transport;
