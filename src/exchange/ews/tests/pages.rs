//! Listing a folder's changes.

use super::script::{Canned, Script, answer, ews, folder, mailbox, refusal, success};
use crate::{
    exchange::{Error, Exchange, Verdict},
    mail::{Change, Cursor, Page},
};

const OP: &str = "SyncFolderItems";

async fn list(answers: Vec<Canned>, cursor: Option<&str>) -> (Result<Page, Error>, std::sync::Arc<Script>) {
    let script = Script::new(answers);
    let (ews, _) = ews(&script);
    let cursor = cursor.map(|cursor| Cursor(cursor.into()));
    let page = ews.page(&mailbox(), &folder("F/+="), cursor.as_ref(), 600).await;
    (page, script)
}

fn listing(changes: &str) -> String {
    success(
        OP,
        &format!(
            "<m:SyncState>new</m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange><m:Changes>{changes}</m:Changes>"
        ),
    )
}

#[tokio::test(start_paused = true)]
async fn reads_every_kind_of_change() {
    let changes = "<t:Create><t:Message><t:ItemId Id=\"1\" ChangeKey=\"c\"/><t:ItemClass>IPM.Note</t:ItemClass>\
        <t:DateTimeReceived>2026-01-01T04:00:00Z</t:DateTimeReceived><t:Size>12</t:Size><t:DateTimeCreated>2026-01-02T04:00:00</t:DateTimeCreated>\
        <t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"0x300b\" PropertyType=\"Binary\"/><t:Value>AQID</t:Value></t:ExtendedProperty>\
        <t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"0xe07\" PropertyType=\"Integer\"/><t:Value>9</t:Value></t:ExtendedProperty>\
        </t:Message></t:Create><t:Update><t:NewKind><t:ItemId Id=\"2\"/><t:Odd xsi:nil=\"true\"/></t:NewKind></t:Update><t:Delete><t:ItemId Id=\"3\"/></t:Delete>\
        <t:ReadFlagChange><t:ItemId Id=\"4\"/><t:IsRead>1</t:IsRead></t:ReadFlagChange><t:Create><t:Item/></t:Create><t:Unheard/>";
    let (page, script) = list(vec![answer(OP, &listing(changes))], None).await;
    let page = page.unwrap();
    assert!(page.last);
    assert_eq!(page.cursor, Cursor("new".into()));
    let [Change::Created(one), Change::Updated(two), Change::Deleted(three), Change::ReadChanged { id: four, read: true }] =
        page.changes.as_slice()
    else {
        panic!("{page:?}")
    };
    assert_eq!((one.id.0.as_str(), one.size, one.class.as_deref(), one.flags), ("1", Some(12), Some("IPM.Note"), Some(9)));
    assert_eq!((one.read(), one.draft(), one.search_key.as_deref()), (Some(true), Some(true), Some(&[1u8, 2, 3][..])));
    assert_eq!(one.created.unwrap().to_rfc3339(), "2026-01-02T04:00:00+00:00");
    assert_eq!((two.id.0.as_str(), three.0.as_str(), four.0.as_str()), ("2", "3", "4"));
    let asked = script.asked().remove(0);
    assert!(asked.contains("<m:MaxChangesReturned>512</m:MaxChangesReturned>") && !asked.contains("SyncState"));
    assert_eq!(script.accepted(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dead_cursor_asks_for_a_resync() {
    let dead = refusal(OP, "ErrorInvalidSyncStateData", "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>");
    let (page, script) = list(vec![answer(OP, &dead)], Some("old&")).await;
    assert_eq!(page.unwrap_err().verdict, Verdict::Resync);
    assert!(script.asked()[0].contains("<m:SyncState>old&amp;</m:SyncState>"));
}

#[tokio::test(start_paused = true)]
async fn busy_with_an_empty_state_is_no_page() {
    let busy = refusal(
        OP,
        "ErrorServerBusy",
        "<m:MessageXml><t:Value Name=\"BackOffMilliseconds\">5000</t:Value></m:MessageXml><m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>",
    );
    let start = tokio::time::Instant::now();
    let (page, script) = list(vec![answer(OP, &busy), answer(OP, &listing(""))], Some("old")).await;
    assert_eq!(page.unwrap().cursor, Cursor("new".into()));
    assert_eq!(script.left(), 0);
    assert!(start.elapsed().as_millis() >= 5000);
}

#[tokio::test(start_paused = true)]
async fn a_success_without_state_is_never_a_page() {
    let empty = success(OP, "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange><m:Changes/>");
    let (page, _) = list(vec![answer(OP, &empty)], Some("old")).await;
    let error = page.unwrap_err();
    assert_eq!(error.verdict, Verdict::Later);
    assert_eq!(error.to_string(), "listing Inbox of a@example.com failed: the page came without a SyncState");
}

#[tokio::test(start_paused = true)]
async fn a_truncated_page_is_asked_for_again() {
    let whole = answer(OP, &listing("<t:Delete><t:ItemId Id=\"3\"/></t:Delete>"));
    for (length, cut) in [(whole.body.len() - 30, false), (whole.body.len() - 3, true), (200, false), (0, false), (0, true)] {
        let mut short = whole.clone();
        short.body.truncate(length);
        short.cut = cut;
        let (page, script) = list(vec![short, whole.clone()], None).await;
        assert_eq!(page.unwrap().changes.len(), 1, "{length}");
        assert_eq!((script.left(), script.accepted()), (0, 1), "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn properties_that_are_refused_are_left_out_and_stay_so() {
    let script = Script::new([
        answer(OP, &refusal(OP, "ErrorInvalidPropertyRequest", "")),
        Canned::status(500, fault("a:ErrorSchemaValidation")),
        answer(OP, &listing("")),
        answer(OP, &listing("")),
    ]);
    let (ews, _) = ews(&script);
    ews.page(&mailbox(), &folder("F"), None, 10).await.unwrap();
    ews.page(&mailbox(), &folder("F"), None, 10).await.unwrap();
    let asked = script.asked();
    assert!(asked[0].contains("0x300B") && asked[1].contains("item:Size") && !asked[1].contains("0x300B"));
    assert!(!asked[2].contains("AdditionalProperties") && !asked[3].contains("AdditionalProperties"));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_leads_nowhere_is_the_last() {
    let stuck = success(OP, "<m:SyncState>same</m:SyncState><m:IncludesLastItemInRange>false</m:IncludesLastItemInRange><m:Changes/>");
    assert!(list(vec![answer(OP, &stuck)], Some("same")).await.0.unwrap().last);
    assert!(!list(vec![answer(OP, &stuck)], Some("other")).await.0.unwrap().last);
}

#[tokio::test(start_paused = true)]
async fn verdicts_of_refusals() {
    for (code, verdict) in [
        ("ErrorSyncFolderNotFound", Verdict::FolderGone),
        ("ErrorAccessDenied", Verdict::SkipFolder),
        ("ErrorFolderCorrupt", Verdict::SkipFolder),
        ("ErrorImpersonateUserDenied", Verdict::StopMailbox),
        ("ErrorPasswordExpired", Verdict::Refused),
    ] {
        let (page, script) = list(vec![answer(OP, &refusal(OP, code, ""))], None).await;
        let error = page.unwrap_err();
        assert_eq!((error.verdict, error.code.as_deref(), script.asked().len()), (verdict, Some(code), 1));
    }
    let (page, script) = list(vec![answer(OP, &refusal(OP, "ErrorUnheardOf", "")); 20], None).await;
    assert_eq!((page.unwrap_err().verdict, script.asked().len()), (Verdict::SkipFolder, 7));
    let (page, script) = list(vec![answer(OP, &refusal(OP, "ErrorMailboxStoreUnavailable", "")); 20], None).await;
    assert_eq!((page.unwrap_err().verdict, script.asked().len()), (Verdict::StopMailbox, 7));
    assert_eq!(script.forgotten.load(std::sync::atomic::Ordering::SeqCst), 7);
}

fn fault(code: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault><faultcode>{code}</faultcode></s:Fault></s:Body></s:Envelope>"
    )
}

#[tokio::test(start_paused = true)]
async fn a_page_over_which_the_server_breaks_down_gets_smaller() {
    let broken = refusal(OP, "ErrorInternalServerError", "");
    // One request and six retries for each size: 512, 64, 8; then one that works.
    let answers = (0..21).map(|_| answer(OP, &broken)).chain([answer(OP, &listing(""))]).collect();
    let (page, script) = list(answers, None).await;
    page.unwrap();
    let asked = script.asked();
    let sizes: Vec<&str> =
        ["512", "64", "8", "1"].into_iter().filter(|size| asked.iter().any(|body| body.contains(&format!("Returned>{size}<")))).collect();
    assert_eq!((sizes.as_slice(), asked.len()), (&["512", "64", "8", "1"][..], 22));
}
