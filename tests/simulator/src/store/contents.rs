//! Items of a mailbox: found, put in, taken out, written.

use chrono::Utc;
use sha2::{Digest as _, Sha256};

use super::error::StoreError;
use super::event::{EventKind, Target};
use super::folder::FolderKind;
use super::item::{Item, Mime};
use super::new_item::{ItemUpdate, NewItem};
use super::tree::{Deed, Entry, Inner, ORDINAL_BITS, OWN, Stored};
use crate::content::Rng;

type Result<T> = std::result::Result<T, StoreError>;

/// The change key number of an item nobody has written.
const UNTOUCHED: u64 = 1;

/// The number of a generated item.
pub(super) fn generated_number(folder: u64, ordinal: u64) -> u64 {
    (folder << ORDINAL_BITS) | (ordinal + 1)
}

/// Folder and ordinal of a generated item's number.
fn origin(number: u64) -> Option<(u64, u64)> {
    let ordinal = (number & ((1 << ORDINAL_BITS) - 1)).checked_sub(1)?;
    (number & OWN == 0).then_some((number >> ORDINAL_BITS, ordinal))
}

/// Messages of one conversation share this: a hash of the subject without its prefixes.
fn conversation(subject: Option<&str>) -> [u8; 16] {
    let mut topic = subject.unwrap_or("").trim();
    while let Some((prefix, rest)) = topic.split_once(':') {
        if !matches!(prefix.to_lowercase().as_str(), "re" | "fw" | "fwd" | "aw" | "wg" | "antw") {
            break;
        }
        topic = rest.trim();
    }
    let mut id = [0; 16];
    for (byte, value) in id.iter_mut().zip(Sha256::digest(topic.as_bytes())) {
        *byte = value;
    }
    id
}

impl Inner {
    /// Turns a new item into one of this mailbox.
    fn dress(&self, number: u64, folder: u64, change: u64, new: NewItem) -> Item {
        let size = new.shown_size();
        let created = new.created.or(new.received).unwrap_or_else(Utc::now);
        let mut seed = [0; 8];
        seed.iter_mut().zip(self.mailbox.0).for_each(|(byte, value)| *byte = value);
        let key = || Rng::of(&[u64::from_le_bytes(seed), number, 0x300b]).bytes16();
        Item {
            id: self.item_id(number),
            lasting: self.lasting_id(number),
            change,
            folder: self.folder_id(folder),
            conversation: conversation(new.subject.as_deref()),
            class: new.class,
            subject: new.subject,
            from: new.from,
            sender: new.sender,
            to: new.to,
            cc: new.cc,
            bcc: new.bcc,
            message_id: new.message_id,
            in_reply_to: new.in_reply_to,
            references: new.references,
            received: new.received,
            created,
            sent: new.sent,
            modified: created,
            read: new.read,
            draft: new.draft,
            from_me: new.from_me,
            importance: new.importance,
            sensitivity: new.sensitivity,
            categories: new.categories,
            has_attachments: new.has_attachments,
            size,
            search_key: new.search_key.unwrap_or_else(key),
            text: new.text,
            details: new.details,
            mime: new.mime,
        }
    }

    /// The generated item of an ordinal, as nobody has touched it.
    fn made(&self, folder: u64, ordinal: u64) -> Option<Item> {
        let batch = self.folders.get(&folder)?.batch.as_ref()?;
        let number = generated_number(folder, ordinal);
        (ordinal < batch.count).then(|| self.dress(number, folder, UNTOUCHED, batch.make(ordinal)))
    }

    /// An item that is in the mailbox now.
    pub(super) fn item(&self, number: u64) -> Result<Item> {
        if let Some(stored) = self.items.get(&number) {
            return Ok(stored.item.clone());
        }
        let (folder, ordinal) = origin(number).ok_or(StoreError::ItemNotFound)?;
        let node = self.folders.get(&folder).ok_or(StoreError::ItemNotFound)?;
        if node.gone.contains(&ordinal) {
            return Err(StoreError::ItemNotFound);
        }
        self.made(folder, ordinal).ok_or(StoreError::ItemNotFound)
    }

    /// Whether an item is in the mailbox now.
    pub(super) fn holds(&self, number: u64) -> bool {
        let generated = || {
            let (folder, ordinal) = origin(number)?;
            let node = self.folders.get(&folder)?;
            Some(ordinal < node.generated() && !node.gone.contains(&ordinal))
        };
        self.items.contains_key(&number) || generated().unwrap_or(false)
    }

    /// Whether a folder belongs to the archive.
    fn archived(&self, folder: u64) -> bool {
        self.well_known.get("archiveroot").is_some_and(|root| *root == folder || self.above(folder).contains(root))
    }

    /// Takes an item into the held ones so that it can be written.
    fn held(&mut self, number: u64) -> Result<&mut Stored> {
        if !self.items.contains_key(&number) {
            let item = self.item(number)?;
            let entered = origin(number).map_or(0, |(_, ordinal)| ordinal + 1);
            self.items.insert(number, Stored { item, entered });
        }
        self.items.get_mut(&number).ok_or(StoreError::ItemNotFound)
    }

    /// Writes an entry of a folder's history and moves its commit time on.
    fn enter(&mut self, folder: u64, item: u64, deed: Deed, entered: Option<u64>) -> u64 {
        let commit = self.tick(Utc::now());
        let Some(node) = self.folders.get_mut(&folder) else { return 0 };
        let number = node.head() + 1;
        node.log.push(Entry { item, deed, entered: entered.unwrap_or(number) });
        node.commit = commit;
        number
    }

    /// Tells subscribers that a folder's contents changed.
    fn announce_folder(&mut self, folder: u64) {
        let Some(node) = self.folders.get(&folder) else { return };
        let (unread, parent) = (Some(node.unread), node.parent.unwrap_or(folder));
        self.events.push((EventKind::Modified { unread }, Target::Folder(self.folder_id(folder)), parent));
    }

    fn may_hold(&self, folder: u64) -> Result<()> {
        match self.node(folder)?.kind {
            FolderKind::Search => Err(StoreError::SearchFolder),
            _ => Ok(()),
        }
    }

    /// Puts an item of known facts into a folder under a new number; tells nobody. `lasting` is the number it came with, if it only moved.
    fn put(&mut self, folder: u64, mut item: Item, lasting: Option<u64>) -> u64 {
        let number = OWN | self.next_item;
        self.next_item += 1;
        if let Some(lasting) = lasting {
            self.origins.insert(number, lasting);
            self.places.insert(lasting, number);
        }
        item.lasting = self.lasting_id(number);
        item.id = self.item_id(number);
        item.folder = self.folder_id(folder);
        item.change = self.next_write();
        let entered = self.enter(folder, number, Deed::Entered, None);
        if let Some(node) = self.folders.get_mut(&folder) {
            node.extras.insert(entered, number);
            node.unread += u64::from(!item.read);
        }
        self.items.insert(number, Stored { item, entered });
        number
    }

    /// Takes an item out of its folder; tells nobody.
    fn take(&mut self, number: u64) -> Result<Item> {
        self.held(number)?;
        let stored = self.items.remove(&number).ok_or(StoreError::ItemNotFound)?;
        self.places.remove(&self.lasting(number));
        let folder = stored.item.folder.number;
        self.enter(folder, number, Deed::Left, Some(stored.entered));
        let node = self.node_mut(folder)?;
        node.unread = node.unread.saturating_sub(u64::from(!stored.item.read));
        node.deleted_total += 1;
        if stored.entered <= node.generated() {
            node.gone.insert(stored.entered - 1);
        } else {
            node.extras.remove(&stored.entered);
        }
        Ok(stored.item)
    }

    pub(super) fn create_item(&mut self, folder: u64, new: NewItem) -> Result<u64> {
        self.may_hold(folder)?;
        let delivered = new.delivered;
        let mut item = self.dress(OWN | self.next_item, folder, 0, new);
        item.modified = Utc::now();
        let number = self.put(folder, item, None);
        let target = Target::Item(self.item_id(number));
        self.events.push((EventKind::Created, target, folder));
        if delivered {
            self.events.push((EventKind::NewMail, target, folder));
        }
        self.announce_folder(folder);
        Ok(number)
    }

    /// Puts an item in while a world is built: nobody is told.
    pub(super) fn seed_item(&mut self, folder: u64, new: NewItem) -> Result<u64> {
        self.may_hold(folder)?;
        let item = self.dress(OWN | self.next_item, folder, 0, new);
        Ok(self.put(folder, item, None))
    }

    pub(super) fn copy_item(&mut self, number: u64, to: u64) -> Result<u64> {
        self.may_hold(to)?;
        // A store sets the time of creation of each message that it creates ("PidTagCreationTime Canonical Property").
        let mut item = self.item(number)?;
        item.created = Utc::now();
        item.modified = item.created;
        let (old, old_parent) = (Target::Item(item.id), item.folder);
        let copy = self.put(to, item, None);
        self.events.push((EventKind::Copied { old, old_parent }, Target::Item(self.item_id(copy)), to));
        self.announce_folder(to);
        Ok(copy)
    }

    pub(super) fn move_item(&mut self, number: u64, to: u64) -> Result<u64> {
        self.may_hold(to)?;
        let mut item = self.take(number)?;
        item.modified = Utc::now();
        let (old, old_parent) = (Target::Item(item.id), item.folder);
        let same_side = self.archived(old_parent.number) == self.archived(to);
        let moved = self.put(to, item, same_side.then(|| self.lasting(number)));
        if let Some(count) = self.downloads.get(&number).copied() {
            self.downloads.insert(moved, count);
        }
        self.events.push((EventKind::Moved { old, old_parent }, Target::Item(self.item_id(moved)), to));
        self.announce_folder(old_parent.number);
        self.announce_folder(to);
        Ok(moved)
    }

    pub(super) fn update_item(&mut self, number: u64, update: &ItemUpdate) -> Result<Item> {
        let change = self.next_write();
        let stored = self.held(number)?;
        let was_read = stored.item.read;
        if let Some(read) = update.read {
            stored.item.read = read;
        }
        if let Some(subject) = &update.subject {
            stored.item.subject = subject.clone();
        }
        if let Some(categories) = &update.categories {
            stored.item.categories = categories.clone();
        }
        if let Some(importance) = update.importance {
            stored.item.importance = importance;
        }
        stored.item.change = change;
        stored.item.modified = Utc::now();
        let (item, entered) = (stored.item.clone(), stored.entered);
        let folder = item.folder.number;
        let deed = if update.only_read() { Deed::ReadFlag } else { Deed::Written };
        self.enter(folder, number, deed, Some(entered));
        let node = self.node_mut(folder)?;
        match (was_read, item.read) {
            (false, true) => node.unread = node.unread.saturating_sub(1),
            (true, false) => node.unread += 1,
            _ => {}
        }
        self.events.push((EventKind::Modified { unread: None }, Target::Item(item.id), folder));
        self.announce_folder(folder);
        Ok(item)
    }

    /// Removes an item for good.
    pub(super) fn remove_item(&mut self, number: u64) -> Result<()> {
        let item = self.take(number)?;
        self.events.push((EventKind::Deleted, Target::Item(item.id), item.folder.number));
        self.announce_folder(item.folder.number);
        Ok(())
    }

    /// Moves an item to the recoverable items: subscribers see a deletion.
    pub(super) fn recoverable(&mut self, number: u64, dumpster: u64) -> Result<()> {
        let item = self.take(number)?;
        let (id, folder) = (item.id, item.folder.number);
        self.put(dumpster, item, Some(self.lasting(number)));
        self.events.push((EventKind::Deleted, Target::Item(id), folder));
        self.announce_folder(folder);
        Ok(())
    }

    /// Numbers of the items in a folder, newest entry first.
    pub(super) fn newest_first(&self, folder: u64, below: u64) -> impl Iterator<Item = (u64, u64)> {
        let node = self.folders.get(&folder);
        let extras = node.into_iter().flat_map(move |node| node.extras.range(..below).rev().map(|(entry, item)| (*entry, *item)));
        let generated = node.into_iter().flat_map(move |node| {
            let top = node.generated().min(below.saturating_sub(1));
            (0..top)
                .rev()
                .filter(|ordinal| !node.gone.contains(ordinal))
                .map(move |ordinal| (ordinal + 1, generated_number(folder, ordinal)))
        });
        extras.chain(generated)
    }

    /// Replaces an item's MIME by a refusal, as damage to the store would.
    pub(super) fn spoil(&mut self, number: u64, code: &'static str) -> Result<()> {
        self.held(number)?.item.mime = Mime::Refused(code);
        Ok(())
    }
}
