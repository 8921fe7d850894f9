use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{
    super::double::{Double, Say, json as say, refuse},
    *,
};
use crate::{
    exchange::Verdict,
    mail::{Address, Bucket, IdForm},
};

fn mailbox() -> Mailbox {
    Mailbox { address: Address::new("ann@example.com"), bucket: Bucket { owner: "o".into(), name: "b".into() }, archive: false }
}

fn entry(id: &str, parent: &str, name: &str, children: u64) -> Value {
    json!({"id": id, "parentFolderId": parent, "displayName": name, "childFolderCount": children, "totalItemCount": 5, "unreadItemCount": 1})
}

/// The answer to the question for well-known folders: two there are.
fn names(body: &str) -> Say {
    let request: Value = serde_json::from_str(body).unwrap();
    let answer = |inner: &Value| match inner["url"].as_str().unwrap() {
        url if url.contains("/inbox?") => json!({"id": inner["id"], "status": 200, "body": {"id": "a"}}),
        url if url.contains("/msgfolderroot?") => json!({"id": inner["id"], "status": 200, "body": {"id": "root"}}),
        _ => json!({"id": inner["id"], "status": 404, "body": {"error": {"code": "ErrorItemNotFound", "message": "no"}}}),
    };
    let responses: Vec<Value> = request["requests"].as_array().unwrap().iter().map(answer).collect();
    say(json!({"responses": responses}).to_string())
}

fn serve(script: impl Fn(&str, usize) -> Say + Send + Sync + 'static) -> Arc<Double> {
    Double::new(Duration::ZERO, move |outgoing, turn| match &outgoing.body {
        Some(body) => names(body),
        None => script(&outgoing.url, turn),
    })
}

fn session(double: &Arc<Double>) -> Session {
    let session = double.session();
    session.desk.memory.learn_form(IdForm::GraphImmutable);
    session
}

async fn look(session: &Session, known: &Hierarchy) -> Result<Hierarchy, Error> {
    session.folders(&mailbox(), known, true).await
}

fn page(entries: &[Value], link: &str, name: &str) -> Say {
    say(json!({"value": entries, link: format!("https://graph.example.com/v1.0/f?$token={name}")}).to_string())
}

fn shown(hierarchy: &Hierarchy) -> Vec<String> {
    hierarchy.folders.iter().map(|folder| format!("{}={}", folder.id.0, folder.path.join("|"))).collect()
}

const DELTA: &str = "@odata.deltaLink";

#[tokio::test(start_paused = true)]
async fn an_idle_mailbox_costs_one_request_and_saves_nothing() {
    let double = serve(|url, _| match url.rsplit("token=").next() {
        Some("n") => page(&[entry("b", "a", "Sub/Folder", 0)], DELTA, "d0"),
        Some("d0" | "d1") => page(&[], DELTA, "d1"),
        _ => page(&[entry("a", "root", "Inbox", 1)], "@odata.nextLink", "n"),
    });
    let session = session(&double);
    let first = look(&session, &Hierarchy::default()).await.unwrap();
    assert_eq!(shown(&first), ["a=Inbox", "b=Inbox|Sub/Folder"]);
    assert_eq!((first.folders[0].well_known.as_deref(), first.folders[0].total), (Some("inbox"), Some(5)));
    assert_eq!(first.home, Some(Home { form: IdForm::GraphImmutable, root: FolderId("root".into()) }));
    assert_eq!(double.heard().len(), 3);
    let mut known = first.clone();
    for _ in 0..5 {
        known = look(&session, &known).await.unwrap();
        assert_eq!(known, first);
    }
    let urls: Vec<String> = double.heard().into_iter().skip(3).map(|outgoing| outgoing.url).collect();
    assert_eq!(urls.len(), 5);
    assert!(urls[0].ends_with("token=d0") && urls[1..].iter().all(|url| url.ends_with("token=d1")), "{urls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_word_about_a_folder_changes_its_stamp() {
    let double = serve(|url, _| match url.rsplit("token=").next() {
        Some("d0") => page(&[json!({"id": "a", "unreadItemCount": 2})], DELTA, "d1"),
        _ => page(&[entry("a", "root", "Inbox", 0), entry("c", "root", "Other", 0)], DELTA, "d0"),
    });
    let session = session(&double);
    let first = look(&session, &Hierarchy::default()).await.unwrap();
    let second = look(&session, &first).await.unwrap();
    assert_ne!(first.folders[0].stamp, second.folders[0].stamp);
    assert_eq!(first.folders[1], second.folders[1]);
}

#[tokio::test(start_paused = true)]
async fn a_dead_link_begins_anew_and_forgets_what_is_gone() {
    let double = serve(|url, turn| match (url.contains("token="), turn) {
        (true, _) => refuse(410, "SyncStateNotFound"),
        (_, 0) => page(&[entry("a", "root", "Inbox", 0), entry("c", "root", "Other", 0)], DELTA, "d0"),
        _ => page(&[entry("a", "root", "Inbox", 0)], DELTA, "d5"),
    });
    let session = session(&double);
    let first = look(&session, &Hierarchy::default()).await.unwrap();
    assert_eq!(shown(&look(&session, &first).await.unwrap()), ["a=Inbox"]);
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_without_a_list_of_changes_is_listed_level_by_level() {
    for (delta, code) in [(true, "notSupported"), (true, "ErrorQuotaExceeded"), (false, "")] {
        let double = serve(move |url, _| match url {
            url if url.contains("/delta") => refuse(400, code),
            url if url.contains("/mailFolders/a/childFolders") => say(json!({"value": [entry("b", "a", "Sub", 1)]}).to_string()),
            url if url.contains("/mailFolders/b/childFolders") => refuse(404, "ErrorItemNotFound"),
            url if url.contains("skip") => say(json!({"value": [entry("c", "root", "Other", 0)]}).to_string()),
            _ => page(&[entry("a", "root", "Inbox", 1)], "@odata.nextLink", "skip"),
        });
        let session = session(&double);
        let first = session.folders(&mailbox(), &Hierarchy::default(), delta).await.unwrap();
        assert_eq!(shown(&first), ["a=Inbox", "b=Inbox|Sub", "c=Other"]);
        assert_eq!(first.folders[0].stamp.as_deref(), Some("5/1"), "counts are the stamp");
        session.folders(&mailbox(), &first, delta).await.unwrap();
        assert!(double.heard().iter().filter(|outgoing| outgoing.url.contains("/delta")).count() <= 2);
    }
}

#[tokio::test(start_paused = true)]
async fn hidden_folders_are_added_where_changes_take_no_word_about_them() {
    let mut hidden = entry("h", "root", "Hidden", 0);
    hidden["isHidden"] = json!(true);
    let double = serve(move |url, _| match url {
        url if url.contains("/delta") && url.contains("includeHidden") => refuse(400, "ErrorInvalidUrlQuery"),
        url if url.contains("/delta") => page(&[entry("a", "root", "Inbox", 0)], DELTA, "d0"),
        _ => say(json!({"value": [entry("a", "root", "Inbox", 0), hidden]}).to_string()),
    });
    let found = look(&session(&double), &Hierarchy::default()).await.unwrap();
    assert_eq!(shown(&found), ["h=Hidden", "a=Inbox"]);
    assert!(found.folders.iter().any(|folder| folder.hidden));
}

#[tokio::test(start_paused = true)]
async fn another_interfaces_hierarchy_is_no_obstacle_and_its_archive_stays() {
    let double = serve(|_, _| page(&[entry("a", "root", "Inbox", 0)], DELTA, "d0"));
    let archived = Folder { archive: true, ..Folder::bare(FolderId("z".into()), vec!["Old".into()]) };
    let cursors =
        [(ROOT.to_owned(), crate::mail::Cursor("H4sI".into())), ("archivemsgfolderroot".to_owned(), crate::mail::Cursor("X".into()))];
    let known = Hierarchy { folders: vec![archived], cursors: cursors.into(), ..Hierarchy::default() };
    let found = look(&session(&double), &known).await.unwrap();
    assert_eq!(shown(&found), ["a=Inbox", "z=Old"]);
    assert!(found.cursors.contains_key("archivemsgfolderroot"));
}

#[tokio::test(start_paused = true)]
async fn a_closed_mailbox_and_a_refused_application_are_told_apart() {
    for (status, code, verdict) in [
        (403, "ErrorAccessDenied", Verdict::StopMailbox),
        (404, "ResourceNotFound", Verdict::StopMailbox),
        (403, "Authorization_RequestDenied", Verdict::Refused),
    ] {
        let double = serve(move |_, _| refuse(status, code));
        assert_eq!(look(&session(&double), &Hierarchy::default()).await.unwrap_err().verdict, verdict, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_cannot_be_asked_for_together_are_asked_for_one_by_one() {
    let double = Double::new(Duration::ZERO, |outgoing, _| match &outgoing.url {
        url if url.ends_with("/$batch") => refuse(405, ""),
        url if url.contains("/inbox?") => say(r#"{"id":"a"}"#),
        url if url.contains("/delta") => page(&[entry("a", "root", "Inbox", 0)], DELTA, "d0"),
        _ => refuse(404, "ErrorItemNotFound"),
    });
    let found = look(&session(&double), &Hierarchy::default()).await.unwrap();
    assert_eq!(found.folders[0].well_known.as_deref(), Some("inbox"));
    assert_eq!(found.home.unwrap().root, FolderId("root".into()), "the parent of all");
}

#[tokio::test(start_paused = true)]
async fn mail_is_noticed_where_changes_tell_of_folders_alone() {
    let double = serve(|url, turn| match (url.contains("token="), url.contains("/delta")) {
        (true, _) => page(&[], DELTA, "d1"),
        (_, true) => page(&[entry("a", "root", "Inbox", 0), entry("b", "root", "Other", 0)], DELTA, "d0"),
        _ if turn > 6 => {
            let mut inbox = entry("a", "root", "Inbox", 0);
            inbox["totalItemCount"] = 6.into();
            say(json!({"value": [inbox, entry("b", "root", "Other", 0)]}).to_string())
        }
        _ => say(json!({"value": [entry("a", "root", "Inbox", 0), entry("b", "root", "Other", 0)]}).to_string()),
    });
    let session = session(&double);
    let first = look(&session, &Hierarchy::default()).await.unwrap();
    let idle = look(&session, &first).await.unwrap();
    assert_eq!((&idle, double.heard().len()), (&first, 3), "not asked at once");
    tokio::time::advance(Duration::from_secs(60)).await;
    let idle = look(&session, &idle).await.unwrap();
    assert_eq!((&idle, double.heard().len()), (&first, 5), "counted, and as it was");
    let idle = look(&session, &idle).await.unwrap();
    assert_eq!(double.heard().len(), 6, "not counted each time");
    tokio::time::advance(Duration::from_secs(60)).await;
    let found = look(&session, &idle).await.unwrap();
    assert_ne!(found.folders[0].stamp, first.folders[0].stamp);
    assert_eq!((found.folders[0].total, &found.folders[1]), (Some(6), &first.folders[1]));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_cannot_be_told_is_waited_for_and_not_for_ever() {
    let double = Double::new(Duration::ZERO, |outgoing, _| match &outgoing.body {
        Some(body) => {
            let request: Value = serde_json::from_str(body).unwrap();
            let answer = |inner: &Value| match inner["url"].as_str().unwrap() {
                url if url.contains("/inbox?") => json!({"id": inner["id"], "status": 200, "body": {"id": "a"}}),
                url if url.contains("/junkemail?") => json!({"id": inner["id"], "status": 500, "body": null}),
                _ => json!({"id": inner["id"], "status": 404, "body": {"error": {"code": "ErrorItemNotFound", "message": "no"}}}),
            };
            let responses: Vec<Value> = request["requests"].as_array().unwrap().iter().map(answer).collect();
            say(json!({"responses": responses}).to_string())
        }
        None => page(&[entry("a", "root", "Inbox", 0)], DELTA, "d0"),
    });
    let session = session(&double);
    for _ in 0..3 {
        assert_eq!(look(&session, &Hierarchy::default()).await.unwrap_err().verdict, Verdict::Later, "a filter may go by that name");
    }
    let found = look(&session, &Hierarchy::default()).await.unwrap();
    assert_eq!(found.folders[0].well_known.as_deref(), Some("inbox"));
}
