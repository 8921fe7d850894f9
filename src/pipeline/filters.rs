//! Which folders and messages of a mailbox are wanted. Pure.

use chrono::{DateTime, SubsecRound, Utc};
use sha2::{Digest, Sha256};

use crate::mail::{Address, Folder};

/// What is wanted of a mailbox.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filters {
    /// Messages received (or, where Exchange knows no such time, created) earlier are left out; those without any date are kept.
    pub start: Option<DateTime<Utc>>,
    /// Which folders.
    pub folders: FilterSet,
    /// Whose messages.
    pub participants: Participants,
}

impl Filters {
    /// Whether a message of this date is wanted.
    pub fn admits_date(&self, dated: Option<DateTime<Utc>>) -> bool {
        match (self.start, dated) {
            // Exchange may tell whole seconds only: what came within the first second is wanted.
            (Some(start), Some(dated)) => dated >= start.trunc_subsecs(0),
            _ => true,
        }
    }

    /// Differs whenever other messages of a folder would be wanted. Folders themselves do not count: each has its own cursor.
    pub fn digest(&self) -> String {
        let text = format!("{:?} {:?}", self.start, self.participants);
        hex::encode(&Sha256::digest(text)[..16])
    }
}

/// A folder as a person names it; it covers what lies below it.
#[derive(Clone, Debug, PartialEq)]
pub enum FolderName {
    /// By a well-known id such as `inbox`.
    WellKnown(String),
    /// By names from below the root, in any case.
    Path(Vec<String>),
}

impl FolderName {
    /// Whether the folder is this one or lies below it.
    fn covers(&self, folder: &Folder, all: &[Folder]) -> bool {
        match self {
            Self::Path(path) => below(path, &folder.path),
            Self::WellKnown(id) => all
                .iter()
                .filter(|other| {
                    other.archive == folder.archive && other.well_known.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(id))
                })
                .any(|root| below(&root.path, &folder.path)),
        }
    }
}

/// Whether `path` is `root` or lies below it. Exchange does not tell `Work` from `WORK`.
fn below(root: &[String], path: &[String]) -> bool {
    root.len() <= path.len() && root.iter().zip(path).all(|(a, b)| a.trim().to_lowercase() == b.trim().to_lowercase())
}

/// Folders wanted and not wanted; each entry covers what lies below it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilterSet {
    /// If any, only these.
    pub allow: Vec<FolderName>,
    /// Never these.
    pub deny: Vec<FolderName>,
}

/// Classes that hold settings and caches of programs, not anyone's messages.
const SYSTEM_CLASSES: [&str; 7] = [
    "IPF.Configuration",
    "IPF.StoreItem",
    "IPF.Files",
    "IPF.SkypeTeams.Message",
    "IPF.Contact.MOC",
    "IPF.Contact.RecipientCache",
    "Outlook.Reminder",
];

/// Well-known folders that hold synchronisation logs and caches.
const SYSTEM_FOLDERS: [&str; 6] = ["syncissues", "conflicts", "localfailures", "serverfailures", "recipientcache", "quickcontacts"];

impl FilterSet {
    /// Whether a folder, one of `all` of the mailbox, is to be read. Without lists: all but hidden ones and those that programs keep for themselves;
    /// naming one in the allow list brings it back.
    pub fn admits(&self, folder: &Folder, all: &[Folder]) -> bool {
        if self.deny.iter().any(|name| name.covers(folder, all)) {
            return false;
        }
        match self.allow.is_empty() {
            true => !system(folder),
            false => self.allow.iter().any(|name| name.covers(folder, all)),
        }
    }
}

fn system(folder: &Folder) -> bool {
    let class = folder.class.as_deref().unwrap_or_default();
    folder.hidden
        || SYSTEM_CLASSES.iter().any(|system| class.strip_prefix(system).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        || folder.well_known.as_deref().is_some_and(|id| SYSTEM_FOLDERS.contains(&id))
}

/// People whose messages are wanted and not wanted, by address and by domain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Participants {
    /// If any allow list is given, someone on a message must be on it.
    pub allow: Vec<Address>,
    /// Nobody on a message may be on it.
    pub deny: Vec<Address>,
    /// As `allow`, by domain.
    pub allow_domains: Vec<String>,
    /// As `deny`, by domain.
    pub deny_domains: Vec<String>,
}

impl Participants {
    /// Whether there is any such filter.
    pub fn any(&self) -> bool {
        !(self.allow.is_empty() && self.deny.is_empty() && self.allow_domains.is_empty() && self.deny_domains.is_empty())
    }

    /// Whether a message among these people is wanted. Refusal goes before admission.
    pub fn admit<'a>(&self, people: impl Iterator<Item = &'a str>) -> bool {
        let people: Vec<Address> = people.map(Address::new).collect();
        let on = |addresses: &[Address], domains: &[String]| {
            people.iter().any(|person| {
                addresses.contains(person)
                    || domains.iter().any(|domain| domain.trim_start_matches('@').eq_ignore_ascii_case(person.domain()))
            })
        };
        let open = self.allow.is_empty() && self.allow_domains.is_empty();
        !on(&self.deny, &self.deny_domains) && (open || on(&self.allow, &self.allow_domains))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::FolderId;

    fn folder(path: &[&str]) -> Folder {
        let names = path.iter().map(ToString::to_string).collect();
        Folder { class: Some("IPF.Note".into()), ..Folder::bare(FolderId(path.join("/")), names) }
    }

    fn path(names: &[&str]) -> FolderName {
        FolderName::Path(names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_list_covers_what_lies_below() {
        let all = [];
        let set = FilterSet { allow: vec![path(&["Inbox"])], deny: vec![path(&["inbox", "Private"])] };
        assert!(set.admits(&folder(&["Inbox"]), &all));
        assert!(set.admits(&folder(&["Inbox", "Work"]), &all));
        assert!(!set.admits(&folder(&["Inbox", "private"]), &all));
        assert!(!set.admits(&folder(&["Inbox", "Private", "Deep"]), &all));
        assert!(!set.admits(&folder(&["Archive"]), &all));
        assert!(!set.admits(&folder(&["Inbox2"]), &all));
    }

    #[test]
    fn system_folders_are_left_out_unless_named() {
        let mut hidden = folder(&["Hidden"]);
        hidden.hidden = true;
        let mut settings = folder(&["Settings"]);
        settings.class = Some("IPF.Configuration.Sub".into());
        let mut lookalike = folder(&["Lookalike"]);
        lookalike.class = Some("IPF.FilesOfMine".into());
        let mut issues = folder(&["Sync Issues"]);
        issues.well_known = Some("syncissues".into());
        let all = [issues.clone(), folder(&["Sync Issues", "Deep"])];
        let none = FilterSet::default();
        assert!(!none.admits(&hidden, &all) && !none.admits(&settings, &all) && !none.admits(&issues, &all));
        assert!(none.admits(&lookalike, &all));
        let named = FilterSet { allow: vec![path(&["hidden"]), FolderName::WellKnown("SyncIssues".into())], deny: vec![] };
        assert!(named.admits(&hidden, &all) && named.admits(&issues, &all) && !named.admits(&settings, &all));
        assert!(named.admits(&all[1], &all), "what lies below a well-known folder is covered");
    }

    #[test]
    fn participants_by_address_and_domain() {
        let people = Participants {
            allow: vec![Address::new("Ann@Example.com")],
            deny_domains: vec!["example.net".into()],
            allow_domains: vec!["@example.org".into()],
            ..Participants::default()
        };
        assert!(people.admit(["ann@example.com", "x@example.edu"].into_iter()));
        assert!(people.admit(["someone@EXAMPLE.ORG"].into_iter()));
        assert!(!people.admit(["ann@example.com", "spam@example.net"].into_iter()));
        assert!(!people.admit(["bob@example.com"].into_iter()));
        assert!(!people.admit(std::iter::empty()));
        assert!(Participants::default().admit(std::iter::empty()));
    }

    #[test]
    fn dates_and_digests() {
        let start = "2024-01-01T00:00:00Z".parse().ok();
        let filters = Filters { start, ..Filters::default() };
        assert!(filters.admits_date(None) && filters.admits_date(start));
        assert!(!filters.admits_date("2023-12-31T23:59:59Z".parse().ok()));
        let within = Filters { start: "2024-01-01T00:00:00.5Z".parse().ok(), ..Filters::default() };
        assert!(within.admits_date(start), "a message of that second, told without its fraction");
        assert_ne!(filters.digest(), Filters::default().digest());
        let folders = FilterSet { allow: vec![path(&["Inbox"])], deny: vec![] };
        assert_eq!(Filters { folders, ..Filters::default() }.digest(), Filters::default().digest());
    }
}
