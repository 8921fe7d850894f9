//! Which mailboxes are this instance's, when several share the work.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::mail::Address;

/// One instance's share of the mailboxes. Shares depend on nothing but the address and the number of instances: mailboxes that come or go
/// move no other mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    number: u32,
    total: u32,
}

/// A shard that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// There must be at least one shard.
    NoShards,
    /// The name holds no number.
    NoNumber {
        /// The name.
        name: String,
    },
    /// The name's number is not below the total.
    Beyond {
        /// The name.
        name: String,
        /// How many shards there are.
        total: u32,
    },
}

impl Shard {
    /// The shard named `name`, whose last number (`appliance-3`: 3) counts from 0 up to below `total`.
    pub fn named(name: &str, total: u32) -> Result<Self, Error> {
        if total == 0 {
            return Err(Error::NoShards);
        }
        let end = name.rfind(|c: char| c.is_ascii_digit()).map(|last| last + 1).ok_or_else(|| Error::NoNumber { name: name.into() })?;
        let head = &name[..end];
        let digits = &head[head
            .rfind(|c: char| !c.is_ascii_digit())
            .map_or(0, |before| before + head[before..].chars().next().map_or(1, char::len_utf8))..];
        match digits.parse() {
            Ok(number) if number < total => Ok(Self { number, total }),
            _ => Err(Error::Beyond { name: name.into(), total }),
        }
    }

    /// This instance's number, counted from 0.
    pub fn index(&self) -> u32 {
        self.number
    }

    /// How many instances share the mailboxes.
    pub fn total(&self) -> u32 {
        self.total
    }

    /// Whether the mailbox is this shard's. Exactly one of the shards of a total owns a mailbox.
    pub fn owns(&self, address: &Address) -> bool {
        let digest = Sha256::digest(address.as_str());
        let head = digest.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        head % u64::from(self.total) == u64::from(self.number)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard {} of {}", self.number, self.total)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoShards => f.write_str("the total of shards is 0; it must be 1 or more"),
            Self::NoNumber { name } => write!(f, "shard name {name:?} holds no number; it must end like appliance-0"),
            Self::Beyond { name, total } => {
                write!(f, "the number of shard name {name:?} is not below the total of {total} shards; numbers count from 0")
            }
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_number_counts() {
        for (name, number) in
            [("ews-0", 0), ("uipath-exchange-sync-app-12", 12), ("v2-app-3", 3), ("7", 7), ("pod-4-x", 4), ("é5", 5), ("a-007", 7)]
        {
            assert_eq!(Shard::named(name, 20), Ok(Shard { number, total: 20 }), "{name}");
        }
    }

    #[test]
    fn impossible_shards_are_refused() {
        assert_eq!(Shard::named("app-0", 0), Err(Error::NoShards));
        assert_eq!(Shard::named("app", 2), Err(Error::NoNumber { name: "app".into() }));
        assert_eq!(Shard::named("", 2), Err(Error::NoNumber { name: "".into() }));
        for name in ["app-2", "app-3", "app-99999999999999999999"] {
            assert_eq!(Shard::named(name, 2), Err(Error::Beyond { name: name.into(), total: 2 }));
        }
    }

    #[test]
    fn the_assignment_never_changes() {
        let owner = |text: &str| (0..4).find(|number| Shard { number: *number, total: 4 }.owns(&Address::new(text)));
        let owners: Vec<_> = ["a@example.com", "b@example.com", "c@example.com", "d@example.com"].map(owner).to_vec();
        assert_eq!(owners, [Some(2), Some(1), Some(2), Some(3)]);
    }

    proptest! {
        #[test]
        fn exactly_one_shard_owns_a_mailbox(text in "\\PC{1,30}@[a-z]{1,10}\\.com", total in 1_u32..40) {
            let address = Address::new(&text);
            let owners = (0..total).filter(|number| Shard { number: *number, total }.owns(&address)).count();
            prop_assert_eq!(owners, 1);
        }

        #[test]
        fn case_does_not_count(text in "[a-z]{1,12}@[a-z]{1,10}\\.com", total in 1_u32..40) {
            let (lower, upper) = (Address::new(&text), Address::new(&text.to_uppercase()));
            for number in 0..total {
                let shard = Shard { number, total };
                prop_assert_eq!(shard.owns(&lower), shard.owns(&upper));
            }
        }

        #[test]
        fn names_never_panic(name in "\\PC{0,40}", total in any::<u32>()) {
            let _ = Shard::named(&name, total);
        }
    }

    #[test]
    fn shares_are_even() {
        let total = 5;
        for number in 0..total {
            let shard = Shard { number, total };
            let share = (0..5000).filter(|n| shard.owns(&Address::new(&format!("user{n}@example.com")))).count();
            assert!((850..1150).contains(&share), "{shard} owns {share} of 5000");
        }
    }
}
