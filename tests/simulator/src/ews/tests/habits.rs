//! Habits of lenient servers, one by one, and what the server does without them.

use super::streams::{ALL, next, open, subscribe};
use super::*;
use std::time::Duration;

fn get_folder(inner: &str, id: &str) -> String {
    format!(
        "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape>{inner}</m:FolderShape><m:FolderIds>{id}</m:FolderIds></m:GetFolder>"
    )
}

const INBOX: &str = "<t:DistinguishedFolderId Id=\"inbox\"/>";

impl World {
    fn habit(&self, name: &str) {
        self.state.quirks.switch(name, true).expect("a known quirk");
    }

    async fn sync(&self, state: &str, most: usize) -> Answer {
        self.ask(&sync_items(self.inbox(), state, most)).await
    }
}

#[tokio::test]
async fn deletions_beyond_a_page_are_cut_short() {
    for (quirks, last) in [(&[][..], "false"), (&["deletes-cut-short"], "true")] {
        let world = world_with(quirks);
        let items: Vec<ItemId> = (0..3).map(|number| world.put(&format!("n{number}"))).collect();
        let state = world.sync("", 10).await.first("SyncState");
        for id in items {
            world.alice.delete_item(id, DeleteHow::Hard).expect("it is there");
        }
        let page = world.sync(&state, 2).await;
        assert_eq!((page.texts("Delete").len(), page.first("IncludesLastItemInRange").as_str()), (2, last));
        let rest = world.sync(&page.first("SyncState"), 2).await;
        assert_eq!((rest.texts("Delete").len(), rest.first("IncludesLastItemInRange").as_str()), (1, "true"));
    }
}

#[tokio::test]
async fn page_sizes_are_held_to_the_schema_or_capped() {
    let world = world();
    world.put("one");
    for most in [0, 513] {
        assert_eq!(world.sync("", most).await.codes(), ["ErrorSchemaValidation"], "{most}");
    }
    world.habit("lenient");
    let many: Vec<ItemId> = (0..520).map(|number| world.put(&format!("n{number}"))).collect();
    assert_eq!((many.len(), world.sync("", 10_000).await.texts("Create").len()), (520, 512));
    let none = world.sync("", 0).await;
    assert_eq!((none.texts("Create").len(), none.first("IncludesLastItemInRange").as_str()), (0, "false"));
    let again = world.sync(&none.first("SyncState"), 0).await;
    assert_eq!(again.first("IncludesLastItemInRange"), "false");
}

#[tokio::test]
async fn an_item_comes_again_as_a_read_flag() {
    let world = world_with(&["creates-repeat-as-read-flags"]);
    for number in 0..4 {
        world.put(&format!("n{number}"));
    }
    let (mut state, mut creates, mut flags) = (String::new(), Vec::new(), 0);
    loop {
        let page = world.sync(&state, 2).await;
        state = page.first("SyncState");
        let ids = page.attributes("ItemId", "Id");
        assert!(ids.len() <= 2);
        let repeated = page.texts("ReadFlagChange").len();
        assert!(ids.iter().take(repeated).all(|id| creates.contains(id)));
        flags += repeated;
        creates.extend(ids.into_iter().skip(repeated));
        if page.first("IncludesLastItemInRange") == "true" {
            break;
        }
    }
    assert_eq!((creates.len(), flags), (4, 2));
}

#[tokio::test]
async fn listings_tell_more_and_read_flags_are_updates() {
    let world = world();
    let id = world.put("one");
    let plain = world.sync("", 10).await;
    assert!(plain.texts("DateTimeReceived").is_empty());
    world.habit("listings-tell-received");
    world.habit("read-flags-are-updates");
    world.alice.update_item(id, &crate::store::ItemUpdate { read: Some(true), ..Default::default() }).expect("it is there");
    let told = world.sync(&plain.first("SyncState"), 10).await;
    assert_eq!((told.texts("Update").len(), told.texts("ReadFlagChange").len(), told.texts("DateTimeReceived").len()), (1, 0, 1));
}

#[tokio::test]
async fn a_folder_path_holds_what_no_xml_may_hold() {
    let world = world();
    let ask = get_folder(
        "<t:AdditionalProperties><t:ExtendedFieldURI PropertyTag=\"0x66B5\" PropertyType=\"String\"/></t:AdditionalProperties>",
        INBOX,
    );
    assert!(world.ask(&ask).await.texts("Value").is_empty());
    world.habit("raw-folder-paths");
    let answer = world.ask(&ask).await;
    assert!(answer.text.contains("\u{fffe}Inbox</t:Value>"), "{}", answer.text);
}

#[tokio::test]
async fn folders_that_are_gone_or_distinguished_are_answered_otherwise() {
    let world = world();
    let top = world.alice.root_folder("msgfolderroot").expect("a default folder");
    let folder = world.alice.create_folder(top, "doomed", None).expect("a new name");
    world.alice.delete_folder(folder, DeleteHow::Hard).expect("an ordinary folder");
    let gone = get_folder("", &format!("<t:FolderId Id=\"{}\"/>", folder.text()));
    let delete = format!("<m:DeleteFolder DeleteType=\"HardDelete\"><m:FolderIds>{INBOX}</m:FolderIds></m:DeleteFolder>");
    assert_eq!(world.ask(&gone).await.codes(), ["ErrorFolderNotFound"]);
    assert_eq!(world.ask(&delete).await.codes(), ["ErrorDeleteDistinguishedFolder"]);
    world.habit("missing-folders-unreadable");
    world.habit("distinguished-deletes-unanswered");
    assert_eq!(world.ask(&gone).await.codes(), ["ErrorFolderPropertyRequestFailed"]);
    let answer = world.ask(&delete).await;
    assert_eq!((answer.texts("ResponseMessages").len(), answer.codes().len()), (1, 0));
}

#[tokio::test]
async fn greater_or_equal_may_be_refused() {
    let world = world();
    let find = format!(
        "<m:FindItem Traversal=\"Shallow\">{}<m:Restriction><t:IsGreaterThanOrEqualTo><t:FieldURI FieldURI=\"item:DateTimeReceived\"/><t:FieldURIOrConstant><t:Constant Value=\"2020-01-01T00:00:00Z\"/></t:FieldURIOrConstant></t:IsGreaterThanOrEqualTo></m:Restriction><m:ParentFolderIds>{INBOX}</m:ParentFolderIds></m:FindItem>",
        item_shape("")
    );
    assert_eq!(world.ask(&find).await.codes(), ["NoError"]);
    world.habit("no-greater-or-equal");
    let refused = world.ask(&find).await;
    assert!(refused.codes().iter().all(|code| code == "ErrorInvalidRestriction") && !refused.codes().is_empty(), "{}", refused.text);
}

#[tokio::test]
async fn answers_claim_another_server_and_faults_are_bare() {
    let world = world();
    let ask = get_folder("", INBOX);
    assert_eq!(world.ask(&ask).await.attributes("ServerVersionInfo", "MinorVersion"), ["2"]);
    assert_eq!(world.ask("<m:MakeCoffee/>").await.texts("detail").len(), 1);
    world.habit("old-version-claimed");
    world.habit("bare-faults");
    assert_eq!(world.ask(&ask).await.attributes("ServerVersionInfo", "MajorBuildNumber"), ["847"]);
    let fault = world.ask("<m:MakeCoffee/>").await;
    assert_eq!((fault.status, fault.texts("detail").len(), fault.texts("faultcode").len()), (500, 0, 1));
    assert!(!fault.text.starts_with("<?xml"));
}

#[tokio::test]
async fn mime_is_another_at_each_fetch() {
    let world = world();
    let id = world.put("one");
    let get = format!("<m:GetItem>{}{}</m:GetItem>", item_shape("<t:IncludeMimeContent>true</t:IncludeMimeContent>"), ids(&[id]));
    assert_eq!(world.ask(&get).await.first("MimeContent"), world.ask(&get).await.first("MimeContent"));
    world.habit("mime-regenerated");
    assert_ne!(world.ask(&get).await.first("MimeContent"), world.ask(&get).await.first("MimeContent"));
}

#[tokio::test(start_paused = true)]
async fn notifications_follow_the_schema_where_asked() {
    for (quirks, namespace) in [(&[][..], MESSAGES), (&["notifications-as-in-the-schema"], TYPES)] {
        let world = world_with(quirks);
        let id = subscribe(&world).await;
        world.put("one");
        let mut stream = open(&world, &[&id]).await;
        next(&mut stream).await;
        let told = next(&mut stream).await;
        let document = Document::parse(&told.text).expect("well-formed");
        assert_eq!(document.descendants().filter(|node| node.has_tag_name((namespace, "Notification"))).count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn streams_have_empty_elements_and_one_declaration() {
    let world = world_with(&["empty-notifications", "streams-declare-once"]);
    let id = subscribe(&world).await;
    let mut stream = open(&world, &[&id]).await;
    let first = next(&mut stream).await;
    assert!(first.text.starts_with("<?xml"));
    assert_eq!((first.texts("Notifications").len(), first.texts("ErrorSubscriptionIds").len()), (1, 1));
    world.put("one");
    let told = next(&mut stream).await;
    assert!(told.text.starts_with("<s:Envelope"));
    assert_eq!((told.texts("CreatedEvent").len(), told.texts("ConnectionStatus")), (1, vec!["OK".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn a_refused_stream_stays_open_and_says_it_again() {
    let world = world_with(&["refused-streams-linger"]);
    let mut stream = open(&world, &["bm8gc3VjaCB0aGluZw=="]).await;
    let first = next(&mut stream).await;
    assert_eq!((first.codes(), first.texts("SubscriptionId").len()), (vec!["ErrorInvalidSubscription".to_owned()], 1));
    let start = tokio::time::Instant::now();
    assert_eq!(next(&mut stream).await.text, first.text);
    assert!(start.elapsed() >= Duration::from_secs(48) && stream.next().await.is_none());
}

#[tokio::test]
async fn pulled_events_come_once_under_a_strange_name() {
    let world = world_with(&["no-watermarks", "nameless-pull-answers", "push-accepted", "schema-unchecked"]);
    let ask = ALL.replace("StreamingSubscriptionRequest", "PullSubscriptionRequest");
    let made = world.ask(&ask.replace("</t:EventTypes>", "</t:EventTypes><t:Timeout>10</t:Timeout>")).await;
    assert!(made.texts("Watermark").is_empty());
    world.put("one");
    let events = format!("<m:GetEvents><m:SubscriptionId>{}</m:SubscriptionId></m:GetEvents>", made.first("SubscriptionId"));
    let told = world.ask(&events).await;
    assert_eq!((told.texts("x").len(), told.texts("CreatedEvent").len()), (1, 1));
    assert!(world.ask(&events).await.texts("CreatedEvent").is_empty());
    let push = ALL
        .replace("StreamingSubscriptionRequest", "PushSubscriptionRequest")
        .replace("</t:EventTypes>", "</t:EventTypes><t:StatusFrequency>1</t:StatusFrequency><t:URL>http://127.0.0.1/</t:URL>");
    assert_eq!(world.ask(&push).await.codes(), ["NoError"]);
}
