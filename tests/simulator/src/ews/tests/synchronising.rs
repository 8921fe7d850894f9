use super::*;

#[tokio::test]
async fn pages_follow_each_other_until_the_last() {
    let world = world();
    for number in 0..5 {
        world.put(&format!("n{number}"));
    }
    let (mut state, mut seen) = (String::new(), Vec::new());
    loop {
        let answer = world.ask(&sync_items(world.inbox(), &state, 2)).await;
        assert_eq!(answer.codes(), ["NoError"]);
        seen.extend(answer.attributes("ItemId", "Id"));
        state = answer.first("SyncState");
        if answer.first("IncludesLastItemInRange") == "true" {
            break;
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
    let quiet = world.ask(&sync_items(world.inbox(), &state, 2)).await;
    assert!(quiet.attributes("ItemId", "Id").is_empty());
}

#[tokio::test]
async fn foreign_damaged_and_lost_states_are_refused() {
    let world = world();
    let state = world.ask(&sync_items(world.inbox(), "", 10)).await.first("SyncState");
    let drafts = world.alice.root_folder("drafts").expect("a default folder");
    for (folder, state) in [(drafts, state.as_str()), (world.inbox(), "AAAA"), (world.inbox(), &state[4..])] {
        let answer = world.ask(&sync_items(folder, state, 10)).await;
        assert_eq!(answer.codes(), ["ErrorInvalidSyncStateData"]);
        assert_eq!((answer.first("SyncState").as_str(), answer.first("IncludesLastItemInRange").as_str()), ("", "true"));
    }
    world.alice.expire_sync_states(None).expect("the mailbox is there");
    assert_eq!(world.ask(&sync_items(world.inbox(), &state, 10)).await.codes(), ["ErrorInvalidSyncStateData"]);
    world.state.quirks.switch("bad-states-start-over", true).expect("a known quirk");
    assert_eq!(world.ask(&sync_items(world.inbox(), &state, 10)).await.codes(), ["NoError"]);
}

#[tokio::test]
async fn the_ignore_list_leaves_items_out() {
    let world = world();
    let (kept, left) = (world.put("kept"), world.put("left"));
    let request = sync_items(world.inbox(), "", 10)
        .replace("<m:MaxChanges", &format!("<m:Ignore><t:ItemId Id=\"{}\"/></m:Ignore><m:MaxChanges", left.text()));
    assert_eq!(world.ask(&request).await.attributes("ItemId", "Id"), [kept.text()]);
}

#[tokio::test]
async fn a_deleted_folder_has_its_own_code() {
    let world = world();
    let top = world.alice.root_folder("msgfolderroot").expect("a default folder");
    let folder = world.alice.create_folder(top, "doomed", None).expect("a new name");
    world.alice.delete_folder(folder, DeleteHow::Hard).expect("an ordinary folder");
    assert_eq!(world.ask(&sync_items(folder, "", 10)).await.codes(), ["ErrorSyncFolderNotFound"]);
}

#[tokio::test]
async fn hierarchy_states_tell_the_ways_of_asking_apart() {
    let world = world();
    let ask = |root: &str, state: &str| {
        let state = if state.is_empty() { String::new() } else { format!("<m:SyncState>{state}</m:SyncState>") };
        format!(
            "<m:SyncFolderHierarchy><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape>{root}{state}</m:SyncFolderHierarchy>"
        )
    };
    let named = "<m:SyncFolderId><t:DistinguishedFolderId Id=\"msgfolderroot\"/></m:SyncFolderId>";
    let first = world.ask(&ask(named, "")).await;
    assert!(first.texts("DisplayName").contains(&"Inbox".to_owned()));
    let state = first.first("SyncState");
    assert!(world.ask(&ask(named, &state)).await.texts("DisplayName").is_empty());
    assert_eq!(world.ask(&ask("", &state)).await.codes(), ["ErrorInvalidSyncStateData"]);
    let top = world.alice.root_folder("msgfolderroot").expect("a default folder");
    world.alice.create_folder(top, "later", None).expect("a new name");
    assert_eq!(world.ask(&ask(named, &state)).await.texts("DisplayName"), ["later"]);
}

#[tokio::test]
async fn faults_strike_a_synchronisation() {
    let world = world();
    let id = world.put("one").text();
    world.state.faults.add(Rule::always(EwsFault::RepeatItem).times(1));
    assert_eq!(world.ask(&sync_items(world.inbox(), "", 10)).await.attributes("ItemId", "Id"), [id.clone(), id]);
    let busy =
        EwsFault::ResponseError { code: "ErrorServerBusy".into(), message: None, back_off_ms: Some(5000), shape: Default::default() };
    world.state.faults.add(Rule::always(busy).times(1));
    let answer = world.ask(&sync_items(world.inbox(), "", 10)).await;
    assert_eq!((answer.codes(), answer.first("Value").as_str()), (vec!["ErrorServerBusy".to_owned()], "5000"));
    assert_eq!(answer.first("SyncState"), "");
}
