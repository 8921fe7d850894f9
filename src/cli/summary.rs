//! The last words of a run.

use std::{collections::BTreeMap, io, time::Duration};

use exchange_sync_tui::text::{bytes, count, visible};
use serde_json::json;

use super::Progress;
use crate::{outcome::Outcome, status::Status};

/// At most so many mailboxes in trouble are named.
const NAMED: usize = 20;

/// So many mailboxes are named of those with the same trouble.
const TOGETHER: usize = 3;

/// Everything the summary tells.
pub struct Summary<'a> {
    /// The final status.
    pub status: &'a Status,
    /// How long the run took.
    pub elapsed: Duration,
    /// Where messages and catalog are.
    pub messages: String,
    /// Where the next run resumes.
    pub resume: String,
    /// Whether the run came to its end by itself.
    pub finished: bool,
    /// What it amounts to.
    pub outcome: Outcome,
}

impl Summary<'_> {
    /// Writes the summary: a JSON object where progress was JSON, else text. A closed pipe is not worth a failure.
    pub fn print(&self, progress: Progress, out: &mut dyn io::Write) {
        let _ = match progress {
            Progress::Json => writeln!(out, "{}", self.json()),
            _ => out.write_all(self.text().as_bytes()),
        };
        let _ = out.flush();
    }

    /// For people.
    pub fn text(&self) -> String {
        let sum = self.status.head.totals;
        let seconds = self.elapsed.as_secs_f64();
        let rate = if seconds > 0.0 { sum.figures.stored as f64 / seconds } else { 0.0 };
        let mut text = format!(
            "\n{} after {seconds:.1} s: {}\n",
            if self.finished { "Finished" } else { "Stopped" },
            match self.outcome {
                Outcome::Done if self.finished => "every message asked for is stored",
                Outcome::Done => "the next run goes on from here",
                Outcome::Failed if self.finished => "something could not be read or stored; the next run tries again",
                Outcome::Failed => "not everything was read; the next run goes on from here",
                Outcome::Gaps => "some messages could not be read and are listed in the catalog as quarantined",
                Outcome::Refused => "access was refused",
            }
        );
        let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<22}{}\n", visible(&value)));
        line("mailboxes", format!("{} of {} read to their end ({} folders)", sum.complete, sum.mailboxes, count(sum.folders)));
        line("messages stored now", format!("{} ({}, {rate:.0} per second)", count(sum.figures.stored), bytes(sum.figures.bytes)));
        let looked = match sum.counted == sum.mailboxes {
            true => String::new(),
            false => format!(" (counted in {} of {} mailboxes)", sum.counted, sum.mailboxes),
        };
        line("messages in the sink", format!("{}{looked}", count(sum.in_sink)));
        line("changes recorded", format!("{} (moves, read flags, deletions, new ids; no download)", count(sum.figures.changes)));
        if sum.figures.known > 0 {
            line("known already", format!("{} (listed again; no download)", count(sum.figures.known)));
        }
        if sum.figures.passed_over > 0 {
            line("passed over", format!("{} (left out by filters)", count(sum.figures.passed_over)));
        }
        line("in quarantine", count(sum.quarantined));
        if sum.throttled + sum.retried > 0 {
            let waited = if sum.waited > 0 { format!(" ({} s in sum)", count(sum.waited)) } else { String::new() };
            line("waits and retries", format!("{} asked for by the server{waited}, {} after passing trouble", sum.throttled, sum.retried));
        }
        line("messages and catalog", self.messages.clone());
        line("where to resume", self.resume.clone());
        if let Some(trouble) = &self.status.head.sink_trouble {
            text.push_str(&format!("  nothing could be stored at the end: {}\n", visible(&trouble.reason)));
        }
        if let Some(trouble) = &self.status.head.config_trouble {
            text.push_str(&format!("  a new configuration was refused: {}\n", visible(&trouble.reason)));
        }
        // One cause may stop hundreds: it is told once.
        let mut troubled: BTreeMap<String, (&str, String, Vec<&String>)> = BTreeMap::new();
        for (address, one) in self.status.mailboxes.iter().filter(|(_, one)| one.error.is_some() && !one.complete) {
            let words = one.error.as_ref().map_or("", |error| error.words.as_str());
            let of_any = words.replace(address, "the mailbox");
            troubled.entry(cause(&of_any)).or_insert((words, of_any, Vec::new())).2.push(address);
        }
        let mut troubled: Vec<_> = troubled.into_values().collect();
        // What stops many first.
        troubled.sort_by_key(|(.., addresses)| std::cmp::Reverse(addresses.len()));
        for (of_one, of_any, addresses) in troubled.iter().take(NAMED) {
            let words = if addresses.len() > 1 { of_any } else { *of_one };
            let mut named = addresses.iter().take(TOGETHER).map(|address| visible(address)).collect::<Vec<_>>().join(", ");
            if addresses.len() > TOGETHER {
                named.push_str(&format!(" and {} more", count((addresses.len() - TOGETHER) as u64)));
            }
            text.push_str(&format!("  {named}: {}\n", visible(words)));
        }
        if troubled.len() > NAMED {
            let more: usize = troubled.iter().skip(NAMED).map(|(.., addresses)| addresses.len()).sum();
            text.push_str(&format!("  and {} more mailboxes in trouble, named in the log\n", count(more as u64)));
        }
        text
    }

    /// For programs; one line.
    pub fn json(&self) -> serde_json::Value {
        let sum = self.status.head.totals;
        let mailboxes: serde_json::Map<_, _> = self
            .status
            .mailboxes
            .iter()
            .map(|(address, one)| {
                let figures = json!({
                    "state": one.state,
                    "complete": one.complete,
                    "folders": one.folder_count,
                    "stored": one.figures.stored,
                    "bytes": one.figures.bytes,
                    "changes": one.figures.changes,
                    "in_sink": one.in_sink,
                    "quarantined": one.quarantined,
                    "error": one.error.as_ref().map(|error| &error.words),
                });
                (address.clone(), figures)
            })
            .collect();
        json!({
            "event": "summary",
            "outcome": match self.outcome {
                Outcome::Done => "done",
                Outcome::Failed => "failed",
                Outcome::Gaps => "gaps",
                Outcome::Refused => "refused",
            },
            "exit_code": self.outcome.code(),
            "finished": self.finished,
            "seconds": (self.elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
            "mailboxes_complete": sum.complete,
            "mailboxes_total": sum.mailboxes,
            "stored": sum.figures.stored,
            "bytes": sum.figures.bytes,
            "changes": sum.figures.changes,
            "known": sum.figures.known,
            "passed_over": sum.figures.passed_over,
            "in_sink": sum.in_sink,
            "quarantined": sum.quarantined,
            "throttled": sum.throttled,
            "waited": sum.waited,
            "retried": sum.retried,
            "sink_error": self.status.head.sink_trouble.as_ref().map(|trouble| &trouble.reason),
            "config_error": self.status.head.config_trouble.as_ref().map(|trouble| &trouble.reason),
            "mailboxes": mailboxes,
        })
    }
}

/// The words without the numbers of requests, which differ where the cause is the same.
fn cause(words: &str) -> String {
    const NUMBER: &str = "client-request-id ";
    let mut parts = words.split(NUMBER);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == '-'));
    }
    out
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::{
        event::{Event, Seen},
        mail::{Address, FolderId},
        status::{Board, Head},
    };

    fn status(mask: bool) -> Status {
        let mut board = Board::default();
        board.introduce(Head::default(), mask);
        let ann = Address::new("ann@example.com");
        let bob = Address::new("bob@example.com");
        for event in [
            Event::MailboxStarted { mailbox: ann.clone() },
            Event::FoldersListed { mailbox: ann.clone(), folders: (0..7).map(folder).collect() },
            Event::MessagesStored { mailbox: ann.clone(), folder: folder(0).id, newest: None, messages: 1234, bytes: 5 << 20 },
            Event::CatalogCounted { mailbox: ann.clone(), messages: 2234, quarantined: 1 },
            Event::MailboxFinished { mailbox: ann.clone(), complete: true },
            Event::MailboxRests { mailbox: ann, wait: None, asked: false },
            Event::MailboxStarted { mailbox: bob.clone() },
            Event::RequestThrottled { mailbox: bob.clone(), reason: "ErrorServerBusy".into(), wait: Duration::from_secs(5) },
            Event::MailboxFailed {
                mailbox: bob.clone(),
                reason: "listing folders of bob@example.com failed: ErrorImpersonateUserDenied".into(),
                refused: false,
            },
            Event::MailboxRests { mailbox: bob, wait: None, asked: false },
        ] {
            board.fold(DateTime::UNIX_EPOCH, &event);
        }
        board.overview(DateTime::UNIX_EPOCH)
    }

    fn folder(n: usize) -> Seen {
        Seen { id: FolderId(n.to_string()), path: vec![n.to_string()], items: Some(100) }
    }

    #[test]
    fn a_stranger_understands_it() {
        let (status, masked) = (status(false), status(true));
        let summary = Summary {
            status: &status,
            elapsed: Duration::from_millis(12_300),
            messages: "/srv/mail/data".into(),
            resume: "/srv/mail/state".into(),
            finished: true,
            outcome: Outcome::Failed,
        };
        insta::assert_snapshot!(summary.text());
        insta::assert_snapshot!(Summary { status: &masked, ..summary }.json());
    }

    #[test]
    fn one_cause_of_many_is_told_once() {
        let (mut board, at) = (Board::default(), DateTime::UNIX_EPOCH);
        for n in 0..500 {
            let mailbox = Address::new(&format!("user{n:03}@example.com"));
            board.fold(at, &Event::MailboxAdded { mailbox: mailbox.clone() });
            let reason = format!("opening {mailbox} failed: 401 (client-request-id 0b1c{n:04x}-94a5-4cd1-8f1f-6d3c0f7a1f00) (check it)");
            board.fold(at, &Event::MailboxFailed { reason, mailbox, refused: true });
        }
        let (status, (messages, resume)) = (board.overview(at), (String::new(), String::new()));
        let summary = Summary { status: &status, elapsed: Duration::ZERO, messages, resume, finished: true, outcome: Outcome::Refused };
        let text = summary.text();
        let told: Vec<&str> = text.lines().filter(|line| line.contains("401")).collect();
        let expected = "  user000@example.com, user001@example.com, user002@example.com and 497 more: opening the mailbox failed: 401 \
                        (client-request-id 0b1c0000-94a5-4cd1-8f1f-6d3c0f7a1f00) (check it)";
        assert_eq!(told, [expected], "with the number of one of the requests, to look for");
    }

    #[test]
    fn words_of_strangers_do_nothing_to_the_terminal() {
        let mut board = Board::default();
        board.introduce(Head::default(), false);
        let (at, reason) = (DateTime::UNIX_EPOCH, "Inbox/\u{1b}]0;owned\u{7}\nno".to_owned());
        let bob = Address::new("b\u{1b}ob@example.com");
        for event in [
            Event::MailboxStarted { mailbox: bob.clone() },
            Event::MailboxFailed { mailbox: bob, reason: reason.clone(), refused: false },
            Event::SinkBlocked { reason: reason.clone(), until: at },
            Event::ConfigRefused { reason, at },
        ] {
            board.fold(at, &event);
        }
        let summary = Summary {
            status: &board.overview(at),
            elapsed: Duration::ZERO,
            messages: "/srv/\u{9b}31m".into(),
            resume: String::new(),
            finished: false,
            outcome: Outcome::Failed,
        };
        let text = summary.text();
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        assert_eq!(text.matches("Inbox/\\u{1b}]0;owned\\u{7}\\u{a}no").count(), 3, "{text}");
    }
}
