//! The room against scripted answers.

mod faults;
mod folders;
mod pages;
mod requests;
pub mod script;
mod throttles;
mod wire;
