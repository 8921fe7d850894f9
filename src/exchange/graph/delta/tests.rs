use std::time::Duration;

use super::{
    super::double::{Double, Say, json, refuse},
    *,
};
use crate::mail::{FolderId, IdForm, ItemId};

const GONE: &str = "SyncStateNotFound";

pub fn folder() -> Folder {
    Folder::bare(FolderId("F/1=".into()), vec!["Inbox".into()])
}

fn cursor(place: Place) -> Cursor {
    Position { form: IdForm::GraphImmutable, place }.write()
}

fn place(page: &Page) -> Place {
    Position::read(&page.cursor, IdForm::GraphImmutable).unwrap().place
}

fn link(name: &str) -> String {
    format!("https://graph.example.com/v1.0/x?$skiptoken={name}")
}

fn next(walk: bool, name: &str, previous: Option<&str>) -> Place {
    Place::Next { link: link(name), walk, previous: previous.map(link) }
}

struct Stage {
    double: std::sync::Arc<Double>,
    session: Session,
}

impl Stage {
    fn new(script: impl Fn(&str, usize) -> Say + Send + Sync + 'static) -> Self {
        let double = Double::new(Duration::ZERO, move |outgoing, turn| script(&outgoing.url, turn));
        let session = double.session();
        session.desk.memory.learn_form(IdForm::GraphImmutable);
        Self { double, session }
    }

    async fn page(&self, from: Option<Place>, limit: usize) -> Result<Page, Error> {
        self.session.page(&folder(), from.map(cursor).as_ref(), limit, true).await
    }

    fn urls(&self) -> Vec<String> {
        self.double.heard().into_iter().map(|outgoing| outgoing.url).collect()
    }
}

fn page(ids: &[&str], end: &str) -> Say {
    let entries: Vec<String> = ids
        .iter()
        .map(|id| format!(r#"{{"id":"{id}","receivedDateTime":"2024-05-01T10:00:00Z","isRead":false,"isDraft":false}}"#))
        .collect();
    json(format!(r#"{{"value":[{}],{end}}}"#, entries.join(",")))
}

fn more(name: &str) -> String {
    format!(r#""@odata.nextLink":"{}""#, link(name))
}

fn end(name: &str) -> String {
    format!(r#""@odata.deltaLink":"{}""#, link(name))
}

#[tokio::test(start_paused = true)]
async fn a_walk_goes_by_links_to_its_delta_link() {
    let stage = Stage::new(|_, turn| match turn {
        0 => page(&["a", "b"], &more("n'%201")),
        1 => page(&[], &more("n2")),
        _ => page(&["c"], &end("d")),
    });
    let first = stage.page(None, 80).await.unwrap();
    assert!(matches!(first.changes.as_slice(), [Change::Created(a), Change::Created(_)] if a.id == ItemId("a".into())));
    assert_eq!(place(&first), next(true, "n'%201", None));
    assert!(!first.last && first.certain);
    let second = stage.page(Some(place(&first)), 80).await.unwrap();
    assert!(second.changes.is_empty() && !second.last, "an empty page is not the end");
    let third = stage.page(Some(place(&second)), 80).await.unwrap();
    assert!(third.last && matches!(third.changes.as_slice(), [Change::Created(_)]));
    assert_eq!(place(&third), Place::Delta(link("d")));
    let urls = stage.urls();
    assert_eq!(
        urls[0],
        "https://graph.example.com/v1.0/users/ann%40example.com/mailFolders/F%2F1%3D/messages/delta?$select=id%2CreceivedDateTime%2C\
         createdDateTime%2ClastModifiedDateTime%2CisRead%2CisDraft%2CparentFolderId&$orderby=receivedDateTime%20desc"
    );
    assert_eq!(urls[1], link("n'%201"), "links are followed to the letter");
    let prefers: Vec<_> = stage.double.heard().into_iter().filter_map(|outgoing| outgoing.prefer).collect();
    assert_eq!(prefers, [r#"odata.maxpagesize=80, IdType="ImmutableId""#; 3]);
}

#[tokio::test(start_paused = true)]
async fn later_rounds_tell_updates_and_remember_where_they_began() {
    let stage = Stage::new(|_, _| page(&["a"], &more("n")));
    let found = stage.page(Some(Place::Delta(link("d"))), 1000).await.unwrap();
    assert!(matches!(found.changes.as_slice(), [Change::Updated(_)]));
    assert_eq!(place(&found), next(false, "n", Some("d")));
    assert!(stage.double.heard()[0].prefer.as_deref().unwrap().starts_with("odata.maxpagesize=500,"));
}

#[tokio::test(start_paused = true)]
async fn a_dead_next_link_falls_back_to_the_delta_link_before() {
    let stage = Stage::new(|url, _| if url.ends_with("=n") { refuse(410, "syncStateNotFound") } else { page(&["a"], &end("d2")) });
    let found = stage.page(Some(next(false, "n", Some("d"))), 80).await.unwrap();
    assert_eq!(place(&found), Place::Delta(link("d2")));
    assert_eq!(stage.urls(), [link("n"), link("d")]);
}

#[tokio::test(start_paused = true)]
async fn dead_links_of_all_kinds_ask_for_a_new_walk() {
    for (status, code) in [
        (410, GONE),
        (404, GONE),
        (500, "SYNCSTATEINVALID"),
        (400, "ErrorInvalidUrlQuery"),
        (410, ""),
        (400, "SomethingNew"),
        (400, "ErrorInvalidIdMalformed"),
    ] {
        let stage = Stage::new(move |_, _| refuse(status, code));
        let error = stage.page(Some(Place::Delta(link("d"))), 80).await.unwrap_err();
        assert_eq!(error.verdict, Verdict::Resync, "{status} {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn cursors_of_others_ask_for_a_new_walk_without_a_request() {
    let stage = Stage::new(|_, _| refuse(500, "unexpected"));
    let error = stage.session.page(&folder(), Some(&Cursor("H4sIAAA".into())), 80, true).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Resync);
    assert!(stage.urls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn links_to_other_hosts_are_not_followed() {
    let stage = Stage::new(|_, _| page(&["a"], &end("d")));
    let error = stage.page(Some(Place::Delta("https://elsewhere.example.net/d".into())), 80).await.unwrap_err();
    assert_eq!(error.verdict, Verdict::Resync);
    assert!(stage.urls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_dies_twice_is_made_by_time() {
    let stage = Stage::new(|url, _| if url.contains("skiptoken") { refuse(410, GONE) } else { page(&["a"], r#""x":1"#) });
    for _ in 0..2 {
        assert_eq!(stage.page(Some(next(true, "n", None)), 80).await.unwrap_err().verdict, Verdict::Resync);
    }
    let found = stage.page(None, 80).await.unwrap();
    assert!(matches!(place(&found), Place::List(Keyset { caught_up: true, .. })));
    assert!(found.last && matches!(found.changes.as_slice(), [Change::Created(_)]));
    assert!(stage.urls().last().unwrap().contains("receivedDateTime%20asc"));
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_is_listed_by_time_at_once() {
    for code in ["ErrorQuotaExceeded", "notSupported"] {
        let stage = Stage::new(move |url, _| if url.contains("delta") { refuse(400, code) } else { page(&["a"], r#""x":1"#) });
        assert!(matches!(place(&stage.page(None, 80).await.unwrap()), Place::List(_)), "{code}");
        stage.page(None, 80).await.unwrap();
        assert_eq!(stage.urls().iter().filter(|url| url.contains("delta")).count(), 1, "not asked again for a while");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_fills_up_later_is_walked_by_time() {
    let stage = Stage::new(move |url, _| if url.contains("skiptoken") { refuse(507, "") } else { page(&["a"], r#""x":1"#) });
    assert_eq!(stage.page(Some(Place::Delta(link("d"))), 80).await.unwrap_err().verdict, Verdict::Resync);
    assert!(matches!(place(&stage.page(None, 80).await.unwrap()), Place::List(_)));
}

#[tokio::test(start_paused = true)]
async fn a_cloud_without_changes_is_never_asked_for_them() {
    let stage = Stage::new(|_, _| page(&["a"], r#""x":1"#));
    let found = stage.session.page(&folder(), None, 80, false).await.unwrap();
    assert!(matches!(place(&found), Place::List(_)));
    assert!(!stage.urls()[0].contains("delta"));
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_refused_is_left_out() {
    let stage = Stage::new(|url, _| if url.contains("orderby") { refuse(400, "ErrorInvalidUrlQuery") } else { page(&["a"], &end("d")) });
    stage.page(None, 80).await.unwrap();
    stage.page(None, 80).await.unwrap();
    assert_eq!(stage.urls().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn pages_shrink_where_the_server_breaks_down_over_them() {
    let double = Double::new(Duration::ZERO, |outgoing, _| {
        let small = outgoing.prefer.as_deref().is_some_and(|prefer| prefer.starts_with("odata.maxpagesize=10,"));
        if small { page(&["a"], &end("d")) } else { refuse(500, "InternalServerError") }
    });
    let session = double.session();
    session.desk.memory.learn_form(IdForm::GraphImmutable);
    let found = session.page(&folder(), Some(&cursor(Place::Delta(link("d0")))), 80, true).await.unwrap();
    assert_eq!((found.changes.len(), double.heard().len()), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn a_list_of_changes_that_stays_broken_gives_way_to_a_listing_by_time() {
    let stage = Stage::new(|url, _| if url.contains("delta") { refuse(500, "InternalServerError") } else { page(&["a"], r#""x":1"#) });
    assert!(matches!(place(&stage.page(None, 80).await.unwrap()), Place::List(_)));
}

#[tokio::test(start_paused = true)]
async fn folders_that_are_gone_and_mailboxes_that_are_closed_are_told_apart() {
    let gone = Stage::new(|_, _| refuse(404, "ErrorItemNotFound"));
    assert_eq!(gone.page(None, 80).await.unwrap_err().verdict, Verdict::FolderGone);
    let closed = Stage::new(|_, _| refuse(404, "MailboxNotEnabledForRESTAPI"));
    assert_eq!(closed.page(None, 80).await.unwrap_err().verdict, Verdict::StopMailbox);
}

#[tokio::test(start_paused = true)]
async fn a_listing_by_time_is_left_after_a_day() {
    let stage = Stage::new(|_, _| page(&["a"], &end("d")));
    stage.session.desk.memory.list(&folder().id);
    let began = Utc::now() - TimeDelta::hours(25);
    let list = Keyset { caught_up: true, ..Keyset::new(began) };
    assert_eq!(stage.page(Some(Place::List(list.clone())), 80).await.unwrap_err().verdict, Verdict::Resync);
    assert!(stage.page(None, 80).await.unwrap().last);
    assert!(stage.urls()[0].contains("messages/delta"));
    let unfinished = Keyset { caught_up: false, ..list };
    assert!(stage.page(Some(Place::List(unfinished)), 80).await.is_ok(), "a long first listing is not begun again for its length");
}

#[tokio::test(start_paused = true)]
async fn archives_are_out_of_reach() {
    let stage = Stage::new(|_, _| page(&["a"], &end("d")));
    let archived = Folder { archive: true, ..folder() };
    assert_eq!(stage.session.page(&archived, None, 80, true).await.unwrap_err().verdict, Verdict::SkipFolder);
}
