//! Each mailbox.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::text::{Text, word};
use crate::status::Mailbox;

/// Name, meaning, and how it is read; none where it is not known.
type Figure = (&'static str, &'static str, fn(&Mailbox) -> Option<u64>);

/// What goes up and down.
const GAUGES: [Figure; 11] = [
    ("complete", "Whether it was read to its end at least once, without trouble since", |mailbox| Some(mailbox.complete.into())),
    ("refused", "Whether a person must act before it can be read", |mailbox| Some(mailbox.refused.into())),
    ("folders", "Folders to be read", |mailbox| Some(mailbox.folder_count)),
    ("failed_folders", "Folders that could not be read in the present round", |mailbox| Some(mailbox.failed_folders)),
    ("messages_expected", "Messages that this run will have stored in the end, as far as is known", |mailbox| {
        Some(mailbox.figures.expected)
    }),
    ("messages_in_sink", "Messages in the sink", |mailbox| mailbox.in_sink),
    ("quarantined_messages", "Messages in quarantine", |mailbox| Some(mailbox.quarantined)),
    ("attempts", "Trouble in a row without anything coming of it", |mailbox| Some(mailbox.attempts)),
    ("budget_used_requests", "Requests made of those that Exchange grants within the window", |mailbox| {
        mailbox.budget.map(|budget| budget.used)
    }),
    ("budget_limit_requests", "Requests that Exchange grants within the window", |mailbox| mailbox.budget.map(|budget| budget.limit)),
    ("verify_gaps", "Gaps that the last comparison with Exchange found; none where it could not look", |mailbox| {
        let over = mailbox.verified.as_ref().filter(|verified| verified.good() || verified.gaps > 0);
        over.filter(|verified| verified.verdict.is_some()).map(|verified| verified.gaps)
    }),
];

/// What only grows.
const COUNTERS: [Figure; 9] = [
    ("messages_stored_total", "Messages stored by this run", |mailbox| Some(mailbox.figures.stored)),
    ("stored_bytes_total", "Bytes of messages stored by this run", |mailbox| Some(mailbox.figures.bytes)),
    ("changes_recorded_total", "Changes recorded without a download", |mailbox| Some(mailbox.figures.changes)),
    ("messages_known_total", "Messages listed that were stored already", |mailbox| Some(mailbox.figures.known)),
    ("messages_passed_over_total", "Messages found that filters leave out", |mailbox| Some(mailbox.figures.passed_over)),
    ("requests_total", "Requests answered by Exchange", |mailbox| Some(mailbox.requests_answered)),
    ("throttled_total", "Waits that Exchange asked for", |mailbox| Some(mailbox.throttled)),
    ("throttled_seconds_total", "Seconds of waits that Exchange asked for", |mailbox| Some(mailbox.waited)),
    ("retried_total", "Requests tried again after passing trouble", |mailbox| Some(mailbox.retried)),
];

/// Name, meaning, and how it is read, of times.
type Moment = (&'static str, &'static str, fn(&Mailbox) -> Option<DateTime<Utc>>);

/// Ages are for the reader to compute: a figure that changes by itself would be another one at each look.
const TIMES: [Moment; 3] = [
    ("last_complete_timestamp_seconds", "When its last round ended that was without trouble: until then nothing is missing", |mailbox| {
        mailbox.last_complete
    }),
    ("last_progress_timestamp_seconds", "When anything last came of it", |mailbox| mailbox.last_progress),
    ("until_timestamp_seconds", "When it goes on by itself: the end of a wait, the next round, the next try", |mailbox| mailbox.until),
];

/// Writes their figures.
pub fn write(mailboxes: &BTreeMap<String, Mailbox>, text: &mut Text) {
    let mut state = text.gauge("mailbox_state", "What a mailbox does, by the label state; always 1");
    for (address, mailbox) in mailboxes {
        state.figure(&[("mailbox", address), ("state", &word(&mailbox.state))], 1);
    }
    for (figures, counts) in [(&GAUGES[..], false), (&COUNTERS, true)] {
        for (name, help, read) in figures {
            let name = format!("mailbox_{name}");
            let mut family = if counts { text.counter(&name, help) } else { text.gauge(&name, help) };
            for (address, mailbox) in mailboxes {
                if let Some(value) = read(mailbox) {
                    family.figure(&[("mailbox", address)], value);
                }
            }
        }
    }
    for (name, help, read) in TIMES {
        let name = format!("mailbox_{name}");
        let mut family = text.gauge(&name, help);
        for (address, mailbox) in mailboxes {
            family.time(&[("mailbox", address)], read(mailbox));
        }
    }
}
