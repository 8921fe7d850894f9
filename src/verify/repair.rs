//! What would mend a mailbox.

use crate::{
    mail::{Folder, Home, Key, Listed},
    pipeline::{Errand, Subscription},
};

/// So many messages of a mailbox are held for mending at once.
const HELD: u64 = 10_000;

/// What is to be fetched of one mailbox, as far as it is held.
#[derive(Clone, Debug, PartialEq)]
pub struct Repair {
    /// Whose.
    pub subscription: Subscription,
    /// Whose it is as the server tells, and how its items' ids are written.
    pub home: Option<Home>,
    /// What is to be fetched.
    pub errands: Vec<Errand>,
    /// Messages in the errands.
    pub held: u64,
    /// Messages to be fetched beyond them: they are found again once the errands are done.
    pub left: u64,
}

impl Repair {
    pub(super) fn new(subscription: Subscription) -> Self {
        Self { subscription, home: None, errands: Vec::new(), held: 0, left: 0 }
    }

    /// Whether there is something to be done.
    pub fn is_needed(&self) -> bool {
        self.held > 0
    }

    /// An item that is missing.
    pub(super) fn missing(&mut self, folder: &Folder, listed: Listed) {
        if let Some(errand) = self.errand(folder) {
            errand.listed.push(listed);
        }
    }

    /// A message to be stored under its key again.
    pub(super) fn again(&mut self, folder: &Folder, key: Key, listed: Listed) {
        if let Some(errand) = self.errand(folder) {
            errand.again.push((key, listed));
        }
    }

    /// The errand of a folder, where there is room for another message.
    fn errand(&mut self, folder: &Folder) -> Option<&mut Errand> {
        if self.held >= HELD {
            self.left += 1;
            return None;
        }
        self.held += 1;
        let at = self.errands.iter().rposition(|errand| errand.folder.id == folder.id).unwrap_or_else(|| {
            self.errands.push(Errand { folder: folder.clone(), listed: Vec::new(), again: Vec::new() });
            self.errands.len() - 1
        });
        self.errands.get_mut(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mail::{Address, Bucket, FolderId, ItemId, Mailbox},
        pipeline::Filters,
    };

    #[test]
    fn it_is_bounded_in_all_and_tells_what_is_left() {
        let bucket = Bucket { owner: "o".into(), name: "b".into() };
        let mailbox = Mailbox { address: Address::new("a@example.com"), bucket, archive: false };
        let mut repair = Repair::new(Subscription { mailbox, filters: Filters::default(), from_start: false });
        assert!(!repair.is_needed());
        for n in 0..HELD + 7 {
            let folder = Folder::bare(FolderId((n % 3).to_string()), Vec::new());
            match n % 2 {
                0 => repair.missing(&folder, Listed::bare(ItemId(n.to_string()))),
                _ => repair.again(&folder, Key(n.to_string()), Listed::bare(ItemId(n.to_string()))),
            }
        }
        assert_eq!((repair.errands.len(), repair.held, repair.left), (3, HELD, 7));
        let held: usize = repair.errands.iter().map(|errand| errand.listed.len() + errand.again.len()).sum();
        assert_eq!(held as u64, HELD);
    }
}
