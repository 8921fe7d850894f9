//! The configuration: read as written, layered (environment over file over default) and judged, every fault at once.
//!
//! [`load()`] is what a run uses; [`inspect`] is what `check` and `config show` use, because it also tells the warnings and where each value
//! came from. The result is a [`Config`]: typed, in its ranges, its secrets unprintable.

mod cloud;
mod endpoint;
mod env;
mod examine;
mod fault;
mod folders;
mod json;
mod layer;
mod load;
mod login;
mod mailboxes;
mod object;
mod pem;
mod placeholders;
mod raw;
mod report;
mod schema;
mod settings;
mod source;
#[cfg(test)]
mod tests;
mod written;

pub use crate::auth::Secret;
pub use cloud::Graph;
pub use env::Env;
pub use examine::{Examination, Purpose, examine};
pub use fault::Fault;
pub use layer::{Origin, Setting};
pub use load::{Loaded, Refused, inspect, load};
pub use schema::{SAMPLE, SAMPLE_GRAPH, schema};
pub use settings::{Access, Api, Auth, Config, Credential, FolderPath, Login, MailboxSettings, OAuth, Pace, Participants, StartFrom, Tls};
pub use source::Source;
