//! Whoever only looks.

use exchange_sync_tui::Status;

use super::world::{ANN, BOB, Making, World};
use crate::event::Event;

#[tokio::test]
async fn health_is_told_from_readiness() {
    let world = World::new().await;
    assert_eq!(world.look("/healthz").await.status(), 200);
    let (code, told) = world.told("/readyz").await;
    assert_eq!((code, told["error"].as_str()), (503, Some("no mailbox's folders were listed yet")));
    assert!(world.look("/readyz").await.headers().contains_key("retry-after"));
    world.list();
    assert_eq!(world.told("/readyz").await.0, 200);
    world.events.tell(Event::StopBegun);
    assert_eq!(world.told("/readyz").await.0, 503);
    assert_eq!(world.told("/healthz").await.0, 200);
}

#[tokio::test]
async fn a_status_has_folders_where_they_are_asked_for() {
    let world = World::new().await;
    world.list();
    world.store(3);
    let (code, json) = world.told("/status").await;
    assert_eq!(code, 200);
    let brief: Status = serde_json::from_value(json).unwrap();
    assert_eq!(brief.mailboxes.keys().collect::<Vec<_>>(), [ANN, BOB]);
    assert_eq!(brief.mailboxes[ANN].figures.stored, 3);
    assert!(brief.mailboxes[ANN].folders.is_empty() && brief.log.is_empty());
    assert!(brief.head.actions);
    for query in ["?folders=true", "?folders", "?folders=1"] {
        let (_, json) = world.told(&format!("/status{query}")).await;
        let whole: Status = serde_json::from_value(json).unwrap();
        assert_eq!(whole.mailboxes[ANN].folders.len(), 1, "{query}");
        assert!(!whole.log.is_empty());
    }
    assert_eq!(world.told("/status?folders=false").await.0, 200);
    for query in ["?folder=true", "?folders=yes", "?folders=true&x=1"] {
        assert_eq!(world.told(&format!("/status{query}")).await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn metrics_are_text_for_prometheus() {
    let world = World::new().await;
    let answer = world.look("/metrics").await;
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    assert!(text.contains("exchange_sync_mailbox_state{mailbox=\"ann@example.com\",state=\"queued\"} 1\n"), "{text}");
}

#[tokio::test]
async fn quarantine_is_listed_up_to_a_bound() {
    let made = |quarantined| World::made(Making { quarantined, ..Making::default() });
    let (code, told) = made(1).await.told("/quarantine").await;
    assert_eq!((code, told["items"][0]["mailbox"].as_str(), told["more"].as_bool()), (200, Some(ANN), Some(false)));
    for (quarantined, more) in [(1000, false), (1001, true)] {
        let (_, told) = made(quarantined).await.told("/quarantine").await;
        assert_eq!((told["items"].as_array().unwrap().len(), told["more"].as_bool()), (1000, Some(more)));
    }
    assert_eq!(made(usize::MAX).await.told("/quarantine").await.0, 500);
    assert_eq!(World::made(Making { begun: false, ..Making::default() }).await.told("/quarantine").await.0, 503);
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_told_so() {
    let world = World::new().await;
    for path in ["/", "/healthz/", "/nothing", "/status/ann"] {
        let (code, told) = world.told(path).await;
        assert_eq!(code, 404, "{path}");
        assert!(told["error"].as_str().unwrap().contains("/events"), "{told}");
    }
    assert_eq!(world.told("/actions").await.0, 405);
    let answer = world.client.delete(world.url("/status")).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap()), (405, "GET,HEAD"));
    assert_eq!(world.client.head(world.url("/healthz")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn masked_addresses_are_in_no_answer() {
    for quarantined in [1, usize::MAX] {
        let world = World::made(Making { mask: true, quarantined, ..Making::default() }).await;
        world.list();
        let masked = world.events.status().overview(chrono::Utc::now()).mailboxes.into_keys().next().unwrap();
        let mut texts = Vec::new();
        for path in ["/status", "/status?folders=true", "/metrics", "/quarantine"] {
            texts.push(world.look(path).await.text().await.unwrap());
        }
        texts.push(super::stream::first(&world).await);
        for body in [
            format!(r#"{{"do":"pause","mailbox":"{masked}"}}"#),
            format!(r#"{{"do":"verify","mailbox":"{ANN}"}}"#),
            r#"{"do":"pause","mailbox":"eve@example.com"}"#.to_owned(),
        ] {
            texts.push(world.ask(Some("Bearer hunter2"), body).await.1.to_string());
        }
        assert!(texts.iter().all(|text| !text.contains("example.com") && text.len() > 20), "{texts:?}");
        assert!(texts[..3].iter().all(|text| text.contains(&masked)), "{texts:?}");
    }
}
