//! Which listed item is which known message: decisions over look-ups, with nothing written.
//!
//! Exchange gives an item a new id whenever it moves, so the id alone would store every moved message again. PidTagSearchKey (MS-OXPROPS) stays
//! with a message for life, but its copies share it, and so do the two halves of a mail sent to oneself. So an unknown item is taken for a known
//! message only where search key, second of receipt, class, author and state of writing agree *and* the known message's own item is gone.
//!
//! A key is a digest of the mailbox and of the search key with what sets copies and the two halves of a mail to oneself apart: when the item was
//! created, and whether the owner wrote it. Where another message has that key already, and where there is no search key, it is a digest of the item
//! id. It is drawn from what lasts rather than at random because a file is durable before the catalog's line of it: after a crash in between, the
//! message gets the same key again, even if it was moved meanwhile, and the file is replaced instead of being stored a second time. Where no catalog
//! outlives the process that is all that keeps messages apart.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::{
    Decision, Entry,
    claims::Claims,
    row::{Name, Row, State, key},
};
use crate::mail::{Address, Change, ItemId, Listed};

/// What a decision asks of the index.
pub(super) trait Known {
    /// Why a look-up fails.
    type Error;
    /// The message whose current item this is.
    fn by_item(&mut self, id: &ItemId) -> Result<Option<Row>, Self::Error>;
    /// The message of this key.
    fn by_name(&mut self, name: &Name) -> Result<Option<Row>, Self::Error>;
    /// Stored messages with this search key, received in this second; deleted ones first.
    fn alike(&mut self, search_key: &[u8], received: Option<i64>) -> Result<Vec<Row>, Self::Error>;
    /// A walk saw this message.
    fn seen(&mut self, row: &Row) -> Result<(), Self::Error>;
}

/// One page of one folder being decided.
pub(super) struct Page<'a, K> {
    known: &'a mut K,
    claims: &'a mut Claims,
    mailbox: &'a Address,
    /// The folder's number.
    here: i64,
    /// Items with a decision that will place them here.
    arriving: HashSet<ItemId>,
    /// Items whose departure is on this page.
    leaving: HashSet<ItemId>,
    /// Items whose properties are to be looked up.
    refreshing: HashSet<ItemId>,
}

impl<'a, K: Known> Page<'a, K> {
    pub(super) fn new(known: &'a mut K, claims: &'a mut Claims, mailbox: &'a Address, here: i64) -> Self {
        Self { known, claims, mailbox, here, arriving: HashSet::new(), leaving: HashSet::new(), refreshing: HashSet::new() }
    }

    /// What a change means.
    pub(super) fn decide(&mut self, change: &Change) -> Result<Decision, K::Error> {
        match change {
            Change::Created(listed) => self.listed(listed, false),
            Change::Updated(listed) => self.listed(listed, true),
            Change::ReadChanged { id, read } => self.read_changed(id, *read),
            Change::Deleted(id) => self.deleted(id),
        }
    }

    fn listed(&mut self, listed: &Listed, updated: bool) -> Result<Decision, K::Error> {
        if self.arriving.contains(&listed.id) {
            return Ok(Decision::Nothing);
        }
        let Some(row) = self.known.by_item(&listed.id)? else { return self.unknown(listed) };
        if !row.stored || row.state == State::Quarantined {
            self.known.seen(&row)?;
            return self.fetch_as(row.name, listed);
        }
        if self.elsewhere(&row) {
            return if unfinished(&row, listed) { self.fetch_as(row.name, listed) } else { Ok(self.moved(&row, listed)) };
        }
        self.known.seen(&row)?;
        // Only its size tells whether a draft that is merely listed again was written on. One whose size was never known is fetched once more: with
        // it comes the size.
        let rewritten = updated || finished(&row, listed) || (listed.size.is_some() && row.size != listed.size);
        if unfinished(&row, listed) && rewritten {
            return self.fetch_as(row.name, listed);
        }
        let read = listed.read().filter(|read| row.read != Some(*read));
        Ok(match read {
            Some(read) if !updated || (listed.size.is_some() && facts_agree(&row, listed)) => {
                Decision::Record(Entry::Read { key: key(&row.name), id: row.item, read })
            }
            _ if updated && self.refreshing.insert(listed.id.clone()) => Decision::Refresh { listed: listed.clone(), key: key(&row.name) },
            _ if updated => Decision::Nothing,
            _ => Decision::Known,
        })
    }

    fn read_changed(&mut self, id: &ItemId, read: bool) -> Result<Decision, K::Error> {
        let Some(row) = self.known.by_item(id)? else {
            return match self.claims.of(id) {
                // On its way into the catalog: its line comes first, and this one is left out where it tells nothing new.
                Some(name) => Ok(Decision::Record(Entry::Read { key: key(&name), id: id.clone(), read })),
                // Never seen, yet there: it must not be missed for that.
                None => self.unknown(&Listed::bare(id.clone())),
            };
        };
        if row.state == State::Quarantined {
            self.known.seen(&row)?;
            return Ok(Decision::Nothing);
        }
        if self.arriving.contains(id) {
            return Ok(Decision::Record(Entry::Read { key: key(&row.name), id: row.item, read }));
        }
        if !row.stored {
            return self.fetch_as(row.name, &row.listed());
        }
        if self.elsewhere(&row) {
            let listed = row.listed();
            return Ok(self.moved(&row, &listed));
        }
        self.known.seen(&row)?;
        Ok(if row.read == Some(read) { Decision::Known } else { Decision::Record(Entry::Read { key: key(&row.name), id: row.item, read }) })
    }

    fn deleted(&mut self, id: &ItemId) -> Result<Decision, K::Error> {
        let name = match self.known.by_item(id)? {
            Some(row) if row.folder == self.here && row.present() => Some(row.name),
            _ if self.arriving.contains(id) => self.claims.of(id),
            Some(_) => None,
            // Perhaps on its way into the catalog from an earlier page.
            None => self.claims.of(id),
        };
        let Some(name) = name else { return Ok(Decision::Nothing) };
        self.arriving.remove(id);
        self.leaving.insert(id.clone());
        Ok(Decision::Record(Entry::Deleted { key: key(&name), id: id.clone() }))
    }

    fn elsewhere(&self, row: &Row) -> bool {
        !row.present() || row.folder != self.here || self.leaving.contains(&row.item)
    }

    fn unknown(&mut self, listed: &Listed) -> Result<Decision, K::Error> {
        let Some(row) = self.resembled(listed)? else {
            let name = self.mint(listed)?;
            return self.fetch_as(name, listed);
        };
        if row.state == State::Deleted {
            return if unfinished(&row, listed) { self.fetch_as(row.name, listed) } else { Ok(self.moved(&row, listed)) };
        }
        let fresh = self.mint(listed)?;
        self.claims.hold(fresh, &listed.id);
        self.claims.hold(row.name, &listed.id);
        self.arriving.insert(listed.id.clone());
        Ok(Decision::Resembles { listed: listed.clone(), key: key(&row.name), old: row.item, fresh: key(&fresh) })
    }

    /// The known message that an unknown item may be. A message that another item in flight is taken for is none any more.
    fn resembled(&mut self, listed: &Listed) -> Result<Option<Row>, K::Error> {
        let Some(search_key) = &listed.search_key else { return Ok(None) };
        let alike = self.known.alike(search_key, listed.received.map(|at| at.timestamp()))?;
        let may = |row: &Row| row.stored && row.item != listed.id && same_kind(row, listed) && self.claims.free(&row.name, &listed.id);
        Ok(alike.into_iter().filter(may).min_by_key(|row| row.state != State::Deleted))
    }

    fn moved(&mut self, row: &Row, listed: &Listed) -> Decision {
        self.claims.hold(row.name, &listed.id);
        self.arriving.insert(listed.id.clone());
        Decision::Record(Entry::Moved { key: key(&row.name), listed: listed.clone() })
    }

    /// To be fetched under this key, or, should another item in flight have it, under a new one.
    fn fetch_as(&mut self, name: Name, listed: &Listed) -> Result<Decision, K::Error> {
        let name = if self.claims.free(&name, &listed.id) { name } else { self.mint(listed)? };
        self.claims.hold(name, &listed.id);
        self.arriving.insert(listed.id.clone());
        Ok(Decision::Fetch { listed: listed.clone(), key: key(&name) })
    }

    fn mint(&mut self, listed: &Listed) -> Result<Name, K::Error> {
        if let Some(lasting) = lasting(listed) {
            let name = digest(self.mailbox, 0, &lasting);
            if self.vacant(&name, &listed.id)? {
                return Ok(name);
            }
        }
        let mut attempt = 1;
        loop {
            let name = digest(self.mailbox, attempt, listed.id.0.as_bytes());
            if self.vacant(&name, &listed.id)? {
                return Ok(name);
            }
            attempt += 1;
        }
    }

    /// Whether a key is no other message's. One whose message left before anything was stored is free again: as a rule the message that now asks
    /// for it is that very one, moved between listing and fetch.
    fn vacant(&mut self, name: &Name, id: &ItemId) -> Result<bool, K::Error> {
        if !self.claims.free(name, id) {
            return Ok(false);
        }
        Ok(self.known.by_name(name)?.is_none_or(|row| !row.stored && !row.present()))
    }
}

/// What stays with a message when it moves, and differs from those that share its search key.
fn lasting(listed: &Listed) -> Option<Vec<u8>> {
    let mut lasting = listed.search_key.clone()?;
    // Exchange may tell whole seconds only. A draft is of the owner's writing, whatever its flags say yet.
    lasting.extend(listed.created.map_or(i64::MIN, |at| at.timestamp()).to_be_bytes());
    lasting.push(u8::from(listed.from_me() == Some(true) || listed.draft() == Some(true)));
    Some(lasting)
}

/// `kind` keeps digests of search keys and of item ids apart.
fn digest(mailbox: &Address, kind: u64, bytes: &[u8]) -> Name {
    let mut digest = Sha256::new();
    digest.update(mailbox.as_str());
    match u8::try_from(kind) {
        Ok(kind) => digest.update([0, kind]),
        Err(_) => digest.update([&[0, 0xff][..], &kind.to_be_bytes()].concat()),
    }
    digest.update(bytes);
    let mut name = Name::default();
    name.iter_mut().zip(digest.finalize()).for_each(|(to, from)| *to = from);
    name
}

/// Whether class, author and state of writing agree: what shares a search key and differs in these is another message.
pub(super) fn same_kind(row: &Row, listed: &Listed) -> bool {
    agree(row.class.as_ref(), listed.class.as_ref()) && agree(row.authored(), listed.from_me()) && agree(row.draft(), listed.draft())
}

/// Whether two facts agree as far as both are known.
fn agree<T: PartialEq>(a: Option<T>, b: Option<T>) -> bool {
    a.is_none() || b.is_none() || a == b
}

/// Whether the content may differ from what is stored: a draft, or one that was a draft.
fn unfinished(row: &Row, listed: &Listed) -> bool {
    listed.draft() == Some(true) || finished(row, listed)
}

fn finished(row: &Row, listed: &Listed) -> bool {
    row.draft() == Some(true) && listed.draft() == Some(false)
}

/// Whether all that the listing tells, but for the read flag, is known already. A listing without a size tells too little to say so.
fn facts_agree(row: &Row, listed: &Listed) -> bool {
    agree(row.size, listed.size)
        && agree(row.class.as_ref(), listed.class.as_ref())
        && agree(row.received, listed.received.map(|at| at.timestamp()))
}
