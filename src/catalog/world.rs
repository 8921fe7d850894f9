//! A naive mailbox against the ledger: mail arrives, moves, is copied, read and deleted; folders are synced, listed anew after a dead cursor, read
//! through another interface with ids of another form, cut off by crashes at every step. Whatever happened, once all is synced each message in the mailbox has one key of its own that holds its content.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;

use super::{ground::Ground, suite::*};
use crate::{
    catalog::{Decision, Entry, Place, book::Book, row},
    mail::{Change, IdForm, ItemId, Key, Listed},
};

const FOLDERS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Arrive {
        folder: usize,
        draft: bool,
    },
    Move {
        nth: usize,
        folder: usize,
    },
    Copy {
        nth: usize,
        folder: usize,
    },
    Delete {
        nth: usize,
    },
    Toggle {
        nth: usize,
    },
    Sync {
        folder: usize,
        crash: Crash,
    },
    Resync {
        folder: usize,
    },
    /// After so many portions the program crashes and begins again.
    Switch {
        form: IdForm,
        crash: usize,
    },
    Rebuild,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Crash {
    No,
    BeforeCatalog,
    BeforeCursor,
}

/// Content tells messages apart; a copy has its original's.
#[derive(Clone, Debug, PartialEq)]
struct Mail {
    content: usize,
    folder: usize,
    read: bool,
    draft: bool,
}

type Seen = BTreeMap<String, bool>;

struct World {
    ground: Ground,
    book: Option<Book>,
    mails: BTreeMap<String, Mail>,
    ids: usize,
    form: IdForm,
    /// What each folder's cursor stands for: the items it had, and their read flags.
    cursors: [Option<Seen>; FOLDERS],
    sink: HashMap<Key, usize>,
    /// Keys in the catalog.
    committed: BTreeSet<Key>,
}

impl World {
    fn new() -> Self {
        let mut world = Self {
            ground: Ground::new(),
            book: None,
            mails: BTreeMap::new(),
            ids: 0,
            form: IdForm::Ews,
            cursors: Default::default(),
            sink: HashMap::new(),
            committed: BTreeSet::new(),
        };
        world.reopen();
        world
    }

    fn reopen(&mut self) {
        self.book = None;
        let mut book = self.ground.book();
        book.speaks(self.form);
        self.book = Some(book);
    }

    fn id(&mut self) -> String {
        self.ids += 1;
        format!("item {}", self.ids)
    }

    fn nth(&self, nth: usize) -> Option<String> {
        self.mails.keys().nth(nth % self.mails.len().max(1)).cloned()
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Arrive { folder, draft } => {
                let id = self.id();
                self.mails.insert(id, Mail { content: self.ids, folder, read: false, draft });
            }
            Step::Move { nth, folder } => {
                if let Some((old, mail)) = self.nth(nth).and_then(|id| self.mails.remove_entry(&id)) {
                    let id = if self.form == IdForm::GraphImmutable { old } else { self.id() };
                    self.mails.insert(id, Mail { folder, ..mail });
                }
            }
            Step::Copy { nth, folder } => {
                if let Some(mail) = self.nth(nth).map(|id| self.mails[&id].clone()) {
                    let id = self.id();
                    self.mails.insert(id, Mail { folder, ..mail });
                }
            }
            Step::Delete { nth } => {
                self.nth(nth).map(|id| self.mails.remove(&id));
            }
            Step::Toggle { nth } => {
                if let Some(mail) = self.nth(nth).and_then(|id| self.mails.get_mut(&id)) {
                    mail.read = !mail.read;
                }
            }
            Step::Sync { folder, crash } => self.sync(folder, crash),
            Step::Resync { folder } => {
                self.cursors[folder] = None;
                self.sync(folder, Crash::No);
            }
            Step::Switch { form, crash } => self.switch(form, crash),
            Step::Rebuild => {
                self.book = None;
                self.ground.lose_index();
                self.reopen();
            }
        }
    }

    fn listed(&self, id: &str) -> Listed {
        let mail = &self.mails[id];
        let flags = u32::from(mail.read) | if mail.draft { 8 } else { 0x40 };
        item(id, &mail.content.to_string(), flags)
    }

    /// What the interface lists. Graph tells little; what is unknown is described before it is decided on.
    fn shown(&mut self, id: &str) -> Listed {
        let listed = self.listed(id);
        if self.form == IdForm::Ews || self.book.as_mut().unwrap().knows(&[ItemId(id.to_owned())]).unwrap() != [true] {
            return listed;
        }
        let flags = listed.flags.map(|flags| flags & 0x9);
        Listed { received: listed.received, flags, ..Listed::bare(listed.id) }
    }

    /// Another interface, and new ids for all: what can be translated keeps its key, the rest has left until it is seen again.
    fn switch(&mut self, form: IdForm, crash: usize) {
        let old = std::mem::replace(&mut self.form, form);
        if form == old {
            return;
        }
        let renamed: BTreeMap<String, String> =
            self.mails.keys().cloned().collect::<Vec<_>>().into_iter().map(|id| (id, self.id())).collect();
        self.mails = std::mem::take(&mut self.mails).into_iter().map(|(id, mail)| (renamed[&id].clone(), mail)).collect();
        self.cursors = Default::default();
        self.reopen();
        let mut portions = 0;
        for sweeping in [false, true] {
            let mut place = Place::default();
            loop {
                let residents = self.book.as_mut().unwrap().foreign(place, 3).unwrap();
                let Some(last) = residents.last() else { break };
                place = last.place;
                for resident in residents {
                    // EWS translates nothing.
                    let new = renamed.get(&resident.listed.id.0).filter(|_| form != IdForm::Ews);
                    let entry = match new {
                        Some(id) => Entry::Readdressed { key: resident.key, id: ItemId(id.clone()) },
                        None if sweeping => Entry::Deleted { key: resident.key, id: resident.listed.id },
                        None => continue,
                    };
                    assert_eq!(self.book.as_mut().unwrap().commit(&folder(&resident.folder.0), &[entry]).unwrap(), 1);
                }
                portions += 1;
                if portions == crash {
                    self.reopen();
                    place = Place::default();
                }
            }
        }
        assert_eq!(self.book.as_mut().unwrap().residents().unwrap().foreign, 0);
    }

    fn sync(&mut self, at: usize, crash: Crash) {
        let now: Seen = self.mails.iter().filter(|(_, mail)| mail.folder == at).map(|(id, mail)| (id.clone(), mail.read)).collect();
        let place = folder(&at.to_string());
        let before = self.cursors[at].clone();
        let before_or_none = before.clone().unwrap_or_default();
        let mut changes: Vec<Change> = Vec::new();
        for (id, read) in &now {
            match before_or_none.get(id) {
                None => changes.push(Change::Created(self.shown(id))),
                Some(was) if was != read => changes.push(Change::ReadChanged { id: ItemId(id.clone()), read: *read }),
                Some(_) => {}
            }
        }
        changes.extend(before_or_none.keys().filter(|id| !now.contains_key(*id)).map(|id| Change::Deleted(ItemId(id.clone()))));
        let mut book = self.book.take().unwrap();
        if before.is_none() {
            book.walk_begins(&place.id, false).unwrap();
        }
        for page in changes.chunks(2) {
            let decisions = book.identify(&place.id, page).unwrap();
            let entries: Vec<Entry> = decisions.into_iter().filter_map(|decision| self.act(decision)).collect();
            if crash == Crash::BeforeCatalog {
                drop(book);
                return self.reopen();
            }
            self.committed
                .extend(entries.iter().filter_map(|entry| if let Entry::Stored { key, .. } = entry { Some(key.clone()) } else { None }));
            book.commit(&place, &entries).unwrap();
        }
        if crash == Crash::BeforeCursor {
            drop(book);
            return self.reopen();
        }
        if before.is_none() {
            loop {
                let left = book.walk_ended(&place.id).unwrap().gone;
                if left.is_empty() {
                    break;
                }
                book.commit(&place, &left).unwrap();
            }
        }
        self.cursors[at] = Some(now);
        self.book = Some(book);
    }

    fn act(&mut self, decision: Decision) -> Option<Entry> {
        match decision {
            Decision::Fetch { listed, key } => Some(self.fetch(&listed, key)),
            Decision::Resembles { listed, key, old, fresh } => {
                let still = self.mails.contains_key(&old.0);
                Some(if still { self.fetch(&listed, fresh) } else { Entry::Moved { key, listed } })
            }
            Decision::Record(entry) => Some(entry),
            Decision::Refresh { .. } | Decision::Known | Decision::Nothing => None,
        }
    }

    fn fetch(&mut self, listed: &Listed, key: Key) -> Entry {
        let content = self.mails[&listed.id.0].content;
        let old = self.sink.insert(key.clone(), content);
        assert!(!self.committed.contains(&key) || old == Some(content), "{key} was overwritten by another message");
        stored(&key, listed)
    }

    /// Syncs all, then compares the ledger with the mailbox.
    fn settle(&mut self) {
        for _ in 0..2 {
            (0..FOLDERS).for_each(|folder| self.sync(folder, Crash::No));
        }
        // An item written to the catalog and deleted before the cursor was, is in no later difference; only a listing from the start misses it.
        (0..FOLDERS).for_each(|folder| self.step(&Step::Resync { folder }));
        let book = self.book.as_mut().unwrap();
        let live = book.live_rows();
        let known: BTreeMap<_, _> = live.iter().map(|row| (row.item.0.clone(), row)).collect();
        assert_eq!(live.len(), known.len(), "an item has two keys");
        assert_eq!(known.keys().collect::<Vec<_>>(), self.mails.keys().collect::<Vec<_>>(), "the ledger's items are not the mailbox's");
        for (id, mail) in &self.mails {
            assert!(known[id].stored);
            assert_eq!(self.sink.get(&row::key(&known[id].name)), Some(&mail.content), "{id} has another's content");
            assert_eq!(known[id].read, Some(mail.read), "{id}");
        }
        let totals = book.totals().unwrap();
        assert_eq!(totals.messages, self.committed.len() as u64);
        self.step(&Step::Rebuild);
        let book = self.book.as_mut().unwrap();
        let mut rebuilt = book.live_rows();
        // The marks of past walks are told by no line, and mean nothing any more.
        let strip = |row: &row::Row| row::Row { seen: 0, folder: 0, ..row.clone() };
        let order = |rows: Vec<row::Row>| rows.iter().map(strip).map(|row| (row.name, row)).collect::<BTreeMap<_, _>>();
        assert_eq!(order(std::mem::take(&mut rebuilt)), order(live));
        assert_eq!(book.totals().unwrap(), totals);
    }
}

fn steps(copies: bool) -> impl Strategy<Value = Vec<Step>> {
    let folder = 0..FOLDERS;
    let crash = prop_oneof![3 => Just(Crash::No), 1 => Just(Crash::BeforeCatalog), 1 => Just(Crash::BeforeCursor)];
    let sync = (folder.clone(), crash).prop_map(|(folder, crash)| Step::Sync { folder, crash });
    let form = prop_oneof![Just(IdForm::Ews), Just(IdForm::GraphImmutable), Just(IdForm::GraphRest)];
    let step = prop_oneof![
        3 => (folder.clone(), prop::bool::weighted(0.1)).prop_map(|(folder, draft)| Step::Arrive { folder, draft }),
        4 => (any::<usize>(), folder.clone()).prop_map(|(nth, folder)| Step::Move { nth, folder }),
        3 => (any::<usize>(), folder.clone())
            .prop_map(move |(nth, folder)| if copies { Step::Copy { nth, folder } } else { Step::Move { nth, folder } }),
        1 => any::<usize>().prop_map(|nth| Step::Delete { nth }),
        1 => any::<usize>().prop_map(|nth| Step::Toggle { nth }),
        6 => sync,
        1 => folder.prop_map(|folder| Step::Resync { folder }),
        1 => (form, 0..4_usize).prop_map(|(form, crash)| Step::Switch { form, crash }),
        1 => Just(Step::Rebuild),
    ];
    prop::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_no_key_is_shared(steps in steps(true)) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step));
        world.settle();
    }

    #[test]
    fn without_copies_nothing_is_stored_twice(steps in steps(false)) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.step(step));
        world.settle();
        let contents: BTreeSet<_> = world.sink.values().collect();
        prop_assert_eq!(contents.len(), world.sink.len());
    }
}
