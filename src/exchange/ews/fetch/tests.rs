//! Downloads from scripted answers.

use base64::{Engine, engine::general_purpose::STANDARD};
use futures::StreamExt;
use proptest::prelude::*;

use super::super::{
    post::{Clear, Post, PostError, Reply},
    tests::script::{Canned, Script, answer, ews, folder, mailbox, refusal, success},
};
use crate::{
    exchange::{Error, Exchange, Verdict},
    mail::{ItemId, Listed, Lookup, Origin, Part},
};

const OP: &str = "GetItem";

/// A message item: its id, its MIME as text of the element, and more properties.
fn item(id: &str, mime: &str) -> String {
    success(
        OP,
        &format!(
            "<m:Items><t:Message><t:MimeContent CharacterSet=\"UTF-8\">{mime}</t:MimeContent><t:ItemId Id=\"{id}\" ChangeKey=\"k\"/><t:Subject>of {id}</t:Subject>\
             <t:Size>9</t:Size></t:Message></m:Items>"
        ),
    )
}

fn encoded(text: &[u8]) -> String {
    STANDARD.encode(text)
}

fn refused(code: &str, more: &str) -> String {
    refusal(OP, code, &format!("{more}<m:Items/>"))
}

fn listed(ids: &[&str]) -> Vec<Listed> {
    ids.iter().map(|id| Listed { size: Some(10), ..Listed::bare(ItemId((*id).into())) }).collect()
}

async fn fetch(ids: &[&str], answers: Vec<Canned>) -> (Vec<Part>, Option<Error>, std::sync::Arc<Script>) {
    let script = Script::new(answers);
    let (ews, _) = ews(&script);
    let mut stream = ews.fetch(&mailbox(), &folder("inbox"), listed(ids));
    let (mut parts, mut error) = (Vec::new(), None);
    while let Some(part) = stream.next().await {
        match part {
            Ok(part) => parts.push(part),
            Err(failed) => error = Some(failed),
        }
    }
    (parts, error, script)
}

/// What a taker is left with: one line a message that ended, in the order of the batch.
fn outcome(parts: &[Part], count: usize) -> Vec<String> {
    let mut bytes = vec![Vec::new(); count];
    let mut ends: Vec<Option<String>> = vec![None; count];
    for part in parts {
        let (index, end) = match part {
            Part::Mime { index, chunk } => {
                assert!(!chunk.is_empty() && chunk.len() <= 64 * 1024);
                bytes[*index].extend_from_slice(chunk);
                (*index, None)
            }
            Part::Restarted { index } => {
                bytes[*index].clear();
                (*index, None)
            }
            Part::Read { index, properties, origin } => {
                let text = String::from_utf8_lossy(&bytes[*index]).into_owned();
                let text = if *origin == Origin::Properties { "written".into() } else { text };
                (*index, Some(format!("{text} {}", properties.subject.as_deref().unwrap_or("-"))))
            }
            Part::Unreadable { index, failure } => (*index, Some(format!("unreadable {failure}"))),
            Part::Gone { index } => (*index, Some("gone".into())),
        };
        if end.is_some() {
            assert_eq!(ends[index], None, "two ends for one message");
            ends[index] = end;
        }
    }
    ends.into_iter().map(|end| end.unwrap_or_else(|| "open".into())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_batch_arrives_in_order_with_all_that_can_become_of_an_item() {
    let body = item("1", &encoded(b"one")) + &refused("ErrorItemNotFound", "") + &item("3", "dG\r\nh&#xD;\nyZW<!-- x --><![CDATA[U]]>");
    let (parts, error, script) = fetch(&["1", "2", "3"], vec![answer(OP, &body)]).await;
    assert_eq!(error, None);
    assert_eq!(outcome(&parts, 3), ["one of 1", "gone", "three of 3"]);
    assert_eq!((script.left(), script.accepted()), (0, 1));
    assert!(script.asked()[0].contains("<t:IncludeMimeContent>true</t:IncludeMimeContent>"));
}

#[tokio::test(start_paused = true)]
async fn nothing_to_fetch_asks_nothing() {
    let (parts, error, script) = fetch(&[], vec![]).await;
    assert_eq!((parts.len(), error, script.asked().len()), (0, None, 0));
}

#[tokio::test(start_paused = true)]
async fn a_cut_at_any_byte_loses_and_repeats_nothing() {
    let long = vec![b'x'; 70_000];
    let whole = answer(OP, &(item("1", &encoded(b"one")) + &item("2", &encoded(&long)) + &refused("ErrorItemNotFound", "")));
    let lengths = (0..whole.body.len()).step_by(997).chain(whole.body.len() - 250..whole.body.len());
    for (number, length) in lengths.enumerate() {
        let mut short = Canned { cut: number % 2 == 0, step: 5000, ..whole.clone() };
        short.body.truncate(length);
        // What is asked for next depends on where it broke off: answer whatever is asked.
        let script = Script::new([short]);
        let answers = std::sync::Arc::new(Answering { script: script.clone(), long: long.clone() });
        let ews = super::super::Ews::new(Default::default(), answers, crate::watch::Events::new());
        let parts: Vec<Part> = ews.fetch(&mailbox(), &folder("inbox"), listed(&["1", "2", "3"])).map(|part| part.unwrap()).collect().await;
        let expected = ["one of 1".into(), format!("{} of 2", "x".repeat(70_000)), "gone".into()];
        assert!(outcome(&parts, 3) == expected, "cut after {length}");
    }
}

/// The scripted answers first, then the right one to whatever is asked.
struct Answering {
    script: std::sync::Arc<Script>,
    long: Vec<u8>,
}

#[async_trait::async_trait]
impl Post for Answering {
    async fn post(&self, anchor: Option<&str>, envelope: bytes::Bytes, clear: &Clear<'_>) -> Result<Option<Reply>, PostError> {
        if self.script.left() > 0 {
            return self.script.post(anchor, envelope, clear).await;
        }
        let asked = String::from_utf8_lossy(&envelope).into_owned();
        // Items keep the order of the request, which need not be that of the ids.
        let mut order: Vec<(usize, String)> =
            ["1", "2", "3"].iter().filter_map(|id| Some((asked.find(&format!("<t:ItemId Id=\"{id}\"/>"))?, (*id).to_owned()))).collect();
        order.sort();
        let body = order.iter().fold(String::new(), |body, (_, id)| {
            body + &match id.as_str() {
                "1" => item("1", &encoded(b"one")),
                "2" => item("2", &encoded(&self.long)),
                _ => refused("ErrorItemNotFound", ""),
            }
        });
        Script::new([answer(OP, &body)]).post(anchor, envelope, clear).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_foreign_item_is_not_taken() {
    let (parts, error, script) =
        fetch(&["1"], vec![answer(OP, &item("9", &encoded(b"nine"))), answer(OP, &item("1", &encoded(b"one")))]).await;
    assert_eq!((outcome(&parts, 1), error), (vec!["one of 1".to_owned()], None));
    assert_eq!(script.accepted(), 1);
    // Refusals have no id: an answer with one too few is not believed either.
    let short = answer(OP, &refused("ErrorItemNotFound", ""));
    let right = answer(OP, &(item("1", &encoded(b"one")) + &item("2", &encoded(b"two"))));
    let (parts, error, _) = fetch(&["1", "2"], vec![short, right]).await;
    assert_eq!((outcome(&parts, 2), error), (vec!["one of 1".to_owned(), "two of 2".to_owned()], None));
}

fn everything(id: &str) -> Canned {
    let item = format!(
        "<m:Items><t:Task><t:ItemId Id=\"{id}\"/><t:Subject>of {id}</t:Subject><t:Body BodyType=\"Text\">text</t:Body></t:Task></m:Items>"
    );
    answer(OP, &success(OP, &item))
}

#[tokio::test(start_paused = true)]
async fn an_item_without_mime_is_written_from_its_properties() {
    for code in ["ErrorUnsupportedMimeConversion", "ErrorItemCorrupt", "ErrorContentConversionFailed"] {
        let (parts, error, script) =
            fetch(&["1", "2"], vec![answer(OP, &(refused(code, "") + &item("2", &encoded(b"two")))), everything("1")]).await;
        assert_eq!((outcome(&parts, 2), error), (vec!["written of 1".to_owned(), "two of 2".to_owned()], None));
        assert!(script.asked()[1].contains("AllProperties") && script.asked()[1].contains("<t:IncludeMimeContent>false<"));
    }
    let broken = answer(OP, &refused("ErrorItemCorrupt", ""));
    let (parts, error, _) = fetch(&["1"], vec![broken, answer(OP, &refused("ErrorVirusDetected", ""))]).await;
    assert_eq!(error, None);
    assert_eq!(
        outcome(&parts, 1),
        ["unreadable ErrorItemCorrupt: words of ErrorItemCorrupt; its properties: ErrorVirusDetected: words of ErrorVirusDetected"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_written_message_carries_its_attachments() {
    let attached = |id: &str| format!("<t:FileAttachment><t:AttachmentId Id=\"{id}\"/><t:Name>{id}.bin</t:Name></t:FileAttachment>");
    let item = format!(
        "<m:Items><t:Message><t:ItemId Id=\"1\"/><t:Subject>s</t:Subject><t:Attachments>{}{}{}</t:Attachments></t:Message></m:Items>",
        attached("big"),
        attached("bad"),
        attached("empty")
    );
    let content = |content: &str| {
        let file = format!(
            "<m:Attachments><t:FileAttachment><t:AttachmentId Id=\"x\"/><t:Content>{content}</t:Content></t:FileAttachment></m:Attachments>"
        );
        answer("GetAttachment", &success("GetAttachment", &file))
    };
    let big = vec![b'z'; 150_000];
    let bad = answer("GetAttachment", &refusal("GetAttachment", "ErrorCannotOpenFileAttachment", "<m:Attachments/>"));
    let mut cut = content(&encoded(&big));
    cut.body.truncate(100_000);
    let broken = answer(OP, &refused("ErrorItemCorrupt", ""));
    let answers = vec![broken, answer(OP, &success(OP, &item)), cut, content(&encoded(&big)), bad, content(&encoded(&big)), content("")];
    let (parts, error, script) = fetch(&["1"], answers).await;
    assert_eq!((outcome(&parts, 1), error, script.left()), (vec!["written s".to_owned()], None, 0));
    let restarted = parts.iter().rposition(|part| matches!(part, Part::Restarted { .. })).unwrap();
    let chunks = parts[restarted..].iter().filter_map(|part| if let Part::Mime { chunk, .. } = part { Some(&chunk[..]) } else { None });
    let message = String::from_utf8(chunks.collect::<Vec<_>>().concat()).unwrap();
    let big_part = message.split("filename*=utf-8''big.bin").nth(1).unwrap().split("\r\n\r\n").nth(1).unwrap();
    assert_eq!(STANDARD.decode(big_part.split("\r\n--").next().unwrap().replace("\r\n", "")).unwrap(), big);
    assert!(big_part.lines().all(|line| line.len() <= 76));
    assert!(message.contains("empty.bin") && !message.contains("utf-8''bad.bin"));
}

#[tokio::test(start_paused = true)]
async fn absent_empty_and_junk_mime_is_given_time_to_come() {
    let absent = success(OP, "<m:Items><t:Message><t:ItemId Id=\"1\"/></t:Message></m:Items>");
    for strange in [absent, item("1", ""), item("1", "  "), item("1", "not base64!"), item("1", &(encoded(&[7; 60_000]) + "#"))] {
        let mut answers = vec![answer(OP, &strange); 3];
        answers.push(answer(OP, &item("1", &encoded(b"one"))));
        let (parts, error, script) = fetch(&["1"], answers).await;
        assert_eq!((outcome(&parts, 1), error, script.left()), (vec!["one of 1".to_owned()], None, 0));
        let mut answers = vec![answer(OP, &strange); 4];
        answers.push(everything("1"));
        let (parts, error, script) = fetch(&["1"], answers).await;
        assert_eq!((outcome(&parts, 1), error, script.left()), (vec!["written of 1".to_owned()], None, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_not_looked_at_is_asked_for_again() {
    let stopped = |code: &str| {
        format!(
            "<m:GetItemResponseMessage ResponseClass=\"Warning\"><m:ResponseCode>{code}</m:ResponseCode><m:Items/></m:GetItemResponseMessage>"
        )
    };
    for again in [stopped("ErrorBatchProcessingStopped"), refused("ErrorServerBusy", ""), refused("ErrorMailboxStoreUnavailable", "")] {
        let first = answer(OP, &(item("1", &encoded(b"one")) + &again));
        let (parts, error, script) = fetch(&["1", "2"], vec![first, answer(OP, &again), answer(OP, &item("2", &encoded(b"two")))]).await;
        assert_eq!((outcome(&parts, 2), error), (vec!["one of 1".to_owned(), "two of 2".to_owned()], None));
        assert!(!script.asked()[1].contains("Id=\"1\""));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dismounted_store_blames_no_item() {
    let away = answer(OP, &refused("ErrorMailboxStoreUnavailable", ""));
    let (parts, error, _) = fetch(&["1"], vec![away; 40]).await;
    assert_eq!(outcome(&parts, 1), ["open"]);
    assert_eq!(error.unwrap().verdict, Verdict::StopMailbox);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_always_fails_alone_is_blamed_and_the_others_are_not() {
    let fail = refused("ErrorInternalServerError", "");
    let mut answers = vec![answer(OP, &(fail.clone() + &item("2", &encoded(b"two"))))];
    answers.extend(vec![answer(OP, &fail); 3]);
    answers.push(everything("1"));
    let (parts, error, script) = fetch(&["1", "2"], answers).await;
    assert_eq!((outcome(&parts, 2), error, script.left()), (vec!["written of 1".to_owned(), "two of 2".to_owned()], None, 0));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_halves_the_batch() {
    let slow = Canned::status(
        500,
        "<s:Envelope xmlns:s=\"x\"><s:Body><s:Fault><faultcode>a:ErrorTimeoutExpired</faultcode></s:Fault></s:Body></s:Envelope>",
    );
    let pair = |one: &str, two: &str| answer(OP, &(item(one, &encoded(one.as_bytes())) + &item(two, &encoded(two.as_bytes()))));
    let (parts, error, script) = fetch(&["1", "2", "3", "4"], vec![slow, pair("1", "2"), pair("3", "4")]).await;
    assert_eq!((outcome(&parts, 4), error), (vec!["1 of 1".into(), "2 of 2".into(), "3 of 3".into(), "4 of 4".into()], None));
    assert_eq!(script.asked()[1].matches("<t:ItemId").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_times_out_alone_is_tried_a_few_times() {
    let slow = answer(OP, &refused("ErrorTimeoutExpired", ""));
    let (parts, error, _) = fetch(&["1"], vec![slow.clone(), slow.clone(), answer(OP, &item("1", &encoded(b"one")))]).await;
    assert_eq!((outcome(&parts, 1), error), (vec!["one of 1".to_owned()], None));
    let mut answers = vec![slow; 4];
    answers.push(everything("1"));
    let (parts, error, script) = fetch(&["1"], answers).await;
    assert_eq!((outcome(&parts, 1), error, script.left()), (vec!["written of 1".to_owned()], None, 0));
}

#[tokio::test(start_paused = true)]
async fn properties_that_do_not_fit_an_item_are_left_out_for_it_alone() {
    let first = answer(OP, &(refused("ErrorInvalidPropertyRequest", "") + &item("2", &encoded(b"two"))));
    let (parts, error, script) = fetch(&["1", "2"], vec![first, answer(OP, &item("1", &encoded(b"one")))]).await;
    assert_eq!((outcome(&parts, 2), error), (vec!["one of 1".to_owned(), "two of 2".to_owned()], None));
    assert!(
        script.asked()[0].contains("message:From")
            && !script.asked()[1].contains("message:From")
            && script.asked()[1].contains("item:Subject")
    );
}

#[tokio::test(start_paused = true)]
async fn a_fault_over_one_bad_id_is_traced_to_it() {
    let fault =
        Canned::new("<s:Envelope xmlns:s=\"x\"><s:Body><s:Fault><faultcode>ErrorInvalidId</faultcode></s:Fault></s:Body></s:Envelope>");
    let one = answer(OP, &item("1", &encoded(b"one")));
    let (parts, error, _) = fetch(&["1", "2"], vec![fault.clone(), one, fault.clone(), fault]).await;
    assert_eq!(error, None);
    assert_eq!(outcome(&parts, 2), ["one of 1", "unreadable ErrorInvalidId: no message"]);
}

#[tokio::test(start_paused = true)]
async fn a_transfer_that_always_breaks_is_told_apart_from_a_dead_server() {
    let mut short = answer(OP, &item("1", &encoded(&[b'x'; 200_000])));
    short.body.truncate(150_000);
    short.cut = true;
    let alone = answer(OP, &success(OP, "<m:Items><t:Message><t:ItemId Id=\"1\"/></t:Message></m:Items>"));
    let mut answers = vec![short.clone(); 7];
    answers.push(alone);
    let (parts, error, _) = fetch(&["1"], answers).await;
    assert_eq!(error, None);
    assert!(outcome(&parts, 1)[0].starts_with("unreadable TransferCut: the answer broke off"));
    let (parts, error, _) = fetch(&["1"], vec![short; 7]).await;
    assert_eq!((outcome(&parts, 1), error.unwrap().verdict), (vec!["open".to_owned()], Verdict::Later));
}

#[tokio::test(start_paused = true)]
async fn an_item_that_breaks_the_server_holds_up_no_other() {
    let crash = Canned::status(500, "<html><title>Server Error in '/EWS' Application</title></html>");
    let dropped = Canned { refused: true, ..Canned::new("") };
    let alone = answer(OP, &success(OP, "<m:Items><t:Message><t:ItemId Id=\"1\"/></t:Message></m:Items>"));
    let mut answers = vec![crash.clone(); 14];
    answers.extend([alone, answer(OP, &item("2", &encoded(b"two")))]);
    let (parts, error, script) = fetch(&["1", "2"], answers).await;
    assert_eq!((error, script.left()), (None, 0));
    assert_eq!(outcome(&parts, 2)[1], "two of 2");
    assert!(outcome(&parts, 2)[0].starts_with("unreadable TransferCut: page titled"), "{:?}", outcome(&parts, 2));
    for dead in [crash, dropped] {
        let (parts, error, _) = fetch(&["1"], vec![dead; 40]).await;
        assert_eq!((outcome(&parts, 1), error.unwrap().verdict), (vec!["open".to_owned()], Verdict::Later));
    }
}

#[tokio::test(start_paused = true)]
async fn what_ends_the_mailbox_ends_the_batch() {
    let body = item("1", &encoded(b"one")) + &refused("ErrorAccountDisabled", "");
    let (parts, error, _) = fetch(&["1", "2"], vec![answer(OP, &body)]).await;
    assert_eq!(outcome(&parts, 2), ["one of 1", "open"]);
    let error = error.unwrap();
    assert_eq!((error.verdict, error.attempt.as_str()), (Verdict::StopMailbox, "downloading 2 messages of a@example.com"));
}

#[tokio::test(start_paused = true)]
async fn a_taker_who_stands_still_costs_a_connection_but_no_message() {
    let content = vec![b'y'; 1_000_000];
    let whole = answer(OP, &item("1", &encoded(&content)));
    let script = Script::new(vec![whole; 2]);
    let (ews, _) = ews(&script);
    let mut stream = ews.fetch(&mailbox(), &folder("inbox"), listed(&["1"]));
    let mut parts = vec![stream.next().await.unwrap().unwrap()];
    tokio::time::sleep(std::time::Duration::from_secs(300)).await;
    while let Some(part) = stream.next().await {
        parts.push(part.unwrap());
    }
    assert!(parts.contains(&Part::Restarted { index: 0 }));
    assert_eq!((outcome(&parts, 1), script.asked().len()), (vec![format!("{} of 1", "y".repeat(1_000_000))], 2));
}

#[tokio::test(start_paused = true)]
async fn many_small_messages_survive_a_taker_who_stands_still() {
    let ids: Vec<String> = (0..20).map(|id| id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for taken in 1..12 {
        let batch = |from: usize| answer(OP, &ids[from..].iter().map(|id| item(id, &encoded(id.as_bytes()))).collect::<String>());
        // How far it gets before it stands still decides what is asked for next; every possible rest of the batch is offered.
        let (mut parts, mut next) = (Vec::new(), 0);
        for from in 0..20 {
            let script = Script::new([batch(0), batch(from)]);
            let (ews, _) = ews(&script);
            let mut stream = ews.fetch(&mailbox(), &folder("inbox"), listed(&ids));
            parts = Vec::new();
            for _ in 0..taken {
                parts.push(stream.next().await.unwrap().unwrap());
            }
            tokio::time::sleep(std::time::Duration::from_secs(300)).await;
            while let Some(Ok(part)) = stream.next().await {
                parts.push(part);
            }
            next = script.asked().len();
            if outcome(&parts, 20).iter().all(|line| line != "open") {
                break;
            }
        }
        let expected: Vec<String> = ids.iter().map(|id| format!("{id} of {id}")).collect();
        assert_eq!((outcome(&parts, 20), next), (expected, 2), "after {taken} parts");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_stops_and_gives_its_place_back() {
    let whole = answer(OP, &item("1", &encoded(&[b'y'; 1_000_000])));
    let script = Script::new(vec![whole; 10]);
    let (ews, _) = ews(&script);
    for _ in 0..8 {
        let mut stream = ews.fetch(&mailbox(), &folder("inbox"), listed(&["1"]));
        assert!(matches!(stream.next().await, Some(Ok(Part::Mime { index: 0, .. }))));
    }
    assert_eq!((script.asked().len(), script.accepted()), (8, 0));
}

#[tokio::test(start_paused = true)]
async fn lookups_answer_for_each_id_in_order() {
    let message = |id: &str| {
        success(
            OP,
            &format!(
                "<m:Items><t:Message><t:ItemId Id=\"{id}\"/><t:Subject>of {id}</t:Subject><t:ExtendedProperty><t:ExtendedFieldURI PropertyTag=\"0x5d02\"/>\
                 <t:Value>f@example.com</t:Value></t:ExtendedProperty><t:From><t:Mailbox><t:EmailAddress>/o=x</t:EmailAddress><t:RoutingType>EX</t:RoutingType>\
                 </t:Mailbox></t:From></t:Message></m:Items>"
            ),
        )
    };
    let first =
        message("1") + &refused("ErrorItemNotFound", "") + &refused("ErrorInvalidPropertyRequest", "") + &refused("ErrorAccessDenied", "");
    // An id of the other interface is nobody's here.
    let first = first + &refused("ErrorInvalidIdMalformed", "");
    let script = Script::new([answer(OP, &first), answer(OP, &message("3"))]);
    let (ews, _) = ews(&script);
    let found = ews.lookup(&mailbox(), &folder("inbox"), &listed(&["1", "2", "3", "4", "5"])).await.unwrap();
    let [Lookup::Found(one), Lookup::Gone, Lookup::Found(three), Lookup::Unreadable(four), Lookup::Gone] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!((one.subject.as_deref(), one.from.as_deref()), (Some("of 1"), Some("f@example.com")));
    assert_eq!((three.subject.as_deref(), four.code.as_str()), (Some("of 3"), "ErrorAccessDenied"));
    assert!(ews.lookup(&mailbox(), &folder("inbox"), &[]).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn lookups_outlast_a_busy_server_and_a_fault_over_one_id() {
    let message = |id: &str| success(OP, &format!("<m:Items><t:Message><t:ItemId Id=\"{id}\"/></t:Message></m:Items>"));
    let fault =
        Canned::new("<s:Envelope xmlns:s=\"x\"><s:Body><s:Fault><faultcode>ErrorInvalidId</faultcode></s:Fault></s:Body></s:Envelope>");
    let busy = answer(OP, &refused("ErrorServerBusy", ""));
    let script = Script::new([fault.clone(), busy, answer(OP, &message("1")), fault]);
    let (ews, _) = ews(&script);
    let found = ews.lookup(&mailbox(), &folder("inbox"), &listed(&["1", "2"])).await.unwrap();
    assert!(matches!(found.as_slice(), [Lookup::Found(_), Lookup::Unreadable(two)] if two.code == "ErrorInvalidId"), "{found:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_split_of_the_bytes_gives_the_same_parts(step in 1usize..300, content in prop::collection::vec(any::<u8>(), 1..2000)) {
        let mut mime = encoded(&content);
        mime.insert_str(mime.len() / 2, "&#xD;\r\n");
        let body = item("1", &mime).replace("of 1", "S\r\n\u{fc}&#x1F;\u{1F600}&amp;") + &refused("ErrorItemNotFound", "");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let whole = answer(OP, &body);
        let split = Canned { step, ..whole.clone() };
        let (one, _, _) = runtime.block_on(fetch(&["1", "2"], vec![whole]));
        let (other, _, _) = runtime.block_on(fetch(&["1", "2"], vec![split]));
        prop_assert_eq!(&one, &other);
        let Some(Part::Read { properties, .. }) = one.get(1) else { panic!("{one:?}") };
        prop_assert_eq!(properties.subject.as_deref(), Some("S\n\u{fc}\u{FFFD}\u{1F600}&"));
    }
}
