//! The server as its clients meet it.

mod actions;
mod limits;
mod looks;
mod stream;
mod world;
