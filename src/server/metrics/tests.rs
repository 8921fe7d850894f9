use chrono::DateTime;
use exchange_sync_tui::status::{Budget, Figures};

use super::*;
use crate::status::{Head, Mailbox, MailboxState, State as RunState, Totals};

fn status() -> Status {
    let head = Head {
        instance: "pod-\"1\"".into(),
        run: "3f2a".into(),
        version: "0.1.0".into(),
        api: "EWS".into(),
        sink: "C:\\mail\nhere".into(),
        started: DateTime::UNIX_EPOCH,
        state: RunState::Throttled,
        totals: Totals { mailboxes: 2, requests: 7, ..Totals::default() },
        ..Head::default()
    };
    let ann = Mailbox {
        state: MailboxState::Waiting,
        figures: Figures { expected: 9, stored: 4, bytes: 4096, ..Figures::default() },
        budget: Some(Budget { used: 3, limit: 10_000, window: 600 }),
        last_complete: DateTime::from_timestamp(1_700_000_000, 0),
        throttled: 2,
        ..Mailbox::default()
    };
    let mailboxes = [("ann@example.com".to_owned(), ann), ("bob@example.com".to_owned(), Mailbox::default())].into();
    Status { head, mailboxes, ..Status::default() }
}

#[test]
fn names_and_values_are_as_documented() {
    insta::assert_snapshot!(exposition(&status()));
}

/// What Prometheus asks of a text: a family is announced once and stands together, and its lines are name, labels and a number.
#[test]
fn it_is_well_formed() {
    let text = exposition(&status());
    assert!(text.ends_with('\n'));
    let (mut announced, mut family) = (std::collections::HashSet::new(), String::new());
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name.ends_with("_total"), kind == "counter", "{line}");
            assert!(announced.insert(name.to_owned()), "{line}");
            family = name.to_owned();
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert_eq!(name.split('{').next().unwrap(), family, "{line}");
            value.parse::<f64>().unwrap();
        }
    }
}
