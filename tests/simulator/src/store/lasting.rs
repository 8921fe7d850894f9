//! An identity that an item keeps while it moves about its mailbox, beside the identifier that changes with every move.
//!
//! Source: documentation page "Get immutable identifiers for Outlook resources": it stays the same as long as the item stays in its
//! mailbox; a copy has one of its own, and so has what went to the archive.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::ids::{FolderId, Guid, ItemId, Malformed};
use super::mailbox::Mailbox;
use super::position::Position;
use super::tree::{Deed, Entry, Inner};
use super::{StoreError, mailbox};

/// An item, wherever in its mailbox it lies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct LastingId {
    /// The mailbox.
    pub mailbox: Guid,
    /// The number the item had when it came into the mailbox.
    pub number: u64,
    /// The mailbox's generation: a migration begins a new one, and identities of older ones are gone.
    pub generation: u32,
}

const PREFIX: [u8; 4] = [0, 9, 0, 0x2e];
const CHECKSUM: usize = 16;

impl LastingId {
    /// Length of [`LastingId::bytes`].
    pub const LEN: usize = 48;

    /// A fixed layout that ends in a checksum.
    pub fn bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let (body, sum) = bytes.split_at_mut(Self::LEN - CHECKSUM);
        let parts = [&PREFIX[..], &self.mailbox.0, &self.generation.to_be_bytes(), &self.number.to_be_bytes()];
        body.iter_mut().zip(parts.iter().copied().flatten()).for_each(|(byte, value)| *byte = *value);
        sum.iter_mut().zip(Sha256::digest(&*body)).for_each(|(byte, value)| *byte = value);
        bytes
    }

    /// Reads what [`LastingId::bytes`] made.
    ///
    /// # Errors
    /// [`Malformed`] for any other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let (_, rest) = bytes.split_first_chunk::<4>().ok_or(Malformed)?;
        let (guid, rest) = rest.split_first_chunk().ok_or(Malformed)?;
        let (generation, rest) = rest.split_first_chunk().ok_or(Malformed)?;
        let (number, _) = rest.split_first_chunk().ok_or(Malformed)?;
        let id = Self { mailbox: Guid(*guid), number: u64::from_be_bytes(*number), generation: u32::from_be_bytes(*generation) };
        // Making it again compares prefix, length and checksum at once.
        if id.bytes().as_slice() == bytes { Ok(id) } else { Err(Malformed) }
    }

    /// The identity as base64, shorter than an item's identifier and of another beginning.
    pub fn text(&self) -> String {
        STANDARD.encode(self.bytes())
    }

    /// Reads [`LastingId::text`].
    ///
    /// # Errors
    /// [`Malformed`] when the text was altered or never given out.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let bytes = STANDARD.decode(text).map_err(|_| Malformed)?;
        Self::from_bytes(&bytes)
    }
}

impl Inner {
    /// The lasting number of an item's number, also when the item is gone.
    pub(super) fn lasting(&self, number: u64) -> u64 {
        self.origins.get(&number).copied().unwrap_or(number)
    }

    pub(super) fn lasting_id(&self, number: u64) -> LastingId {
        LastingId { mailbox: self.mailbox, number: self.lasting(number), generation: self.generation }
    }

    /// Where the item of a lasting number is now.
    fn place(&self, lasting: u64) -> Option<u64> {
        let number = self.places.get(&lasting).copied().unwrap_or(lasting);
        (self.lasting(number) == lasting && self.holds(number)).then_some(number)
    }
}

impl Mailbox {
    /// The lasting identity of an identifier, also of an item that is gone.
    pub fn lasting(&self, id: ItemId) -> LastingId {
        LastingId { generation: id.generation, ..self.lock().lasting_id(id.number) }
    }

    /// The identifier an item has now.
    ///
    /// # Errors
    /// [`StoreError::ItemNotFound`], also for identities of other mailboxes or of before a migration.
    pub fn item_of(&self, id: LastingId) -> Result<ItemId, StoreError> {
        let state = self.lock();
        if id.mailbox != state.mailbox || id.generation != state.generation {
            return Err(StoreError::ItemNotFound);
        }
        state.place(id.number).map(|number| state.item_id(number)).ok_or(StoreError::ItemNotFound)
    }

    /// Whether an item that a run of changes tells as new lay in the folder when the run began, and left it meanwhile.
    ///
    /// # Errors
    /// [`StoreError::FolderNotFound`].
    pub fn returned(&self, folder: FolderId, run: Position, item: ItemId) -> Result<bool, StoreError> {
        let state = self.lock();
        let node = state.node(mailbox::valid(&state, folder)?)?;
        let lasting = state.lasting(item.number);
        let left = |entry: &Entry| entry.deed == Deed::Left && entry.entered <= run.base && state.lasting(entry.item) == lasting;
        Ok(node.entries_after(run.base).any(|(_, entry)| left(entry)))
    }

    /// Whether an item is there now; much cheaper than asking for it.
    pub fn holds(&self, id: ItemId) -> bool {
        let state = self.lock();
        mailbox::valid_item(&state, id).is_ok_and(|number| state.holds(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rendered_is_read_again_and_nothing_else() {
        let id = LastingId { mailbox: Guid::of(7, "alice@example.com"), number: 91, generation: 2 };
        let text = id.text();
        assert_eq!((LastingId::parse(&text), text.len()), (Ok(id), 64));
        assert!(text.starts_with("AAkALg"), "{text}");
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'Q' { b'R' } else { b'Q' };
            assert_eq!(LastingId::parse(&String::from_utf8(bytes).unwrap()), Err(Malformed), "position {at}");
            assert_eq!(LastingId::parse(&text[..at]), Err(Malformed));
        }
        let item = ItemId { mailbox: id.mailbox, number: 91, generation: 2 };
        assert!(LastingId::parse(&item.text()).is_err() && ItemId::parse(&text).is_err());
    }

    #[test]
    fn moves_keep_it_and_copies_the_archive_and_migrations_do_not() {
        let born = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let mailbox = Mailbox::new(7, "alice@example.com", "Alice", Vec::new(), born);
        mailbox.add_archive();
        let folder = |name: &str| mailbox.root_folder(name).unwrap();
        let mail = || crate::store::NewItem::from_mime("Subject: x\r\n\r\n".into());
        let first = mailbox.create_item(folder("inbox"), mail()).unwrap();
        let lasting = mailbox.lasting(first);
        let second = mailbox.move_item(first, folder("drafts")).unwrap();
        let third = mailbox.move_item(second, folder("inbox")).unwrap();
        assert!([first, second, third].iter().all(|id| mailbox.lasting(*id) == lasting), "gone ones too");
        assert_eq!((mailbox.item_of(lasting), mailbox.item(third).unwrap().lasting), (Ok(third), lasting));
        assert!(mailbox.holds(third) && !mailbox.holds(first) && !mailbox.holds(second));
        let moved_again = LastingId { number: third.number, ..lasting };
        assert!(mailbox.item_of(moved_again).is_err(), "a number is no identity where another one is");
        let copy = mailbox.copy_item(third, folder("drafts")).unwrap();
        assert_ne!(mailbox.lasting(copy), lasting);
        let archived = mailbox.move_item(third, folder("archivemsgfolderroot")).unwrap();
        assert_ne!(mailbox.lasting(archived), lasting);
        assert!(mailbox.item_of(lasting).is_err());
        mailbox.delete_item(copy, crate::store::DeleteHow::Soft).unwrap();
        let kept = mailbox.item_of(mailbox.lasting(copy)).unwrap();
        assert_eq!(mailbox.item(kept).unwrap().folder, folder("recoverableitemsdeletions"));
        mailbox.change_ids();
        assert!(mailbox.item_of(mailbox.lasting(copy)).is_err());
        let other = Mailbox::new(7, "bob@example.com", "Bob", Vec::new(), born);
        assert!(other.item_of(lasting).is_err());
    }
}
