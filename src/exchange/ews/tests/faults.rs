//! The shapes in which servers say no, and the strange things that come instead of an answer.

use std::{sync::atomic::Ordering, time::Duration};

use super::script::{Canned, Script, answer, ews, folder, mailbox, refusal, success};
use crate::{
    event::Event,
    exchange::{Error, Exchange, Verdict},
    mail::Page,
};

const OP: &str = "SyncFolderItems";

fn good() -> Canned {
    answer(OP, &success(OP, "<m:SyncState>s</m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange><m:Changes/>"))
}

async fn ask(answers: Vec<Canned>) -> (Result<Page, Error>, Vec<Event>, std::sync::Arc<Script>) {
    let script = Script::new(answers);
    let (ews, events) = ews(&script);
    let mut told = events.listen();
    let page = ews.page(&mailbox(), &folder("F"), None, 10).await;
    let mut list = Vec::new();
    while let Ok(event) = told.try_recv() {
        if !matches!(event, Event::RequestAnswered { .. }) {
            list.push(event);
        }
    }
    (page, list, script)
}

fn fault(inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault>{inside}</s:Fault></s:Body></s:Envelope>"
    )
}

fn throttled(events: &[Event]) -> Option<(String, Duration)> {
    events.iter().find_map(|event| match event {
        Event::RequestThrottled { reason, wait, .. } => Some((reason.clone(), *wait)),
        _ => None,
    })
}

#[tokio::test(start_paused = true)]
async fn the_back_off_is_found_in_each_of_its_places() {
    let detailed = fault(
        "<faultcode xmlns:a=\"urn:x\">a:ErrorServerBusy</faultcode><faultstring xml:lang=\"en\">busy</faultstring><detail>\
         <e:ResponseCode xmlns:e=\"urn:e\">\n ErrorServerBusy </e:ResponseCode><e:Message xmlns:e=\"urn:e\">busy</e:Message>\
         <t:MessageXml xmlns:t=\"urn:t\"><t:Value Name=\"BackOffMilliseconds\">297749</t:Value></t:MessageXml></detail>",
    );
    let in_message = refusal(OP, "ErrorServerBusy", "<m:MessageXml><t:Value Name=\"BackOffMilliseconds\">5000</t:Value></m:MessageXml>");
    let concurrency = fault(
        "<faultcode>a:ErrorExceededConnectionCount</faultcode><faultstring>too many</faultstring><detail><e:ResponseCode xmlns:e=\"urn:e\">\
         ErrorExceededConnectionCount</e:ResponseCode><t:MessageXml xmlns:t=\"urn:t\"><t:Value Name=\"Policy\">MaxConcurrency</t:Value>\
         <t:Value Name=\"MaxConcurrencyLimit\">27</t:Value><t:Value Name=\"ErrorMessage\">Suggested backoff time 0 ms.</t:Value></t:MessageXml></detail>",
    );
    let inner = refusal(
        OP,
        "ErrorInternalServerError",
        "<m:MessageXml><t:Value Name=\"InnerErrorMessageText\">slow down</t:Value><t:Value Name=\"InnerErrorResponseCode\">ErrorServerBusy</t:Value>\
         <t:Value Name=\"BackOffMilliseconds\">7000</t:Value></m:MessageXml>",
    );
    let retry_after = Canned { retry_after: Some(Duration::from_secs(40)), ..Canned::status(503, "") };
    let huge = refusal(OP, "ErrorServerBusy", "<m:MessageXml><t:Value Name=\"BackOffMilliseconds\">99999999999</t:Value></m:MessageXml>");
    for (canned, reason, at_least, at_most) in [
        (Canned::status(500, detailed.clone()), "ErrorServerBusy", 297_749, 304_000),
        (Canned::new(detailed), "ErrorServerBusy", 297_749, 304_000),
        (answer(OP, &in_message), "ErrorServerBusy", 5_000, 5_500),
        (Canned::status(500, concurrency), "ErrorExceededConnectionCount: MaxConcurrency", 1_000, 30_000),
        (answer(OP, &inner), "ErrorServerBusy", 7_000, 7_700),
        (retry_after, "HTTP 503", 40_000, 44_000),
        (Canned::status(429, ""), "HTTP 429", 1_000, 30_000),
        (answer(OP, &huge), "ErrorServerBusy", 900_000, 906_000),
    ] {
        let (page, events, script) = ask(vec![canned, good()]).await;
        let (told, wait) = throttled(&events).expect(reason);
        assert_eq!(told, reason);
        assert!((at_least..=at_most).contains(&wait.as_millis()), "{reason}: {wait:?}");
        match page {
            Ok(_) => assert!(at_least < 30_000 && script.left() == 0, "{reason}: a long wait was sat out"),
            // Put down, for whoever has time in between.
            Err(error) => assert!(at_least > 30_000 && error.verdict == Verdict::WaitFor(wait) && script.left() == 1, "{reason}: {error}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bare_faults_are_read_whatever_the_status() {
    let denied = fault(
        "<faultcode xsi:type=\"xsd:string\">ErrorImpersonateUserDenied</faultcode><faultstring xsi:type=\"xsd:string\">E-3243: no</faultstring>",
    );
    for status in [200, 500] {
        let (page, _, script) = ask(vec![Canned::status(status, denied.clone())]).await;
        let error = page.unwrap_err();
        assert_eq!(error.verdict, Verdict::StopMailbox);
        assert_eq!((error.code.as_deref(), error.cause.as_str()), (Some("ErrorImpersonateUserDenied"), "E-3243: no"));
        assert!(error.hint.unwrap().contains("ApplicationImpersonation"));
        assert_eq!(script.accepted(), 0, "a connection with a fault on it is not used again");
    }
}

#[tokio::test(start_paused = true)]
async fn the_version_falls_and_stays() {
    let script = Script::new([
        Canned::status(500, fault("<faultcode>a:ErrorInvalidServerVersion</faultcode>")),
        Canned::status(500, "<html>The specified server version is invalid.</html>"),
        good(),
        good(),
    ]);
    let (ews, _) = ews(&script);
    for _ in 0..2 {
        ews.page(&mailbox(), &folder("F"), None, 10).await.unwrap();
    }
    let versions: Vec<bool> = script.asked().iter().map(|asked| asked.contains("\"Exchange2010_SP2\"")).collect();
    assert!(script.asked()[0].contains("\"Exchange2013_SP1\""));
    assert_eq!(versions, [false, false, true, true]);
    let (page, _, script) = ask(vec![Canned::status(500, fault("<faultcode>ErrorInvalidServerVersion</faultcode>")); 20]).await;
    assert_eq!((page.unwrap_err().verdict, script.asked().len()), (Verdict::Refused, 7));
}

#[tokio::test(start_paused = true)]
async fn the_primary_address_is_learned() {
    let text = "<faultcode>a:ErrorNonPrimarySmtpAddress</faultcode><faultstring>The primary SMTP address must be specified: 'b@example.com'.</faultstring>";
    let (page, _, script) = ask(vec![Canned::status(500, fault(text)), good()]).await;
    page.unwrap();
    assert!(
        script.asked()[0].contains("<t:PrimarySmtpAddress>a@example.com<")
            && script.asked()[1].contains("<t:PrimarySmtpAddress>b@example.com<")
    );
}

#[tokio::test(start_paused = true)]
async fn foreign_answers_are_dropped() {
    let other = answer("Unsubscribe", &success("Unsubscribe", ""));
    let none = answer(OP, "");
    let two = answer(OP, &success(OP, "").repeat(2));
    let empty = Canned::new("<s:Envelope xmlns:s=\"x\"><s:Body/></s:Envelope>");
    for strange in [other, none, two, empty] {
        let (page, events, script) = ask(vec![strange, good()]).await;
        page.unwrap();
        assert_eq!((script.accepted(), script.left(), events.len()), (1, 0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn pages_of_proxies_are_named() {
    let html = "<!DOCTYPE html><html><head><title>Sign in\n to proxy</title></head><body><br>login</body></html>";
    let (page, _, script) = ask(vec![Canned::new(html); 20]).await;
    let error = page.unwrap_err();
    assert_eq!(error.to_string(), "listing Inbox of a@example.com failed: the answer is not SOAP: page titled \"Sign in to proxy\"");
    assert_eq!((error.verdict, script.asked().len()), (Verdict::Later, 7));
    let (page, _, _) = ask(vec![Canned::status(403, "<html><body><h1>Access is denied</h1></body></html>")]).await;
    let error = page.unwrap_err();
    assert_eq!((error.verdict, error.code.as_deref(), error.cause.as_str()), (Verdict::Refused, Some("HTTP 403"), "Access is denied"));
    assert!(error.hint.unwrap().contains("EWSEnabled"));
    let (page, _, _) = ask(vec![Canned::status(500, ""), Canned::status(502, "<html>Bad"), Canned::status(404, "x"), good()]).await;
    page.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wrong_address_is_told_from_a_restart() {
    let missing = Canned::status(404, "<html><title>404</title></html>");
    let (page, _, _) = ask(vec![missing.clone(); 7]).await;
    let error = page.unwrap_err();
    assert_eq!(error.verdict, Verdict::Refused);
    assert!(error.hint.unwrap().contains("ews_endpoint"));
    let script = Script::new([vec![good()], vec![missing; 7]].concat());
    let (ews, _) = ews(&script);
    ews.page(&mailbox(), &folder("F"), None, 10).await.unwrap();
    assert_eq!(ews.page(&mailbox(), &folder("F"), None, 10).await.unwrap_err().verdict, Verdict::Later);
}

#[tokio::test(start_paused = true)]
async fn a_status_that_denies_what_it_gave_before_is_looked_at_again() {
    let script = Script::new([good(), Canned::status(403, "blocked")]);
    let (ews, _) = ews(&script);
    ews.page(&mailbox(), &folder("F"), None, 10).await.unwrap();
    let error = ews.page(&mailbox(), &folder("F"), None, 10).await.unwrap_err();
    assert_eq!((error.verdict, error.code.as_deref()), (Verdict::StopMailbox, Some("HTTP 403")));
}

#[tokio::test(start_paused = true)]
async fn a_login_that_counts_no_more_is_renewed_once() {
    let stale = Canned::new(answer(OP, &refusal(OP, "ErrorInvalidAuthorizationContext", "")).body);
    let (page, _, script) = ask(vec![stale.clone(), good()]).await;
    page.unwrap();
    assert_eq!((script.renewed.load(Ordering::SeqCst), script.asked().len()), (1, 2));
    let (page, _, script) = ask(vec![stale; 9]).await;
    assert_eq!(page.unwrap_err().verdict, Verdict::Refused);
    assert_eq!((script.renewed.load(Ordering::SeqCst), script.asked().len()), (2, 2));
    let (page, _, script) = ask(vec![Canned::status(440, "Login Timeout"), good()]).await;
    page.unwrap();
    assert_eq!(script.renewed.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn codes_that_nobody_knows_are_data_and_have_a_bounded_number_of_tries() {
    for (code, verdict) in [("ErrorSomethingNew", Verdict::SkipFolder), ("ErrorMailboxStoreUnavailable", Verdict::StopMailbox)] {
        let (page, _, script) = ask(vec![answer(OP, &refusal(OP, code, "")); 20]).await;
        let error = page.unwrap_err();
        assert_eq!((error.verdict, error.code.as_deref()), (verdict, Some(code)));
        assert_eq!(script.asked().len(), 7, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_teaches_nothing_about_properties() {
    let down = Canned::status(500, fault("<faultcode>s:Server</faultcode><faultstring>down</faultstring>"));
    let script = Script::new([vec![down; 21], vec![good()]].concat());
    let (ews, _) = ews(&script);
    ews.page(&mailbox(), &folder("F"), None, 10).await.unwrap_err();
    ews.page(&mailbox(), &folder("F"), None, 10).await.unwrap();
    assert!(script.asked().last().unwrap().contains("0x300B"), "without it a moved message is stored twice");
}

#[tokio::test(start_paused = true)]
async fn no_connection_is_tried_again_a_few_times() {
    let refused = Canned { refused: true, ..Canned::new("") };
    let (page, events, _) = ask(vec![refused.clone(), refused, good()]).await;
    page.unwrap();
    assert_eq!(events.iter().filter(|event| matches!(event, Event::RequestRetried { .. })).count(), 2);
    let (page, _, script) = ask(Vec::new()).await;
    assert_eq!((page.unwrap_err().verdict, script.asked().len()), (Verdict::Later, 7));
}

#[tokio::test(start_paused = true)]
async fn odd_documents_are_read() {
    let body = String::from_utf8(good().body).unwrap();
    let bom = format!("\u{FEFF}\r\n  {}", body.trim_start_matches("<?xml version=\"1.0\" encoding=\"utf-8\"?>"));
    let commented = body.replace("<m:SyncState>s", "<!-- & < --><?pi x?><m:SyncState><![CDATA[s]]>");
    let controls = body.replace("NoError</m:ResponseCode>", "NoError</m:ResponseCode><m:Odd a='&#x1F;'>&#x0;\u{1}&unknown;</m:Odd>");
    for odd in [bom, commented, controls] {
        for step in [1, 7, 4096] {
            let (page, _, script) = ask(vec![Canned { step, ..Canned::new(odd.clone()) }]).await;
            assert_eq!(page.unwrap().cursor.0, "s", "{odd}");
            assert_eq!(script.accepted(), 1);
        }
    }
    let twice = format!("{body}<?xml version=\"1.0\"?>{body}");
    let (page, _, script) = ask(vec![Canned::new(twice)]).await;
    page.unwrap();
    assert_eq!(script.accepted(), 0, "something follows the answer");
}

#[tokio::test(start_paused = true)]
async fn any_prefix_and_a_default_namespace_will_do() {
    let plain = "<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"><Body><SyncFolderItemsResponse xmlns=\"urn:m\"><ResponseMessages>\
        <q:x xmlns:q=\"urn:q\" ResponseClass=\"Success\"><q:ResponseCode>NoError</q:ResponseCode><SyncState>s</SyncState></q:x>\
        </ResponseMessages></SyncFolderItemsResponse></Body></Envelope>\n";
    let (page, _, _) = ask(vec![Canned::new(plain)]).await;
    assert_eq!(page.unwrap().cursor.0, "s");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_refused_without_being_held() {
    let long = "x".repeat(3 << 20);
    let text = answer(OP, &success(OP, &format!("<m:SyncState>{long}</m:SyncState>")));
    let (page, _, _) = ask(vec![text]).await;
    assert_eq!(page.unwrap_err().cause, "the page came without a SyncState");
    let deep = answer(OP, &success(OP, &("<a>".repeat(300) + &"</a>".repeat(300))));
    let (page, _, _) = ask(vec![deep; 20]).await;
    assert!(page.unwrap_err().cause.contains("nest deeper"));
    let tag = answer(OP, &success(OP, &format!("<a b=\"{}\"/>", "x".repeat(5 << 20))));
    let (page, _, _) = ask(vec![tag; 8]).await;
    assert!(page.unwrap_err().cause.contains("too long"));
}
