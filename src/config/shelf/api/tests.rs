//! The API as a shelf, against a server that says what a script tells it to.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::{
    config::{Env, SAMPLE, load},
    http::scripted::{Heard, Reply, Scripted, reply},
};

async fn shelf(script: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> (Scripted, ApiShelf) {
    let server = Scripted::start(script).await;
    let endpoint = format!("http://{}/org/tenant/reinfer_/api/", server.address).parse().unwrap();
    let name = ConfigName { owner: "care".into(), key: "main".into() };
    let shelf = ApiShelf::new(&endpoint, Secret::new("a-token"), name).unwrap();
    (server, shelf)
}

fn answer(status: &str, body: &str) -> impl Fn(&Heard) -> Reply + Send + Sync + 'static {
    let reply = reply(status, &[], body);
    move |_| reply.clone()
}

#[tokio::test]
async fn a_configuration_is_read_and_written() {
    let (server, shelf) = shelf(|heard| match heard.head.starts_with("GET") {
        true => reply("200 OK", &[], SAMPLE),
        false => reply("200 OK", &[], r#"{"status": "ok", "changes": {"added": ["a@example.com"]}}"#),
    })
    .await;
    assert!(shelf.location().to_string().ends_with("/org/tenant/reinfer_/api/v1/appliance-configs/care/main"));
    let env = Env::from_iter([("REINFER_EWS_AUTH_PASS", "hunter2")]);
    let loaded = load(&shelf, &env, None).await.unwrap();
    assert!(!loaded.config.mailboxes.is_empty());
    assert_eq!(shelf.store(&Text::new(SAMPLE)).await.unwrap(), json!({"added": ["a@example.com"]}));
    let heard = server.heard();
    assert!(heard.iter().all(|heard| heard.head.contains("/org/tenant/reinfer_/api/v1/appliance-configs/care/main HTTP/1.1")));
    assert!(heard.iter().all(|heard| heard.header("authorization") == Some("Bearer a-token")));
    assert!(heard[1].body.contains(SAMPLE) && heard[1].head.starts_with("PUT"));
}

#[tokio::test]
async fn refusals_say_what_helps_and_end_with_their_code() {
    for (status, code, words) in [
        ("401 Unauthorized", 4, "REINFER_API_TOKEN"),
        ("403 Forbidden", 4, "appliance-config-read"),
        ("404 Not Found", 2, "--remote-config-owner"),
    ] {
        let (_server, shelf) = shelf(answer(status, r#"{"status": "error", "message": "no"}"#)).await;
        let refused = load(&shelf, &Env::default(), None).await.unwrap_err();
        assert_eq!(refused.code, code, "{refused}");
        assert!(refused.to_string().contains(words) && !refused.to_string().contains("a-token"), "{refused}");
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_and_not_for_ever_where_somebody_waits() {
    let (server, shelf) = shelf(|heard| match heard.connection + heard.turn {
        0 => reply("503 Service Unavailable", &[("Retry-After", "1")], "busy"),
        1 => Vec::new(),
        _ => reply("200 OK", &[], SAMPLE),
    })
    .await;
    let env = Env::from_iter([("REINFER_EWS_AUTH_PASS", "hunter2")]);
    assert!(load(&shelf, &env, None).await.is_ok());
    assert!(server.heard().len() >= 3);
    let (_server, shelf) = self::shelf(answer("503 Service Unavailable", "busy")).await;
    let refused = load(&shelf, &env, Some(Duration::ZERO)).await.unwrap_err();
    assert_eq!(refused.code, 1);
    assert!(refused.to_string().contains("HTTP 503"), "{refused}");
}
