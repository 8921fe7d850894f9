//! Emails: what is taken, what is refused and where, and how they are read back.

use super::*;
use sha2::{Digest, Sha256};

fn whole() -> Value {
    json!({
        "id": "<a@example.com>", "mailbox": "support@example.com", "timestamp": "2024-05-01T10:20:30.125Z",
        "mime_content": "From: a@example.com\r\n\r\nGrüße 日本語",
        "metadata": {
            "sensitivity": "Normal", "size": 12345, "categories": ["Red"], "importance": "Normal", "has_attachments": true,
            "conversation_id": "AAQk", "conversation_topic": "Subject", "is_read": false, "folder": ["Inbox", "Invoices"],
            "received_at": "2024-05-01T10:20:31Z",
        },
        "attachments": [
            { "name": "a.pdf", "size": 1024, "content_type": "application/pdf", "content_hash": "ff", "inline": false, "attachment_reference": "r" },
            { "name": "b", "size": 0, "content_type": ".pdf" },
        ],
    })
}

#[tokio::test]
async fn an_email_with_everything_is_kept_and_read_back() {
    let mut desk = Desk::new().await;
    assert_eq!(desk.put(&[whole()]).await, json!({ "status": "ok" }));
    let kept = desk.reinfer().email(MAIL, "<a@example.com>").unwrap();
    let text = "From: a@example.com\r\n\r\nGrüße 日本語";
    assert_eq!((kept.mailbox.as_str(), kept.mime.text(), kept.puts, kept.no_charge), ("support@example.com", Some(text), 1, false));
    assert_eq!((kept.mime.length, kept.mime.sha256.clone()), (text.len() as u64, hex::encode(Sha256::digest(text))));
    let metadata = kept.metadata.clone().unwrap();
    assert_eq!(
        (metadata.size, metadata.folder.as_deref(), metadata.is_read),
        (Some(12345), Some(&["Inbox".to_owned(), "Invoices".into()][..]), Some(false))
    );
    assert_eq!((kept.attachments.len(), kept.attachments[0].inline, kept.attachments[1].inline), (2, Some(false), None));
    let page = desk.read(&format!("{EMAILS}?id=%3Ca%40example.com%3E")).await;
    let mut shown = page["emails"][0].clone();
    for name in ["created_at", "updated_at"] {
        assert!(shown.as_object_mut().unwrap().remove(name).unwrap().as_str().unwrap().ends_with('Z'));
    }
    assert_eq!(shown, whole());
    assert_eq!(desk.read(&format!("{EMAILS}?id=other")).await["emails"], json!([]));
    desk.refusal("GET", EMAILS, &json!(null), 400).await;
}

#[tokio::test]
async fn a_second_put_replaces_and_is_counted() {
    let mut desk = Desk::new().await;
    desk.put(&[email("1"), email("2")]).await;
    let mut other = email("1");
    other["mime_content"] = json!("Subject: new\r\n\r\n");
    let path = format!("{EMAILS}?no_charge=true");
    desk.good("PUT", &path, &json!({ "emails": [other.clone(), other] })).await;
    let emails = desk.reinfer().emails(MAIL);
    assert_eq!(
        emails.iter().map(|email| (email.id.as_str(), email.puts, email.no_charge)).collect::<Vec<_>>(),
        [("1", 3, true), ("2", 1, false)]
    );
    assert_eq!(emails[0].mime.text(), Some("Subject: new\r\n\r\n"));
    assert!(emails[0].first_change < emails[0].last_change && emails[0].first_change == emails[1].first_change);
    let counts = ["reinfer.PutEmails", "reinfer.emails", "reinfer.emails_again", "reinfer.most_emails"].map(|name| desk.counter(name));
    assert_eq!(counts, [2, 4, 2, 2]);
    desk.refusal("PUT", &format!("{EMAILS}?no_charge=yes"), &json!({ "emails": [email("1")] }), 422).await;
    desk.refusal("PUT", &format!("{EMAILS}?charge=no"), &json!({ "emails": [email("1")] }), 400).await;
}

#[tokio::test]
async fn what_is_not_to_the_letter_is_refused_whole_and_by_name() {
    let mut desk = Desk::new().await;
    let base64 = "RnJvbTogYUBleGFtcGxlLmNvbQ0KDQpib2R5";
    for (path, value, status, words) in [
        ("id", json!(null), 400, "emails[1].id: expected a string, not null"),
        ("id", json!(""), 422, "emails[1].id: must not be empty"),
        ("mailbox", json!(["a"]), 400, "emails[1].mailbox: expected a string, not an array"),
        ("timestamp", json!("2024-05-01 10:20:30Z"), 422, "emails[1].timestamp"),
        ("timestamp", json!("2024-05-01T12:20:30+02:00"), 422, "emails[1].timestamp"),
        ("timestamp", json!(1714558830), 400, "emails[1].timestamp"),
        ("mime_content", json!(""), 422, "emails[1].mime_content"),
        ("mime_content", json!(base64), 422, "base64"),
        ("mime_content", json!({ "base64": base64 }), 400, "emails[1].mime_content"),
        ("subject", json!("x"), 400, "emails[1].subject: is unknown"),
        ("metadata", json!(null), 400, "emails[1].metadata: expected an object"),
        ("metadata", json!({ "size": 2147483648u32 }), 422, "emails[1].metadata.size: 2147483648 is not between"),
        ("metadata", json!({ "size": -1 }), 422, "emails[1].metadata.size"),
        ("metadata", json!({ "size": 1.5 }), 400, "emails[1].metadata.size"),
        ("metadata", json!({ "folder": "Inbox" }), 400, "emails[1].metadata.folder: expected an array, not a string"),
        ("metadata", json!({ "folder": ["Inbox", 1] }), 400, "emails[1].metadata.folder[1]"),
        ("metadata", json!({ "is_read": "yes" }), 400, "emails[1].metadata.is_read"),
        ("metadata", json!({ "has_attachments": null }), 400, "emails[1].metadata.has_attachments"),
        ("metadata", json!({ "received_at": "yesterday" }), 422, "emails[1].metadata.received_at"),
        ("metadata", json!({ "colour": "red" }), 400, "emails[1].metadata.colour: is unknown"),
        ("attachments", json!([{ "name": "a", "size": 1 }]), 400, "emails[1].attachments[0].content_type: is missing"),
        ("attachments", json!([{ "name": "a", "size": 1, "content_type": "x", "content": "x" }]), 400, "emails[1].attachments[0].content"),
    ] {
        let mut wrong = email("wrong");
        wrong[path] = value;
        let message = desk.refusal("PUT", EMAILS, &json!({ "emails": [email("right"), wrong] }), status).await;
        assert!(message.contains(words), "{message}");
    }
    for name in ["id", "mailbox", "timestamp", "mime_content"] {
        let mut wrong = email("wrong");
        wrong.as_object_mut().unwrap().remove(name);
        let message = desk.refusal("PUT", EMAILS, &json!({ "emails": [wrong] }), 400).await;
        assert_eq!(message, format!("emails[0].{name}: is missing"));
    }
    for (body, status) in [
        (json!({ "emails": [] }), 422),
        (json!({ "emails": {} }), 400),
        (json!({}), 400),
        (json!([]), 400),
        (json!({ "emails": [email("1")], "more": 1 }), 400),
    ] {
        desk.refusal("PUT", EMAILS, &body, status).await;
    }
    for body in ["", "{", "{\"emails\":[]} x", "{\"emails\":[],\"emails\":[]}", "{\"emails\":[{\"id\":\"\\ud800\"}]}"] {
        assert_eq!(desk.ask("PUT", EMAILS, JSON, body).await.status, 400, "{body}");
    }
    assert_eq!(desk.ask("PUT", EMAILS, &[("Content-Type", "text/plain")], "{}").await.status, 415);
    assert_eq!(desk.ask("PUT", EMAILS, &[JSON[0], ("Content-Encoding", "gzip")], "{}").await.status, 415);
    desk.refusal("PUT", "/api/_private/buckets/acme/none/emails", &json!({ "emails": [email("1")] }), 404).await;
    assert_eq!(desk.reinfer().email_count(MAIL), 0, "a request is taken whole or not at all");
}

#[tokio::test]
async fn text_that_only_looks_like_base64_is_taken() {
    let mut desk = Desk::new().await;
    let mut odd = email("1");
    for text in ["hello", "QUJD", "Received=\r\n"] {
        odd["mime_content"] = json!(text);
        desk.put(&[odd.clone()]).await;
    }
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let mut desk = Desk::new().await;
    let emails: Vec<Value> = (0..5).map(|number| email(&format!("{number}"))).collect();
    desk.put(&emails).await;
    let (mut seen, mut body) = (Vec::new(), json!({ "limit": 2 }));
    loop {
        let page = desk.good("POST", EMAILS, &body).await;
        seen.extend(page["emails"].as_array().unwrap().iter().map(|email| email["id"].as_str().unwrap().to_owned()));
        if page["continuation"].is_null() {
            break;
        }
        body["continuation"] = page["continuation"].clone();
    }
    assert_eq!(seen, ["0", "1", "2", "3", "4"]);
    assert_eq!(desk.good("POST", EMAILS, &json!({})).await["emails"].as_array().unwrap().len(), 5);
    for body in [json!({ "limit": 0 }), json!({ "limit": 257 }), json!({ "continuation": "1" })] {
        desk.refusal("POST", EMAILS, &body, 422).await;
    }
    desk.refusal("POST", EMAILS, &json!({ "page": 1 }), 400).await;
}

#[tokio::test]
async fn a_query_may_have_short_pages_before_the_last() {
    let mut desk = Desk::new().await;
    let mut emails: Vec<Value> = (0..6).map(|number| email(&format!("{number}"))).collect();
    for (at, email) in emails.iter_mut().enumerate() {
        email["timestamp"] = json!(format!("2024-05-0{}T00:00:00Z", at + 1));
        email["mailbox"] = json!(if at == 4 { "bob@example.com" } else { "alice@example.com" });
    }
    desk.put(&emails).await;
    let path = format!("{EMAILS}/query");
    let filter = json!({ "limit": 2, "from_timestamp": "2024-05-02T00:00:00Z", "to_timestamp": "2024-05-06T00:00:00Z", "mailbox_name": "alice@example.com" });
    let (mut pages, mut body) = (Vec::new(), filter);
    loop {
        let page = desk.good("POST", &path, &body).await;
        pages.push(page["emails"].as_array().unwrap().iter().map(|email| email["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>());
        if page["more_results"] == json!(false) {
            assert!(page["continuation"].is_null());
            break;
        }
        body["continuation"] = page["continuation"].clone();
    }
    assert_eq!(pages, [vec!["1"], vec!["2", "3"], vec![]]);
}

#[tokio::test]
async fn emails_are_deleted_thirty_two_at_a_time() {
    let mut desk = Desk::new().await;
    desk.put(&[email("<1@x>"), email("2"), email("3")]).await;
    desk.good("DELETE", &format!("{EMAILS}?id=%3C1%40x%3E&id=2&id=unknown"), &json!(null)).await;
    assert_eq!(desk.reinfer().emails(MAIL).iter().map(|email| email.id.clone()).collect::<Vec<_>>(), ["3"]);
    let many = |count: usize| format!("{EMAILS}?{}", vec!["id=x"; count].join("&"));
    desk.good("DELETE", &many(32), &json!(null)).await;
    desk.refusal("DELETE", &many(33), &json!(null), 422).await;
    desk.refusal("DELETE", EMAILS, &json!(null), 422).await;
}

#[tokio::test]
async fn a_world_may_keep_digests_alone() {
    let mut desk = Desk::of("[reinfer]\nkeep = \"digest\"\nmax_emails = 2").await;
    desk.put(&[email("1"), email("2")]).await;
    let kept = desk.reinfer().email(MAIL, "1").unwrap();
    assert_eq!((kept.mime.text(), kept.mime.length), (None, 23));
    assert_eq!(kept.mime.sha256, hex::encode(Sha256::digest("Subject: 1\r\n\r\nbody of 1")));
    assert_eq!(desk.read(&format!("{EMAILS}?id=1")).await["emails"][0]["mime_content"], "");
    let message = desk.refusal("PUT", EMAILS, &json!({ "emails": [email("1"), email("2"), email("3")] }), 422).await;
    assert!(message.contains("more than 2"), "{message}");
}
