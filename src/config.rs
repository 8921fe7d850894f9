//! The configuration: read as written, layered (environment over file over default) and judged, every fault at once.
//!
//! A [`Source`] says on which [`Shelf`] it is kept: in a file, or by the Communications Mining API. [`load()`] is what a run uses; [`inspect`] is what
//! `check` and `config show` use, because it also tells the warnings and where each value came from. The result is a [`Config`]: typed, in its
//! ranges, its secrets unprintable. A [`Lookout`] looks at the shelf while a run goes on, and tells what is new there.

mod cloud;
mod endpoint;
mod env;
mod examine;
mod fault;
mod folders;
mod hidden;
mod json;
mod layer;
mod load;
mod login;
mod lookout;
mod mailboxes;
mod object;
mod pem;
mod placeholders;
mod raw;
mod report;
mod schema;
mod settings;
mod shelf;
mod source;
#[cfg(test)]
mod tests;
mod written;

pub use crate::auth::Secret;
pub use cloud::Graph;
pub use env::Env;
pub use examine::{Examination, Purpose, examine};
pub use fault::Fault;
pub use hidden::without_secrets;
pub use layer::{Origin, Setting};
pub use load::{Loaded, Refused, inspect, judge, load};
pub use lookout::{Lookout, News};
pub use schema::{SAMPLE, SAMPLE_GRAPH, schema};
pub use settings::{Access, Api, Auth, Config, Credential, FolderPath, Login, MailboxSettings, OAuth, Pace, Participants, StartFrom, Tls};
pub use shelf::{ApiShelf, Digest, FileShelf, Location, Shelf, Text, Unread, Verdict, patiently};
pub use source::Source;
