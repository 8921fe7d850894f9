//! What would mend a mailbox.

use crate::{
    mail::{Folder, Home},
    pipeline::{Errand, Sought, Subscription},
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
    most: u64,
}

impl Repair {
    /// Nothing yet. Where `wanted` is not set, nobody mends, and nothing is held.
    pub(super) fn new(subscription: Subscription, wanted: bool) -> Self {
        Self { subscription, home: None, errands: Vec::new(), held: 0, left: 0, most: if wanted { HELD } else { 0 } }
    }

    /// Whether there is something to be done.
    pub fn is_needed(&self) -> bool {
        self.held > 0
    }

    /// A message to be fetched, held where there is room for another one.
    pub(super) fn seek(&mut self, folder: &Folder, sought: Sought) {
        if self.held >= self.most {
            self.left += 1;
            return;
        }
        self.held += 1;
        match self.errands.iter_mut().rfind(|errand| errand.folder.id == folder.id) {
            Some(errand) => errand.sought.push(sought),
            None => self.errands.push(Errand { folder: folder.clone(), sought: vec![sought] }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mail::{Address, Bucket, FolderId, ItemId, Listed, Mailbox},
        pipeline::Filters,
    };

    #[test]
    fn it_is_bounded_in_all_and_tells_what_is_left() {
        let bucket = Bucket { owner: "o".into(), name: "b".into() };
        let mailbox = Mailbox { address: Address::new("a@example.com"), bucket, archive: false };
        let mut repair = Repair::new(Subscription { mailbox, filters: Filters::default(), from_start: false }, true);
        assert!(!repair.is_needed());
        for n in 0..HELD + 7 {
            let folder = Folder::bare(FolderId((n % 3).to_string()), Vec::new());
            repair.seek(&folder, Sought::Missing(Listed::bare(ItemId(n.to_string()))));
        }
        assert_eq!((repair.errands.len(), repair.held, repair.left), (3, HELD, 7));
        let held: usize = repair.errands.iter().map(|errand| errand.sought.len()).sum();
        assert_eq!(held as u64, HELD);
    }
}
