//! Identifiers as clients see them: long, opaque, case-sensitive base64 with a checksum inside.
//!
//! An identifier carries its mailbox, its number there and the mailbox's generation, so that a server can say which of
//! "malformed", "of another mailbox" and "gone" is the case without a table of all ids ever given out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// A mailbox's identity, stable for the life of a world: 16 bytes made from the seed and the address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// The identity of `name` in a world of this seed.
    pub fn of(seed: u64, name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        hash.update(name.to_lowercase().as_bytes());
        let mut bytes = [0; 16];
        for (byte, value) in bytes.iter_mut().zip(hash.finalize()) {
            *byte = value;
        }
        Self(bytes)
    }

    /// Thirty-six characters in the usual 8-4-4-4-12 grouping.
    pub fn text(&self) -> String {
        let digits = hex::encode(self.0);
        let mut text = String::with_capacity(36);
        for (at, digit) in digits.chars().enumerate() {
            if matches!(at, 8 | 12 | 16 | 20) {
                text.push('-');
            }
            text.push(digit);
        }
        text
    }

    /// Reads what [`Guid::text`] made.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let digits: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'-').collect();
        let mut bytes = [0; 16];
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        let guid = Self(bytes);
        (guid.text().as_bytes() == text).then_some(guid)
    }
}

/// A folder of a mailbox. It keeps its identifier when it is renamed or moved.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FolderId {
    /// The mailbox.
    pub mailbox: Guid,
    /// The folder's number there.
    pub number: u64,
    /// The mailbox's generation: a migration begins a new one, and ids of older ones are gone.
    pub generation: u32,
}

/// An item of a mailbox. A move gives it a new identifier.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ItemId {
    /// The mailbox.
    pub mailbox: Guid,
    /// The item's number there.
    pub number: u64,
    /// The mailbox's generation, as for folders.
    pub generation: u32,
}

/// Either kind of identifier, as read from a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum AnyId {
    /// A folder's.
    Folder(FolderId),
    /// An item's.
    Item(ItemId),
}

/// The text is no identifier this server ever gave out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

const PREFIX: [u8; 4] = [0, 3, 36, 0];
const FOLDER_MARK: u8 = 0x2e;
const ITEM_MARK: u8 = 0x46;
const BODY: usize = 4 + 36 + 2;
const CHECKSUM: usize = 16;

fn render(mark: u8, mailbox: Guid, number: u64, generation: u32, filler: usize) -> String {
    let mut bytes = Vec::with_capacity(160);
    bytes.extend_from_slice(&PREFIX);
    bytes.extend_from_slice(mailbox.text().as_bytes());
    bytes.extend_from_slice(&[mark, 0]);
    bytes.extend_from_slice(&generation.to_be_bytes());
    bytes.extend_from_slice(&number.to_be_bytes());
    let mut hash = Sha256::digest(&bytes);
    while bytes.len() < filler {
        let short = filler - bytes.len();
        bytes.extend(hash.iter().take(short));
        hash = Sha256::digest(hash);
    }
    let sum = Sha256::digest(&bytes);
    bytes.extend(sum.iter().take(CHECKSUM));
    STANDARD.encode(bytes)
}

const FOLDER_FILLER: usize = 102 - CHECKSUM;
const ITEM_FILLER: usize = 133 - CHECKSUM;

impl FolderId {
    /// The identifier as sent to clients.
    pub fn text(&self) -> String {
        render(FOLDER_MARK, self.mailbox, self.number, self.generation, FOLDER_FILLER)
    }

    /// Reads a folder's identifier; an item's is malformed here.
    ///
    /// # Errors
    /// [`Malformed`] when the text was altered or is no folder's.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        match AnyId::parse(text)? {
            AnyId::Folder(id) => Ok(id),
            AnyId::Item(_) => Err(Malformed),
        }
    }
}

impl ItemId {
    /// The identifier as sent to clients.
    pub fn text(&self) -> String {
        render(ITEM_MARK, self.mailbox, self.number, self.generation, ITEM_FILLER)
    }

    /// Reads an item's identifier; a folder's is malformed here.
    ///
    /// # Errors
    /// [`Malformed`] when the text was altered or is no item's.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        match AnyId::parse(text)? {
            AnyId::Item(id) => Ok(id),
            AnyId::Folder(_) => Err(Malformed),
        }
    }
}

impl AnyId {
    /// Reads an identifier of either kind.
    ///
    /// # Errors
    /// [`Malformed`] when the text was altered, cut or never given out.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let bytes = STANDARD.decode(text).map_err(|_| Malformed)?;
        let body = bytes.get(..BODY).ok_or(Malformed)?;
        let mark = *body.get(BODY - 2).ok_or(Malformed)?;
        let mailbox = body.get(4..40).and_then(Guid::parse).ok_or(Malformed)?;
        let generation = array(&bytes, BODY).map(u32::from_be_bytes)?;
        let number = array(&bytes, BODY + 4).map(u64::from_be_bytes)?;
        // Rendering again compares prefix, filler and checksum at once.
        let (id, again) = match mark {
            FOLDER_MARK => {
                let id = FolderId { mailbox, number, generation };
                (Self::Folder(id), id.text())
            }
            ITEM_MARK => {
                let id = ItemId { mailbox, number, generation };
                (Self::Item(id), id.text())
            }
            _ => return Err(Malformed),
        };
        if again == text { Ok(id) } else { Err(Malformed) }
    }

    /// The mailbox it belongs to.
    pub fn mailbox(&self) -> Guid {
        match self {
            Self::Folder(id) => id.mailbox,
            Self::Item(id) => id.mailbox,
        }
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Malformed> {
    bytes.get(at..at + N).and_then(|part| part.try_into().ok()).ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> ItemId {
        ItemId { mailbox: Guid::of(7, "alice@example.com"), number: 91, generation: 2 }
    }

    #[test]
    fn what_is_rendered_is_read_again() {
        let folder = FolderId { mailbox: Guid::of(7, "alice@example.com"), number: 3, generation: 0 };
        assert_eq!(AnyId::parse(&folder.text()), Ok(AnyId::Folder(folder)));
        assert_eq!(ItemId::parse(&item().text()), Ok(item()));
        assert_eq!(ItemId::parse(&folder.text()), Err(Malformed));
        assert!(item().text().len() > 150 && item().text().ends_with('='));
    }

    #[test]
    fn any_alteration_is_malformed() {
        let text = item().text();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            let swapped = if bytes[at].is_ascii_uppercase() { bytes[at].to_ascii_lowercase() } else { b'Q' };
            if bytes[at] == swapped {
                continue;
            }
            bytes[at] = swapped;
            assert_eq!(AnyId::parse(&String::from_utf8(bytes).unwrap()), Err(Malformed), "position {at}");
        }
        for cut in 0..text.len() {
            assert_eq!(AnyId::parse(&text[..cut]), Err(Malformed));
        }
    }
}
