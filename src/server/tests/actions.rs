//! Whoever wants something done.

use exchange_sync_tui::Action;

use super::world::{ANN, Making, TOKEN, World};

const PAUSE: &str = r#"{"do":"pause","mailbox":"ann@example.com"}"#;

fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

#[tokio::test]
async fn an_action_is_done_for_whoever_has_the_token() {
    let world = World::new().await;
    let (code, told) = world.ask(Some(&bearer()), PAUSE).await;
    assert_eq!((code, told["answer"].as_str()), (200, Some("done for ann@example.com")));
    assert_eq!(world.ask(Some(&bearer()), r#"{"do":"resume"}"#).await.0, 200);
    assert_eq!(*world.done.lock().unwrap(), [Action::Pause { mailbox: Some(ANN.into()) }, Action::Resume { mailbox: None }]);
}

#[tokio::test]
async fn what_is_not_done_is_told_with_its_reason() {
    let world = World::new().await;
    let bearer = bearer();
    for (authorization, body, code, words) in [
        (None, PAUSE, 401, "Authorization: Bearer"),
        (Some("Bearer hunter3"), PAUSE, 401, "EXCHANGE_SYNC_TOKEN"),
        (Some(&*bearer), "pause ann", 400, "not JSON"),
        (Some(&*bearer), "", 400, "not JSON"),
        (Some(&*bearer), "[]", 422, "write it like"),
        (Some(&*bearer), r#"{"do":"stop"}"#, 422, "unknown variant"),
        (Some(&*bearer), r#"{"do":"pause","mailboxes":[]}"#, 422, "unknown field"),
        (Some(&*bearer), r#"{"do":"retry","mailbox":"eve@example.com"}"#, 422, "no mailbox of this instance"),
        (Some(&*bearer), r#"{"do":"verify","mailbox":"ann@example.com"}"#, 409, "compared already"),
    ] {
        let (status, told) = world.ask(authorization, body).await;
        assert_eq!(status, code, "{body}: {told}");
        assert!(told["error"].as_str().unwrap().contains(words), "{body}: {told}");
    }
    assert_eq!(world.ask(Some(&bearer), vec![b' '; 20_000]).await.0, 413);
    assert!(world.done.lock().unwrap().is_empty());
}

#[tokio::test]
async fn without_a_token_or_before_the_work_begins_nothing_is_done() {
    let world = World::made(Making { token: false, ..Making::default() }).await;
    for authorization in [None, Some("Bearer "), Some("Bearer hunter2")] {
        let (code, told) = world.ask(authorization, PAUSE).await;
        assert_eq!(code, 403);
        assert!(told["error"].as_str().unwrap().contains("EXCHANGE_SYNC_TOKEN"), "{told}");
    }
    assert_eq!(world.told("/status").await.1["head"]["actions"], false);
    let world = World::made(Making { begun: false, ..Making::default() }).await;
    assert_eq!(world.ask(Some(&bearer()), PAUSE).await.0, 503);
}
