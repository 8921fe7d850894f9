//! The configuration: read as written, layered (environment over file over default) and judged, every fault at once.
//!
//! The result is a [`Config`]: typed, in its ranges, its secrets unprintable.

mod env;
mod fault;
mod secret;
mod settings;
mod source;

pub use env::Env;
pub use fault::Fault;
pub use secret::Secret;
pub use settings::{Access, Api, Auth, Config, Credential, FolderPath, Login, MailboxSettings, OAuth, Pace, Participants, StartFrom, Tls};
pub use source::Source;
