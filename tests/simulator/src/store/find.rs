//! Items of a folder as a sorted, filtered, paged list.

use std::fmt;

use chrono::{DateTime, Utc};

use super::contents::generated_number;
use super::error::StoreError;
use super::folder::FolderKind;
use super::item::Item;
use super::tree::{Inner, Node, ORDINAL_BITS};

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

    fn admits_date(&self, received: Option<DateTime<Utc>>) -> bool {
        let late = self.received_from.is_none_or(|from| received.is_some_and(|at| at >= from));
        let early = self.received_before.is_none_or(|before| received.is_some_and(|at| at < before));
        late && early
    }

    fn matches(&self, item: &Item) -> bool {
        self.admits_date(item.received) && self.filter.is_none_or(|filter| filter(item))
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
                let known = self.known_received(node, number);
                if known.is_some_and(|received| !find.admits_date(received)) {
                    continue;
                }
                let on_page = found.total >= find.offset && found.items.len() < find.limit;
                if known.is_some() && !search && find.filter.is_none() && !on_page {
                    found.total += 1;
                    continue;
                }
                let item = self.item(number)?;
                if (search && item.read) || !find.matches(&item) {
                    continue;
                }
                if on_page {
                    found.items.push(item);
                }
                found.total += 1;
            }
        }
        found.next = find.offset.saturating_add(found.items.len());
        found.last = found.next >= found.total;
        Ok(found)
    }

    /// When an item was received, where that is known without making it.
    fn known_received(&self, node: &Node, number: u64) -> Option<Option<DateTime<Utc>>> {
        match self.items.get(&number) {
            Some(stored) => Some(stored.item.received),
            None => node.batch.as_ref()?.received(ordinal(number)),
        }
    }

    /// Numbers of a folder's items in an order.
    fn sorted(&self, folder: u64, order: Order) -> Box<dyn Iterator<Item = u64> + '_> {
        match order {
            Order::NewestFirst => Box::new(self.newest_first(folder, u64::MAX).map(|(_, number)| number)),
            Order::ReceivedAscending => self.by_date(folder, false),
            Order::ReceivedDescending => self.by_date(folder, true),
            Order::SubjectAscending => Box::new(self.by_subject(folder).into_iter()),
            Order::SubjectDescending => Box::new(self.by_subject(folder).into_iter().rev()),
        }
    }

    /// By date. Generated items are in that order by their ordinals already, so only the others are sorted, and both merged as they are
    /// asked for.
    fn by_date(&self, folder: u64, newest_first: bool) -> Box<dyn Iterator<Item = u64> + '_> {
        let Some(node) = self.folders.get(&folder) else { return Box::new(std::iter::empty()) };
        let stored = |number: &u64| self.items.get(number).map_or(DateTime::<Utc>::MIN_UTC, |stored| stored.item.sort_date());
        let mut others: Vec<(DateTime<Utc>, u64)> = node.extras.values().map(|number| (stored(number), *number)).collect();
        others.sort();
        let made =
            (0..node.generated()).filter(|ordinal| !node.gone.contains(ordinal)).map(move |ordinal| generated_number(folder, ordinal));
        let made_date = |number: u64| node.batch.as_ref().map_or(DateTime::<Utc>::MIN_UTC, |batch| batch.date(ordinal(number)));
        if newest_first {
            Box::new(merge(made.rev(), others.into_iter().rev(), move |number, date| made_date(number) > date))
        } else {
            Box::new(merge(made, others.into_iter(), move |number, date| made_date(number) <= date))
        }
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

/// The ordinal of a generated item.
fn ordinal(number: u64) -> u64 {
    (number & ((1 << ORDINAL_BITS) - 1)).saturating_sub(1)
}

/// Two sorted sequences as one; `first` says whether the generated item goes before the other one's date.
fn merge(
    made: impl Iterator<Item = u64>,
    others: impl Iterator<Item = (DateTime<Utc>, u64)>,
    first: impl Fn(u64, DateTime<Utc>) -> bool,
) -> impl Iterator<Item = u64> {
    let (mut made, mut others) = (made.peekable(), others.peekable());
    std::iter::from_fn(move || match (made.peek(), others.peek()) {
        (Some(number), Some((date, _))) if first(*number, *date) => made.next(),
        (_, Some(_)) => others.next().map(|(_, number)| number),
        (_, None) => made.next(),
    })
}
