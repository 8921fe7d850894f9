//! Items of one folder or of many by date, a page at a time, without making what is not on the page.
//!
//! Generated items lie in the order of their dates, so a range of dates is found by bisection, and skipped items are only counted.

use std::fmt;
use std::iter::Peekable;

use chrono::{DateTime, Utc};

use super::contents::generated_number;
use super::error::StoreError;
use super::ids::FolderId;
use super::item::Item;
use super::mailbox::{self, Mailbox};
use super::tree::{Inner, Node};

/// By which date. An item never received counts as received when it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Date {
    /// Received.
    #[default]
    Received,
    /// Made in this mailbox.
    Created,
    /// Last written.
    Modified,
}

impl Date {
    /// This date of an item.
    pub fn of(self, item: &Item) -> DateTime<Utc> {
        match self {
            Self::Received => item.sort_date(),
            Self::Created => item.created,
            Self::Modified => item.modified,
        }
    }
}

/// What to list.
#[derive(Default)]
pub struct Listing<'a> {
    /// The date of the order and of the range.
    pub by: Date,
    /// The latest first, else the oldest.
    pub newest_first: bool,
    /// At or after.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub before: Option<DateTime<Utc>>,
    /// Matching items to leave out at the beginning.
    pub skip: usize,
    /// The most items to give.
    pub limit: usize,
    /// Whether to count all that match.
    pub count: bool,
    /// The classes of item wanted; all when absent.
    pub class: Option<fn(&str) -> bool>,
    /// Any further condition. It runs under the lock: it must not call the store.
    pub filter: Option<&'a dyn Fn(&Item) -> bool>,
}

impl fmt::Debug for Listing<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Listing({:?}, {}+{})", self.by, self.skip, self.limit)
    }
}

/// A page.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The items.
    pub items: Vec<Item>,
    /// Whether more come after.
    pub more: bool,
    /// How many match in all, where that was asked.
    pub total: Option<usize>,
}

/// One candidate: its date, its number, and whether it must be made to know if it matches.
type Candidate = (DateTime<Utc>, u64, bool);

impl Inner {
    fn candidates<'s>(&'s self, folder: u64, listing: &Listing<'_>) -> Box<dyn Iterator<Item = Candidate> + 's> {
        let Some(node) = self.folders.get(&folder) else { return Box::new(std::iter::empty()) };
        let (by, class, unsure) = (listing.by, listing.class, listing.filter.is_some());
        let (from, before) = (listing.from, listing.before);
        let inside = move |date: DateTime<Utc>| from.is_none_or(|from| date >= from) && before.is_none_or(|before| date < before);
        let candidate = move |item: &Item| {
            let date = by.of(item);
            (inside(date) && class.is_none_or(|class| class(&item.class))).then_some((date, item.id.number, unsure))
        };
        // A write changes one date alone; written items then stand apart from the generated ones.
        let moved = by == Date::Modified;
        let mut others: Vec<Candidate> = if moved {
            self.items.values().filter(|stored| stored.item.folder.number == folder).filter_map(|stored| candidate(&stored.item)).collect()
        } else {
            node.extras.values().filter_map(|number| self.items.get(number)).filter_map(|stored| candidate(&stored.item)).collect()
        };
        others.sort_unstable_by_key(|(date, number, _)| (*date, *number));
        let Some(batch) = &node.batch else {
            return if listing.newest_first { Box::new(others.into_iter().rev()) } else { Box::new(others.into_iter()) };
        };
        let unclear = unsure || class.is_some_and(|class| !batch.kinds.iter().all(|(kind, _)| class(kind.class())));
        let range = from.map_or(0, |from| node.first_since(from))..before.map_or(batch.count, |before| node.first_since(before));
        let made = range
            .filter(|ordinal| !node.gone.contains(ordinal))
            .map(move |ordinal| (batch.date(ordinal), generated_number(folder, ordinal), unclear))
            .filter(move |(_, number, _)| !moved || !self.items.contains_key(number));
        if listing.newest_first {
            Box::new(merge(vec![boxed(made.rev()), boxed(others.into_iter().rev())], true))
        } else {
            Box::new(merge(vec![boxed(made), boxed(others.into_iter())], false))
        }
    }

    pub(super) fn list(&self, folders: &[u64], listing: &Listing<'_>) -> Result<Listed, StoreError> {
        let mut candidates = match folders {
            [one] => self.candidates(*one, listing),
            many => Box::new(merge(many.iter().map(|folder| self.candidates(*folder, listing)).collect(), listing.newest_first)),
        };
        let (mut items, mut matched, mut more) = (Vec::new(), 0usize, false);
        for (_, number, unclear) in &mut candidates {
            let place = matched;
            let on_page = place >= listing.skip && items.len() < listing.limit;
            if unclear || on_page {
                let item = self.item(number)?;
                let wanted = listing.class.is_none_or(|class| class(&item.class)) && listing.filter.is_none_or(|filter| filter(&item));
                if !wanted {
                    continue;
                }
                if on_page {
                    items.push(item);
                }
            }
            matched += 1;
            if place >= listing.skip && !on_page {
                more = true;
                if !listing.count {
                    break;
                }
            }
        }
        Ok(Listed { items, more, total: listing.count.then_some(matched) })
    }
}

impl Node {
    /// The ordinal of the first generated item of this date or later; the number of generated items where there is none.
    pub(super) fn first_since(&self, date: DateTime<Utc>) -> u64 {
        let Some(batch) = &self.batch else { return 0 };
        let (mut low, mut high) = (0, batch.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if batch.date(middle) < date {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

impl Mailbox {
    /// A page of the items of these folders. Folders that are gone have none.
    ///
    /// # Errors
    /// [`StoreError::FolderNotFound`] for a single folder that is gone.
    pub fn list(&self, folders: &[FolderId], listing: &Listing<'_>) -> Result<Listed, StoreError> {
        let state = self.lock();
        let numbers: Vec<u64> = match folders {
            [one] => vec![mailbox::valid(&state, *one)?],
            many => many.iter().filter_map(|id| mailbox::valid(&state, *id).ok()).collect(),
        };
        // A search folder shows the unread items of the inbox.
        match numbers.as_slice() {
            [one] if state.searched(*one).is_some() => {
                let inbox = state.well_known.get("inbox").copied().unwrap_or(*one);
                let unread = |item: &Item| !item.read && listing.filter.is_none_or(|filter| filter(item));
                state.list(&[inbox], &Listing { filter: Some(&unread), ..*listing })
            }
            numbers => state.list(numbers, listing),
        }
    }

    /// How many generated items of a folder lie before a date: its history's entries up to this number are all older.
    ///
    /// # Errors
    /// [`StoreError::FolderNotFound`].
    pub fn entries_before(&self, folder: FolderId, date: DateTime<Utc>) -> Result<u64, StoreError> {
        let state = self.lock();
        let number = mailbox::valid(&state, folder)?;
        Ok(state.node(number)?.first_since(date))
    }
}

fn boxed<'a>(iterator: impl Iterator<Item = Candidate> + 'a) -> Box<dyn Iterator<Item = Candidate> + 'a> {
    Box::new(iterator)
}

/// Sorted sequences as one.
fn merge<'a>(parts: Vec<Box<dyn Iterator<Item = Candidate> + 'a>>, newest_first: bool) -> impl Iterator<Item = Candidate> + 'a {
    let mut parts: Vec<Peekable<_>> = parts.into_iter().map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        let heads = parts.iter_mut().enumerate().filter_map(|(at, part)| part.peek().map(|(date, number, _)| ((*date, *number), at)));
        let next = if newest_first { heads.max() } else { heads.min() };
        parts.get_mut(next?.1)?.next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{Batch, Kind, Rng, Role};
    use crate::store::{Address, DeleteHow, ItemUpdate, NewItem};
    use chrono::TimeDelta;

    const MAIL: fn(&str) -> bool = |class| class == "IPM.Note";

    /// A mailbox whose inbox and drafts hold generated items, own ones of any date, written ones, and gaps.
    fn mailbox(rng: &mut Rng) -> Mailbox {
        let born = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let mailbox = Mailbox::new(7, "alice@example.com", "Alice", Vec::new(), born);
        let folders = ["inbox", "drafts"].map(|name| mailbox.root_folder(name).unwrap());
        let batch = Batch {
            seed: 3,
            count: 40,
            owner: Address { name: None, email: Some("alice@example.com".into()) },
            role: Role::Received,
            from: born,
            to: born + TimeDelta::days(40),
            sizes: Vec::new(),
            big: Vec::new(),
            kinds: vec![(Kind::Text, 3), (Kind::Contact, 1)],
            unread_percent: 25,
        };
        mailbox.fill(folders[0], batch).unwrap();
        for number in 0..30 {
            let date = born + TimeDelta::seconds(i64::try_from(rng.below(4_000_000)).unwrap());
            let new = NewItem { received: Some(date), ..NewItem::from_mime(format!("Subject: {number}\r\n\r\n").into()) };
            mailbox.create_item(folders[number % 2], new).unwrap();
        }
        for _ in 0..30 {
            let (from, to) = if rng.chance(50) { (folders[0], folders[1]) } else { (folders[1], folders[0]) };
            let all = mailbox.find(from, &crate::store::Find { limit: 100, ..Default::default() }).unwrap().items;
            let Some(item) = all.get(rng.below(all.len() as u64) as usize) else { continue };
            match rng.below(3) {
                0 => drop(mailbox.move_item(item.id, to).unwrap()),
                1 => drop(mailbox.update_item(item.id, &ItemUpdate { read: Some(!item.read), ..Default::default() }).unwrap()),
                _ => mailbox.delete_item(item.id, DeleteHow::Hard).unwrap(),
            }
        }
        mailbox
    }

    #[test]
    fn a_page_is_what_sorting_everything_would_give() {
        let mut rng = Rng::of(&[11]);
        let mailbox = mailbox(&mut rng);
        let folders = ["inbox", "drafts"].map(|name| mailbox.root_folder(name).unwrap());
        for round in 0..600u64 {
            let here: &[FolderId] = match round % 3 {
                0 => &folders[..1],
                1 => &folders[1..],
                _ => &folders,
            };
            let all = crate::store::Find { limit: 1000, ..Default::default() };
            let mut items: Vec<Item> = here.iter().flat_map(|folder| mailbox.find(*folder, &all).unwrap().items).collect();
            let by = [Date::Received, Date::Created, Date::Modified][(round / 3 % 3) as usize];
            let bound = |rng: &mut Rng| rng.chance(60).then(|| by.of(&items[rng.below(items.len() as u64) as usize]));
            let (from, before) = (bound(&mut rng), bound(&mut rng));
            let unread = |item: &Item| !item.read;
            let listing = Listing {
                by,
                newest_first: rng.chance(50),
                from,
                before,
                skip: rng.below(8) as usize,
                limit: rng.below(60) as usize,
                count: rng.chance(50),
                class: rng.chance(50).then_some(MAIL),
                filter: rng.chance(30).then_some(&unread),
            };
            items.retain(|item| {
                let date = by.of(item);
                let inside = from.is_none_or(|from| date >= from) && before.is_none_or(|before| date < before);
                inside && listing.class.is_none_or(|class| class(&item.class)) && listing.filter.is_none_or(|filter| filter(item))
            });
            items.sort_by_key(|item| (by.of(item), item.id.number));
            if listing.newest_first {
                items.reverse();
            }
            let ids = |items: &[Item]| items.iter().map(|item| item.id).collect::<Vec<_>>();
            let found = mailbox.list(here, &listing).unwrap();
            let end = (listing.skip + listing.limit).min(items.len());
            assert_eq!(ids(&found.items), ids(items.get(listing.skip.min(end)..end).unwrap()), "{round}: {listing:?}");
            assert_eq!(found.more, end < items.len() && listing.skip < items.len(), "{round}: {listing:?}");
            assert_eq!(found.total, listing.count.then_some(items.len()));
        }
    }
}
