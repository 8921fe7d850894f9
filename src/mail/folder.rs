//! Folders and the tree they form.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Cursor;

/// Exchange's id of a folder: opaque, case-sensitive, kept when the folder is moved or renamed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FolderId(pub String);

/// One folder that can hold messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// Its id.
    pub id: FolderId,
    /// Display names from below the mailbox's root down to this folder; names are free text and may hold any character.
    pub path: Vec<String>,
    /// The container class, such as `IPF.Note`; absent means mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The well-known id, such as `inbox`, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub well_known: Option<String>,
    /// Whether it lies in the online archive.
    #[serde(default)]
    pub archive: bool,
    /// Whether Exchange hides it from people.
    #[serde(default)]
    pub hidden: bool,
    /// How many items the server counts in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// A mark that differs once anything in the folder changed; absent where the server gives none. Only equality has meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<String>,
}

impl Folder {
    /// A mail folder of which only id and path are known.
    pub fn bare(id: FolderId, path: Vec<String>) -> Self {
        Self { id, path, class: None, well_known: None, archive: false, hidden: false, total: None, stamp: None }
    }
}

/// The interfaces write one item's id in different ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdForm {
    /// An EWS ItemId: new after every move.
    #[default]
    Ews,
    /// Graph's id where the preference `IdType="ImmutableId"` was honoured: kept through moves within the mailbox.
    GraphImmutable,
    /// Graph's id by default: new after every move.
    GraphRest,
}

/// Classes of items that Graph keeps apart from mail, wherever they lie (Graph "message resource type", "event", "contact").
const NO_MAIL: [&str; 6] = ["IPM.Appointment", "IPM.Contact", "IPM.DistList", "IPM.Task", "IPM.Activity", "IPM.StickyNote"];

impl IdForm {
    /// Whether the interface that writes such ids shows everything a folder can hold, rather than mail alone.
    pub fn shows_all(self) -> bool {
        self == Self::Ews
    }

    /// Whether that interface shows items of this class. What it does not show is not gone.
    pub fn shows(self, class: Option<&str>) -> bool {
        let is = |class: &str, other: &str| {
            let (start, rest) = class.split_at_checked(other.len()).unwrap_or((class, ""));
            start.eq_ignore_ascii_case(other) && (rest.is_empty() || rest.starts_with('.'))
        };
        self.shows_all() || class.is_none_or(|class| !NO_MAIL.iter().any(|other| is(class, other)))
    }
}

/// Which mailbox answered, and how it writes ids. An address alone does not tell: another tenant may have the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// How it writes the ids of items.
    pub form: IdForm,
    /// The id of the folder above all others, written as this interface writes it.
    pub root: FolderId,
}

/// That a mailbox came to be read through another interface, whose ids are written in another form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// When it began, or once it is over, when it ended.
    pub at: DateTime<Utc>,
    /// Whether all that was known has been carried over.
    pub over: bool,
}

/// All folders of a mailbox, and where the next look at them resumes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hierarchy {
    /// The folders, parents before children.
    pub folders: Vec<Folder>,
    /// Cursors of the hierarchy itself, one a root; only the exchange room looks inside.
    #[serde(default)]
    pub cursors: BTreeMap<String, Cursor>,
    /// Whose folders they are; absent where the server does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<Home>,
    /// The last change of the interface; kept by whoever saves hierarchies, and of no concern to those who list folders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switch: Option<Switch>,
}
