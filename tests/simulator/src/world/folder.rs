//! A folder as a world says it.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize};

use crate::content::{Batch, Kind, Role, SizeShare};
use crate::store::{Address, FolderId, Mailbox};

/// A folder: a default one by its well-known name, or one below it by its path.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct FolderSpec {
    /// Names from the starting folder down: a list, or one text with slashes. Missing ones are made.
    #[serde(deserialize_with = "path")]
    pub path: Vec<String>,
    /// The folder to start from, by well-known name; the top of the mailbox (or of its archive) when absent.
    pub well_known: Option<String>,
    /// Another display name, as in a mailbox of another language.
    pub name: Option<String>,
    /// Folder class; `IPF.Note` for new folders when absent, and `""` for none at all.
    pub class: Option<String>,
    /// Whether the folder is hidden.
    pub hidden: bool,
    /// Whether the path starts at the top of the online archive.
    pub archive: bool,
    /// Whether it is a search folder over the unread mail of the inbox.
    pub search: bool,
    /// How many messages lie in it.
    pub messages: u64,
    /// Share of unread ones, the newest, in per cent.
    pub unread_percent: Option<u64>,
    /// Sizes with weights; 2 to 60 KiB, most of them small, when empty.
    pub sizes: Vec<Size>,
    /// Of these, the newest.
    pub big: Vec<Big>,
    /// Kinds with weights; the usual mixture of mail when empty.
    pub kinds: BTreeMap<Kind, u64>,
    /// First year and last year of the messages' dates, both included.
    pub years: Option<[i32; 2]>,
}

/// A size and its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// Length of the MIME in bytes.
    pub bytes: u64,
    /// Its weight among the sizes.
    #[serde(default = "one")]
    pub weight: u64,
}

/// So many messages of a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Big {
    /// Length of the MIME in bytes.
    pub bytes: u64,
    /// How many.
    #[serde(default = "one")]
    pub count: u64,
}

fn one() -> u64 {
    1
}

fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Path {
        Text(String),
        Names(Vec<String>),
    }
    Ok(match Path::deserialize(deserializer)? {
        Path::Text(text) => text.split('/').map(str::to_owned).collect(),
        Path::Names(names) => names,
    })
}

/// The dates of messages that do not say their years.
const YEARS: [i32; 2] = [2022, 2025];
/// More messages than the numbering of a folder's items has room for.
const MOST: u64 = 1 << 39;

impl FolderSpec {
    /// Makes the folder and fills it.
    pub(super) fn plant(&self, key: &str, seed: u64, mailbox: &Mailbox) -> Result<FolderId, String> {
        self.check(key)?;
        let top = if self.archive { "archivemsgfolderroot" } else { "msgfolderroot" };
        let start = self.well_known.as_deref().unwrap_or(top);
        let mut at = mailbox.root_folder(start).ok_or_else(|| {
            let hint = if start.starts_with("archive") { "; set archive = true on the mailbox" } else { "" };
            format!("{key}: the mailbox {} has no folder {start:?}{hint}", mailbox.address())
        })?;
        let refused = |error| format!("{key}: {error}");
        for (depth, name) in self.path.iter().enumerate() {
            let last = depth + 1 == self.path.len();
            // The name must be exactly the same: a world may hold folders that differ only by case.
            let below = mailbox.folders_below(at, false).map_err(refused)?;
            at = match below.iter().find(|folder| folder.name == *name) {
                Some(folder) => folder.id,
                None => {
                    let class = self.class.as_deref().unwrap_or("IPF.Note");
                    let class = if last && !class.is_empty() { Some(class) } else { (!last).then_some("IPF.Note") };
                    mailbox.seed_folder(at, name, class, last && self.hidden, last && self.search).map_err(refused)?
                }
            };
        }
        let class = self.class.as_deref().filter(|class| !class.is_empty());
        mailbox.dress_folder(at, self.name.as_deref(), class, self.hidden).map_err(refused)?;
        if self.messages > 0 {
            mailbox.fill(at, self.batch(seed, mailbox)).map_err(|error| format!("{key}.messages: {error}"))?;
        }
        Ok(at)
    }

    fn check(&self, key: &str) -> Result<(), String> {
        if self.path.is_empty() && self.well_known.is_none() {
            return Err(format!("{key}: give path, well_known, or both"));
        }
        if self.path.iter().any(String::is_empty) {
            return Err(format!("{key}.path: a folder's name cannot be empty"));
        }
        if self.path.is_empty() && self.search {
            return Err(format!("{key}.search: a default folder cannot be a search folder; give path"));
        }
        if self.search && self.messages > 0 {
            return Err(format!("{key}.messages: a search folder holds none of its own"));
        }
        if self.messages > MOST {
            return Err(format!("{key}.messages: at most {MOST}"));
        }
        if self.unread_percent.is_some_and(|percent| percent > 100) {
            return Err(format!("{key}.unread_percent: at most 100"));
        }
        let year = |year: i32| (1900..=9999).contains(&year);
        match self.years {
            Some([from, to]) if from > to || !year(from) || !year(to) => Err(format!("{key}.years: [first, last], from 1900 to 9999")),
            _ => Ok(()),
        }
    }

    /// The generated items of this folder.
    pub(super) fn batch(&self, seed: u64, mailbox: &Mailbox) -> Batch {
        let [from, to] = self.years.unwrap_or(YEARS);
        let role = match self.well_known.as_deref() {
            Some("sentitems") => Role::Sent,
            Some("drafts") => Role::Drafts,
            _ => Role::Received,
        };
        Batch {
            seed,
            count: self.messages,
            owner: Address { name: Some(mailbox.display_name().to_owned()), email: Some(mailbox.address().to_owned()) },
            role,
            from: new_year(from),
            to: new_year(to + 1) - TimeDelta::seconds(1),
            sizes: self.sizes.iter().map(|size| SizeShare { bytes: size.bytes, weight: size.weight }).collect(),
            big: self.big.iter().map(|big| (big.bytes, big.count)).collect(),
            kinds: self.kinds.iter().map(|(kind, weight)| (*kind, *weight)).collect(),
            unread_percent: self.unread_percent.unwrap_or(if role == Role::Received { 10 } else { 0 }),
        }
    }
}

fn new_year(year: i32) -> DateTime<Utc> {
    NaiveDate::from_ymd_opt(year, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0)).map_or_else(
        // The year after 9999 is the last one the calendar type is asked for.
        || DateTime::<Utc>::MAX_UTC.with_year(9999).unwrap_or(DateTime::<Utc>::MAX_UTC),
        |time| time.and_utc(),
    )
}
