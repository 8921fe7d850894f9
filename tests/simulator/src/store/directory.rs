//! All mailboxes of a server.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::ids::Guid;
use super::mailbox::Mailbox;

/// All mailboxes. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Store(Arc<RwLock<Directory>>);

#[derive(Debug, Default)]
struct Directory {
    list: Vec<Mailbox>,
    by_address: HashMap<String, Mailbox>,
    by_guid: HashMap<Guid, Mailbox>,
}

impl Store {
    /// Adds a mailbox; `false`, and no change, when one of its addresses is taken.
    pub fn add(&self, mailbox: Mailbox) -> bool {
        let mut directory = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let addresses: Vec<String> =
            std::iter::once(mailbox.address()).chain(mailbox.proxies().iter().map(String::as_str)).map(str::to_lowercase).collect();
        if addresses.iter().any(|address| directory.by_address.contains_key(address)) {
            return false;
        }
        for address in addresses {
            directory.by_address.insert(address, mailbox.clone());
        }
        directory.by_guid.insert(mailbox.guid(), mailbox.clone());
        directory.list.push(mailbox);
        true
    }

    /// Removes a mailbox; whether there was one.
    pub fn remove(&self, address: &str) -> bool {
        let Some(gone) = self.mailbox(address) else { return false };
        let mut directory = self.0.write().unwrap_or_else(PoisonError::into_inner);
        directory.list.retain(|mailbox| mailbox.guid() != gone.guid());
        directory.by_address.retain(|_, mailbox| mailbox.guid() != gone.guid());
        directory.by_guid.remove(&gone.guid()).is_some()
    }

    /// The mailbox of a primary or further address, whatever the case.
    pub fn mailbox(&self, address: &str) -> Option<Mailbox> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_address.get(&address.to_lowercase()).cloned()
    }

    /// The mailbox an identifier names.
    pub fn mailbox_of(&self, guid: Guid) -> Option<Mailbox> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_guid.get(&guid).cloned()
    }

    /// All of them, in the order of the world.
    pub fn mailboxes(&self) -> Vec<Mailbox> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).list.clone()
    }
}
