//! Messages: lists, single ones, bodies, identities, changes.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BOX: &str = "/users/alice@example.com/mailFolders/inbox/messages";
const IMMUTABLE: &[(&str, &str)] = &[("Prefer", "IdType=\"ImmutableId\"")];

async fn first(desk: &mut Desk, query: &str) -> Value {
    desk.read(&format!("{BOX}?$top=1{query}")).await["value"][0].clone()
}

fn id(message: &Value) -> String {
    message["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn lists_page_by_ten_count_filter_and_sort() {
    let mut desk = Desk::new().await;
    let page = desk.read(&format!("{BOX}?$count=true&$select=subject,isRead")).await;
    assert_eq!((page["value"].as_array().unwrap().len(), &page["@odata.count"]), (10, &json!(30)));
    let (mut seen, mut link) = (Vec::new(), format!("{BOX}?$select=id&$top=7&$orderby=receivedDateTime%20asc"));
    loop {
        let page = desk.read(&link).await;
        seen.extend(each(&page, "id").into_iter().map(str::to_owned));
        match page["@odata.nextLink"].as_str() {
            Some(next) => link = next.to_owned(),
            None => break,
        }
    }
    let newest = first(&mut desk, "").await;
    assert_eq!((seen.len(), seen.last().unwrap().as_str()), (30, newest["id"].as_str().unwrap()));
    let date = newest["receivedDateTime"].as_str().unwrap();
    let late = desk.read(&format!("{BOX}?$filter=receivedDateTime%20ge%20{date}&$orderby=receivedDateTime&$select=id")).await;
    assert_eq!(each(&late, "id"), [newest["id"].as_str().unwrap()]);
    let unread = desk.read(&format!("{BOX}?$filter=isRead%20eq%20false&$count=true&$top=100&$select=isRead")).await;
    assert!(unread["value"].as_array().unwrap().iter().all(|message| message["isRead"] == false));
    assert_eq!(desk.get(&format!("{BOX}/$count")).await.text(), "30");
    assert_eq!(desk.refusal("GET", &format!("{BOX}?$top=1001"), "").await.0, 400);
    let crossed = format!("{BOX}?$filter=receivedDateTime+ge+2000-01-01T00:00:00Z&$orderby=subject");
    assert_eq!(desk.refusal("GET", &crossed, "").await, (400, "InefficientFilter".to_owned()));
    let modified =
        desk.read(&format!("{BOX}?$filter=lastModifiedDateTime+ge+2000-01-01T00:00:00Z&$orderby=lastModifiedDateTime+desc&$top=50")).await;
    assert_eq!(modified["value"].as_array().unwrap().len(), 30);
    assert_eq!(desk.read("/users/alice@example.com/messages?$top=50").await["value"].as_array().unwrap().len(), 30);
}

#[tokio::test]
async fn a_message_is_read_alone_with_headers_and_properties() {
    let mut desk = Desk::new().await;
    let one = id(&first(&mut desk, "").await);
    let expand = "$expand=singleValueExtendedProperties($filter=id+eq+'Integer+0x0E08'+or+id+eq+'String+0x001A'+or+id+eq+'Binary+0x300B'),attachments";
    let message = desk.read(&format!("/users/{ALICE}/messages/{one}?{expand}&$select=internetMessageHeaders,subject")).await;
    let properties = message["singleValueExtendedProperties"].as_array().unwrap();
    assert_eq!(
        properties.iter().map(|property| property["id"].as_str().unwrap()).collect::<Vec<_>>(),
        ["Integer 0xe08", "String 0x1a", "Binary 0x300b"]
    );
    assert!(message["internetMessageHeaders"].as_array().unwrap().iter().any(|header| header["name"] == "MIME-Version"), "{message}");
    assert!(message.get("isRead").is_none() && message["attachments"].is_array());
    let whole = desk.read(&format!("/users/{ALICE}/messages/{one}")).await;
    assert!(whole.get("internetMessageHeaders").is_none() && whole["body"]["contentType"] == "html");
    let reply = desk.ask("GET", &format!("/users/{ALICE}/messages/{one}"), &[("Prefer", "outlook.body-content-type=\"text\"")], "").await;
    assert_eq!(json_of(&reply)["body"]["contentType"], "text");
    assert_eq!(desk.refusal("GET", &format!("{BOX}/{one}/$value"), "").await, (405, "ErrorInvalidRequest".to_owned()));
    let mime = desk.get(&format!("/users/{ALICE}/messages/{one}/$value")).await;
    assert!(mime.headers.value("content-length").is_none() && mime.headers.value("content-type") == Some("text/plain"));
    let item = desk.alice().item(crate::store::ItemId::parse(&super::super::messages::ids::from_rest(&one)).unwrap()).unwrap();
    let crate::store::Mime::Content(content) = &item.mime else { panic!("no MIME") };
    assert_eq!(mime.body, content.bytes(1 << 20).await.unwrap());
    for (bad, status, code) in [("rubbish", 400, "ErrorInvalidIdMalformed"), (&one.replace('A', "B"), 400, "ErrorInvalidIdMalformed")] {
        assert_eq!(desk.refusal("GET", &format!("/users/{ALICE}/messages/{bad}"), "").await, (status, code.to_owned()));
    }
    assert_eq!(desk.refusal("GET", &format!("/users/bob@example.com/messages/{one}"), "").await.1, "ErrorInvalidMailboxItemId");
}

#[tokio::test]
async fn identities_survive_moves_and_translate_into_each_other() {
    let mut desk = Desk::new().await;
    let usual = id(&first(&mut desk, "").await);
    let lasting = id(&json_of(&desk.ask("GET", &format!("{BOX}?$top=1"), IMMUTABLE, "").await)["value"][0]);
    assert!(lasting.len() != usual.len() && lasting.starts_with("AAkAL"));
    let call = "/users/alice@example.com/translateExchangeIds";
    let forms = ["restId", "ewsId", "entryId", "immutableEntryId", "restImmutableEntryId"];
    let mut text = usual.clone();
    for (from, to) in forms.iter().zip(forms.iter().cycle().skip(1)) {
        let answer = desk.good("POST", call, &json!({"inputIds": [text], "sourceIdType": from, "targetIdType": to}), 200).await;
        text = answer["value"][0]["targetId"].as_str().unwrap().to_owned();
        match *to {
            "restImmutableEntryId" => assert_eq!(text, lasting),
            "restId" => assert_eq!(text, usual),
            _ => assert_ne!(text, usual),
        }
    }
    let drafts = json!({"destinationId": "drafts"});
    let moved = desk.good("POST", &format!("/users/{ALICE}/messages/{usual}/move"), &drafts, 201).await;
    assert_ne!(id(&moved), usual);
    assert_eq!(desk.refusal("GET", &format!("/users/{ALICE}/messages/{usual}"), "").await, (404, "ErrorItemNotFound".to_owned()));
    let found = desk.read(&format!("/users/{ALICE}/messages/{lasting}?$select=parentFolderId")).await;
    assert_eq!((found["parentFolderId"].clone(), found["id"].clone()), (moved["parentFolderId"].clone(), moved["id"].clone()));
    let copied = desk.ask("POST", &format!("/users/{ALICE}/messages/{lasting}/copy"), IMMUTABLE, &drafts.to_string()).await;
    assert!(copied.status == 201 && id(&json_of(&copied)) != lasting, "a copy is another message");
    let answer = desk
        .good(
            "POST",
            call,
            &json!({"inputIds": [usual, "x", id(&moved)], "sourceIdType": "restId", "targetIdType": "restImmutableEntryId"}),
            200,
        )
        .await;
    assert_eq!(answer["value"][0]["errorDetails"]["code"], "ErrorItemNotFound");
    assert_eq!(answer["value"][1]["errorDetails"]["code"], "ErrorInvalidIdMalformed");
    assert_eq!(answer["value"][2]["targetId"].as_str(), Some(lasting.as_str()));
    assert!(answer["value"][0].get("targetId").is_none());
    let many = json!({"inputIds": vec!["x"; 1001], "sourceIdType": "restId", "targetIdType": "ewsId"});
    assert_eq!(desk.refusal("POST", call, &many.to_string()).await.0, 400);
    desk.good("DELETE", &format!("/users/{ALICE}/messages/{}", id(&moved)), &json!(null), 204).await;
    assert_eq!(desk.refusal("GET", &format!("/users/{ALICE}/messages/{}", id(&moved)), "").await.0, 404);
}

#[tokio::test]
async fn messages_are_made_of_mime_or_json_and_written() {
    let mut desk = Desk::new().await;
    let mail = "Subject: made\r\nMessage-ID: <made@example.com>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n--b\r\n\
Content-Type: application/pdf; name=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\nAAEC\r\n--b--\r\n";
    let reply = desk.ask("POST", BOX, &[("Content-Type", "text/plain")], &STANDARD.encode(mail)).await;
    let made = json_of(&reply);
    assert_eq!((reply.status, made["isDraft"].clone(), made["subject"].clone()), (201, json!(true), json!("made")));
    let path = format!("/users/{ALICE}/messages/{}", id(&made));
    assert_eq!(desk.get(&format!("{path}/$value")).await.text(), mail);
    let list = desk.read(&format!("{path}/attachments")).await;
    assert_eq!((&list["value"][0]["name"], &list["value"][0]["contentBytes"]), (&json!("a.pdf"), &json!("AAEC")));
    let file = format!("{path}/attachments/{}", id(&list["value"][0]));
    assert_eq!(desk.get(&format!("{file}/$value")).await.body.as_ref(), [0, 1, 2]);
    assert_eq!(desk.read(&file).await["size"], 3);
    assert_eq!(desk.refusal("GET", &format!("{path}/attachments/rubbish"), "").await.0, 400);
    let change = json!({"isRead": false, "subject": "other", "categories": ["Blue"], "importance": "high"});
    let written = desk.good("PATCH", &path, &change, 200).await;
    for (name, value) in change.as_object().unwrap() {
        assert_eq!(&written[name], value);
    }
    let flags = json!([{"id": "Integer 0x0E07", "value": "1"}]);
    let sent =
        json!({"subject": "s", "toRecipients": [{"emailAddress": {"address": "b@example.com"}}], "singleValueExtendedProperties": flags});
    let sent = desk.good("POST", "/users/alice@example.com/messages", &sent, 201).await;
    assert_eq!((&sent["isDraft"], &sent["isRead"]), (&json!(false), &json!(true)));
    let path = format!("/users/{ALICE}/messages/{}", id(&sent));
    assert_eq!(desk.refusal("PATCH", &path, "{\"subject\": \"no draft\"}").await, (400, "ErrorInvalidPropertySet".to_owned()));
    for (body, code) in [("{\"size\": 1}", "RequestBodyRead"), ("[]", "BadRequest"), ("{", "BadRequest")] {
        assert_eq!(desk.refusal("POST", BOX, body).await, (400, code.to_owned()), "{body}");
    }
    let reply = desk.ask("POST", BOX, &[("Content-Type", "text/plain")], "%%%").await;
    assert_eq!(refusal(&reply), (400, "ErrorMimeContentInvalidBase64String".to_owned()));
    desk.be(BASIC).await;
    let basic = first(&mut desk, "").await;
    assert!(basic.get("body").is_none() && basic.get("bodyPreview").is_none() && basic.get("subject").is_some());
}
