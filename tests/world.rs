//! The demonstration's world, copied whole: items that have no MIME, damaged ones, search folders, hidden folders, archives, odd names.

mod common;

use std::collections::BTreeMap;

use common::{Server, Setup, compare, sink, truth};
use exchange_simulator::{World, store::FolderKind};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_world_is_copied() {
    let mut world = World::demo().unwrap();
    // It stands still, so that what was copied can be compared with it.
    world.mailboxes.iter_mut().for_each(|mailbox| mailbox.rates = None);
    let server = Server::start(world).await;
    let setup = Setup::new(&server);
    // A hidden folder holds something to be left alone.
    server.deliver("alice@example.com", json!(["Hidden settings"]), 3).await;
    let ran = setup.once().await;
    let tally = compare(&server, &setup).await;
    tally.sound();
    assert!(tally.real > 900 && tally.composed > 0, "{tally:?}");
    assert_eq!(ran.code, if tally.quarantined > 0 { 3 } else { 0 }, "{ran}");
    assert_eq!(ran.figure("quarantined"), tally.quarantined as u64);
    assert_eq!(ran.figure("in_sink"), tally.stored as u64);

    refused_items_are_accounted_for(&server, &setup).await;
    every_folder_is_there(&server, &setup).await;
    nothing_of_hidden_and_search_folders(&server, &setup);

    // Nothing is new, and what is in quarantine stays there without being told again.
    let lines: usize = setup.mailboxes().iter().map(|address| sink::lines(&setup.data(address)).len()).sum();
    let again = setup.once().await;
    assert_eq!(again.code, ran.code, "{again}");
    assert_eq!(setup.mailboxes().iter().map(|address| sink::lines(&setup.data(address)).len()).sum::<usize>(), lines, "{again}");
    compare(&server, &setup).await.sound();
}

/// An item whose MIME the server refuses is written from its properties or is in quarantine under the server's code.
async fn refused_items_are_accounted_for(server: &Server, setup: &Setup) {
    let mut kinds: BTreeMap<(String, String), usize> = BTreeMap::new();
    for address in setup.mailboxes() {
        let real = truth::truth(server, &address, true).await;
        for kept in sink::fold(&sink::lines(&setup.data(&address))).into_values() {
            let Err(code) = real[&kept.item].mime else { continue };
            let item = &real[&kept.item].item;
            let became = match &kept.file {
                Some(file) => {
                    let text = std::fs::read_to_string(setup.data(&address).join(&file.name)).unwrap();
                    let (head, _) = text.split_once("\r\n\r\n").expect("a head and a body");
                    assert!(head.contains("MIME-Version: 1.0") && head.is_ascii(), "{head}");
                    assert!(head.lines().all(|line| line.len() <= 998), "{head}");
                    assert_eq!(kept.subject.is_some(), item.subject.is_some(), "{kept:?}");
                    file.origin.clone()
                }
                None => {
                    assert_eq!(kept.code.as_deref(), Some(code), "{kept:?}");
                    kept.last.clone()
                }
            };
            *kinds.entry((item.class.clone(), became)).or_default() += 1;
        }
    }
    for class in ["IPM.Contact", "IPM.DistList", "IPM.Task", "IPM.StickyNote"] {
        assert!(kinds.contains_key(&(class.into(), "properties".into())), "{class}: {kinds:?}");
    }
}

/// Each folder that holds something has its path in the catalog as it is, however odd its name.
async fn every_folder_is_there(server: &Server, setup: &Setup) {
    for address in setup.mailboxes() {
        let archive = setup.config["mailboxes"][&address]["archive"] == true;
        let mut real: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for item in truth::truth(server, &address, archive).await.into_values() {
            *real.entry(item.path).or_default() += 1;
        }
        let mut told: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        for kept in sink::fold(&sink::lines(&setup.data(&address))).into_values() {
            *told.entry(kept.path).or_default() += 1;
        }
        assert_eq!(told, real, "{address}");
    }
    let bob = sink::fold(&sink::lines(&setup.data("bob@example.com")));
    for name in ["Slash/In/Name", " leading and trailing ", "Case", "case", "Ünïcödé 日本語 🙂", "CON", "..", "a<b>&\"c\"|d?e*f:g\\h"]
    {
        assert!(bob.values().any(|kept| kept.path == [name]), "{name}");
    }
    let alice = sink::fold(&sink::lines(&setup.data("alice@example.com")));
    assert!(alice.values().any(|kept| kept.path == ["2015", "Old mail"]), "the archive");
}

fn nothing_of_hidden_and_search_folders(server: &Server, setup: &Setup) {
    for mailbox in server.simulator.state().store.mailboxes() {
        let root = mailbox.root_folder("root").unwrap();
        let folders = mailbox.folders_below(root, true).unwrap();
        let left_out: Vec<String> =
            folders.iter().filter(|folder| folder.hidden || folder.kind == FolderKind::Search).map(|folder| folder.id.text()).collect();
        let lines = sink::lines(&setup.data(mailbox.address()));
        assert!(lines.iter().all(|line| !left_out.iter().any(|id| line["folder_id"] == id.as_str())), "{}", mailbox.address());
        if mailbox.address() == "alice@example.com" {
            assert!(left_out.len() >= 3, "{left_out:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_comparison_notices_what_is_wrong() {
    let server = Server::start(common::server::world(vec![common::server::mailbox("a@example.com", 8)])).await;
    let setup = Setup::new(&server);
    setup.pass().await;
    let folder = setup.data("a@example.com");
    compare(&server, &setup).await.sound();
    let stored: Vec<_> = sink::fold(&sink::lines(&folder)).into_values().filter_map(|kept| kept.file).collect();
    let files: Vec<_> = stored.iter().map(|file| folder.join(&file.name)).collect();
    let whole = std::fs::read(&files[0]).unwrap();
    std::fs::write(&files[0], &whole[..whole.len() - 1]).unwrap();
    std::fs::remove_file(&files[1]).unwrap();
    std::fs::write(files[2].with_file_name("0.part"), "remains").unwrap();
    server.deliver("a@example.com", json!("inbox"), 1).await;
    let real = truth::truth(&server, "a@example.com", false).await;
    let oldest = real.values().min_by_key(|item| item.item.created).unwrap();
    server.admin("/read", json!({"mailbox": "a@example.com", "ids": [oldest.id()], "read": !oldest.item.read})).await;
    let faults = compare(&server, &setup).await.faults;
    for words in ["is not the", "is missing", "nobody told of the file", "missing: ", "read Some("] {
        assert_eq!(faults.iter().filter(|fault| fault.contains(words)).count(), 1, "{words}: {faults:#?}");
    }
}
