//! What becomes of the mailboxes when others are to be read.

use std::collections::{HashMap, HashSet};

use super::Subscription;
use crate::mail::Address;

/// Two lists of mailboxes against each other. Whatever is named in none of the three is read as before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Mailboxes that were not read before.
    pub added: Vec<Address>,
    /// Mailboxes that are not read any more.
    pub removed: Vec<Address>,
    /// Mailboxes of which something else is wanted, or that are kept elsewhere.
    pub changed: Vec<Address>,
}

impl Difference {
    /// What is to be done to come from `old` to `new`; each list names a mailbox once at most.
    pub fn between(old: &[Subscription], new: &[Subscription]) -> Self {
        let before: HashMap<&Address, &Subscription> = old.iter().map(|one| (&one.mailbox.address, one)).collect();
        let after: HashSet<&Address> = new.iter().map(|one| &one.mailbox.address).collect();
        let mut difference = Self::default();
        for one in new {
            let address = &one.mailbox.address;
            match before.get(address) {
                None => difference.added.push(address.clone()),
                Some(other) if **other != *one => difference.changed.push(address.clone()),
                Some(_) => {}
            }
        }
        let gone = old.iter().map(|one| &one.mailbox.address).filter(|address| !after.contains(address));
        difference.removed = gone.cloned().collect();
        difference
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mail::{Bucket, Mailbox},
        pipeline::{FilterSet, Filters, FolderName, Participants},
    };

    fn subscription(name: &str) -> Subscription {
        let address = Address::new(&format!("{name}@example.com"));
        let mailbox = Mailbox { address, bucket: Bucket { owner: "acme".into(), name: "mail".into() }, archive: false };
        Subscription { mailbox, filters: Filters::default(), from_start: false }
    }

    fn names(addresses: &[Address]) -> Vec<&str> {
        addresses.iter().map(Address::as_str).collect()
    }

    #[test]
    fn mailboxes_come_go_and_stay() {
        let old = ["a", "b", "c"].map(subscription);
        let new = ["d", "c", "a"].map(subscription);
        let difference = Difference::between(&old, &new);
        assert_eq!(names(&difference.added), ["d@example.com"]);
        assert_eq!(names(&difference.removed), ["b@example.com"]);
        assert!(difference.changed.is_empty());
        assert!(Difference::between(&old, &["b", "c", "a"].map(subscription)).is_empty(), "the order does not count");
        assert_eq!(Difference::between(&old, &[]).removed.len(), 3);
        assert_eq!(Difference::between(&[], &new).added.len(), 3);
    }

    #[test]
    fn whatever_is_wanted_of_a_mailbox_counts() {
        let plain = || subscription("a");
        let with = |change: fn(&mut Subscription)| {
            let mut other = plain();
            change(&mut other);
            other
        };
        let others = [
            with(|one| one.mailbox.bucket.owner = "other".into()),
            with(|one| one.mailbox.bucket.name = "other".into()),
            with(|one| one.mailbox.archive = true),
            with(|one| one.filters.start = "2024-01-01T00:00:00Z".parse().ok()),
            with(|one| one.filters.folders = FilterSet { allow: vec![FolderName::WellKnown("inbox".into())], deny: Vec::new() }),
            with(|one| one.filters.folders = FilterSet { allow: Vec::new(), deny: vec![FolderName::Path(vec!["x".into()])] }),
            with(|one| one.filters.participants = Participants { deny: vec![Address::new("x@example.com")], ..Participants::default() }),
            with(|one| one.from_start = true),
        ];
        for other in others {
            let difference = Difference::between(&[plain()], std::slice::from_ref(&other));
            assert_eq!(
                (names(&difference.changed), difference.added.len(), difference.removed.len()),
                (vec!["a@example.com"], 0, 0),
                "{other:?}"
            );
            assert!(Difference::between(std::slice::from_ref(&other), std::slice::from_ref(&other)).is_empty());
        }
    }
}
