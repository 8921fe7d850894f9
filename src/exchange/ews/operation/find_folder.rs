//! EWS reference: FindFolder operation. All folders below a root in one request, or a few where there are more than a page holds.

use super::{
    super::{element::Element, envelope::Dialect, session::Request},
    folder::{Found, shape},
    wrap,
};

/// The most folders a page holds.
const PAGE: usize = 1000;

/// One page of the folders below `root`, from `offset` on.
pub fn request(dialect: &Dialect, root: &str, level: usize, offset: usize) -> Request {
    let content = format!(
        "{}<m:IndexedPageFolderView MaxEntriesReturned=\"{PAGE}\" Offset=\"{offset}\" BasePoint=\"Beginning\"/><m:ParentFolderIds>{}</m:ParentFolderIds>",
        shape(dialect, level),
        dialect.well_known(root)
    );
    wrap("FindFolder", " Traversal=\"Deep\"", &content, 1)
}

/// A page of folders.
#[derive(Debug, PartialEq, Eq)]
pub struct FolderPage {
    /// The folders.
    pub folders: Vec<Found>,
    /// Where the next page begins; none after the last.
    pub next: Option<usize>,
}

/// Reads the page that was asked for from `offset` on. The paging attributes are all optional and contradict each other on some servers, so
/// an empty page or an offset that does not advance ends the listing too.
pub fn read(message: &Element, offset: usize) -> FolderPage {
    let Some(root) = message.child("RootFolder") else { return FolderPage { folders: Vec::new(), next: None } };
    let listed = root.child("Folders").map_or(&[][..], |folders| &folders.children);
    let last = root.attribute("IncludesLastItemInRange").and_then(super::super::element::truth).unwrap_or(true);
    let next = root.attribute("IndexedPagingOffset").and_then(|text| text.parse().ok()).unwrap_or(offset + listed.len());
    let more = !last && !listed.is_empty() && next > offset;
    FolderPage { folders: listed.iter().filter_map(Found::read).collect(), next: more.then_some(next) }
}
