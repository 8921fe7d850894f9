//! The folders Exchange gives every mailbox, as documented under "EWS reference: DistinguishedFolderId".

use super::folder::FolderKind;

/// One default folder.
#[derive(Debug)]
pub(super) struct Default {
    /// Its well-known name; empty where it has none.
    pub(super) well_known: &'static str,
    /// The well-known name of the folder above; empty for a root.
    pub(super) parent: &'static str,
    pub(super) name: &'static str,
    pub(super) class: &'static str,
    pub(super) hidden: bool,
}

const fn row(well_known: &'static str, parent: &'static str, name: &'static str, class: &'static str) -> Default {
    Default { well_known, parent, name, class, hidden: false }
}

const fn hidden(well_known: &'static str, parent: &'static str, name: &'static str, class: &'static str) -> Default {
    Default { well_known, parent, name, class, hidden: true }
}

/// Of the primary mailbox, parents first.
pub(super) const PRIMARY: &[Default] = &[
    row("root", "", "Root", ""),
    row("msgfolderroot", "root", "Top of Information Store", ""),
    row("searchfolders", "root", "Finder", ""),
    row("recoverableitemsroot", "root", "Recoverable Items", ""),
    row("recoverableitemsdeletions", "recoverableitemsroot", "Deletions", ""),
    row("recoverableitemsversions", "recoverableitemsroot", "Versions", ""),
    row("recoverableitemspurges", "recoverableitemsroot", "Purges", ""),
    row("calendar", "msgfolderroot", "Calendar", "IPF.Appointment"),
    row("contacts", "msgfolderroot", "Contacts", "IPF.Contact"),
    hidden("recipientcache", "contacts", "Recipient Cache", "IPF.Contact.RecipientCache"),
    row("conversationhistory", "msgfolderroot", "Conversation History", "IPF.Note"),
    row("deleteditems", "msgfolderroot", "Deleted Items", "IPF.Note"),
    row("drafts", "msgfolderroot", "Drafts", "IPF.Note"),
    row("inbox", "msgfolderroot", "Inbox", "IPF.Note"),
    row("journal", "msgfolderroot", "Journal", "IPF.Journal"),
    row("junkemail", "msgfolderroot", "Junk Email", "IPF.Note"),
    row("notes", "msgfolderroot", "Notes", "IPF.StickyNote"),
    row("outbox", "msgfolderroot", "Outbox", "IPF.Note"),
    row("sentitems", "msgfolderroot", "Sent Items", "IPF.Note"),
    row("syncissues", "msgfolderroot", "Sync Issues", "IPF.Note"),
    row("conflicts", "syncissues", "Conflicts", "IPF.Note"),
    row("localfailures", "syncissues", "Local Failures", "IPF.Note"),
    row("serverfailures", "syncissues", "Server Failures", "IPF.Note"),
    row("tasks", "msgfolderroot", "Tasks", "IPF.Task"),
    hidden("", "msgfolderroot", "Conversation Action Settings", "IPF.Configuration"),
    hidden("", "msgfolderroot", "Quick Step Settings", "IPF.Configuration"),
];

/// Of an online archive.
pub(super) const ARCHIVE: &[Default] = &[
    row("archiveroot", "", "Root", ""),
    row("archivemsgfolderroot", "archiveroot", "Top of Information Store", ""),
    row("archivedeleteditems", "archivemsgfolderroot", "Deleted Items", "IPF.Note"),
    row("archiverecoverableitemsroot", "archiveroot", "Recoverable Items", ""),
    row("archiverecoverableitemsdeletions", "archiverecoverableitemsroot", "Deletions", ""),
    row("archiverecoverableitemsversions", "archiverecoverableitemsroot", "Versions", ""),
    row("archiverecoverableitemspurges", "archiverecoverableitemsroot", "Purges", ""),
];

/// The element a folder of this class is shown as.
pub(super) fn kind(class: Option<&str>) -> FolderKind {
    let class = class.unwrap_or("");
    let begins = |prefix: &str| class.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if begins("IPF.Appointment") {
        FolderKind::Calendar
    } else if begins("IPF.Contact") {
        FolderKind::Contacts
    } else if begins("IPF.Task") {
        FolderKind::Tasks
    } else {
        FolderKind::Plain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_come_first_and_names_are_unique() {
        for table in [PRIMARY, ARCHIVE] {
            for (at, row) in table.iter().enumerate() {
                assert!(row.parent.is_empty() || table[..at].iter().any(|other| other.well_known == row.parent), "{row:?}");
                assert!(row.well_known.is_empty() || table[..at].iter().all(|other| other.well_known != row.well_known));
            }
        }
        assert_eq!(kind(Some("IPF.Contact.RecipientCache")), FolderKind::Contacts);
    }
}
