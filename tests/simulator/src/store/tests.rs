use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::*;
use crate::content::{Batch, Rng, Role};

fn born() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn mailbox() -> Mailbox {
    Mailbox::new(7, "alice@example.com", "Alice", vec!["al@example.com".into()], born())
}

fn batch(count: u64) -> Batch {
    Batch {
        seed: 3,
        count,
        owner: Address { name: None, email: Some("alice@example.com".into()) },
        role: Role::Received,
        from: born(),
        to: born() + chrono::TimeDelta::days(600),
        sizes: Vec::new(),
        big: Vec::new(),
        kinds: Vec::new(),
        unread_percent: 25,
    }
}

fn inbox(mailbox: &Mailbox) -> FolderId {
    mailbox.root_folder("inbox").unwrap()
}

fn mail(subject: &str) -> NewItem {
    NewItem::from_mime(Bytes::from(format!("Subject: {subject}\r\nMessage-ID: <{subject}@example.com>\r\n\r\nhello\r\n")))
}

/// A client that believes what it is told.
#[derive(Default)]
struct Client {
    position: Option<Position>,
    items: BTreeMap<ItemId, (bool, u64)>,
}

impl Client {
    fn page(&mut self, mailbox: &Mailbox, folder: FolderId, limit: usize) -> bool {
        let page = mailbox.changes(folder, self.position, limit).unwrap();
        assert!(page.changes.len() <= limit);
        for change in page.changes {
            match change {
                Change::Create(item) => assert!(self.items.insert(item.id, (item.read, item.change)).is_none(), "created twice"),
                Change::Update(item) => {
                    self.items.insert(item.id, (item.read, item.change)).expect("update of an unknown item");
                }
                Change::ReadFlag(id, read) => {
                    let change = mailbox.item(id).map_or(0, |item| item.change);
                    self.items.insert(id, (read, change)).expect("read flag of an unknown item");
                }
                Change::Delete(id) => {
                    self.items.remove(&id);
                }
            }
        }
        self.position = Position::from_bytes(&page.next.to_bytes());
        page.last
    }

    fn catch_up(&mut self, mailbox: &Mailbox, folder: FolderId, limit: usize) {
        while !self.page(mailbox, folder, limit) {}
    }
}

fn truth(mailbox: &Mailbox, folder: FolderId) -> BTreeMap<ItemId, (bool, u64)> {
    let found = mailbox.find(folder, &Find { limit: usize::MAX, ..Find::default() }).unwrap();
    found.items.into_iter().map(|item| (item.id, (item.read, item.change))).collect()
}

/// One write at random.
fn disturb(mailbox: &Mailbox, folder: FolderId, rng: &mut Rng) {
    let items = mailbox.find(folder, &Find { limit: usize::MAX, ..Find::default() }).unwrap().items;
    let other = mailbox.root_folder("drafts").unwrap();
    let item = rng.pick(&items).map(|item| item.id);
    match (rng.below(7), item) {
        (0 | 1, _) | (_, None) => drop(mailbox.create_item(folder, mail("new")).unwrap()),
        (2, Some(id)) => drop(mailbox.move_item(id, other).unwrap()),
        (3, Some(id)) => mailbox.delete_item(id, DeleteHow::Hard).unwrap(),
        (4, Some(id)) => drop(mailbox.update_item(id, &ItemUpdate { read: Some(rng.chance(50)), ..ItemUpdate::default() }).unwrap()),
        (5, Some(id)) => {
            drop(mailbox.update_item(id, &ItemUpdate { categories: Some(vec!["x".into()]), ..ItemUpdate::default() }).unwrap())
        }
        (_, Some(id)) => drop(mailbox.copy_item(id, folder).unwrap()),
    }
}

#[test]
fn a_client_always_ends_with_the_truth() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let mailbox = mailbox();
        let folder = inbox(&mailbox);
        mailbox.fill(folder, batch(rng.below(40))).unwrap();
        let mut clients: Vec<(Client, usize)> = [1, 3, 512].into_iter().map(|limit| (Client::default(), limit)).collect();
        for _ in 0..60 {
            if rng.chance(60) {
                disturb(&mailbox, folder, &mut rng);
            }
            let at = rng.below(3) as usize;
            let (client, limit) = &mut clients[at];
            client.page(&mailbox, folder, *limit);
        }
        for (client, limit) in &mut clients {
            client.catch_up(&mailbox, folder, *limit);
            assert_eq!(client.items, truth(&mailbox, folder), "seed {seed}, pages of {limit}");
            assert!(mailbox.changes(folder, client.position, 512).unwrap().changes.is_empty());
        }
        let shown = mailbox.folder(folder).unwrap();
        let items = truth(&mailbox, folder);
        assert_eq!(
            (shown.total, shown.unread),
            (items.len() as u64, items.values().filter(|(read, _)| !read).count() as u64),
            "seed {seed}"
        );
    }
}

#[test]
fn changes_are_net() {
    let mailbox = mailbox();
    let folder = inbox(&mailbox);
    mailbox.fill(folder, batch(5)).unwrap();
    let mut client = Client::default();
    client.catch_up(&mailbox, folder, 512);
    let known = *client.items.keys().next().unwrap();
    let fresh = mailbox.create_item(folder, mail("a")).unwrap();
    let passing = mailbox.create_item(folder, mail("b")).unwrap();
    mailbox.update_item(fresh, &ItemUpdate { read: Some(true), ..ItemUpdate::default() }).unwrap();
    mailbox.delete_item(passing, DeleteHow::Hard).unwrap();
    for read in [true, false, true] {
        mailbox.update_item(known, &ItemUpdate { read: Some(read), ..ItemUpdate::default() }).unwrap();
    }
    let page = mailbox.changes(folder, client.position, 512).unwrap();
    assert!(matches!(page.changes.as_slice(), [Change::Create(item), Change::ReadFlag(id, true)] if item.id == fresh && *id == known));
    // The same position tells the same again, and one that cannot be is refused.
    assert_eq!(mailbox.changes(folder, client.position, 512).unwrap().changes.len(), 2);
    let wild = Position { base: 900, cursor: 900, head: 900, below: 0 };
    assert_eq!(mailbox.changes(folder, Some(wild), 5).unwrap_err(), StoreError::PositionUnknown);
}

#[test]
fn a_first_enumeration_goes_from_the_newest_down() {
    let mailbox = mailbox();
    let folder = inbox(&mailbox);
    mailbox.fill(folder, batch(30)).unwrap();
    mailbox.create_item(folder, mail("latest")).unwrap();
    let page = mailbox.changes(folder, None, 10).unwrap();
    let subjects: Vec<_> = page
        .changes
        .iter()
        .map(|change| match change {
            Change::Create(item) => (item.subject.clone(), item.received),
            _ => panic!("only creations"),
        })
        .collect();
    assert_eq!(subjects[0].0.as_deref(), Some("latest"));
    assert!(subjects[1..].windows(2).all(|pair| pair[0].1 >= pair[1].1) && !page.last);
}

#[test]
fn a_folder_of_a_million_costs_nothing_until_asked() {
    let mailbox = mailbox();
    let folder = inbox(&mailbox);
    mailbox.fill(folder, batch(1_000_000)).unwrap();
    let shown = mailbox.folder(folder).unwrap();
    assert_eq!((shown.total, shown.unread), (1_000_000, 250_000));
    let page = mailbox.changes(folder, None, 5).unwrap();
    let deep = mailbox.find(folder, &Find { order: Order::NewestFirst, offset: 999_990, limit: 100, ..Find::default() }).unwrap();
    assert_eq!((page.changes.len(), deep.items.len(), deep.total, deep.last), (5, 10, 1_000_000, true));
    let Change::Create(first) = &page.changes[0] else { panic!("a creation") };
    assert_eq!(mailbox.item(first.id).unwrap().message_id, first.message_id);
}

#[test]
fn a_move_changes_the_id_and_keeps_the_search_key() {
    let mailbox = mailbox();
    let folder = inbox(&mailbox);
    mailbox.fill(folder, batch(3)).unwrap();
    let bin = mailbox.root_folder("deleteditems").unwrap();
    let old = mailbox.find(folder, &Find { limit: 1, ..Find::default() }).unwrap().items.remove(0);
    mailbox.note_download(old.id);
    let copy = mailbox.copy_item(old.id, folder).unwrap();
    let before = mailbox.folder(folder).unwrap();
    let new = mailbox.move_item(old.id, bin).unwrap();
    let after = mailbox.folder(folder).unwrap();
    assert_eq!(mailbox.item(old.id).unwrap_err(), StoreError::ItemNotFound);
    for id in [new, copy] {
        assert_eq!(mailbox.item(id).unwrap().search_key, old.search_key);
    }
    assert_eq!((mailbox.downloads(new), mailbox.downloads(copy)), (1, 0));
    assert!(after.commit_time > before.commit_time && after.deleted_total == before.deleted_total + 1);
    mailbox.delete_item(new, DeleteHow::ToDeletedItems).unwrap();
    assert_eq!(mailbox.item(new).unwrap_err(), StoreError::ItemNotFound);
    mailbox.delete_item(copy, DeleteHow::Soft).unwrap();
    let dumpster = mailbox.root_folder("recoverableitemsdeletions").unwrap();
    assert_eq!(mailbox.folder(dumpster).unwrap().total, 1);
}

#[test]
fn finding_sorts_filters_and_pages() {
    let mailbox = mailbox();
    let folder = inbox(&mailbox);
    mailbox.fill(folder, batch(100)).unwrap();
    let all = mailbox.find(folder, &Find { order: Order::ReceivedAscending, limit: 1_000, ..Find::default() }).unwrap().items;
    assert!(all.windows(2).all(|pair| pair[0].sort_date() <= pair[1].sort_date()));
    let from = all[40].received.unwrap();
    let find = |offset| Find { order: Order::ReceivedDescending, offset, limit: 25, received_from: Some(from), ..Find::default() };
    let first = mailbox.find(folder, &find(0)).unwrap();
    assert_eq!((first.items.len(), first.total, first.next, first.last), (25, 60, 25, false));
    let last = mailbox.find(folder, &find(50)).unwrap();
    assert_eq!((last.items.len(), last.next, last.last), (10, 60, true));
    // A message that arrives with an old date takes its place among the others.
    let old = NewItem { received: Some(from - chrono::TimeDelta::seconds(1)), ..mail("old") };
    let old = mailbox.create_item(folder, old).unwrap();
    mailbox.delete_item(all[41].id, DeleteHow::Hard).unwrap();
    for order in [Order::ReceivedAscending, Order::ReceivedDescending] {
        let sorted = mailbox.find(folder, &Find { order, limit: 1_000, ..Find::default() }).unwrap().items;
        let mut dates: Vec<_> = sorted.iter().map(Item::sort_date).collect();
        if order == Order::ReceivedDescending {
            dates.reverse();
        }
        assert!(dates.is_sorted() && sorted.len() == 100 && sorted.iter().any(|item| item.id == old));
    }
    mailbox.delete_item(old, DeleteHow::Hard).unwrap();
    let unread = |item: &Item| !item.read;
    let found = mailbox.find(folder, &Find { limit: 5, filter: Some(&unread), ..Find::default() }).unwrap();
    assert_eq!((found.items.len(), found.total), (5, 25));
    let search = mailbox.seed_folder(mailbox.root_folder("searchfolders").unwrap(), "Unread Mail", None, false, true).unwrap();
    assert_eq!(mailbox.find(search, &Find { limit: 100, ..Find::default() }).unwrap().items.len(), 25);
    assert_eq!(mailbox.changes(search, None, 5).unwrap_err(), StoreError::SearchFolder);
    assert_eq!(mailbox.create_item(search, mail("x")).unwrap_err(), StoreError::SearchFolder);
}

#[test]
fn the_tree_tells_its_changes() {
    let mailbox = mailbox();
    let root = mailbox.root_folder("msgfolderroot").unwrap();
    let start = mailbox.sync_hierarchy(root, None).unwrap();
    assert!(start.changes.iter().all(|change| matches!(change, FolderChange::Create(_))) && start.changes.len() > 15);
    let a = mailbox.create_folder(root, "A", Some("IPF.Note")).unwrap();
    let b = mailbox.create_folder(a, "B", None).unwrap();
    assert_eq!(mailbox.create_folder(root, "a", None).unwrap_err(), StoreError::FolderExists);
    assert_eq!(mailbox.path(b).unwrap(), ["A", "B"]);
    let page = mailbox.sync_hierarchy(root, Some(start.next)).unwrap();
    assert!(matches!(page.changes.as_slice(), [FolderChange::Create(one), FolderChange::Create(two)] if one.id == a && two.id == b));
    mailbox.rename_folder(a, "C").unwrap();
    let renamed = mailbox.sync_hierarchy(root, Some(page.next)).unwrap();
    assert!(matches!(renamed.changes.as_slice(), [FolderChange::Update(folder)] if folder.name == "C"));
    // Out of sight of one root with all below it, and back.
    let outside = mailbox.root_folder("recoverableitemsroot").unwrap();
    mailbox.move_folder(a, outside).unwrap();
    let gone = mailbox.sync_hierarchy(root, Some(renamed.next)).unwrap();
    assert_eq!(gone.changes.iter().filter(|change| matches!(change, FolderChange::Delete(_))).count(), 2);
    mailbox.move_folder(a, root).unwrap();
    assert_eq!(mailbox.sync_hierarchy(root, Some(gone.next)).unwrap().changes.len(), 2);
    assert_eq!(mailbox.move_folder(a, b).unwrap_err(), StoreError::FolderCycle);
    assert_eq!(mailbox.delete_folder(inbox(&mailbox), DeleteHow::Hard).unwrap_err(), StoreError::WellKnownFolder);
    let before = mailbox.sync_hierarchy(root, None).unwrap().next;
    mailbox.delete_folder(a, DeleteHow::ToDeletedItems).unwrap();
    assert_eq!(mailbox.path(b).unwrap(), ["Deleted Items", "C", "B"]);
    mailbox.delete_folder(a, DeleteHow::ToDeletedItems).unwrap();
    assert_eq!(mailbox.folder(b).unwrap_err(), StoreError::FolderNotFound);
    let page = mailbox.sync_hierarchy(root, Some(before)).unwrap();
    assert_eq!(page.changes.len(), 2);
    assert_eq!(mailbox.sync_hierarchy(root, Some(page.next + 1)).unwrap_err(), StoreError::PositionUnknown);
}

#[test]
fn a_migration_changes_every_id_and_no_search_key() {
    let mailbox = mailbox();
    let folder = inbox(&mailbox);
    mailbox.fill(folder, batch(3)).unwrap();
    let added = mailbox.create_item(folder, mail("x")).unwrap();
    let key = mailbox.item(added).unwrap().search_key;
    mailbox.change_ids();
    assert_eq!(mailbox.item(added).unwrap_err(), StoreError::ItemNotFound);
    assert_eq!(mailbox.folder(folder).unwrap_err(), StoreError::FolderNotFound);
    let items = mailbox.find(inbox(&mailbox), &Find { limit: 9, ..Find::default() }).unwrap().items;
    assert!(items.len() == 4 && items[0].search_key == key && items[0].id != added);
    assert_eq!(mailbox.item(items[0].id).unwrap().id, items[0].id);
}

#[test]
fn subscribers_are_told_in_order() {
    let mailbox = mailbox();
    let folder = inbox(&mailbox);
    let drafts = mailbox.root_folder("drafts").unwrap();
    let mut events = mailbox.subscribe();
    let id = mailbox.create_item(folder, NewItem { delivered: true, ..mail("x") }).unwrap();
    let moved = mailbox.move_item(id, drafts).unwrap();
    let mut seen = Vec::new();
    while let Ok(event) = events.try_recv() {
        seen.push(event);
    }
    assert!(seen.windows(2).all(|pair| pair[0].number + 1 == pair[1].number));
    let items: Vec<_> = seen.iter().filter(|event| matches!(event.target, Target::Item(_))).map(|event| event.kind).collect();
    assert_eq!(items, [EventKind::Created, EventKind::NewMail, EventKind::Moved { old: Target::Item(id), old_parent: folder }]);
    assert!(seen.iter().any(|event| event.target == Target::Item(moved) && event.parent == drafts));
    assert!(seen.iter().any(|event| event.target == Target::Folder(folder) && event.kind == EventKind::Modified { unread: Some(1) }));
    assert_eq!(mailbox.event_number(), seen.len() as u64);
}

#[test]
fn addresses_are_unique_and_case_does_not_matter() {
    let store = Store::default();
    assert!(store.add(mailbox()));
    assert!(!store.add(Mailbox::new(7, "AL@example.com", "", Vec::new(), born())));
    assert_eq!(store.mailbox("Al@Example.com").unwrap().address(), "alice@example.com");
    assert!(store.mailbox_of(mailbox().guid()).is_some());
    assert!(store.remove("alice@example.com") && store.mailbox("al@example.com").is_none());
}
