//! exchange-sync copies every message of many Exchange mailboxes, continuously and resumably, into a sink.
//!
//! A map of the rooms, in the order in which a message meets them:
//!
//! - [`mail`]: the nouns;
//! - [`exchange`]: the trait that reads a mailbox, and under it EWS;
//! - [`pipeline`]: the chain from mailboxes to cursors;
//! - [`sink`], [`catalog`], [`checkpoint`]: where messages, their ledger and the place to resume are kept;
//! - [`blob`]: a container of Azure Blob Storage, where these three can be kept as well as in a folder;
//! - [`verify`]: whether every message is there, Exchange against ledger against sink;
//! - [`auth`], [`http`]: logging in and speaking HTTP;
//! - [`mime`]: what is in a message, and how it becomes UTF-8; [`reinfer`]: the Communications Mining API;
//! - [`config`]: the configuration as written, layered and judged;
//! - [`shard`]: which mailboxes are this instance's;
//! - [`event`], [`status`], [`watch`]: what happened, its fold, and the channel between the work and its watchers;
//! - [`server`]: health, metrics, status and actions over HTTP; [`attach`]: the same seen from afar;
//! - [`cli`]: the command line, and what it prints;
//! - [`run`]: the one place that wires the rooms together, ending in an [`outcome`]; [`demo`] runs it against a test server.

pub mod attach;
pub mod auth;
pub mod blob;
pub mod catalog;
pub mod checkpoint;
pub mod cli;
pub mod config;
pub mod demo;
pub mod event;
pub mod exchange;
// Public for the fuzz targets alone: nobody else compiles it.
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod mail;
pub mod mime;
pub mod outcome;
pub mod pipeline;
pub mod reinfer;
pub mod run;
pub mod server;
pub mod shard;
pub mod sink;
pub mod status;
pub mod verify;
pub mod watch;
mod words;
