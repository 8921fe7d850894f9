//! Environment over file over default.

use std::{num::NonZeroUsize, time::Duration};

use serde_json::json;

use super::{Env, Purpose, judged, ntlm, oauth, with};
use crate::config::{Access, Api, Auth, Config, FolderPath, Pace, StartFrom};

fn config(document: &serde_json::Value, env: &[(&str, &str)]) -> Config {
    let examination = judged(document, &Env::from_iter(env.iter().copied()), Purpose::Run);
    examination.config.unwrap_or_else(|| panic!("{:?}", examination.faults))
}

fn url(config: &Config) -> &str {
    match &config.api {
        Api::Ews(url) => url.as_str(),
        Api::Graph(graph) => graph.endpoint.as_str(),
    }
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_default() {
    let bare = with(ntlm(), "/port", json!(null));
    assert_eq!(url(&config(&bare, &[])), "https://mail.example.com:80/EWS/Exchange.asmx");
    assert_eq!(url(&config(&ntlm(), &[])), "https://mail.example.com/EWS/Exchange.asmx");
    assert_eq!(url(&config(&ntlm(), &[("REINFER_EWS_PORT", "8443")])), "https://mail.example.com:8443/EWS/Exchange.asmx");
    assert_eq!(url(&config(&ntlm(), &[("REINFER_EWS_HOST", "other.example.com")])), "https://other.example.com/EWS/Exchange.asmx");
    assert_eq!(
        url(&config(&oauth(), &[("REINFER_EWS_HOST", "https://other.example.com:443")])),
        "https://other.example.com/EWS/Exchange.asmx"
    );

    let both = [("REINFER_EWS_AUTH_USER", "OTHER\\me"), ("REINFER_EWS_AUTH_PASS", "sesame"), ("REINFER_EWS_ACCESS_TYPE", "impersonation")];
    let config = config(&ntlm(), &both);
    let Auth::Ntlm(login) = &config.auth else { panic!("{:?}", config.auth) };
    assert_eq!((login.user.as_str(), login.password.reveal(), config.access), ("OTHER\\me", "sesame", Access::Impersonation));
}

#[test]
fn a_variable_that_is_set_to_nothing_changes_nothing() {
    let names = ["REINFER_EWS_HOST", "REINFER_EWS_PORT", "REINFER_EWS_AUTH_USER", "REINFER_EWS_AUTH_PASS", "REINFER_EWS_ACCESS_TYPE"];
    assert_eq!(config(&ntlm(), &names.map(|name| (name, ""))), config(&ntlm(), &[]));
}

#[test]
fn a_wrong_variable_is_named() {
    let env = Env::from_iter([("REINFER_EWS_PORT", "https"), ("REINFER_EWS_ACCESS_TYPE", "owner")]);
    let faults: Vec<_> = judged(&ntlm(), &env, Purpose::Run).faults.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(faults.join("\n"));
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let config = config(&ntlm(), &[]);
    let count = |number| NonZeroUsize::new(number).unwrap();
    let pace = Pace {
        between_rounds: Duration::from_secs(15),
        between_messages: Duration::from_millis(100),
        concurrent_writes: count(8),
        messages_per_folder: count(2520),
        batch: count(80),
    };
    assert_eq!(config.pace, pace);
    assert_eq!((config.access, config.tls.verify, config.tls.ciphers, config.audit_email), (Access::Delegate, true, None, None));
    let [mailbox] = &config.mailboxes[..] else { panic!() };
    assert!(mailbox.enabled && !mailbox.mailbox.archive);
    assert_eq!((mailbox.start_from, mailbox.start), (StartFrom::Stored, None));
    assert_eq!((&mailbox.folder_allowlist, &mailbox.folder_denylist), (&None, &vec![]));
}

#[test]
fn everything_a_file_can_say_arrives() {
    let document = with(
        with(
            with(with(ntlm(), "/max_concurrent_uploads", json!(0)), "/poll_message_sleep", json!(0)),
            "/ews_ssl_ciphers",
            json!("HIGH:!aNULL"),
        ),
        "/mailboxes/ABD@example.com",
        json!({
            "bucket": { "owner": "o", "name": "n" }, "start_from": "config", "start_timestamp": "2020-01-01T02:00:00+02:00", "archive": true, "enabled": false,
            "folder_allowlist": ["Inbox", ["A", "B"]], "folder_denylist": [], "participant_allowlist": ["A@Example.com"], "participant_domain_allowlist": ["Example.ORG"],
            "participant_denylist": [], "participant_domain_denylist": ["example.net"]
        }),
    );
    let config = config(&document, &[]);
    assert_eq!((config.pace.concurrent_writes.get(), config.pace.between_messages), (1, Duration::ZERO));
    assert_eq!(config.tls.ciphers.as_deref(), Some("HIGH:!aNULL"));
    let mailbox = &config.mailboxes[1];
    assert_eq!((mailbox.mailbox.address.as_str(), mailbox.enabled, mailbox.mailbox.archive), ("abd@example.com", false, true));
    assert_eq!((mailbox.start_from, mailbox.start.unwrap().to_rfc3339()), (StartFrom::Configured, "2020-01-01T00:00:00+00:00".into()));
    assert_eq!(
        mailbox.folder_allowlist,
        Some(vec![FolderPath::WellKnown("inbox".into()), FolderPath::Names(vec!["A".into(), "B".into()])])
    );
    let allow = mailbox.participant_allowlist.as_ref().unwrap();
    assert_eq!(
        (allow.addresses.as_slice(), allow.domains.as_slice()),
        (&[crate::mail::Address::new("a@example.com")][..], &["example.org".to_owned()][..])
    );
    assert_eq!(mailbox.participant_denylist.domains, ["example.net"]);
}

#[test]
fn no_secret_is_in_debug_or_in_the_settings() {
    for document in [ntlm(), oauth()] {
        let examination = judged(&document, &Env::from_iter([("REINFER_EWS_AUTH_PASS", "hunter2")]), Purpose::Run);
        assert!(examination.config.is_some());
        assert!(!format!("{examination:?}").contains("hunter2"));
    }
}
