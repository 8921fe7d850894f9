//! EWS reference: SyncFolderHierarchy operation. What changed in the tree of folders, and what was deleted from it.

use super::{
    super::{
        element::{Element, truth},
        envelope::{Dialect, attribute},
        session::Request,
    },
    folder::{Found, shape},
    wrap,
};

/// The changes below `root` since `state`. The root is always named: a state taken without it is not valid with it.
pub fn request(dialect: &Dialect, root: &str, level: usize, state: Option<&str>) -> Request {
    let state =
        state.filter(|state| !state.is_empty()).map(|state| format!("<m:SyncState>{}</m:SyncState>", attribute(state))).unwrap_or_default();
    let content = format!("{}<m:SyncFolderId>{}</m:SyncFolderId>{state}", shape(dialect, level), dialect.well_known(root));
    wrap("SyncFolderHierarchy", "", &content, 1)
}

/// A page of changes to the tree.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TreePage {
    /// Where to go on.
    pub state: String,
    /// Whether nothing is left.
    pub last: bool,
    /// Folders new or changed.
    pub present: Vec<Found>,
    /// Ids of folders deleted.
    pub deleted: Vec<String>,
}

/// Reads a page; none where the state is missing or not whole.
pub fn read(message: &Element) -> Option<TreePage> {
    let state = message.child("SyncState").filter(|state| !state.cut && !state.text.trim().is_empty())?;
    let last = message.value("IncludesLastFolderInRange").and_then(truth).unwrap_or(true);
    let mut page = TreePage { state: state.text.trim().to_owned(), last, ..TreePage::default() };
    for change in message.child("Changes").map_or(&[][..], |changes| &changes.children) {
        match change.name.as_str() {
            "Create" | "Update" => page.present.extend(change.children.iter().filter_map(Found::read)),
            "Delete" => page.deleted.extend(change.id("FolderId").map(str::to_owned)),
            other => tracing::debug!(change = other, "unknown kind of change in a folder hierarchy"),
        }
    }
    Some(page)
}
