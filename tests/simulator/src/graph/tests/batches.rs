//! `$batch`.

use super::*;

fn part(id: &str, url: &str) -> Value {
    json!({ "id": id, "method": "GET", "url": url })
}

async fn batch(desk: &mut Desk, parts: Vec<Value>) -> Vec<Value> {
    let body = desk.good("POST", "/$batch", &json!({ "requests": parts }), 200).await;
    body["responses"].as_array().unwrap().clone()
}

fn of<'a>(responses: &'a [Value], id: &str) -> &'a Value {
    responses.iter().find(|response| response["id"] == id).unwrap()
}

const INBOX: &str = "/users/alice@example.com/mailFolders/inbox";

#[tokio::test]
async fn each_part_is_answered_and_only_its_own_fields_count() {
    let mut desk = Desk::new().await;
    let mut preferring = part("1", INBOX);
    preferring["headers"] = json!({"Prefer": "IdType=\"ImmutableId\"", "client-request-id": "mine"});
    let count = "/users/alice@example.com/mailFolders/$count";
    let made = json!({"id": "5", "method": "POST", "url": "/users/alice@example.com/mailFolders", "body": {"displayName": "by batch"},
        "headers": {"Content-Type": "application/json"}});
    let parts = vec![preferring, part("2", "users/alice@example.com/mailFolders/nonsense"), part("3", count), part("4", "/$batch"), made];
    let body = json!({ "requests": parts }).to_string();
    let reply = desk.ask("POST", "/$batch", &[("Prefer", "IdType=\"ImmutableId\"")], &body).await;
    let responses = json_of(&reply)["responses"].as_array().unwrap().clone();
    let first = of(&responses, "1");
    assert_eq!((&first["status"], &first["body"]["displayName"]), (&json!(200), &json!("Inbox")));
    assert_eq!(first["headers"]["Preference-Applied"], "IdType=\"ImmutableId\"");
    let second = of(&responses, "2");
    assert_eq!((&second["status"], &second["body"]["error"]["code"]), (&json!(400), &json!("ErrorInvalidIdMalformed")));
    assert!(second["headers"].get("Preference-Applied").is_none());
    assert!(of(&responses, "3")["body"].is_string());
    assert_eq!((&of(&responses, "4")["status"], &of(&responses, "5")["status"]), (&json!(400), &json!(201)));
    assert_eq!((desk.counter("graph.Batch"), desk.counter("graph.batched"), desk.counter("graph.requests")), (1, 5, 4));
}

#[tokio::test]
async fn a_batch_has_its_rules() {
    let mut desk = Desk::new().await;
    let many: Vec<Value> = (0..21).map(|at| part(&at.to_string(), INBOX)).collect();
    let mut lost = part("1", INBOX);
    lost["dependsOn"] = json!(["9"]);
    let mut circle = vec![part("1", INBOX), part("2", INBOX)];
    circle[0]["dependsOn"] = json!(["2"]);
    circle[1]["dependsOn"] = json!(["1"]);
    for parts in [many.clone(), Vec::new(), vec![part("1", INBOX), part("1", INBOX)], vec![part("1", "http://h/x")], vec![lost], circle] {
        let body = json!({ "requests": parts }).to_string();
        assert_eq!(desk.refusal("POST", "/$batch", &body).await, (400, "BadRequest".to_owned()), "{body}");
    }
    assert_eq!(desk.refusal("POST", "/$batch", "{").await.0, 400);
    assert_eq!(desk.refusal("GET", "/$batch", "").await.0, 405);
    assert_eq!(batch(&mut desk, many[..20].to_vec()).await.len(), 20);
    assert!(desk.counter("graph.most_in_flight") <= 4);
}

#[tokio::test]
async fn what_depends_on_a_failure_fails() {
    let mut desk = Desk::new().await;
    let (mut second, mut third) = (part("2", INBOX), part("3", INBOX));
    second["dependsOn"] = json!(["1"]);
    third["dependsOn"] = json!(["2"]);
    let responses = batch(&mut desk, vec![third.clone(), second.clone(), part("1", "/users/nobody@example.com/mailFolders")]).await;
    assert_eq!(["1", "2", "3"].map(|id| of(&responses, id)["status"].as_u64()), [Some(404), Some(424), Some(424)]);
    let responses = batch(&mut desk, vec![third, second, part("1", INBOX)]).await;
    assert!(responses.iter().all(|response| response["status"] == 200));
}

#[tokio::test]
async fn a_part_may_be_throttled_on_its_own() {
    let mut desk = Desk::with("[limits]\ngraph_requests = 3\n", Options::default()).await;
    let responses = batch(&mut desk, (0..5).map(|at| part(&at.to_string(), INBOX)).collect()).await;
    let refused: Vec<&Value> = responses.iter().filter(|response| response["status"] == 429).collect();
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|response| response["headers"]["Retry-After"].is_string()));
    // The second of them came before the client could know of the first.
    assert_eq!((desk.counter("graph.429"), desk.counter("graph.early_requests")), (2, 0));
}
