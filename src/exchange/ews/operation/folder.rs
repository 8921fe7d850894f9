//! Folders as responses describe them (EWS reference: Folder, FolderShape).

use super::super::{
    element::Element,
    envelope::{Dialect, additional, extended, fields},
};

/// The level with the fewest properties.
pub const FEWEST: usize = 2;

/// PidTagAttributeHidden, and the two marks by which a folder shows that anything in it changed: PidTagLocalCommitTimeMax and
/// PidTagDeletedCountTotal (MS-OXPROPS; EWS page "Handling notification-related errors").
const HIDDEN: u16 = 0x10F4;
const COMMITTED: u16 = 0x670A;
const DELETED: u16 = 0x670B;

/// The `m:FolderShape` for a level: 0 everything, then without marks and well-known names, then names alone.
pub fn shape(dialect: &Dialect, level: usize) -> String {
    let mut content = fields(&["folder:DisplayName", "folder:ParentFolderId", "folder:FolderClass"]);
    if level < 2 {
        content += &fields(&["folder:TotalCount"]);
    }
    if level < 1 && dialect.modern() {
        content += &fields(&["folder:DistinguishedFolderId"]);
    }
    if level < 2 {
        content += &extended(&[("0x10F4", "Boolean")]);
    }
    if level < 1 {
        content += &extended(&[("0x670A", "SystemTime"), ("0x670B", "Integer")]);
    }
    format!("<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape>{}</m:FolderShape>", additional(&content))
}

/// A folder as one response describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// Its parent's id.
    pub parent: Option<String>,
    /// Its name; blanks count.
    pub name: Option<String>,
    /// Container class.
    pub class: Option<String>,
    /// How many items.
    pub total: Option<u64>,
    /// Whether hidden.
    pub hidden: bool,
    /// Well-known name.
    pub well_known: Option<String>,
    /// The mark of change.
    pub stamp: Option<String>,
    /// Whether it is a search folder, which holds nothing of its own.
    pub search: bool,
}

impl Found {
    /// Reads `t:Folder` and its kin; none without an id.
    pub fn read(folder: &Element) -> Option<Self> {
        let stamp = folder.extended(COMMITTED).map(|time| format!("{time}|{}", folder.extended(DELETED).unwrap_or_default()));
        Some(Self {
            id: folder.id("FolderId")?.to_owned(),
            parent: folder.id("ParentFolderId").map(str::to_owned),
            name: folder.exact("DisplayName").map(str::to_owned),
            class: folder.value("FolderClass").map(str::to_owned),
            total: folder.number("TotalCount"),
            hidden: folder.extended(HIDDEN).and_then(super::super::element::truth).unwrap_or(false),
            well_known: folder.value("DistinguishedFolderId").map(str::to_owned),
            stamp,
            search: folder.name == "SearchFolder",
        })
    }
}
