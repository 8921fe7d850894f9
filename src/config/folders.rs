//! How folders can be named.

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
