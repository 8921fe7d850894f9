//! A test Exchange server: real sockets, real authentication, worlds as data.
//!
//! It behaves like Exchange 2016 and 2019 as documented, refuses what Exchange refuses, and breaks on purpose where a fault or a quirk
//! says so. It shares no code with the program it tests. Tests start it in their own process by [`Simulator::start`]; the binary
//! `exchange-simulator` does the same from the command line.
//!
//! The rooms, in the order a request passes them:
//! - [`http`] gives out connections and requests, [`front`] routes them: past [`fault`], [`auth`], [`limits`], to a protocol, to [`record`].
//! - [`ews`] is Exchange Web Services; [`oauth`] and [`autodiscover`] are what surrounds it.
//! - [`reinfer`] is the Communications Mining API, where uploads of mailboxes go to.
//! - [`store`] holds mailboxes and their history, [`content`] makes or reads the messages in them.
//! - [`world`] says what there is at the beginning, `life` lets things happen, [`admin`] lets a test make things happen.
//! - [`accounts`], [`options`], [`quirks`] and [`counters`] are what all of them look at, in one [`state::State`].

pub mod accounts;
pub mod admin;
pub mod auth;
pub mod autodiscover;
pub mod cli;
pub mod content;
pub mod counters;
pub mod ews;
pub mod fault;
pub mod front;
mod graph;
mod house;
pub mod http;
mod life;
pub mod limits;
pub mod oauth;
pub mod options;
pub mod quirks;
pub mod record;
pub mod reinfer;
mod simulator;
pub mod state;
pub mod store;
pub mod world;

pub use options::Options;
pub use simulator::{Launch, Simulator};
pub use world::World;
