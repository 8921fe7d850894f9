//! Which folders are wanted.

use super::{FolderPath, MailboxSettings};

/// The well-known ids a folder can be named by: those of mail folders in the EWS reference, "DistinguishedFolderId", and the Graph reference,
/// "mailFolder resource type".
pub(super) const WELL_KNOWN: [&str; 22] = [
    "archive",
    "archivedeleteditems",
    "archiveinbox",
    "calendar",
    "clutter",
    "conflicts",
    "contacts",
    "conversationhistory",
    "deleteditems",
    "drafts",
    "inbox",
    "journal",
    "junkemail",
    "localfailures",
    "notes",
    "outbox",
    "scheduled",
    "sentitems",
    "serverfailures",
    "syncissues",
    "tasks",
    "voicemail",
];

/// One step on the way from below the mailbox's root down to a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// The folder's display name.
    pub name: &'a str,
    /// Its well-known id, where it has one.
    pub well_known: Option<&'a str>,
}

impl FolderPath {
    /// Whether the folder at the end of `way` is the one named here, or lies below it. Exchange does not tell names apart by case.
    pub fn covers(&self, way: &[Step<'_>]) -> bool {
        let same = |step: &Step<'_>, name: &String| step.name.to_lowercase() == name.to_lowercase();
        match self {
            Self::WellKnown(id) => way.iter().any(|step| step.well_known.is_some_and(|known| known.eq_ignore_ascii_case(id))),
            Self::Names(names) => way.len() >= names.len() && way.iter().zip(names).all(|(step, name)| same(step, name)),
        }
    }
}

impl MailboxSettings {
    /// Whether the folder at the end of `way` is to be read.
    pub fn wants_folder(&self, way: &[Step<'_>]) -> bool {
        let allowed = self.folder_allowlist.as_ref().is_none_or(|list| list.iter().any(|folder| folder.covers(way)));
        allowed && !self.folder_denylist.iter().any(|folder| folder.covers(way))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAY: [Step<'static>; 2] = [Step { name: "Posteingang", well_known: Some("inbox") }, Step { name: "Ärger", well_known: None }];

    fn names(names: &[&str]) -> FolderPath {
        FolderPath::Names(names.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_path_covers_itself_and_what_lies_below() {
        assert!(FolderPath::WellKnown("inbox".into()).covers(&WAY));
        assert!(FolderPath::WellKnown("inbox".into()).covers(&WAY[..1]));
        assert!(!FolderPath::WellKnown("sentitems".into()).covers(&WAY));
        assert!(names(&["posteingang"]).covers(&WAY));
        assert!(names(&["Posteingang", "ärger"]).covers(&WAY));
        assert!(!names(&["Posteingang", "ärger"]).covers(&WAY[..1]));
        assert!(!names(&["Ärger"]).covers(&WAY));
        assert!(!names(&["inbox"]).covers(&WAY));
    }

    #[test]
    fn well_known_ids_are_sorted_and_lower_case() {
        assert!(WELL_KNOWN.is_sorted());
        assert!(WELL_KNOWN.iter().all(|id| id.bytes().all(|byte| byte.is_ascii_lowercase())));
    }
}
