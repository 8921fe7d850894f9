use super::*;
use crate::{
    exchange::{self, Verdict},
    verify::{FolderReport, SinkReport},
};

fn report(address: &str) -> MailboxReport {
    let folder = |path: &[&str], server, missing| FolderReport {
        path: path.iter().map(ToString::to_string).collect(),
        server,
        catalog: server - missing,
        missing,
        ..FolderReport::default()
    };
    MailboxReport {
        mailbox: Address::new(address),
        folders: vec![
            folder(&["Inbox"], 1200, 0),
            FolderReport { moved: 2, departed: 3, ..folder(&["Inbox", "a\u{1b}[2Jb\u{202e}"], 7, 1) },
        ],
        sink: SinkReport { stored: 1210, looked: 1210, read: 100, missing: 0, differs: 1 },
        gaps: vec![
            Gap::Missing { folder: vec!["Inbox".into()], item_id: "AAMk=".into(), dated: None, reason: None },
            Gap::Quarantined {
                folder: vec!["Inbox".into()],
                key: "0a".into(),
                item_id: "AAQ".into(),
                reason: "ErrorItemCorrupt: broken".into(),
            },
            Gap::Lost {
                folder: vec!["Inbox".into()],
                key: "0b".into(),
                object: "2026/01/02/0b.eml".into(),
                reason: "it has 3 bytes, and 4 were stored".into(),
                in_mailbox: false,
                folder_read: false,
            },
        ],
        quarantined: 1,
        unnamed: 0,
        trouble: None,
        refused: false,
    }
}

fn sound(address: &str) -> MailboxReport {
    let folders = vec![FolderReport { path: vec!["Inbox".into()], server: 3, catalog: 3, ..FolderReport::default() }];
    let sink = SinkReport { stored: 3, looked: 3, read: 3, ..SinkReport::default() };
    MailboxReport { folders, sink, gaps: Vec::new(), quarantined: 0, ..report(address) }
}

#[test]
fn gaps_are_named_and_nothing_that_a_terminal_obeys_is_printed() {
    let mut text = Vec::new();
    let mut told = Report::new(false, false);
    told.mailbox(&report("a@example.com"), &mut text);
    told.mailbox(&sound("b@example.com"), &mut text);
    assert_eq!(told.verdict(&mut text), Outcome::Gaps);
    insta::assert_snapshot!(String::from_utf8(text).unwrap());
}

#[test]
fn a_mailbox_counts_as_it_was_told_last() {
    let mut text = Vec::new();
    let mut told = Report::new(false, true);
    told.mailbox(&report("a@example.com"), &mut text);
    text.clear();
    told.mailbox(&sound("a@example.com"), &mut text);
    assert_eq!(told.verdict(&mut text), Outcome::Done);
    let text = String::from_utf8(text).unwrap();
    assert!(text.ends_with(
        "verdict: every message is there (3 messages in 1 folders of 1 mailboxes; in the sink 3 of 3 looked at, 3 read back)\n"
    ));
    assert!(!text.contains("a@example.com"), "{text}");
}

#[test]
fn what_could_not_be_looked_at_is_no_gap_and_no_success() {
    for (refused, outcome) in [(true, Outcome::Refused), (false, Outcome::Failed)] {
        let mut told = Report::new(true, false);
        let troubled = MailboxReport { trouble: Some("ErrorAccessDenied: no".into()), refused, ..sound("a@example.com") };
        let mut text = Vec::new();
        told.mailbox(&troubled, &mut text);
        assert_eq!(told.verdict(&mut text), outcome);
        let lines: Vec<serde_json::Value> =
            String::from_utf8(text).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!((&lines[0]["trouble"], &lines[1]["sum"]["troubled"]), (&json!("ErrorAccessDenied: no"), &json!(1)));
    }
}

#[test]
fn a_refusal_while_mending_is_one_where_something_is_missing() {
    let refusal = |verdict| exchange::Error { verdict, attempt: "fetching".into(), code: None, cause: "HTTP 401".into(), hint: None };
    for (verdict, second, outcome) in [
        (Verdict::Refused, report("a@example.com"), Outcome::Refused),
        (Verdict::Refused, sound("a@example.com"), Outcome::Done),
        (Verdict::Later, report("a@example.com"), Outcome::Gaps),
    ] {
        let mut text = Vec::new();
        let mut told = Report::new(false, false);
        told.mailbox(&report("a@example.com"), &mut text);
        told.not_mended(&Address::new("a@example.com"), &refusal(verdict).into(), &mut text);
        told.mailbox(&second, &mut text);
        assert_eq!(told.verdict(&mut text), outcome, "{verdict:?}");
    }
}

#[test]
fn what_is_not_named_is_counted() {
    let gap = report("a@example.com").gaps.remove(0);
    for (unnamed, expected) in [(0, "and 5 more, which --json names"), (1_000, "and 1,005 more, of which --json names 5")] {
        let mut text = Vec::new();
        let many = MailboxReport { gaps: vec![gap.clone(); NAMED + 5], unnamed, ..report("a@example.com") };
        Report::new(false, false).mailbox(&many, &mut text);
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains(expected), "{text}");
    }
}
