//! Worlds as data: which mailboxes there are, what lies in them, who may log in, and what happens while the server runs.
//!
//! A world is a TOML file, the built-in demonstration, or made by [`World::uniform`]; each is a [`World`], a plain tree of public
//! structs that tests may write as literals. [`World::build`] turns it into a server's state, or says which key is wrong.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::fault::Rule;
use crate::limits::Limits;

mod accounts;
mod build;
mod eml_tree;
mod folder;
mod reinfer;
#[cfg(test)]
mod tests;

pub use accounts::{AccountSpec, AppSpec};
pub use build::Built;
pub use folder::{Big, FolderSpec, Size};
pub use reinfer::{BucketSpec, ConfigSpec, Keep, ReinferSpec, TokenSpec};

/// A world.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct World {
    /// Decides everything that is generated.
    pub seed: u64,
    /// How long every answer takes before it begins: milliseconds, or least and most.
    pub latency_ms: Latency,
    /// Odd habits to switch on, by name; `lenient` for a profile of them.
    pub quirks: Vec<String>,
    /// What each budget allows.
    pub limits: Limits,
    /// What happens while the server runs, in every mailbox that does not say otherwise.
    pub rates: Rates,
    /// People and services without a mailbox, or with rights beyond their own.
    pub accounts: Vec<AccountSpec>,
    /// Applications.
    pub apps: Vec<AppSpec>,
    /// Mailboxes.
    pub mailboxes: Vec<MailboxSpec>,
    /// The Communications Mining API: who may use it and what it holds at the beginning.
    pub reinfer: ReinferSpec,
    /// Faults on purpose.
    pub faults: Vec<Rule>,
}

/// A pause in milliseconds, or a range of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Latency {
    /// Always the same.
    Fixed(u64),
    /// Between the two.
    Range([u64; 2]),
}

impl Default for Latency {
    fn default() -> Self {
        Self::Fixed(0)
    }
}

impl Latency {
    /// Least and most, in milliseconds.
    pub fn bounds(self) -> [u64; 2] {
        match self {
            Self::Fixed(value) => [value, value],
            Self::Range(range) => range,
        }
    }
}

/// What happens in a mailbox while the server runs: each so many times a minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rates {
    /// Mail delivered to the inbox.
    pub arrivals_per_minute: f64,
    /// Messages moved from the inbox to another folder.
    pub moves_per_minute: f64,
    /// Messages of the inbox deleted.
    pub deletions_per_minute: f64,
    /// Messages of the inbox marked as read.
    pub reads_per_minute: f64,
}

/// A mailbox, or `count` of them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MailboxSpec {
    /// Primary SMTP address. With `count`, `{n}` stands for 1, 2, 3 and so on.
    pub address: String,
    /// How many such mailboxes.
    #[serde(default)]
    pub count: Option<u64>,
    /// The owner's password; `password` when absent.
    #[serde(default)]
    pub password: Option<String>,
    /// The owner's NetBIOS domain; `EXAMPLE` when absent.
    #[serde(default)]
    pub domain: Option<String>,
    /// Display name; made of the address when absent. `{n}` as in the address.
    #[serde(default)]
    pub display_name: Option<String>,
    /// Further SMTP addresses, `{n}` as in the address.
    #[serde(default)]
    pub proxies: Vec<String>,
    /// Whether it has an online archive.
    #[serde(default)]
    pub archive: bool,
    /// Whether it is over its quota.
    #[serde(default)]
    pub over_quota: bool,
    /// Whether the owner may impersonate everybody.
    #[serde(default)]
    pub impersonate: bool,
    /// Mailboxes the owner may open as a delegate; `"*"` for all.
    #[serde(default)]
    pub full_access: Vec<String>,
    /// Folders beyond the default ones, and what lies in the default ones.
    #[serde(default)]
    pub folders: Vec<FolderSpec>,
    /// What happens in this mailbox while the server runs.
    #[serde(default)]
    pub rates: Option<Rates>,
}

impl World {
    /// Reads a world file.
    ///
    /// # Errors
    /// A text naming the file, the line and the key that is wrong.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read the world {}: {error}", path.display()))?;
        let world = Self::from_toml(&text).map_err(|error| format!("the world {}: {error}", path.display()))?;
        // Paths count from the world's own folder.
        Ok(world.beside(path.parent().unwrap_or(Path::new("."))))
    }

    /// Reads a world from TOML text.
    ///
    /// # Errors
    /// A text with the line and the key that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// The built-in demonstration: about a dozen mailboxes with everything a mailbox can hold.
    ///
    /// # Errors
    /// None in a released build: a test reads it.
    pub fn demo() -> Result<Self, String> {
        Self::from_toml(include_str!("../worlds/demo.toml"))
    }

    /// So many equal mailboxes `user1@example.com`, `user2@example.com` ... with so many messages each: six tenths in the
    /// inbox, two tenths sent, the rest in a folder below the inbox. Every password is `password`; `service@example.com`,
    /// password `service`, may impersonate all.
    pub fn uniform(mailboxes: u64, messages: u64) -> Self {
        let (inbox, sent) = (messages * 6 / 10, messages * 2 / 10);
        let folder = |well_known: &str, path: &[&str], messages| FolderSpec {
            well_known: Some(well_known.into()),
            path: path.iter().map(|name| (*name).to_owned()).collect(),
            messages,
            ..FolderSpec::default()
        };
        Self {
            seed: 1,
            accounts: vec![AccountSpec {
                name: "service@example.com".into(),
                password: "service".into(),
                impersonate: true,
                ..AccountSpec::default()
            }],
            apps: vec![AppSpec {
                client_id: "11111111-2222-3333-4444-555555555555".into(),
                tenant: "example.com".into(),
                secrets: vec!["app-secret".into()],
                ..AppSpec::default()
            }],
            mailboxes: vec![MailboxSpec {
                address: "user{n}@example.com".into(),
                count: Some(mailboxes),
                folders: vec![
                    folder("inbox", &[], inbox),
                    folder("sentitems", &[], sent),
                    folder("inbox", &["Projects"], messages - inbox - sent),
                ],
                ..MailboxSpec::default()
            }],
            ..Self::default()
        }
    }
}
