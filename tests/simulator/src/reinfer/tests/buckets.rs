//! Buckets, tokens and the forms of paths.

use super::*;

#[tokio::test]
async fn buckets_are_made_read_changed_counted_and_deleted() {
    let mut desk = Desk::new().await;
    let path = "/api/_private/buckets/globex/post-1";
    desk.refusal("GET", path, &json!(null), 404).await;
    let new = json!({ "bucket": { "bucket_type": "emails", "title": "Post" } });
    let made = desk.good("PUT", path, &new).await["bucket"].clone();
    assert_eq!((made["owner"].as_str(), made["name"].as_str(), made["title"].as_str()), (Some("globex"), Some("post-1"), Some("Post")));
    desk.refusal("PUT", path, &new, 409).await;
    let by_id = format!("/api/_private/buckets/id:{}", made["id"].as_str().unwrap());
    for path in [path, "/api/_private/buckets/globex%2Fpost-1", &by_id] {
        assert_eq!(desk.read(path).await["bucket"], made);
    }
    let feeder = json!({ "config_owner": "globex", "config_key": "exchange", "shard_index": 0, "num_shards": 2 });
    let changed = desk.good("POST", path, &json!({ "bucket": { "title": "New", "last_updated_by": feeder } })).await["bucket"].clone();
    assert_eq!((&changed["title"], &changed["last_updated_by"]), (&json!("New"), &feeder));
    let kept = desk.reinfer().bucket("globex/post-1").unwrap();
    assert_eq!((kept.last_updated_by.unwrap().num_shards, kept.feeder_updates), (2, 1));
    assert_eq!(desk.read(&format!("{path}/statistics")).await["statistics"], json!({ "count": { "kind": "exact", "value": 0 } }));
    let names = |list: Value| {
        list["buckets"].as_array().unwrap().iter().map(|bucket| bucket["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(desk.read("/api/_private/buckets").await), ["mail", "post-1"]);
    assert_eq!(names(desk.read("/api/_private/buckets/globex").await), ["post-1"]);
    desk.good("DELETE", &by_id, &json!(null)).await;
    desk.refusal("DELETE", &by_id, &json!(null), 404).await;
    let again = desk.good("PUT", path, &new).await["bucket"]["id"].clone();
    assert_ne!(again, made["id"], "a bucket that is made again is another one");
}

#[tokio::test]
async fn wrong_buckets_are_refused() {
    let mut desk = Desk::new().await;
    let path = "/api/_private/buckets/globex/post";
    for (path, bucket, status) in [
        ("/api/_private/buckets/globex/po.st", json!({ "bucket_type": "emails" }), 422),
        (path, json!({ "bucket_type": "comments" }), 422),
        (path, json!({}), 400),
        (path, json!({ "bucket_type": "emails", "colour": 1 }), 400),
    ] {
        desk.refusal("PUT", path, &json!({ "bucket": bucket }), status).await;
    }
    for (update, status) in [
        (json!({ "name": "x" }), 400),
        (json!({ "last_updated_by": { "config_owner": "a", "config_key": "b", "shard_index": 0 } }), 400),
        (json!({ "last_updated_by": { "config_owner": "a", "config_key": "b", "shard_index": 2, "num_shards": 2 } }), 422),
    ] {
        desk.refusal("POST", "/api/_private/buckets/acme/mail", &json!({ "bucket": update }), status).await;
    }
    let reply = desk.ask("PATCH", "/api/_private/buckets/acme/mail", JSON, "{}").await;
    assert_eq!((reply.status, reply.header("allow")), (405, "GET, PUT, POST"));
    desk.refusal("GET", "/api/v1/datasets", &json!(null), 404).await;
}

#[tokio::test]
async fn every_form_of_a_path_leads_there() {
    let mut desk = Desk::new().await;
    for base in ["", "/", "/api/", "/org/tenant/reinfer_", "/org/tenant/reinfer_/"] {
        for name in ["acme/mail", "acme%2Fmail"] {
            desk.read(&format!("{base}/api/_private/buckets/{name}")).await;
        }
    }
    assert_eq!(desk.counter("reinfer.double_slashes"), 6);
    assert_eq!(desk.read("/org/tenant/reinfer_/auth/user").await["user"]["verified"], true);
    assert_eq!(desk.ask("GET", "/api/api/_private/buckets", &[], "").await.status, 404);
}

#[tokio::test]
async fn tokens_are_asked_for_and_allow_what_they_allow() {
    let world = r#"
        [[reinfer.tokens]]
        token = "reader"
        email = "reader@example.com"
        permissions = ["buckets-read"]
        owners = ["acme"]
        [[reinfer.tokens]]
        token = "all"
        [[reinfer.buckets]]
        owner = "acme"
        name = "mail"
        [[reinfer.buckets]]
        owner = "globex"
        name = "mail"
    "#;
    let mut desk = Desk::of(world).await;
    for token in ["", TOKEN, "Reader"] {
        token.clone_into(&mut desk.token);
        let message = desk.refusal("GET", "/api/_private/buckets/acme/mail", &json!(null), 401).await;
        assert!(message.starts_with("401 Unauthorized"), "{message}");
    }
    desk.token = "reader".into();
    let user = desk.read("/auth/user").await["user"].clone();
    assert_eq!((&user["username"], &user["organisation_permissions"]), (&json!("reader"), &json!({ "acme": ["buckets-read"] })));
    assert_eq!(desk.good("POST", "/auth/refresh-user-permissions", &json!({})).await["permissions_refreshed"], true);
    desk.read("/api/_private/buckets/acme/mail").await;
    assert_eq!(desk.read("/api/_private/buckets").await["buckets"].as_array().unwrap().len(), 1);
    let message = desk.refusal("PUT", EMAILS, &json!({ "emails": [email("1")] }), 403).await;
    assert!(message.contains("buckets-append is needed in acme"), "{message}");
    desk.refusal("GET", "/api/_private/buckets/globex/mail", &json!(null), 403).await;
    desk.refusal("GET", "/api/v1/appliance-configs/acme/x", &json!(null), 403).await;
    desk.token = "all".into();
    desk.read("/api/_private/buckets/globex/mail").await;
    assert!(desk.reinfer().revoke_token("all"));
    desk.refusal("GET", "/api/_private/buckets/globex/mail", &json!(null), 401).await;
    assert_eq!((desk.counter("reinfer.401"), desk.counter("reinfer.403")), (4, 3));
}

#[tokio::test]
async fn answers_say_how_long_they_took_and_are_packed_where_asked() {
    let mut desk = Desk::new().await;
    let emails: Vec<Value> = (0..40).map(|number| email(&format!("{number}"))).collect();
    desk.put(&emails).await;
    let reply = desk.ask("POST", EMAILS, &[JSON[0], ("Accept-Encoding", "gzip")], "{}").await;
    assert!(reply.header("server-timing").starts_with("total;dur="));
    assert_eq!(reply.header("content-encoding"), "gzip");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(reply.body.as_slice()), &mut text).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["emails"].as_array().unwrap().len(), 40);
}
