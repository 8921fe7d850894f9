//! What another configuration makes of a run.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{
    cli::{Command, parse},
    config::{Env, Location, Purpose, examine},
    pipeline::Pipeline,
    run::stores,
};

fn document() -> Value {
    let bucket = json!({"owner": "acme", "name": "mail"});
    let mailboxes: serde_json::Map<String, Value> =
        ["a", "b", "c", "d"].iter().map(|name| (format!("{name}@example.com"), json!({"bucket": bucket}))).collect();
    json!({
        "ews_endpoint": "http://127.0.0.1:9/EWS/Exchange.asmx", "auth_user": "svc", "auth_password": "hunter2", "mailboxes": mailboxes,
    })
}

fn loaded(document: &Value) -> Loaded {
    let examination = examine(&document.to_string(), Path::new(""), &Env::default(), Purpose::Run);
    assert!(examination.faults.is_empty(), "{:?}", examination.faults);
    let (config, location) = (examination.config.unwrap(), Location::File("config.json".into()));
    Loaded { config, location, digest: [0; 32], warnings: Vec::new() }
}

/// A run by [`document`], with these words besides.
async fn in_force(words: &str) -> (TempDir, InForce) {
    let folder = tempfile::tempdir().unwrap();
    let line = format!("exchange-sync --local-files-prefix {} {words}", folder.path().display());
    let Ok(Command::Run(args)) = parse(line.split_whitespace().map(Into::into), &Env::default()) else { panic!("{line}") };
    let Loaded { config, .. } = loaded(&document());
    let (events, tuning) = (Events::new(), Tuning::of(&config));
    let stores = stores::open(&args, &tuning, &Env::default(), &events).await.unwrap();
    let exchange = exchange(&config, &events).unwrap();
    let pipeline = Pipeline::new(exchange, stores.sink, stores.catalog, stores.checkpoints, events.clone(), limits(&args, &config));
    let present = watch::Sender::new(Present { config: Arc::new(config), pipeline });
    (folder, InForce { args: *args, present, tuning, events })
}

/// What is told when these keys are set: added, removed, changed, and whether it concerns everybody.
fn told(in_force: &mut InForce, change: impl Fn(&mut Value)) -> (String, String, String, bool) {
    let mut events = in_force.events.listen();
    let mut new = document();
    change(&mut new);
    in_force.take_over(loaded(&new)).unwrap();
    let Ok(Event::ConfigChanged { added, removed, changed, everybody }) = events.try_recv() else { panic!() };
    let names = |addresses: Vec<crate::mail::Address>| addresses.iter().map(|address| &address.as_str()[..1]).collect::<String>();
    (names(added), names(removed), names(changed), everybody)
}

fn nobody() -> (String, String, String, bool) {
    Default::default()
}

#[tokio::test]
async fn mailboxes_are_told_apart() {
    let (_folder, mut run) = in_force("").await;
    let before = run.assignment(true);
    assert_eq!(told(&mut run, |new| new["audit_email"] = json!("audit@example.com")), nobody());
    let change = |new: &mut Value| {
        new["mailboxes"]["a@example.com"]["enabled"] = json!(false);
        new["mailboxes"]["b@example.com"]["start_timestamp"] = json!("2024-01-01T00:00:00Z");
        new["mailboxes"]["c@example.com"]["bucket"]["name"] = json!("other");
        new["mailboxes"]["e@example.com"] = new["mailboxes"]["d@example.com"].clone();
    };
    assert_eq!(told(&mut run, change), ("e".into(), "a".into(), "bc".into(), false));
    let after = run.assignment(true);
    assert!(Arc::ptr_eq(&before.pipeline, &after.pipeline) && before.schedule == after.schedule);
    assert_eq!(after.subscriptions.len(), 4);
    assert_eq!(told(&mut run, |_| {}), ("a".into(), "e".into(), "bc".into(), false), "and back");
}

#[tokio::test]
async fn mailboxes_of_other_shards_are_nobody_s_business() {
    let (_folder, mut run) = in_force("--shard-name app-1 --total-shards 4").await;
    let ours: Vec<String> = run.assignment(true).subscriptions.iter().map(|one| one.mailbox.address.to_string()).collect();
    assert_eq!(ours, ["b@example.com"]);
    let foreign = |new: &mut Value| new["mailboxes"]["a@example.com"]["archive"] = json!(true);
    assert_eq!(told(&mut run, foreign), nobody());
    assert_eq!(
        told(&mut run, |new| new["mailboxes"]["b@example.com"]["enabled"] = json!(false)),
        (String::new(), "b".into(), String::new(), false)
    );
}

#[tokio::test]
async fn what_concerns_everybody() {
    for (key, value) in [
        ("ews_endpoint", json!("http://127.0.0.1:10/EWS/Exchange.asmx")),
        ("auth_password", json!("hunter3")),
        ("auth_user", json!("other")),
        ("auth_type", json!("basic")),
        ("access_type", json!("impersonation")),
        ("ews_ssl_verify", json!(false)),
        ("ews_ssl_ciphers", json!("HIGH")),
        ("reinfer_batch_size", json!(7)),
        ("emails_per_folder", json!(7)),
        ("poll_message_sleep", json!(7)),
        ("poll_frequency", json!(7)),
    ] {
        let (_folder, mut run) = in_force("").await;
        let before = run.assignment(true);
        let everybody = (String::new(), String::new(), String::new(), true);
        assert_eq!(told(&mut run, |new| new[key] = value.clone()), everybody, "{key}");
        let after = run.assignment(true);
        assert!(!Arc::ptr_eq(&before.pipeline, &after.pipeline) || before.schedule != after.schedule, "{key}");
    }
}

#[tokio::test]
async fn writes_at_once_are_moved_without_anybody_s_noticing() {
    let (_folder, mut run) = in_force("").await;
    let mut turns = Vec::new();
    for _ in 0..8 {
        turns.push(run.tuning.writes.turn().await);
    }
    assert!(futures::poll!(std::pin::pin!(run.tuning.writes.turn())).is_pending());
    assert_eq!(told(&mut run, |new| new["max_concurrent_uploads"] = json!(9)), nobody());
    turns.push(run.tuning.writes.turn().await);
    assert!(futures::poll!(std::pin::pin!(run.tuning.writes.turn())).is_pending());
}

#[tokio::test]
async fn what_cannot_be_done_changes_nothing() {
    let (_folder, mut run) = in_force("").await;
    // A key of a kind that the identity platform does not take.
    let group = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::X9_62_PRIME256V1).unwrap();
    let key = openssl::pkey::PKey::from_ec_key(openssl::ec::EcKey::generate(&group).unwrap()).unwrap();
    let key = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    let mut new = document();
    for (key, value) in [
        ("auth_type", json!("oauth2")),
        ("access_type", json!("impersonation")),
        ("auth_oauth_authority", json!("https://login.example.com/tenant/")),
        ("auth_oauth_client_id", json!("client")),
        ("auth_oauth_client_credential_private_key", json!(key)),
        ("auth_oauth_client_credential_thumbprint", json!("00".repeat(20))),
        ("poll_frequency", json!(99)),
        ("max_concurrent_uploads", json!(1)),
    ] {
        new[key] = value;
    }
    let (before, mut events) = (run.assignment(true), run.events.listen());
    let told = run.take_over(loaded(&new)).unwrap_err().to_string();
    assert!(told.contains("RSA"), "{told}");
    let after = run.assignment(true);
    assert!(Arc::ptr_eq(&before.pipeline, &after.pipeline) && before.schedule == after.schedule);
    assert_eq!(after.schedule.frequency, Duration::from_secs(15));
    assert!(events.try_recv().is_err());
    let _two = (run.tuning.writes.turn().await, run.tuning.writes.turn().await);
}

#[test]
fn all_faults_stand_in_one_line() {
    let fault = |n: u32| Fault::new(format!("$.{n}"), "wrong").remedy("write it right");
    insta::assert_snapshot!(format!("{}\n{}", reason(&[fault(1)]), reason(&[fault(1), fault(2)])));
}
