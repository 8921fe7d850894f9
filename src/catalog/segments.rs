//! What the catalog's lines are appended to. A line counts once it is durable and ends in a line feed.

mod blobs;
mod files;
mod look;

use std::fmt;

use super::book::Fault;

pub(super) use blobs::{KeptTails, Place as BlobPlace, Segments as BlobSegments};
pub(super) use files::{ROTATED_AT, Segments as FileSegments};
pub(super) use look::Look;

/// A place between two lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

/// The segments of one mailbox, wherever they are kept. All calls block.
pub(super) trait Segments: fmt::Debug + Send {
    /// The end of the last durable line.
    fn end(&self) -> Position;

    /// Finds out what an append that failed has left: either its lines count from now on, all of them, or they never were. Costs nothing where there is
    /// no doubt.
    fn settle(&mut self) -> Result<(), Fault>;

    /// Appends whole lines and makes them durable. After an error [`Segments::settle`] tells whether they count.
    fn append(&mut self, lines: &[u8]) -> Result<(), Fault>;

    /// Up to 64 bytes before a position, by which the index tells whether these are the segments that it knows; none where there is no such place.
    fn before(&self, position: Position) -> Result<Option<Vec<u8>>, Fault>;

    /// Reads the lines from a position on.
    fn lines(&self, from: Position) -> Result<Box<dyn Lines + '_>, Fault>;
}

/// Lines being read, one at a time.
pub(super) trait Lines {
    /// Reads the next line into `line`, without its line feed; returns the position after it, or none at the end.
    fn next(&mut self, line: &mut Vec<u8>) -> Result<Option<Position>, Fault>;
}

/// A segment's name.
fn name(number: u64) -> String {
    format!("{number:08}.jsonl")
}

/// The number in a segment's name; none for other files.
fn number(name: &str) -> Option<u64> {
    name.strip_suffix(".jsonl").filter(|stem| stem.len() >= 8).and_then(|stem| stem.parse().ok())
}
