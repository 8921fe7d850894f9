use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::json;

use super::*;
use crate::{
    auth::Secret,
    http::scripted::{Heard, Reply, Scripted, reply},
    mail::Bucket,
};

async fn api(script: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> (Client, Scripted) {
    let server = Scripted::start(script).await;
    let url = format!("http://{}/tenant/reinfer_/api/", server.address).parse().unwrap();
    (Client::new(&url, Secret::new("token-of-mine\n")).unwrap(), server)
}

fn bucket() -> Bucket {
    Bucket { owner: "care".into(), name: "support".into() }
}

fn found(id: &str) -> Reply {
    reply("200 OK", &[], &json!({"status": "ok", "bucket": {"id": id, "name": "support", "owner": "care", "new": {}}}).to_string())
}

fn line(heard: &Heard) -> &str {
    heard.head.lines().next().unwrap().trim_end_matches(" HTTP/1.1")
}

fn payload(text: &'static str) -> Payload {
    let bytes = stream::iter(text.as_bytes().chunks(5).map(|piece| Ok(bytes::Bytes::from_static(piece)))).boxed();
    Payload { length: text.len() as u64, bytes }
}

#[tokio::test]
async fn emails_go_out_with_token_and_length() {
    let (client, server) = api(|_| reply("200 OK", &[], r#"{"status":"ok"}"#)).await;
    client.put_emails(&bucket(), payload(r#"{"emails":[]}"#)).await.unwrap();
    let heard = &server.heard()[0];
    assert_eq!(line(heard), "PUT /tenant/reinfer_/api/_private/buckets/care/support/emails?no_charge=false");
    assert_eq!(heard.header("authorization"), Some("Bearer token-of-mine"));
    assert_eq!((heard.header("content-length"), heard.header("content-type")), (Some("13"), Some("application/json")));
    assert_eq!(heard.body, r#"{"emails":[]}"#);
}

#[tokio::test]
async fn each_status_asks_for_something_of_its_own() {
    let of_the_api = r#"{"status":"error","message":"No such\n thing"}"#;
    let page = "<html><body>Request blocked</body></html>";
    for (status, body, kind, words) in [
        ("400 Bad Request", of_the_api, Kind::Unprocessable, "HTTP 400: No such thing"),
        ("422 Unprocessable Content", of_the_api, Kind::Unprocessable, "HTTP 422: No such thing"),
        ("401 Unauthorized", of_the_api, Kind::Token, "REINFER_API_TOKEN"),
        ("403 Forbidden", of_the_api, Kind::Forbidden, "buckets-append"),
        ("404 Not Found", of_the_api, Kind::Missing, "create the bucket support in the project care"),
        ("404 Not Found", "", Kind::Missing, "create the bucket support in the project care"),
        ("404 Not Found", page, Kind::Passing, "--reinfer-api-endpoint"),
        ("409 Conflict", of_the_api, Kind::Passing, "HTTP 409"),
        ("413 Payload Too Large", of_the_api, Kind::TooLarge, "HTTP 413"),
        ("413 Request Entity Too Large", page, Kind::TooLarge, "Request blocked"),
        ("429 Too Many Requests", of_the_api, Kind::Passing, "HTTP 429"),
        ("500 Internal Server Error", "", Kind::Passing, "HTTP 500: Internal Server Error"),
        ("503 Service Unavailable", page, Kind::Passing, "Request blocked"),
        ("403 Forbidden", page, Kind::Passing, "HTTP 403: <html>"),
        ("302 Found", "", Kind::Passing, "--reinfer-api-endpoint"),
        ("200 OK", page, Kind::Passing, "is this the API's endpoint?"),
        ("200 OK", "", Kind::Passing, "an empty answer"),
        ("200 OK", "{}", Kind::Passing, "HTTP 200: {}"),
        ("200 OK", of_the_api, Kind::Passing, "HTTP 200: No such thing"),
    ] {
        let (client, _server) = api(move |_| reply(status, &[("Retry-After", "7")], body)).await;
        let error = client.put_emails(&bucket(), payload("{}")).await.unwrap_err();
        assert_eq!(error.kind, kind, "{status} {body}");
        let text = error.to_string();
        assert!(text.contains(words) && !text.contains("token-of-mine"), "{text}");
        let told = !status.starts_with("200");
        assert_eq!(error.retry_after, told.then_some(Duration::from_secs(7)), "{status}");
    }
}

#[tokio::test]
async fn a_body_that_ends_early_or_a_server_that_hangs_up_is_passing_trouble() {
    let (client, server) = api(|_| Vec::new()).await;
    assert!(client.put_emails(&bucket(), payload("{}")).await.unwrap_err().passing());
    assert_eq!(server.heard().len(), 1);
    let broken = Payload { length: 10, bytes: stream::iter([Err(std::io::Error::other("the file is gone"))]).boxed() };
    let error = client.put_emails(&bucket(), broken).await.unwrap_err();
    assert!(error.passing() && error.to_string().contains("the file is gone"), "{error}");
    let (client, _server) = api(|_| reply("200 OK", &[], &" ".repeat((1 << 20) + 1))).await;
    let error = client.put_emails(&bucket(), payload("{}")).await.unwrap_err();
    assert!(error.passing() && error.to_string().contains("larger than"), "{error}");
}

#[tokio::test]
async fn a_bucket_is_looked_up_once_and_again_where_it_was_made_anew() {
    let (client, server) = api(|heard| match line(heard) {
        "GET /tenant/reinfer_/api/_private/buckets/care/support" => found(if heard.turn == 0 { "0a" } else { "0b" }),
        gone if gone.contains("/id:0a/") && heard.turn > 2 => reply("404 Not Found", &[], r#"{"status":"error"}"#),
        _ => reply("200 OK", &[], r#"{"status":"ok"}"#),
    })
    .await;
    let state = SyncState {
        mailbox_name: "ann@example.com".into(),
        folder_id: Some("AAMk=".into()),
        folder_path: Some(vec!["Inbox".into()]),
        status: Status::InProgress,
        synced_until: None,
        last_synced_at: "2024-05-01T10:20:31.5Z".parse().ok(),
        fingerprint: Some("f".into()),
    };
    for key in ["k0", "k1", "k2", "k3"] {
        client.store_sync_state(&bucket(), key, &state).await.unwrap();
    }
    let heard = server.heard();
    let lines: Vec<&str> = heard.iter().map(|heard| line(heard).trim_start_matches("PUT /tenant/reinfer_/api/_private/buckets/")).collect();
    let look = "GET /tenant/reinfer_/api/_private/buckets/care/support";
    let keys = ["k0", "k1", "k2"].map(|key| format!("id:0a/keyed-sync-state/{key}"));
    let again = ["k2", "k3"].map(|key| format!("id:0b/keyed-sync-state/{key}"));
    assert_eq!(lines, [look, &keys[0], &keys[1], &keys[2], look, &again[0], &again[1]]);
    let expected = json!({"keyed_sync_state": {
        "mailbox_name": "ann@example.com", "folder_id": "AAMk=", "folder_path": ["Inbox"], "status": "IN_PROGRESS",
        "synced_until": null, "last_synced_at": "2024-05-01T10:20:31.500Z", "fingerprint": "f",
    }});
    assert_eq!(serde_json::from_str::<serde_json::Value>(&heard[1].body).unwrap(), expected);
}

#[tokio::test]
async fn states_are_read_leniently() {
    let (client, server) = api(|heard| match line(heard) {
        list if list.ends_with("/keyed-sync-states/") => reply(
            "200 OK",
            &[],
            &json!({"status": "ok", "keyed_sync_states": [
                {"mailbox_name": "ann@example.com", "status": "UP_TO_DATE", "last_synced_at": "2024-05-01T10:20:31Z", "new": [1]},
                {"mailbox_name": "ann@example.com", "folder_id": "f", "folder_path": ["A", "B"], "status": "IN_PROGRESS",
                 "synced_until": "2024-05-01T12:20:31+02:00", "last_synced_at": "2024-05-01T10:20:31Z", "fingerprint": null},
                {"status": "who knows"}, 7,
            ]})
            .to_string(),
        ),
        state if state.contains("keyed-sync-state/") => reply("404 Not Found", &[], r#"{"status":"error"}"#),
        _ => found("0a"),
    })
    .await;
    let states = client.sync_states(&bucket()).await.unwrap();
    assert_eq!(states.len(), 2);
    assert_eq!((states[0].folder_id.as_deref(), states[0].status), (None, Status::UpToDate));
    assert_eq!(states[1].synced_until, "2024-05-01T10:20:31Z".parse().ok());
    assert_eq!(client.sync_state(&bucket(), "k").await.unwrap(), None);
    client.delete_sync_state(&bucket(), "k").await.unwrap();
    assert!(server.heard().iter().any(|heard| line(heard).ends_with("/id:0a/keyed-sync-states/")));
}

#[tokio::test]
async fn configurations_come_and_go_byte_for_byte() {
    let (client, server) = api(|heard| match line(heard) {
        get if get.starts_with("GET") => reply("200 OK", &[("Content-Type", "application/octet-stream")], "{ \"a\": 1 }\n"),
        _ => reply("200 OK", &[], r#"{"status":"ok","changes":{"a":[1,2]}}"#),
    })
    .await;
    let name = ConfigName { owner: "care".into(), key: "main".into() };
    let file = client.appliance_config(&name).await.unwrap();
    assert_eq!(file, "{ \"a\": 1 }\n");
    assert_eq!(client.put_appliance_config(&name, &file).await.unwrap(), json!({"a": [1, 2]}));
    let heard = server.heard();
    assert_eq!(line(&heard[0]), "GET /tenant/reinfer_/api/v1/appliance-configs/care/main");
    assert_eq!(line(&heard[1]), "PUT /tenant/reinfer_/api/v1/appliance-configs/care/main");
    let boundary = heard[1].header("content-type").unwrap().strip_prefix("multipart/form-data; boundary=").unwrap();
    let parts: Vec<&str> = heard[1].body.split(&format!("--{boundary}")).collect();
    assert!(parts[1].contains("name=\"file\"") && parts[1].ends_with("\r\n\r\n{ \"a\": 1 }\n\r\n"), "{parts:?}");
    assert_eq!((parts.len(), parts[2]), (3, "--\r\n"));
}

#[tokio::test]
async fn who_feeds_a_bucket_is_noted_with_it() {
    let (client, server) = api(|_| found("0a")).await;
    let by = UpdatedBy { config_owner: "care".into(), config_key: "main".into(), shard_index: 1, num_shards: 4 };
    client.updated_by(&bucket(), &by).await.unwrap();
    let heard = &server.heard()[0];
    assert_eq!(line(heard), "POST /tenant/reinfer_/api/_private/buckets/care/support");
    let expected =
        json!({"bucket": {"last_updated_by": {"config_owner": "care", "config_key": "main", "shard_index": 1, "num_shards": 4}}});
    assert_eq!(serde_json::from_str::<serde_json::Value>(&heard.body).unwrap(), expected);
}

#[test]
fn a_token_that_cannot_be_one_is_refused_and_none_is_shown() {
    let url = "https://example.reinfer.io/api/".parse().unwrap();
    assert!(Client::new(&url, Secret::new(" ")).unwrap_err().contains("REINFER_API_TOKEN"));
    assert!(!Client::new(&url, Secret::new("one\ntwo")).unwrap_err().contains("two"));
    let client = Client::new(&url, Secret::new("token-of-mine")).unwrap();
    assert!(!format!("{client:?}").contains("token-of-mine"));
}
