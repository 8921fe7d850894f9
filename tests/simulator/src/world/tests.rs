use std::collections::BTreeSet;
use std::path::PathBuf;

use futures::StreamExt as _;

use super::*;
use crate::store::{Find, FolderKind, Mailbox, Mime};

#[test]
fn the_demonstration_has_what_it_promises() {
    let built = World::demo().unwrap().build(&[]).unwrap();
    let mailboxes = built.store.mailboxes();
    let (mut messages, mut classes, mut kinds) = (0, BTreeSet::new(), BTreeSet::new());
    for mailbox in &mailboxes {
        for root in ["root", "archiveroot"].iter().filter_map(|name| mailbox.root_folder(name)) {
            for folder in mailbox.folders_below(root, true).unwrap() {
                kinds.insert(format!("{:?} hidden={}", folder.kind, folder.hidden));
                if folder.kind == FolderKind::Search {
                    continue;
                }
                messages += folder.total;
                let items = mailbox.find(folder.id, &Find { limit: 1_000, ..Find::default() }).unwrap().items;
                classes.extend(items.into_iter().map(|item| item.class));
            }
        }
    }
    assert!(
        (10..=14).contains(&mailboxes.len()) && (600..=1_500).contains(&messages),
        "{} mailboxes, {messages} messages",
        mailboxes.len()
    );
    assert!(classes.len() >= 13, "{classes:?}");
    assert!(kinds.contains("Search hidden=false") && kinds.contains("Plain hidden=true"), "{kinds:?}");
    assert!(mailboxes[0].has_archive() && !mailboxes[1].has_archive());
    assert!(built.accounts.login("service").unwrap().impersonate);
    assert_eq!(built.rates.len(), 2);
}

#[test]
fn the_same_world_twice_is_the_same() {
    let listing = || {
        let built = World::uniform(2, 50).build(&[]).unwrap();
        let mailbox = built.store.mailbox("user2@example.com").unwrap();
        let inbox = mailbox.root_folder("inbox").unwrap();
        let items = mailbox.find(inbox, &Find { limit: 99, ..Find::default() }).unwrap().items;
        items.into_iter().map(|item| (item.id.text(), item.subject, item.search_key, item.size)).collect::<Vec<_>>()
    };
    assert_eq!(listing(), listing());
    assert_eq!(listing().len(), 30);
}

#[test]
fn mistakes_name_their_key() {
    let cases = [
        ("colour = 1", "colour"),
        ("[[mailboxes]]\naddress = \"a@example.com\"\nfoldrs = []", "foldrs"),
        ("[[mailboxes]]\naddress = \"nobody\"", "mailboxes[0].address"),
        ("[[mailboxes]]\naddress = \"a@example.com\"\ncount = 2", "mailboxes[0].address"),
        ("[[mailboxes]]\naddress = \"a@example.com\"\n[[mailboxes]]\naddress = \"A@example.com\"", "mailboxes[1].address"),
        ("[[mailboxes]]\naddress = \"a@example.com\"\nfolders = [{ messages = 3 }]", "mailboxes[0].folders[0]"),
        ("[[mailboxes]]\naddress = \"a@example.com\"\nfolders = [{ archive = true, path = \"x\" }]", "archive = true"),
        ("[[mailboxes]]\naddress = \"a@example.com\"\nfolders = [{ path = \"x\", years = [2020, 2019] }]", "years"),
        ("[[mailboxes]]\naddress = \"a@example.com\"\nfolders = [{ path = \"x\", kinds = { letter = 1 } }]", "letter"),
        ("[[apps]]\nclient_id = \"x\"\ntenant = \"y\"", "apps[0]"),
        ("quirks = [\"nonsense\"]", "nonsense"),
        ("latency_ms = [5, 1]", "latency_ms"),
        ("rates = { arrivals_per_minute = -1 }\n[[mailboxes]]\naddress = \"a@example.com\"", "rates"),
    ];
    for (text, key) in cases {
        let error = World::from_toml(text).and_then(|world| world.build(&[])).map(|_| ()).unwrap_err();
        assert!(error.contains(key), "{text}: {error}");
    }
}

#[test]
fn the_readme_s_world_is_one() {
    let readme = include_str!("../../README.md");
    let example = readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("world.toml"), example).unwrap();
    std::fs::write(folder.path().join("config.json"), "{}").unwrap();
    let built = World::from_file(&folder.path().join("world.toml")).and_then(|world| world.build(&[])).unwrap();
    assert_eq!(built.store.mailboxes().len(), 100);
    assert_eq!(built.reinfer.config("acme", "exchange").unwrap(), "{}");
    assert_eq!(built.reinfer.tokens()[0].permissions, ["buckets-read"]);
}

#[test]
fn a_million_messages_are_ready_at_once() {
    let built = World::uniform(3, 1_000_000).build(&[]).unwrap();
    let mailbox = built.store.mailbox("user3@example.com").unwrap();
    assert_eq!(mailbox.folder(mailbox.root_folder("inbox").unwrap()).unwrap().total, 600_000);
}

async fn assert_served(mailbox: &Mailbox, tree: &std::path::Path, files: usize) {
    let mut served = 0;
    let root = mailbox.root_folder("msgfolderroot").unwrap();
    let mut wanted: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut pending = vec![tree.to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path)
            } else if path.extension().is_some_and(|end| end == "eml") {
                wanted.insert(std::fs::read(path).unwrap());
            }
        }
    }
    for folder in mailbox.folders_below(root, true).unwrap() {
        for item in mailbox.find(folder.id, &Find { limit: 10_000, ..Find::default() }).unwrap().items {
            let Mime::Content(content) = &item.mime else { panic!("a file without MIME") };
            let chunks: Vec<_> = content.chunks().map(Result::unwrap).collect().await;
            let bytes = chunks.concat();
            assert_eq!(bytes.len() as u64, content.len());
            assert!(wanted.contains(&bytes), "{:?}", item.subject);
            served += 1;
        }
    }
    assert_eq!(served, files);
}

#[tokio::test]
async fn a_tree_of_files_is_a_mailbox() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("Clients").join("2024");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::write(folder.path().join("b.eml"), b"Subject: top\r\nDate: Thu, 01 Jan 2026 05:00:00 +0000\r\n\r\nx").unwrap();
    std::fs::write(deep.join("a.EML"), b"Subject: deep\n\nbare line ends").unwrap();
    std::fs::write(deep.join("c.eml"), b"\xff\xfe\0not mail at all").unwrap();
    std::fs::write(deep.join("notes.txt"), b"no mail").unwrap();
    let built = World::default().build(&[("files@example.com".into(), folder.path().to_path_buf())]).unwrap();
    let mailbox = built.store.mailbox("files@example.com").unwrap();
    let top = mailbox.find(mailbox.root_folder("inbox").unwrap(), &Find { limit: 9, ..Find::default() }).unwrap().items;
    assert_eq!(top[0].received.unwrap().to_rfc3339(), "2026-01-01T05:00:00+00:00");
    std::fs::rename(deep.join("a.EML"), deep.join("a.eml")).unwrap_or(());
    let built = World::default().build(&[("files@example.com".into(), folder.path().to_path_buf())]).unwrap();
    assert_served(&built.store.mailbox("files@example.com").unwrap(), folder.path(), 3).await;
    assert!(built.accounts.login("files@example.com").is_some());
    let absent = World::default().build(&[("files@example.com".into(), folder.path().join("absent"))]);
    assert!(absent.map(|_| ()).unwrap_err().contains("absent"));
}

#[tokio::test]
async fn the_corpus_of_malformed_mail_is_served_as_it_is() {
    let shared = std::env::var_os("EXCHANGE_SYNC_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let corpus = shared.join("mail-corpus");
    if !corpus.is_dir() {
        eprintln!("skipped: no corpus at {}; EXCHANGE_SYNC_SHARED names the folder that holds mail-corpus", corpus.display());
        return;
    }
    let built = World::default().build(&[("corpus@example.com".into(), corpus.clone())]).unwrap();
    assert_served(&built.store.mailbox("corpus@example.com").unwrap(), &corpus, 210).await;
}
