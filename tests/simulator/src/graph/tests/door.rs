//! Who is let in, and to whom.

use super::*;
use std::time::Duration;

#[tokio::test]
async fn without_a_token_for_graph_nobody_is_let_in() {
    let mut desk = Desk::new().await;
    for (token, words) in [("", "empty"), ("nonsense", "not well formed")] {
        desk.token = token.to_owned();
        let reply = desk.get("/users/alice@example.com").await;
        assert_eq!(refusal(&reply), (401, "InvalidAuthenticationToken".to_owned()));
        assert!(reply.header("www-authenticate").starts_with("Bearer realm") && reply.text().contains(words), "{}", reply.text());
    }
    desk.token = desk.token_for(APP, "https://outlook.office365.com/.default").await;
    assert!(desk.get("/users/alice@example.com/mailFolders").await.text().contains("Invalid audience"));
    for scope in ["https://graph.microsoft.us/.default", "https://microsoftgraph.chinacloudapi.cn/.default", "https://127.0.0.1/.default"] {
        desk.token = desk.token_for(APP, scope).await;
        assert_eq!(desk.get("/users/alice@example.com/mailFolders").await.status, 200, "{scope}");
    }
    desk.simulator.state().gate.logins.revoke(APP);
    let reply = desk.get("/users/alice@example.com/mailFolders").await;
    assert!(reply.status == 401 && reply.header("www-authenticate").contains("insufficient_claims"), "{}", reply.text());
    assert_eq!(desk.counter("graph.401"), 4);
}

#[tokio::test]
async fn a_token_ends_with_its_life() {
    let mut desk = Desk::with("", Options { token_life: Duration::ZERO, ..Options::default() }).await;
    assert!(desk.get("/users/alice@example.com").await.text().contains("Lifetime validation failed"));
}

#[tokio::test]
async fn users_are_known_by_their_names_and_ids() {
    let mut desk = Desk::new().await;
    let id = desk.alice().guid().text();
    for user in [ALICE, "Alice%40Example.com", id.as_str(), &id.to_uppercase()] {
        assert_eq!(desk.get(&format!("/users/{user}/mailFolders/inbox")).await.status, 200, "{user}");
    }
    assert_eq!(desk.get("/users('alice@example.com')/mailFolders('inbox')").await.status, 200);
    for (user, code) in [
        ("nobody@example.com", "ErrorInvalidUser"),
        ("a@example.com", "ErrorInvalidUser"),
        ("service@example.com", "MailboxNotEnabledForRESTAPI"),
    ] {
        assert_eq!(desk.refusal("GET", &format!("/users/{user}/mailFolders"), "").await, (404, code.to_owned()));
    }
    assert_eq!(desk.refusal("GET", "/me/messages", "").await.0, 400);
    assert_eq!(desk.refusal("GET", "/users/alice@example.com/nonsense", "").await, (400, "RequestBroker--ParseUri".to_owned()));
    let url = desk.simulator.url();
    assert_eq!(desk.refusal("GET", &format!("{url}/beta/users"), "").await, (404, "UnsupportedApiVersion".to_owned()));
}

#[tokio::test]
async fn permissions_reach_as_far_as_they_say() {
    let mut desk = Desk::new().await;
    let make = |desk: &Desk| desk.text("POST", "/users/alice@example.com/mailFolders", &[], r#"{"displayName":"new"}"#);
    assert_eq!(desk.refusal("GET", "/users/alice@example.com", "").await, (403, "Authorization_RequestDenied".to_owned()));

    desk.be(READER).await;
    let user = desk.read("/users/alice@example.com?$select=id,mail").await;
    assert_eq!((user["mail"].as_str(), user.get("displayName")), (Some(ALICE), None));
    let text = make(&desk);
    desk.wire.send(text).await;
    assert_eq!(refusal(&desk.wire.answer().await.unwrap()), (403, "ErrorAccessDenied".to_owned()));

    desk.be(BASIC).await;
    assert_eq!(desk.get("/users/alice@example.com/mailFolders/inbox/messages?$select=subject").await.status, 200);
    for path in ["/messages?$select=body", "/messages?$expand=attachments", "/messages/x/$value", "/messages/x/attachments"] {
        let path = format!("/users/alice@example.com{path}");
        assert_eq!(desk.refusal("GET", &path, "").await, (403, "ErrorAccessDenied".to_owned()), "{path}");
    }

    desk.be(NOBODY).await;
    let denied = (403, "Authorization_RequestDenied".to_owned());
    assert_eq!(desk.refusal("GET", "/users/alice@example.com/mailFolders", "").await, denied);

    desk.be(LIMITED).await;
    let reply = desk.get("/users/alice@example.com/mailFolders").await;
    assert!(reply.status == 403 && reply.text().contains("Access to OData is disabled."), "{}", reply.text());
    assert_eq!(desk.get("/users/bob@example.com/mailFolders").await.status, 200);
}

#[test]
fn a_world_names_permissions_there_are() {
    let text = "[[apps]]\nclient_id = \"x\"\ntenant = \"t\"\nsecrets = [\"s\"]\ngraph_permissions = [\"Mail.Reed\"]";
    let error = toml::from_str::<World>(text).unwrap().build(&[]).unwrap_err();
    assert!(error.contains("apps[0].graph_permissions") && error.contains("Mail.Read,"), "{error}");
}

#[tokio::test]
async fn ids_are_echoed_and_preferences_owned_to() {
    let mut desk = Desk::new().await;
    let asked = [("client-request-id", "mine"), ("Prefer", "IdType=\"ImmutableId\"")];
    let reply = desk.ask("GET", "/users/alice@example.com/mailFolders/inbox", &asked, "").await;
    assert_eq!((reply.header("client-request-id"), reply.header("preference-applied")), ("mine", "IdType=\"ImmutableId\""));
    assert_eq!(reply.header("request-id").len(), 36);
    let reply = desk.ask("GET", "/users/alice@example.com/mailFolders/x", &asked, "").await;
    let inner = &json_of(&reply)["error"]["innerError"];
    assert_eq!((inner["client-request-id"].as_str(), inner["request-id"].as_str()), (Some("mine"), Some(reply.header("request-id"))));
    desk.simulator.state().quirks.switch("immutable-ids-not-honoured", true).unwrap();
    let reply = desk.ask("GET", "/users/alice@example.com/mailFolders/inbox", &asked, "").await;
    assert_eq!(reply.headers.value("preference-applied"), None);
}
