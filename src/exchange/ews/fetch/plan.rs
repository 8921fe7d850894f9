//! Which items share a request. Pure.

use std::collections::VecDeque;

use crate::mail::Listed;

/// The most items of one request.
pub const MOST: usize = 64;

/// The most bytes of one request, as the listing counts them, and the size from which an item goes alone.
const BYTES: u64 = 8 << 20;
const LARGE: u64 = 1 << 20;

/// What an item of unknown size counts for.
const UNKNOWN: u64 = 64 << 10;

/// What happened to an item so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// How often it was refused for passing reasons.
    pub tries: u32,
    /// How many properties are left out.
    pub level: usize,
    /// Whether it is to be asked for by itself.
    pub alone: bool,
}

/// The next request: the first of the queue, and with it as many of the following as fit.
pub fn batch(queue: &VecDeque<usize>, messages: &[Listed], notes: &[Note], most: usize) -> Vec<usize> {
    let size = |index: usize| messages.get(index).and_then(|listed| listed.size).unwrap_or(UNKNOWN);
    let alone = |index: usize| notes.get(index).is_some_and(|note| note.alone) || size(index) > LARGE;
    let level = |index: usize| notes.get(index).map_or(0, |note| note.level);
    let Some(first) = queue.front().copied() else { return Vec::new() };
    let mut batch = vec![first];
    if alone(first) {
        return batch;
    }
    let mut bytes = size(first);
    for index in queue.iter().copied().skip(1).filter(|index| !alone(*index) && level(*index) == level(first)) {
        bytes += size(index);
        if batch.len() >= most || bytes > BYTES {
            break;
        }
        batch.push(index);
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::ItemId;

    fn plan(sizes: &[Option<u64>], notes: &[Note], most: usize) -> Vec<usize> {
        let listed = |size: &Option<u64>| Listed { size: *size, ..Listed::bare(ItemId("x".into())) };
        let messages: Vec<Listed> = sizes.iter().map(listed).collect();
        batch(&(0..sizes.len()).collect(), &messages, notes, most)
    }

    #[test]
    fn large_items_go_alone_and_small_ones_together() {
        let small = Some(10);
        assert_eq!(plan(&[small, Some(2 << 20), small, None], &[Note::default(); 4], 64), [0, 2, 3]);
        assert_eq!(plan(&[Some(2 << 20), small], &[Note::default(); 2], 64), [0]);
        assert_eq!(plan(&[small; 5], &[Note::default(); 5], 2), [0, 1]);
        assert_eq!(plan(&[Some(1 << 20); 12], &[Note::default(); 12], 64).len(), 8);
        assert!(plan(&[], &[], 64).is_empty());
    }

    #[test]
    fn levels_do_not_mix() {
        let notes = [Note::default(), Note { level: 1, ..Note::default() }, Note::default(), Note { alone: true, ..Note::default() }];
        assert_eq!(plan(&[Some(1); 4], &notes, 64), [0, 2]);
    }
}
