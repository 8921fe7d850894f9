//! What of the catalog is fed with bytes that others may have damaged: see [`crate::fuzzing`].

use super::line::Line;

/// A line of a segment: either damaged, or written anew it says the same.
pub fn line(data: &[u8]) {
    let Ok(line) = serde_json::from_slice::<Line>(data) else { return };
    let written = serde_json::to_vec(&line).expect("a line that was read can be written");
    assert!(!written.contains(&b'\n'), "a line became two");
    let again: Line = serde_json::from_slice(&written).expect("a line that was written can be read");
    assert_eq!(line, again);
    assert_eq!(line.digest().ok(), again.digest().ok());
}
