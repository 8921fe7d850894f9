//! Listing folders.

use super::script::{Canned, Script, answer, ews, mailbox, refusal, success};
use crate::{
    exchange::{Exchange, Verdict},
    mail::{Hierarchy, Mailbox},
};

fn folder(id: &str, parent: &str, name: &str) -> String {
    format!(
        "<t:Folder><t:FolderId Id=\"{id}\"/><t:ParentFolderId Id=\"{parent}\"/><t:FolderClass>IPF.Note</t:FolderClass><t:DisplayName>{name}</t:DisplayName>\
         <t:TotalCount>5</t:TotalCount><t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"0x670a\" PropertyType=\"SystemTime\"/>\
         <t:Value>2026-01-01T00:00:00Z</t:Value></t:ExtendedProperty><t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"0x670b\" PropertyType=\"Integer\"/>\
         <t:Value>3</t:Value></t:ExtendedProperty></t:Folder>"
    )
}

fn found(folders: &str, attributes: &str) -> Canned {
    answer("FindFolder", &success("FindFolder", &format!("<m:RootFolder {attributes}><t:Folders>{folders}</t:Folders></m:RootFolder>")))
}

fn synced(state: &str, changes: &str) -> Canned {
    let content = format!(
        "<m:SyncState>{state}</m:SyncState><m:IncludesLastFolderInRange>true</m:IncludesLastFolderInRange><m:Changes>{changes}</m:Changes>"
    );
    answer("SyncFolderHierarchy", &success("SyncFolderHierarchy", &content))
}

fn well_known() -> Canned {
    let inbox = success("GetFolder", "<m:Folders><t:Folder><t:FolderId Id=\"i\"/></t:Folder></m:Folders>");
    answer("GetFolder", &(inbox + &refusal("GetFolder", "ErrorFolderNotFound", "<m:Folders/>").repeat(13)))
}

const LAST: &str = "IndexedPagingOffset=\"2\" TotalItemsInView=\"2\" IncludesLastItemInRange=\"true\"";

async fn run(mailbox: Mailbox, known: &Hierarchy, answers: Vec<Canned>) -> (Result<Hierarchy, crate::exchange::Error>, Vec<String>) {
    let script = Script::new(answers);
    let (ews, _) = ews(&script);
    let result = ews.folders(&mailbox, known).await;
    assert_eq!(script.left(), 0, "{result:?}");
    let operations = ["FindFolder", "SyncFolderHierarchy", "GetFolder"];
    let named = |asked: &String| operations.iter().find(|name| asked.contains(&format!("<m:{name}"))).unwrap().to_string();
    (result, script.asked().iter().map(named).collect())
}

#[tokio::test(start_paused = true)]
async fn an_unchanged_tree_costs_one_request() {
    let both = folder("i", "root", " Inbox/A ") + &folder("c", "i", "Sub") + "<t:SearchFolder><t:FolderId Id=\"s\"/></t:SearchFolder>";
    let (first, asked) = run(
        mailbox(),
        &Hierarchy::default(),
        vec![found(&both, LAST), synced("h1", &format!("<t:Create>{both}</t:Create>")), well_known()],
    )
    .await;
    let first = first.unwrap();
    assert_eq!(asked, ["FindFolder", "SyncFolderHierarchy", "GetFolder"]);
    assert_eq!(first.folders.len(), 2);
    assert_eq!(first.folders[0].path, [" Inbox/A "]);
    assert_eq!(first.folders[0].well_known.as_deref(), Some("inbox"));
    assert_eq!(first.folders[1].path, [" Inbox/A ", "Sub"]);
    assert_eq!((first.folders[1].stamp.as_deref(), first.folders[1].total), (Some("2026-01-01T00:00:00Z|3"), Some(5)));
    let moved = both.replace("2026-01-01", "2026-01-02");
    let (second, asked) = run(mailbox(), &first, vec![found(&moved, LAST)]).await;
    let second = second.unwrap();
    assert_eq!(asked, ["FindFolder"]);
    assert_eq!(second.cursors, first.cursors);
    assert_eq!(second.folders[0].well_known.as_deref(), Some("inbox"));
    assert_ne!(second.folders[0].stamp, first.folders[0].stamp);
}

#[tokio::test(start_paused = true)]
async fn a_dead_hierarchy_cursor_begins_anew() {
    let (known, _) =
        run(mailbox(), &Hierarchy::default(), vec![found(&folder("i", "r", "Inbox"), LAST), synced("h1", ""), well_known()]).await;
    let dead = answer("SyncFolderHierarchy", &refusal("SyncFolderHierarchy", "ErrorInvalidSyncStateData", "<m:SyncState/>"));
    let now = folder("i", "r", "Inbox") + &folder("n", "r", "New");
    let (next, asked) =
        run(mailbox(), &known.unwrap(), vec![found(&now, LAST), dead, synced("h2", &format!("<t:Create>{now}</t:Create>"))]).await;
    let next = next.unwrap();
    assert_eq!(asked.len(), 3);
    assert_eq!(next.folders.len(), 2);
    assert_eq!(next.cursors.values().next().unwrap().0, "h2");
}

#[tokio::test(start_paused = true)]
async fn a_server_without_find_folder_is_read_by_its_hierarchy() {
    let refused = answer("FindFolder", &refusal("FindFolder", "ErrorInvalidPropertyRequest", ""));
    let all = format!("<t:Create>{}</t:Create>", folder("i", "r", "Inbox"));
    let (tree, asked) =
        run(mailbox(), &Hierarchy::default(), vec![refused.clone(), refused.clone(), refused, synced("h", &all), well_known()]).await;
    assert_eq!((tree.unwrap().folders.len(), asked.len()), (1, 5));
}

#[tokio::test(start_paused = true)]
async fn pages_are_followed_until_they_stop_advancing() {
    let page = |id: &str, attributes: &str| found(&folder(id, "r", id), attributes);
    let more = "IndexedPagingOffset=\"1\" IncludesLastItemInRange=\"false\"";
    let stuck = "IndexedPagingOffset=\"1\" IncludesLastItemInRange=\"0\"";
    let (tree, _) = run(mailbox(), &Hierarchy::default(), vec![page("i", more), page("b", stuck), synced("h", ""), well_known()]).await;
    assert_eq!(tree.unwrap().folders.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_missing_archive_is_no_failure_and_an_unreachable_one_is_kept() {
    let with_archive = Mailbox { archive: true, ..mailbox() };
    let primary = vec![found(&folder("i", "r", "Inbox"), LAST), synced("h", ""), well_known()];
    let none = answer("FindFolder", &refusal("FindFolder", "ErrorArchiveMailboxNotEnabled", ""));
    let (tree, _) = run(with_archive.clone(), &Hierarchy::default(), [primary.clone(), vec![none]].concat()).await;
    assert_eq!(tree.unwrap().folders.len(), 1);
    let archive = vec![found(&folder("x", "ar", "Old"), LAST), synced("ah", "")];
    let (known, _) = run(with_archive.clone(), &Hierarchy::default(), [primary, archive].concat()).await;
    let known = known.unwrap();
    assert_eq!(known.folders.iter().filter(|folder| folder.archive).count(), 1);
    let away = answer("FindFolder", &refusal("FindFolder", "ErrorGetRemoteArchiveFolderFailed", ""));
    let (kept, _) = run(with_archive, &known, vec![found(&folder("i", "r", "Inbox"), LAST), away]).await;
    assert_eq!(kept.unwrap(), known);
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_may_not_be_read_says_why() {
    let denied = answer("FindFolder", &refusal("FindFolder", "ErrorAccessDenied", ""));
    let (tree, _) = run(mailbox(), &Hierarchy::default(), vec![denied]).await;
    let error = tree.unwrap_err();
    assert_eq!(error.verdict, Verdict::StopMailbox);
    assert_eq!(
        error.to_string(),
        "listing the folders of a@example.com failed: ErrorAccessDenied: words of ErrorAccessDenied \
         (give the account full access to this mailbox, or set access_type to impersonation)"
    );
}
