//! Items of a folder as a sorted, filtered, paged list.

use std::fmt;

use chrono::{DateTime, Utc};

use super::error::StoreError;
use super::folder::FolderKind;
use super::item::Item;
use super::tree::{Inner, Node};

/// In which order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// As they came into the folder, the latest first.
    #[default]
    NewestFirst,
    /// By date received, the oldest first. Items never received go by their creation.
    ReceivedAscending,
    /// By date received, the newest first.
    ReceivedDescending,
    /// By subject.
    SubjectAscending,
    /// By subject, backwards.
    SubjectDescending,
}

/// What to look for.
#[derive(Default)]
pub struct Find<'a> {
    /// Order.
    pub order: Order,
    /// Matching items to leave out at the beginning.
    pub offset: usize,
    /// The most items to give.
    pub limit: usize,
    /// Received at or after. Items never received do not match.
    pub received_from: Option<DateTime<Utc>>,
    /// Received before.
    pub received_before: Option<DateTime<Utc>>,
    /// Any further condition.
    pub filter: Option<&'a dyn Fn(&Item) -> bool>,
}

impl fmt::Debug for Find<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Find({:?}, {}+{})", self.order, self.offset, self.limit)
    }
}

impl Find<'_> {
    fn is_open(&self) -> bool {
        self.received_from.is_none() && self.received_before.is_none() && self.filter.is_none()
    }

    fn matches(&self, item: &Item) -> bool {
        let late = self.received_from.is_none_or(|from| item.received.is_some_and(|at| at >= from));
        let early = self.received_before.is_none_or(|before| item.received.is_some_and(|at| at < before));
        late && early && self.filter.is_none_or(|filter| filter(item))
    }
}

/// A page of what was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The items.
    pub items: Vec<Item>,
    /// How many match in all.
    pub total: usize,
    /// The offset of the next page.
    pub next: usize,
    /// Nothing comes after.
    pub last: bool,
}

impl Inner {
    /// Where a search folder looks: the unread items of the inbox.
    pub(super) fn searched(&self, folder: u64) -> Option<&Node> {
        let search = self.folders.get(&folder).is_some_and(|node| node.kind == FolderKind::Search);
        self.well_known.get("inbox").filter(|_| search).and_then(|inbox| self.folders.get(inbox))
    }

    pub(super) fn find(&self, folder: u64, find: &Find<'_>) -> Result<Found, StoreError> {
        let (search, place) = match self.searched(folder) {
            Some(_) => (true, self.well_known.get("inbox").copied().unwrap_or(folder)),
            None => (false, folder),
        };
        let node = self.node(place)?;
        let sorted = self.sorted(place, find.order);
        let mut found = Found { items: Vec::new(), total: 0, next: find.offset, last: true };
        if find.is_open() && !search {
            // Items outside the page need not be made: a deep page of a huge folder stays cheap.
            found.total = usize::try_from(node.total()).unwrap_or(usize::MAX);
            for number in sorted.skip(find.offset).take(find.limit) {
                found.items.push(self.item(number)?);
            }
        } else {
            for number in sorted {
                let item = self.item(number)?;
                if (search && item.read) || !find.matches(&item) {
                    continue;
                }
                if found.total >= find.offset && found.items.len() < find.limit {
                    found.items.push(item);
                }
                found.total += 1;
            }
        }
        found.next = find.offset.saturating_add(found.items.len());
        found.last = found.next >= found.total;
        Ok(found)
    }

    /// Numbers of a folder's items in an order.
    fn sorted(&self, folder: u64, order: Order) -> Box<dyn Iterator<Item = u64> + '_> {
        match order {
            Order::NewestFirst => Box::new(self.newest_first(folder, u64::MAX).map(|(_, number)| number)),
            Order::ReceivedAscending => Box::new(self.by_date(folder).into_iter()),
            Order::ReceivedDescending => Box::new(self.by_date(folder).into_iter().rev()),
            Order::SubjectAscending => Box::new(self.by_subject(folder).into_iter()),
            Order::SubjectDescending => Box::new(self.by_subject(folder).into_iter().rev()),
        }
    }

    /// Oldest first. Generated items are ordered by their ordinal already and their dates known without making them.
    fn by_date(&self, folder: u64) -> Vec<u64> {
        let Some(node) = self.folders.get(&folder) else { return Vec::new() };
        let date = |number: u64| match (self.items.get(&number), &node.batch) {
            (Some(stored), _) => stored.item.sort_date(),
            (None, Some(batch)) => batch.date((number & 0xff_ffff_ffff).saturating_sub(1)),
            (None, None) => DateTime::<Utc>::MIN_UTC,
        };
        let mut all: Vec<(DateTime<Utc>, u64, u64)> =
            self.newest_first(folder, u64::MAX).map(|(entry, number)| (date(number), entry, number)).collect();
        // Nearly sorted the other way round: cheap for the merge sort behind `sort`.
        all.reverse();
        all.sort();
        all.into_iter().map(|(_, _, number)| number).collect()
    }

    fn by_subject(&self, folder: u64) -> Vec<u64> {
        let mut all: Vec<(Option<String>, u64)> = self
            .newest_first(folder, u64::MAX)
            .filter_map(|(_, number)| self.item(number).ok().map(|item| (item.subject, number)))
            .collect();
        all.sort();
        all.into_iter().map(|(_, number)| number).collect()
    }
}
