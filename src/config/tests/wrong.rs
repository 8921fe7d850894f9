//! Every message a wrong configuration gets, word for word.

use std::path::Path;

use serde_json::{Value, json};

use super::{Env, Examination, Purpose, judged, key_and_certificate, ntlm, oauth, with};
use crate::config::{Fault, Loaded, Location, Refused, Source, inspect, load};

const BOX: &str = "/mailboxes/abc@example.com";

fn told(examination: &Examination) -> String {
    let lines = |kind: &str, faults: &[Fault]| faults.iter().map(|fault| format!("  {kind}: {fault}\n")).collect::<String>();
    lines("fault", &examination.faults) + &lines("warning", &examination.warnings)
}

fn cases() -> Vec<(&'static str, Value)> {
    let in_box = |key: &str, value: Value| with(ntlm(), &format!("{BOX}/{key}"), value);
    let ntlm = |key: &str, value: Value| with(ntlm(), &format!("/{key}"), value);
    let oauth = |key: &str, value: Value| with(oauth(), &format!("/{key}"), value);
    vec![
        ("no object", json!([])),
        ("nothing at all", json!({})),
        ("api", ntlm("microsoft_api", json!("imap"))),
        ("api in capitals", ntlm("microsoft_api", json!("EWS"))),
        ("port as text", ntlm("port", json!("443"))),
        ("port too large", ntlm("port", json!(70000))),
        ("port zero", ntlm("port", json!(0))),
        ("port twice", ntlm("host", json!("mail.example.com:8080"))),
        ("no host", ntlm("host", json!(null))),
        ("host as number", ntlm("host", json!(5))),
        ("host with scheme", ntlm("host", json!("ldap://mail.example.com"))),
        ("host with password", ntlm("host", json!("https://svc:hunter2@mail.example.com"))),
        ("https on 80", ntlm("port", json!(null))),
        ("http on 443", ntlm("host", json!("http://mail.example.com"))),
        ("ntlm over http", with(ntlm("host", json!("mail.example.com")), "/port", json!(80))),
        ("basic over http", with(with(ntlm("host", json!("mail.example.com")), "/port", json!(80)), "/auth_type", json!("basic"))),
        ("endpoint without host", oauth("ews_endpoint", json!("outlook.office365.com/EWS/Exchange.asmx"))),
        ("endpoint with password", oauth("ews_endpoint", json!("https://svc:hunter2@mail.example.com/EWS/Exchange.asmx"))),
        ("endpoint without path", oauth("ews_endpoint", json!("https://mail.example.com"))),
        ("endpoint and host", oauth("host", json!("mail.example.com"))),
        ("auth type", ntlm("auth_type", json!("kerberos"))),
        ("no user", ntlm("auth_user", json!(null))),
        ("no user, but an application", with(ntlm("auth_user", json!(null)), "/auth_oauth_client_id", json!("x"))),
        ("backslash lost", ntlm("auth_user", json!("EXAMPLE\new"))),
        ("password with a line break", ntlm("auth_password", json!("hunter2\n"))),
        ("password as number", ntlm("auth_password", json!(12345))),
        ("ntlm with a client secret", ntlm("auth_oauth_client_secret", json!("hunter2"))),
        ("oauth as delegate", oauth("access_type", json!("delegate"))),
        ("oauth without access type", oauth("access_type", json!(null))),
        ("access type", oauth("access_type", json!("Impersonation"))),
        ("oauth with a password", oauth("auth_password", json!("hunter2"))),
        ("no authority", oauth("auth_oauth_authority", json!(null))),
        ("authority without tenant", oauth("auth_oauth_authority", json!("https://login.microsoftonline.com/"))),
        ("authority of everyone", oauth("auth_oauth_authority", json!("https://login.microsoftonline.com/common"))),
        ("authority goes on", oauth("auth_oauth_authority", json!("https://login.microsoftonline.com/t/oauth2/v2.0/token"))),
        ("authority of a version", oauth("auth_oauth_authority", json!("https://login.microsoftonline.com/t/v2.0"))),
        ("authority is no URL", oauth("auth_oauth_authority", json!("login.microsoftonline.com"))),
        ("no client id", oauth("auth_oauth_client_id", json!(" "))),
        ("no secret", oauth("auth_oauth_client_secret", json!(null))),
        ("secret and key", oauth("auth_oauth_client_credential_private_key", json!("key.pem"))),
        (
            "key file is absent",
            with(oauth("auth_oauth_client_secret", json!(null)), "/auth_oauth_client_credential_private_key", json!("/no/such/key.pem")),
        ),
        (
            "thumbprint without key",
            with(oauth("auth_oauth_client_secret", json!(null)), "/auth_oauth_client_credential_thumbprint", json!("ABCD")),
        ),
        (
            "placeholders",
            with(
                oauth("auth_oauth_authority", json!("https://login.microsoftonline.com/<tenant_id>/")),
                "/auth_oauth_client_secret",
                json!("<client_secret>"),
            ),
        ),
        ("graph with ntlm written", with(ntlm("microsoft_api", json!("graph")), "/auth_type", json!("ntlm"))),
        ("graph with ntlm", ntlm("microsoft_api", json!("graph"))),
        ("graph", with(oauth("microsoft_api", json!("graph")), "/ews_endpoint", json!(null))),
        (
            "graph forgotten",
            with(
                with(oauth("ews_endpoint", json!(null)), "/access_type", json!(null)),
                "/graph_endpoint",
                json!("https://graph.microsoft.com"),
            ),
        ),
        ("graph in beta", with(oauth("microsoft_api", json!("graph")), "/graph_endpoint", json!("https://graph.microsoft.com/beta"))),
        ("graph of another cloud", with(oauth("microsoft_api", json!("graph")), "/graph_endpoint", json!("https://graph.microsoft.us"))),
        ("graph and an archive", with(oauth("microsoft_api", json!("graph")), "/mailboxes/abc@example.com/archive", json!(true))),
        ("graph's endpoint with ews", ntlm("graph_endpoint", json!("https://graph.microsoft.com"))),
        ("verify", ntlm("ews_ssl_verify", json!("no"))),
        ("verify is off", ntlm("ews_ssl_verify", json!("false"))),
        ("ciphers", ntlm("ews_ssl_ciphers", json!("NO-SUCH-CIPHER"))),
        ("poll frequency", ntlm("poll_frequency", json!(-1))),
        ("poll frequency zero", ntlm("poll_frequency", json!(0))),
        ("message sleep", ntlm("poll_message_sleep", json!("0.1"))),
        ("uploads", ntlm("max_concurrent_uploads", json!(33))),
        ("emails per folder", ntlm("emails_per_folder", json!(0))),
        ("batch", ntlm("reinfer_batch_size", json!(1001))),
        ("half a batch", ntlm("reinfer_batch_size", json!(0.5))),
        ("unknown key", ntlm("poll_frequenzy", json!(15))),
        ("unknown key unlike any", ntlm("x", json!({"secret": "hunter2"}))),
        ("mailboxes as list", ntlm("mailboxes", json!(["abc@example.com"]))),
        ("no mailboxes", ntlm("mailboxes", json!({}))),
        ("mailbox as text", ntlm("mailboxes", json!({"abc@example.com": "bucket"}))),
        (
            "addresses",
            ntlm(
                "mailboxes",
                ["abc", "@example.com", "a b@example.com", "a@b@example.com", "abc@example..com", "<abc>@example.com"]
                    .iter()
                    .map(|key| (key.to_string(), json!({"bucket": {"owner": "o", "name": "n"}})))
                    .collect::<serde_json::Map<_, _>>()
                    .into(),
            ),
        ),
        (
            "same mailbox twice",
            with(ntlm("port", json!(443)), "/mailboxes/ABC@Example.com", json!({"bucket": {"owner": "o", "name": "n"}})),
        ),
        ("no bucket", in_box("bucket", json!(null))),
        ("bucket as text", in_box("bucket", json!("project/bucket"))),
        ("bucket without name", in_box("bucket", json!({"owner": "project", "nam": "bucket"}))),
        ("bucket leads away", in_box("bucket", json!({"owner": "..", "name": "a/b"}))),
        ("start from", in_box("start_from", json!("beginning"))),
        ("start from config without time", in_box("start_from", json!("config"))),
        ("time without zone", in_box("start_timestamp", json!("2020-01-01T00:00:00"))),
        ("time without zone, with a blank", in_box("start_timestamp", json!("2020-01-01 00:00:00"))),
        ("day", in_box("start_timestamp", json!("2020-01-01"))),
        ("no time", in_box("start_timestamp", json!("yesterday"))),
        ("time as number", in_box("start_timestamp", json!(1577836800))),
        ("time to come", in_box("start_timestamp", json!("9999-01-01T00:00:00Z"))),
        ("enabled as text", in_box("enabled", json!("true"))),
        ("none enabled", in_box("enabled", json!(false))),
        ("folders as text", in_box("folder_allowlist", json!("inbox"))),
        ("folders", in_box("folder_denylist", json!(["inbocks", "Private", [], ["a", 5], 7, ["Fine"], "Inbox"]))),
        ("participants", in_box("participant_allowlist", json!(["abc@example.com", "example.com", 1]))),
        ("domains", in_box("participant_domain_denylist", json!(["example.com", "@example.com", ""]))),
        (
            "everything at once",
            with(with(with(in_box("start_timestamp", json!("2020")), "/port", json!("x")), "/prot", json!(1)), "/auth_type", json!(7)),
        ),
    ]
}

#[test]
fn every_wrong_configuration_is_told_why() {
    let table: String = cases()
        .into_iter()
        .map(|(name, document)| format!("{name}\n{}", told(&judged(&document, &Env::default(), Purpose::Check))))
        .collect();
    assert!(!table.contains("hunter2") && !table.contains("12345"));
    assert!(cases().iter().all(|(_, document)| !told(&judged(document, &Env::default(), Purpose::Check)).is_empty()));
    insta::assert_snapshot!(table);
}

#[test]
fn a_run_is_stricter_about_what_is_missing_and_kinder_to_unknown_keys() {
    let graph = with(with(oauth(), "/microsoft_api", json!("graph")), "/ews_endpoint", json!(null));
    let documents = [with(ntlm(), "/auth_password", json!(null)), with(ntlm(), "/prot", json!(1)), graph];
    let table: String = documents
        .iter()
        .flat_map(|document| {
            [("run", Purpose::Run), ("check", Purpose::Check)]
                .map(|(name, purpose)| format!("{name}\n{}", told(&judged(document, &Env::default(), purpose))))
        })
        .collect();
    insta::assert_snapshot!(table);
}

#[test]
fn keys_and_certificates_must_fit() {
    let (key, certificate, thumbprint) = key_and_certificate();
    let (_, stranger, _) = key_and_certificate();
    let judge = |pem: &str, thumbprint: Option<&str>| {
        let document =
            with(with(oauth(), "/auth_oauth_client_secret", json!(null)), "/auth_oauth_client_credential_private_key", json!(pem));
        let told =
            told(&judged(&with(document, "/auth_oauth_client_credential_thumbprint", json!(thumbprint)), &Env::default(), Purpose::Run));
        assert!(key.lines().skip(1).all(|line| line.starts_with('-') || !told.contains(line)), "{told}");
        told
    };
    assert_eq!(judge(&format!("{key}{certificate}"), None), "");
    assert_eq!(judge(&format!("{key}{certificate}"), Some(&thumbprint.to_lowercase())), "");
    assert_eq!(judge(&format!("{certificate}{key}").replace('\n', "\\n"), None), "");
    assert_eq!(judge(&key, Some("aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd")), "");
    assert!(judge(&format!("{key}{certificate}"), Some(&"0".repeat(40))).contains(&format!("which is {thumbprint}")));
    let faults = [
        judge(&key, None),
        judge(&certificate, None),
        judge(&format!("{key}{stranger}"), None),
        judge(&key[..key.len() / 2], None),
        judge("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", None),
        judge("<private_key>", Some("<thumbprint>")),
        judge("", None),
    ];
    insta::assert_snapshot!(faults.concat());
}

#[tokio::test]
async fn a_key_file_is_found_beside_the_configuration() {
    let (key, certificate, _) = key_and_certificate();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.pem"), key + &certificate).unwrap();
    let document =
        with(with(oauth(), "/auth_oauth_client_secret", json!(null)), "/auth_oauth_client_credential_private_key", json!("app.pem"));
    let file = folder.path().join("config.json");
    std::fs::write(&file, format!("\u{feff}{document}")).unwrap();
    let loaded = loaded(&file).await.unwrap();
    assert_eq!((loaded.location, loaded.warnings), (Location::File(file), vec![]));
}

async fn loaded(file: &Path) -> Result<Loaded, Refused> {
    let env = Env::default();
    let shelf = Source { file: Some(file.into()), ..Source::default() }.shelf(&env).unwrap();
    load(&*shelf, &env, None).await
}

#[tokio::test]
async fn files_that_cannot_be_read_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let absent = Source { file: Some(folder.path().join("absent.json")), ..Source::default() }.shelf(&Env::default()).unwrap();
    let absent = inspect(&*absent, &Env::default(), Purpose::Check, None).await.unwrap_err();
    assert!(absent.to_string().contains("absent.json: cannot be read: "));
    let itself = loaded(folder.path()).await.unwrap_err();
    assert_eq!((itself.to_string().contains("is a folder"), itself.code), (true, 2));
    let latin = folder.path().join("latin.json");
    std::fs::write(&latin, b"{\n\"host\": \"m\xfcller\"}").unwrap();
    let latin = loaded(&latin).await.unwrap_err();
    assert!(latin.to_string().ends_with("has 1 fault\n  line 2: the file is not UTF-8 text; save it as UTF-8"), "{latin}");
}

#[test]
fn odd_values_anywhere_neither_panic_nor_leak() {
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("\u{0}"),
        json!("\u{e9}<x>\u{1f600}"),
        json!("x".repeat(5000)),
        json!([]),
        json!([[]]),
        json!([null, {}]),
        json!({}),
        json!({"": {"": 1}}),
        json!("https://"),
        json!("://@:"),
    ];
    let schema = crate::config::schema();
    let top = schema["properties"].as_object().unwrap().keys().map(|key| format!("/{key}"));
    let below = schema["$defs"]["Mailbox"]["properties"].as_object().unwrap().keys().map(|key| format!("{BOX}/{key}"));
    for pointer in top.chain(below) {
        for value in &odd {
            for good in [ntlm(), oauth()] {
                let examination = judged(&with(good, &pointer, value.clone()), &Env::default(), Purpose::Run);
                assert!(!format!("{examination:?}").contains("hunter2"), "{pointer} {value}");
                assert_eq!(
                    examination.config.is_some(),
                    examination.faults.is_empty(),
                    "{pointer} {value}: no configuration, and no reason why"
                );
            }
        }
    }
}
