//! Configurations of appliances, and contents of attachments.

use super::*;

const OCTETS: &[(&str, &str)] = &[("Content-Type", "application/octet-stream")];
const FORM: &[(&str, &str)] = &[("Content-Type", "multipart/form-data; boundary=b1")];

fn form(content: &str) -> String {
    format!(
        "--b1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"c.json\"\r\nContent-Type: application/json\r\n\r\n{content}\r\n--b1--\r\n"
    )
}

#[tokio::test]
async fn a_configuration_is_read_back_byte_for_byte_by_both_addresses() {
    let mut desk = Desk::new().await;
    let (public, private) = ("/api/v1/appliance-configs/acme/exchange", "/api/_private/appliance-configs/acme%2Fexchange");
    desk.refusal("GET", public, &json!(null), 404).await;
    let content = "{\r\n  \"a\": 1 }  \n";
    let reply = desk.ask("PUT", public, FORM, &form(content)).await;
    assert_eq!(json_of(&reply), json!({ "status": "ok", "changes": { "changed": true } }));
    for path in [public, private] {
        let reply = desk.ask("GET", path, &[], "").await;
        assert_eq!((reply.status, reply.text().as_str(), reply.header("content-type")), (200, content, "application/octet-stream"));
    }
    assert_eq!(json_of(&desk.ask("PUT", private, OCTETS, content).await)["changes"]["changed"], false);
    assert_eq!(desk.ask("PUT", private, OCTETS, "other").await.status, 200);
    assert_eq!(desk.reinfer().config("acme", "exchange").unwrap(), "other");
    assert_eq!(desk.ask("PUT", private, OCTETS, "").await.status, 422);
    assert_eq!(desk.ask("PUT", private, JSON, "{}").await.status, 415);
    assert_eq!(desk.ask("PUT", private, FORM, "nonsense").await.status, 400);
    desk.reinfer().set_config("acme", "exchange", None);
    desk.refusal("GET", public, &json!(null), 404).await;
}

#[tokio::test]
async fn a_world_s_configurations_come_from_files_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.json"), "{}").unwrap();
    let world = folder.path().join("world.toml");
    std::fs::write(&world, "[[reinfer.configs]]\nowner = \"acme\"\nkey = \"exchange\"\nfile = \"c.json\"\n").unwrap();
    let mut desk = Desk::with(World::from_file(&world).unwrap()).await;
    assert_eq!(desk.ask("GET", "/api/v1/appliance-configs/acme/exchange", &[], "").await.text(), "{}");
    assert!(desk.reinfer().bucket(MAIL).is_some(), "what a world leaves out is as usual");
}

#[tokio::test]
async fn mistakes_of_a_world_name_their_key() {
    for (text, words) in [
        ("[reinfer]\nkeep = \"nothing\"", "keep"),
        ("[reinfer]\ncolour = 1", "colour"),
        ("[[reinfer.tokens]]\ntoken = \"a b\"", "reinfer.tokens[0].token"),
        ("[[reinfer.tokens]]\ntoken = \"a\"\npermissions = [\"all\"]", "reinfer.tokens[0].permissions"),
        ("[[reinfer.buckets]]\nowner = \"a\"\nname = \"b/c\"", "reinfer.buckets[0]"),
        ("[[reinfer.buckets]]\nowner = \"a\"\nname = \"b\"\n[[reinfer.buckets]]\nowner = \"a\"\nname = \"b\"", "reinfer.buckets[1]"),
        ("[[reinfer.configs]]\nowner = \"a\"\nkey = \"b\"\nfile = \"/no/such/file\"", "/no/such/file"),
    ] {
        let error = World::from_toml(text).and_then(|world| world.build(&[])).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn contents_of_attachments_are_found_by_their_hash() {
    let mut desk = Desk::new().await;
    let mut with = email("<a/b@example.com>");
    with["attachments"] = json!([{ "name": "a.txt", "size": 5, "content_type": "text/plain" }]);
    desk.put(&[with]).await;
    let path = format!("/api/_private/buckets/id:{}/emails/%3Ca%2Fb%40example.com%3E/attachments", desk.bucket_id());
    let reply = desk.ask("PUT", &format!("{path}/0"), FORM, &form("bytes")).await;
    let hash = json_of(&reply)["content_hash"].as_str().unwrap().to_owned();
    assert_eq!(desk.ask("GET", &format!("/api/v1/attachments/{hash}"), &[], "").await.text(), "bytes");
    assert_eq!(desk.ask("PUT", &format!("{path}/1"), FORM, &form("bytes")).await.status, 404);
    assert_eq!(desk.ask("PUT", &format!("{path}/x"), FORM, &form("bytes")).await.status, 400);
    desk.refusal("GET", "/api/v1/attachments/none", &json!(null), 404).await;
}
