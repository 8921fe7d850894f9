//! The sample, and every example of the manuals this program is a replacement for, are good configurations; and the schema says so too.

use std::{path::PathBuf, str::FromStr};

use serde_json::{Value, json};

use super::{Env, Purpose, judged, key_and_certificate, ntlm, oauth, validator::validate, with};
use crate::config::{SAMPLE, SAMPLE_GRAPH, schema};

/// The folder of public reference material, where there is one.
fn shared() -> Option<PathBuf> {
    let beside = || Some(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared"))).filter(|path| path.is_dir());
    std::env::var_os("EXCHANGE_SYNC_SHARED").map(PathBuf::from).or_else(beside)
}

/// Every JSON object in a text that has mailboxes.
fn examples(text: &str) -> Vec<Value> {
    let starts = text.match_indices('{').map(|(start, _)| start);
    starts
        .filter_map(|start| serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>().next()?.ok())
        .filter(|value| value.get("mailboxes").is_some())
        .collect()
}

#[test]
fn every_example_of_the_manuals_is_good() {
    let Some(folder) = shared().map(|shared| shared.join("reference")).filter(|folder| folder.is_dir()) else {
        eprintln!("skipped: the manuals are not here; name their folder by EXCHANGE_SYNC_SHARED");
        return;
    };
    let (key, certificate, thumbprint) = key_and_certificate();
    let filled = |text: &str| {
        let pem = Value::from(key.clone() + &certificate).to_string();
        let tenant = text
            .replace("<tenant_id>", "11111111-2222-3333-4444-555555555555")
            .replace("<client_id>", "66666666-7777-8888-9999-000000000000");
        tenant.replace("<client_secret>", "a~secret").replace("\"<private_key>\"", &pem).replace("<thumbprint>", &thumbprint)
    };
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        for example in examples(&filled(&std::fs::read_to_string(&path).unwrap())) {
            let examination = judged(&example, &Env::default(), Purpose::Check);
            assert_eq!(examination.faults, [], "{}: {example}", path.display());
            assert!(
                examination.warnings.iter().all(|warning| ["$.auth_password", "$.microsoft_api"].contains(&warning.at.as_str())),
                "{:?}",
                examination.warnings
            );
            validate(&schema(), &schema(), &example, "$").unwrap();
            seen += 1;
        }
    }
    assert!(seen >= 11, "only {seen} examples found");
}

#[test]
fn the_samples_are_good_and_say_so_by_the_schema() {
    // What a person has to fill in stands in angle brackets.
    let graph = SAMPLE_GRAPH.replace(['<', '>'], "");
    for text in [SAMPLE, &graph] {
        let sample = Value::from_str(text).unwrap();
        let examination = judged(&sample, &Env::from_iter([("REINFER_EWS_AUTH_PASS", "x")]), Purpose::Check);
        assert_eq!((examination.faults, examination.warnings), (vec![], vec![]));
        validate(&schema(), &schema(), &sample, "$").unwrap();
    }
}

#[test]
fn the_documentation_is_complete_and_its_examples_good() {
    let text = include_str!("../../../docs/configuration.md");
    let schema = schema();
    let keys = [&schema["properties"], &schema["$defs"]["Mailbox"]["properties"]].map(|properties| properties.as_object().unwrap().keys());
    for key in keys.into_iter().flatten().map(String::as_str).chain(crate::config::folders::WELL_KNOWN) {
        assert!(["`", "`bucket."].iter().any(|before| text.contains(&format!("{before}{key}"))), "{key}");
    }
    let examples = examples(text);
    assert_eq!(examples.len(), 2);
    for example in &examples {
        let examination = judged(example, &Env::from_iter([("REINFER_EWS_AUTH_PASS", "x")]), Purpose::Check);
        assert_eq!((examination.faults, examination.warnings), (vec![], vec![]));
    }
}

#[test]
fn the_schema_refuses_what_is_refused() {
    let schema = schema();
    validate(&schema, &schema, &ntlm(), "$").unwrap();
    validate(&schema, &schema, &oauth(), "$").unwrap();
    let spoilt = [
        ("/port", json!("443")),
        ("/port", json!(0)),
        ("/auth_type", json!("kerberos")),
        ("/prot", json!(1)),
        ("/poll_frequency", json!(-1)),
        ("/max_concurrent_uploads", json!(33)),
        ("/ews_ssl_verify", json!("no")),
        ("/mailboxes", json!(null)),
        ("/mailboxes", json!({})),
        ("/mailboxes/abc@example.com/bucket", json!(null)),
        ("/mailboxes/abc@example.com/bucket/name", json!(null)),
        ("/mailboxes/abc@example.com/start_from", json!("x")),
        ("/mailboxes/abc@example.com/folder_allowlist", json!("inbox")),
        ("/mailboxes/abc@example.com/folder_allowlist", json!([[]])),
        ("/mailboxes/abc@example.com/folder_allowlist", json!(["inbocks"])),
        ("/mailboxes/abc@example.com/x", json!(1)),
    ];
    for (pointer, value) in spoilt {
        let document = with(ntlm(), pointer, value.clone());
        assert!(validate(&schema, &schema, &document, "$").is_err(), "{pointer} {value}");
        assert!(!judged(&document, &Env::default(), Purpose::Check).faults.is_empty(), "{pointer} {value}");
    }
}

#[test]
fn the_schema_is_stable() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&schema()).unwrap());
}
