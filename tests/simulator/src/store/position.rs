//! Where a client stands in a folder's history. Stateless: everything needed to go on is in the position itself.
//!
//! A folder's history is one growing sequence. Its generated items are entries 1 to N, every later write one more.
//! A first enumeration notes the end of the sequence (`head`) and walks the items before it from the newest down (`below`).
//! Later runs go from `base` up to a `head` noted when the run began, so that netting is the same on every page of a run.

/// Where a client stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// What the client knows completely: the state at this entry.
    pub base: u64,
    /// Entries up to here have been told in this run.
    pub cursor: u64,
    /// Where this run ends.
    pub head: u64,
    /// In a first enumeration: items entered before this one are still to be told. 0 once it is over.
    pub below: u64,
}

impl Position {
    /// Length of [`Position::to_bytes`].
    pub const LEN: usize = 32;

    /// A fixed layout for use inside a sync state.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        for (place, value) in bytes.chunks_exact_mut(8).zip([self.base, self.cursor, self.head, self.below]) {
            place.copy_from_slice(&value.to_be_bytes());
        }
        bytes
    }

    /// Reads what [`Position::to_bytes`] made; `None` when the numbers cannot be a position.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::LEN {
            return None;
        }
        let mut values = bytes.chunks_exact(8).filter_map(|part| part.try_into().ok().map(u64::from_be_bytes));
        let position = Self { base: values.next()?, cursor: values.next()?, head: values.next()?, below: values.next()? };
        (position.base <= position.cursor && position.cursor <= position.head).then_some(position)
    }
}

/// The net effect on one item.
#[derive(Clone, Debug)]
pub enum Change {
    /// New to the client.
    Create(Box<super::item::Item>),
    /// Known to the client and written since.
    Update(Box<super::item::Item>),
    /// Known to the client; only its read state changed.
    ReadFlag(super::ids::ItemId, bool),
    /// Known to the client and no longer here.
    Delete(super::ids::ItemId),
}

/// One page of changes.
#[derive(Clone, Debug)]
pub struct ChangePage {
    /// In the order to be told.
    pub changes: Vec<Change>,
    /// Where to go on.
    pub next: Position,
    /// Nothing is left to tell at this moment.
    pub last: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_its_bytes() {
        let position = Position { base: 1, cursor: 2, head: 30, below: 400 };
        assert_eq!(Position::from_bytes(&position.to_bytes()), Some(position));
        assert_eq!(Position::from_bytes(&[0; 31]), None);
        assert_eq!(Position::from_bytes(&Position { base: 9, cursor: 2, head: 3, below: 0 }.to_bytes()), None);
    }
}
