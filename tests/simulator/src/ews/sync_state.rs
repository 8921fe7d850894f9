//! The opaque states of the synchronising operations.
//!
//! Everything needed to go on is inside: which folder, which life of its history, where in it. A checksum tells damage, the folder tells
//! a state used on another folder, the epoch tells a history that was lost. All three are `ErrorInvalidSyncStateData`.

use super::error::EwsError;
use crate::store::{Folder, FolderId, Position};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const CHECKSUM: usize = 12;

/// What a state belongs to; the two kinds are not interchangeable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The items of a folder, with or without the associated ones.
    Items {
        /// Whether associated items are listed too.
        associated: bool,
    },
    /// The folders below a folder.
    Hierarchy {
        /// Whether the request named the folder: states of the two ways are not interchangeable.
        given: bool,
    },
}

impl Scope {
    fn mark(self) -> &'static [u8; 4] {
        match self {
            Self::Items { associated: false } => b"ISS1",
            Self::Items { associated: true } => b"IAS1",
            Self::Hierarchy { given: true } => b"HSS1",
            Self::Hierarchy { given: false } => b"HSN1",
        }
    }
}

/// Writes a state.
pub(super) fn encode(scope: Scope, folder: FolderId, epoch: u32, place: &[u8]) -> String {
    let mut bytes = prefix(scope, folder, epoch);
    bytes.extend_from_slice(place);
    let sum = Sha256::digest(&bytes);
    bytes.extend(sum.iter().take(CHECKSUM));
    STANDARD.encode(bytes)
}

/// Writes the state of an item synchronisation.
pub(super) fn encode_items(associated: bool, folder: &Folder, position: Position) -> String {
    let scope = Scope::Items { associated };
    encode(scope, folder.id, folder.epoch, &position.to_bytes())
}

/// Reads the place inside a state, if it was made for this folder in its present life.
pub(super) fn decode(text: &str, scope: Scope, folder: FolderId, epoch: u32) -> Result<Vec<u8>, EwsError> {
    let bytes = STANDARD.decode(text.trim()).map_err(|_| EwsError::invalid_sync_state())?;
    let (body, sum) = bytes.split_at_checked(bytes.len().saturating_sub(CHECKSUM)).ok_or_else(EwsError::invalid_sync_state)?;
    let whole = Sha256::digest(body);
    let intact = sum.len() == CHECKSUM && whole.iter().take(CHECKSUM).eq(sum.iter());
    match body.strip_prefix(prefix(scope, folder, epoch).as_slice()) {
        Some(place) if intact => Ok(place.to_vec()),
        _ => Err(EwsError::invalid_sync_state()),
    }
}

/// Reads the state of an item synchronisation.
pub(super) fn decode_items(text: &str, associated: bool, folder: &Folder) -> Result<Position, EwsError> {
    let scope = Scope::Items { associated };
    let place = decode(text, scope, folder.id, folder.epoch)?;
    Position::from_bytes(&place).ok_or_else(EwsError::invalid_sync_state)
}

fn prefix(scope: Scope, folder: FolderId, epoch: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(96);
    bytes.extend_from_slice(scope.mark());
    bytes.extend_from_slice(&folder.mailbox.0);
    bytes.extend_from_slice(&folder.number.to_be_bytes());
    bytes.extend_from_slice(&folder.generation.to_be_bytes());
    bytes.extend_from_slice(&epoch.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Guid;

    const TREE: Scope = Scope::Hierarchy { given: true };

    fn folder(number: u64) -> FolderId {
        FolderId { mailbox: Guid([7; 16]), number, generation: 0 }
    }

    #[test]
    fn a_state_serves_its_own_folder_alone() {
        let state = encode(TREE, folder(3), 1, b"place");
        assert_eq!(decode(&state, TREE, folder(3), 1), Ok(b"place".to_vec()));
        let items = Scope::Items { associated: false };
        for wrong in [decode(&state, TREE, folder(4), 1), decode(&state, TREE, folder(3), 2), decode(&state, items, folder(3), 1)] {
            assert_eq!(wrong, Err(EwsError::invalid_sync_state()));
        }
    }

    #[test]
    fn damage_is_told() {
        let state = encode(TREE, folder(3), 1, b"place");
        for cut in 0..state.len() {
            assert!(decode(&state[..cut], TREE, folder(3), 1).is_err());
        }
        for text in ["", "AAAA", "not base64 at all!", "H4sIAAAAAAAEAGNgYGDgAABlYmFkAA=="] {
            assert!(decode(text, TREE, folder(3), 1).is_err(), "{text}");
        }
    }
}
