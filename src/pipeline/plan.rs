//! What a page of changes asks for.

use super::oldest_first::Reach;
use crate::{
    catalog::{Entry, Span},
    mail::{Cursor, Key, Listed},
};

/// A message to be downloaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// What the listing told.
    pub listed: Listed,
    /// The key it will be stored under.
    pub key: Key,
}

/// What one page asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// To be downloaded and stored.
    pub wanted: Vec<Wanted>,
    /// To be written down.
    pub record: Vec<Entry>,
    /// What holds once all that is done; none for messages tried again out of turn.
    pub end: Option<End>,
}

/// What holds once a plan is done.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// A page is.
    Page(PageEnd),
    /// Of the lines that no cursor covered, only these are still to be compared with the server.
    Compared(Vec<Span>),
}

/// The state to save behind a page.
#[derive(Clone, Debug, PartialEq)]
pub struct PageEnd {
    /// Covers the page and all before it.
    pub cursor: Cursor,
    /// Whether this page belongs to a listing from the start.
    pub walking: bool,
    /// Whether the folder has been read to its end.
    pub drained: bool,
    /// How far that is, where messages are fetched by their age: then the cursor holds only once the folder has been read to its end.
    pub reach: Option<Reach>,
}
