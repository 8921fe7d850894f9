//! What the pipeline relies on, whichever way leads into the mailbox: one suite for all of them, against the same test server.

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use common::{
    Server,
    server::{accounts, mailbox as spec, world},
    sink::sha256,
    truth::{Real, truth},
    ways::{WAYS, Way, app, mailbox},
};
use exchange_simulator::{
    World,
    world::{FolderSpec, MailboxSpec},
};
use exchange_sync::{
    exchange::{Exchange, Verdict},
    mail::{Change, Cursor, Folder, Hierarchy, Home, IdForm, ItemId, Listed, Lookup, Mailbox, Part, Properties},
};
use futures::StreamExt;
use serde_json::json;

const ANNA: &str = "anna@example.com";

/// A message's digest, length and properties, or the part that ended it otherwise.
type Fetched = Result<(String, u64, Properties), Part>;

/// A mailbox of the server, read one way.
struct Reader {
    server: Server,
    exchange: Arc<dyn Exchange>,
    mailbox: Mailbox,
    way: Way,
}

impl Reader {
    async fn of(way: Way, mut world: World) -> Self {
        world.apps = vec![app()];
        world.accounts = accounts();
        if way == Way::GraphListing {
            world.quirks.push("no-delta".into());
        }
        let server = Server::start(world).await;
        Self { exchange: way.open(&server), server, mailbox: mailbox(ANNA), way }
    }

    /// The same mailbox, read by the other interface.
    async fn other(&self) -> Self {
        let way = if self.way == Way::Ews { Way::Graph } else { Way::Ews };
        let exchange = way.open(&self.server);
        // Nobody asks this reader's server for anything.
        Self { exchange, way, server: Server::start(World::default()).await, mailbox: self.mailbox.clone() }
    }

    async fn folders(&self, known: &Hierarchy) -> Hierarchy {
        self.exchange.folders(&self.mailbox, known).await.unwrap_or_else(|error| panic!("{:?}: {error}", self.way))
    }

    async fn folder(&self, path: &[&str]) -> Folder {
        let all = self.folders(&Hierarchy::default()).await.folders;
        all.iter().find(|folder| folder.path == path).cloned().unwrap_or_else(|| panic!("{:?}: no {path:?} in {all:#?}", self.way))
    }

    /// All changes of a folder since a cursor, and the cursor behind them.
    async fn walk(&self, folder: &Folder, mut cursor: Option<Cursor>, limit: usize) -> (Vec<Change>, Cursor) {
        let mut changes = Vec::new();
        for _ in 0..1000 {
            let page = self.exchange.page(&self.mailbox, folder, cursor.as_ref(), limit).await;
            let page = page.unwrap_or_else(|error| panic!("{:?}: {error}", self.way));
            assert!(page.changes.len() <= limit, "{:?}: {} of {limit}", self.way, page.changes.len());
            let end = page.last && (page.certain || page.changes.is_empty());
            changes.extend(page.changes);
            if end {
                return (changes, page.cursor);
            }
            cursor = Some(page.cursor);
        }
        panic!("{:?}: no end", self.way)
    }

    async fn listed(&self, folder: &Folder) -> Vec<Listed> {
        let (changes, _) = self.walk(folder, None, 100).await;
        let listed = changes.into_iter().map(|change| match change {
            Change::Created(listed) => listed,
            other => panic!("{:?}: {other:?} in a walk from the start", self.way),
        });
        listed.collect()
    }

    /// The messages' digests, lengths and properties, in order; `Err` for those that are gone or unreadable.
    async fn fetch(&self, folder: &Folder, listed: Vec<Listed>) -> Vec<Fetched> {
        let mut ends: Vec<Option<Fetched>> = listed.iter().map(|_| None).collect();
        let mut bytes: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
        let mut parts = self.exchange.fetch(&self.mailbox, folder, listed);
        while let Some(part) = parts.next().await {
            match part.unwrap_or_else(|error| panic!("{:?}: {error}", self.way)) {
                Part::Mime { index, chunk } => bytes.entry(index).or_default().extend_from_slice(&chunk),
                Part::Restarted { index } => drop(bytes.remove(&index)),
                Part::Read { index, properties, .. } => {
                    let body = bytes.remove(&index).unwrap_or_default();
                    ends[index] = Some(Ok((sha256(&body), body.len() as u64, *properties)));
                }
                end @ (Part::Unreadable { index, .. } | Part::Gone { index }) => ends[index] = Some(Err(end)),
            }
        }
        ends.into_iter().map(|end| end.expect("each message has an end")).collect()
    }

    async fn truth(&self, folder: &Folder) -> Vec<Real> {
        let all = truth(&self.server, ANNA, false).await;
        all.into_values().filter(|real| real.path == folder.path).collect()
    }
}

/// A text as XML can hold it: without control characters.
fn written(text: &Option<String>) -> Option<String> {
    text.as_ref().map(|text| text.replace(char::is_control, "\u{FFFD}"))
}

fn ids(changes: &[Change]) -> Vec<&ItemId> {
    let id = |change| match change {
        &Change::Created(ref listed) | &Change::Updated(ref listed) => &listed.id,
        Change::ReadChanged { id, .. } | Change::Deleted(id) => id,
    };
    changes.iter().map(id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_a_tree_of_names_that_follows_what_happens() {
    for way in WAYS {
        let folder = |path: &[&str]| FolderSpec { path: path.iter().map(ToString::to_string).collect(), ..FolderSpec::default() };
        let mut anna = spec(ANNA, 8);
        anna.folders.extend((0..14).map(|n| folder(&[&format!("Folder {n:02}")])));
        anna.folders.extend([folder(&["Kunden", "a/b", "Größe 日本", "deep"]), FolderSpec { search: true, ..folder(&["Found"]) }]);
        let reader = Reader::of(way, world(vec![anna])).await;
        let first = reader.folders(&Hierarchy::default()).await;
        let at = |path: &[&str], all: &Hierarchy| all.folders.iter().find(|folder| folder.path == path).cloned();
        assert!(at(&["Kunden", "a/b", "Größe 日本", "deep"], &first).is_some(), "{way:?}: {first:#?}");
        assert!(at(&["Found"], &first).is_none(), "{way:?}: a search folder holds nothing of its own");
        assert_eq!((0..14).filter(|n| at(&[&format!("Folder {n:02}")], &first).is_some()).count(), 14, "{way:?}");
        let inbox = first.folders.iter().find(|folder| folder.well_known.as_deref() == Some("inbox")).expect("an inbox");
        assert_eq!(inbox.total, Some(8), "{way:?}");
        let unique: BTreeSet<_> = first.folders.iter().map(|folder| &folder.id).collect();
        assert_eq!(unique.len(), first.folders.len(), "{way:?}");
        let parents_first = first.folders.iter().enumerate().all(|(at, folder)| {
            folder.path.len() == 1 || first.folders[..at].iter().any(|other| other.path == folder.path[..folder.path.len() - 1])
        });
        assert!(parents_first, "{way:?}");

        let again = reader.folders(&first).await;
        assert_eq!(again.folders, first.folders, "{way:?}: nothing happened");
        reader.server.admin("/create-folder", json!({"mailbox": ANNA, "name": "New"})).await;
        reader.server.admin("/rename-folder", json!({"mailbox": ANNA, "folder": ["Kunden"], "name": "Clients"})).await;
        reader.server.admin("/move-folder", json!({"mailbox": ANNA, "folder": ["Folder 00"], "to": ["Folder 01"]})).await;
        reader.server.admin("/delete-folder", json!({"mailbox": ANNA, "folder": ["Folder 02"], "how": "hard"})).await;
        reader.server.deliver(ANNA, json!("inbox"), 1).await;
        let later = reader.folders(&again).await;
        let id = |path: &[&str], all: &Hierarchy| at(path, all).map(|folder| folder.id);
        assert!(id(&["New"], &later).is_some(), "{way:?}");
        assert_eq!(id(&["Clients", "a/b", "Größe 日本", "deep"], &later), id(&["Kunden", "a/b", "Größe 日本", "deep"], &first), "{way:?}");
        assert_eq!(id(&["Folder 01", "Folder 00"], &later), id(&["Folder 00"], &first), "{way:?}");
        assert_eq!((id(&["Folder 02"], &later), id(&["Kunden"], &later)), (None, None), "{way:?}");
        let stamp = |all: &Hierarchy| all.folders.iter().find(|folder| folder.id == inbox.id).and_then(|folder| folder.stamp.clone());
        assert!(stamp(&later).is_none() || stamp(&later) != stamp(&again), "{way:?}: mail came and the stamp stood still");
        assert_eq!(later.home, first.home, "{way:?}");
        let form = match way {
            Way::Ews => IdForm::Ews,
            Way::Graph | Way::GraphListing => IdForm::GraphImmutable,
        };
        assert!(matches!(&first.home, Some(Home { form: told, .. }) if *told == form), "{way:?}: {:?}", first.home);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_tells_every_message_once_in_pages_of_any_size() {
    for way in WAYS {
        let reader = Reader::of(way, world(vec![spec(ANNA, 53)])).await;
        let inbox = reader.folder(&["Inbox"]).await;
        for limit in [7, 50, 1000] {
            let (changes, _) = reader.walk(&inbox, None, limit).await;
            let unique: BTreeSet<_> = ids(&changes).into_iter().collect();
            assert_eq!((changes.len(), unique.len()), (53, 53), "{way:?} by {limit}");
        }
        let real = reader.truth(&inbox).await;
        let mut times: Vec<_> = real.iter().map(|real| real.item.received.map(|at| at.timestamp())).collect();
        let mut told: Vec<_> = reader.listed(&inbox).await.iter().map(|listed| listed.received.map(|at| at.timestamp())).collect();
        times.sort();
        told.sort();
        assert_eq!(told, times, "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_byte_for_byte_and_both_interfaces_tell_the_same_of_them() {
    let mut told: Vec<(Way, BTreeMap<String, Properties>)> = Vec::new();
    for way in WAYS {
        let inbox = FolderSpec { well_known: Some("inbox".into()), messages: 60, ..FolderSpec::default() };
        let anna = MailboxSpec { address: ANNA.into(), folders: vec![inbox], ..MailboxSpec::default() };
        let reader = Reader::of(way, world(vec![anna])).await;
        let inbox = reader.folder(&["Inbox"]).await;
        let listed = reader.listed(&inbox).await;
        let real: BTreeMap<String, Real> =
            reader.truth(&inbox).await.into_iter().filter_map(|real| Some((real.mime.clone().ok()?.0, real))).collect();
        let mut properties = BTreeMap::new();
        for end in reader.fetch(&inbox, listed).await {
            let Ok((digest, length, found)) = end else { continue };
            // What the server has no MIME of was written from its properties.
            let Some(real) = real.get(&digest) else { continue };
            assert_eq!(
                (real.mime.clone(), written(&found.subject)),
                (Ok((digest.clone(), length)), written(&real.item.subject)),
                "{way:?}"
            );
            properties.insert(digest, found);
        }
        assert_eq!(properties.len(), real.len(), "{way:?}");
        told.push((way, properties));
    }
    let (_, by_ews) = &told[0];
    for (way, by_graph) in &told[1..] {
        for (digest, ews) in by_ews {
            let graph = &by_graph[digest];
            let second = |at: Option<chrono::DateTime<chrono::Utc>>| at.map(|at| at.timestamp());
            let facts = |p: &Properties| {
                let people = (p.from.clone(), p.to.clone(), p.cc.clone());
                let marks = (p.importance.clone(), p.sensitivity.clone(), p.categories.clone(), p.has_attachments, p.read);
                (p.class.clone(), written(&p.subject), people, p.message_id.clone(), second(p.received), second(p.sent), p.size, marks)
            };
            assert_eq!(facts(graph), facts(ews), "{way:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn arrivals_reads_moves_and_deletions_are_told_since_a_cursor() {
    // Where nobody tells what changed, only a new listing tells what left and what was read.
    for way in [Way::Ews, Way::Graph] {
        let reader = Reader::of(way, world(vec![spec(ANNA, 20)])).await;
        let (inbox, projects) = (reader.folder(&["Inbox"]).await, reader.folder(&["Inbox", "Projects"]).await);
        let ((_, here), (_, there)) = (reader.walk(&inbox, None, 100).await, reader.walk(&projects, None, 100).await);
        let (quiet, here) = reader.walk(&inbox, Some(here), 100).await;
        assert_eq!(quiet, [], "{way:?}");

        let real = reader.truth(&inbox).await;
        let name = |at: usize| real[at].item.id.text();
        reader.server.deliver(ANNA, json!("inbox"), 3).await;
        reader.server.admin("/move", json!({"mailbox": ANNA, "ids": [name(0)], "to": {"well_known": "inbox", "path": ["Projects"]}})).await;
        reader.server.admin("/delete", json!({"mailbox": ANNA, "ids": [name(1)], "how": "hard"})).await;
        reader.server.admin("/read", json!({"mailbox": ANNA, "ids": [name(2)], "read": !real[2].item.read})).await;

        let (changes, _) = reader.walk(&inbox, Some(here.clone()), 100).await;
        let count = |test: fn(&Change) -> bool| changes.iter().filter(|change| test(change)).count();
        let deleted = count(|change| matches!(change, Change::Deleted(_)));
        let read = changes.iter().filter(|change| match change {
            Change::ReadChanged { read, .. } => *read != real[2].item.read,
            Change::Updated(listed) => listed.read() == Some(!real[2].item.read) && listed.received == real[2].item.received,
            _ => false,
        });
        assert_eq!((deleted, read.count(), changes.len()), (2, 1, 6), "{way:?}: {changes:#?}");
        let (came, _) = reader.walk(&projects, Some(there), 100).await;
        assert!(matches!(&came[..], [Change::Created(_) | Change::Updated(_)]), "{way:?}: {came:#?}");
        // A cursor is a place: asked again it tells the same again.
        let (again, _) = reader.walk(&inbox, Some(here), 100).await;
        assert_eq!(ids(&again).into_iter().collect::<BTreeSet<_>>(), ids(&changes).into_iter().collect::<BTreeSet<_>>(), "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_mail_is_told_by_every_way() {
    for way in WAYS {
        let reader = Reader::of(way, world(vec![spec(ANNA, 20)])).await;
        let inbox = reader.folder(&["Inbox"]).await;
        let (before, cursor) = reader.walk(&inbox, None, 100).await;
        reader.server.deliver(ANNA, json!("inbox"), 5).await;
        let (changes, _) = reader.walk(&inbox, Some(cursor), 2).await;
        let known: BTreeSet<_> = ids(&before).into_iter().collect();
        let new: BTreeSet<_> = ids(&changes).into_iter().filter(|id| !known.contains(id)).collect();
        assert_eq!(new.len(), 5, "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_or_foreign_cursor_asks_for_a_new_listing() {
    for way in WAYS {
        let reader = Reader::of(way, world(vec![spec(ANNA, 20)])).await;
        let inbox = reader.folder(&["Inbox"]).await;
        let foreign = reader.other().await;
        let (_, strange) = foreign.walk(&foreign.folder(&["Inbox"]).await, None, 100).await;
        for cursor in [strange, Cursor("nonsense".into()), Cursor("{}".into())] {
            let error = reader.exchange.page(&reader.mailbox, &inbox, Some(&cursor), 10).await.unwrap_err();
            assert_eq!(error.verdict, Verdict::Resync, "{way:?} {cursor:?}: {error}");
        }
        if way != Way::GraphListing {
            let (_, cursor) = reader.walk(&inbox, None, 100).await;
            reader.server.admin("/expire-sync-states", json!({"mailbox": ANNA})).await;
            let error = reader.exchange.page(&reader.mailbox, &inbox, Some(&cursor), 10).await.unwrap_err();
            assert_eq!(error.verdict, Verdict::Resync, "{way:?}: {error}");
        }
        assert_eq!(reader.listed(&inbox).await.len(), 20, "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_left_after_it_was_listed_is_gone_and_the_rest_comes() {
    for way in WAYS {
        let reader = Reader::of(way, world(vec![spec(ANNA, 6)])).await;
        let inbox = reader.folder(&["Inbox"]).await;
        let listed = reader.listed(&inbox).await;
        let real = reader.truth(&inbox).await;
        reader.server.admin("/delete", json!({"mailbox": ANNA, "ids": [real[3].item.id.text()], "how": "hard"})).await;
        let ends = reader.fetch(&inbox, listed.clone()).await;
        let gone = ends.iter().filter(|end| matches!(end, Err(Part::Gone { .. }))).count();
        assert_eq!((gone, ends.iter().filter(|end| end.is_ok()).count()), (1, 5), "{way:?}: {ends:#?}");
        let found = reader.exchange.lookup(&reader.mailbox, &inbox, &listed).await.unwrap();
        let gone: Vec<usize> = (0..6).filter(|at| found[*at] == Lookup::Gone).collect();
        assert_eq!(gone, (0..6).filter(|at| ends[*at].is_err()).collect::<Vec<_>>(), "{way:?}");
        assert!(found.iter().filter(|found| **found != Lookup::Gone).all(|found| matches!(found, Lookup::Found(_))), "{way:?}: {found:?}");
        // An id of the other interface, or of none, is nobody's.
        let foreign = reader.other().await;
        let strange = foreign.listed(&foreign.folder(&["Inbox"]).await).await.swap_remove(0);
        let strangers = [Listed::bare(strange.id), Listed::bare(ItemId("nonsense".into()))];
        let found = reader.exchange.lookup(&reader.mailbox, &inbox, &strangers).await.unwrap();
        // Graph may know an item by what EWS calls it; EWS knows nothing of Graph's ids.
        assert!(found[1] == Lookup::Gone && (way != Way::Ews || found[0] == Lookup::Gone), "{way:?}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_damaged_is_told_apart_from_the_others() {
    for way in WAYS {
        let reader = Reader::of(way, world(vec![spec(ANNA, 6)])).await;
        let inbox = reader.folder(&["Inbox"]).await;
        let listed = reader.listed(&inbox).await;
        let real = reader.truth(&inbox).await;
        reader
            .server
            .admin("/spoil", json!({"mailbox": ANNA, "ids": [real[2].item.id.text()], "code": "ErrorMimeContentConversionFailed"}))
            .await;
        let ends = reader.fetch(&inbox, listed).await;
        let digests: BTreeSet<&str> = real.iter().filter_map(|real| real.mime.as_ref().ok().map(|(digest, _)| digest.as_str())).collect();
        let exact = ends.iter().flatten().filter(|(digest, ..)| digests.contains(digest.as_str())).count();
        // The sixth is written from its properties, or unreadable; it is never lost in silence.
        assert_eq!((ends.len(), exact), (6, 5), "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_is_not_there_stops_alone() {
    for way in WAYS {
        let reader = Reader::of(way, world(vec![spec(ANNA, 6)])).await;
        let nobody = mailbox("nobody@example.com");
        let error = reader.exchange.folders(&nobody, &Hierarchy::default()).await.unwrap_err();
        assert_eq!(error.verdict, Verdict::StopMailbox, "{way:?}: {error}");
        assert!(error.to_string().contains("nobody@example.com"), "{way:?}: {error}");
        assert!(!reader.folders(&Hierarchy::default()).await.folders.is_empty(), "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn graph_knows_what_ews_called_a_message() {
    let reader = Reader::of(Way::Graph, world(vec![spec(ANNA, 12)])).await;
    let inbox = reader.folder(&["Inbox"]).await;
    let listed = reader.listed(&inbox).await;
    let known: BTreeSet<ItemId> = listed.iter().map(|listed| listed.id.clone()).collect();
    let mut old: Vec<ItemId> = reader.truth(&inbox).await.iter().map(|real| ItemId(real.id())).collect();
    old.push(ItemId("AAMkAGnonsense".into()));
    let translated = reader.exchange.translate(&reader.mailbox, &old, IdForm::Ews).await.unwrap();
    assert_eq!((translated.len(), translated[12].clone()), (13, None));
    assert_eq!(translated.into_iter().flatten().collect::<BTreeSet<_>>(), known);
    let described = reader.exchange.describe(&reader.mailbox, &inbox, listed).await.unwrap();
    let keys: BTreeSet<_> = described.iter().map(|listed| listed.search_key.clone().expect("a search key")).collect();
    let real: BTreeSet<_> = reader.truth(&inbox).await.iter().map(|real| real.item.search_key.to_vec()).collect();
    assert_eq!(keys, real);
}
