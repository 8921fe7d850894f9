//! The last words of a run.

use std::{io, time::Duration};

use indicatif::{HumanBytes, HumanCount};
use serde_json::json;

use super::{Progress, mask::shown};
use crate::{
    outcome::Outcome,
    status::{Phase, Status},
};

/// At most so many mailboxes in trouble are named.
const NAMED: usize = 20;

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
    /// Whether addresses are masked.
    pub mask: bool,
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
        let sum = self.status.sum();
        let seconds = self.elapsed.as_secs_f64();
        let rate = if seconds > 0.0 { sum.figures.messages as f64 / seconds } else { 0.0 };
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
        let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<22}{value}\n"));
        line(
            "mailboxes",
            format!("{} of {} read to their end ({} folders)", sum.complete, sum.mailboxes, HumanCount(sum.figures.folders as u64)),
        );
        line(
            "messages stored now",
            format!("{} ({}, {rate:.0} per second)", HumanCount(sum.figures.messages), HumanBytes(sum.figures.bytes)),
        );
        let looked = match sum.counted == sum.mailboxes {
            true => String::new(),
            false => format!(" (counted in {} of {} mailboxes)", sum.counted, sum.mailboxes),
        };
        line("messages in the sink", format!("{}{looked}", HumanCount(sum.figures.catalogued)));
        line("changes recorded", format!("{} (moves, read flags, deletions; no download)", HumanCount(sum.figures.changes)));
        line("in quarantine", HumanCount(sum.figures.quarantined).to_string());
        if sum.figures.throttled + sum.figures.retried > 0 {
            line(
                "waits and retries",
                format!("{} asked for by the server, {} after passing trouble", sum.figures.throttled, sum.figures.retried),
            );
        }
        line("messages and catalog", self.messages.clone());
        line("where to resume", self.resume.clone());
        if let Some(trouble) = &self.status.sink {
            text.push_str(&format!("  nothing could be stored at the end: {}\n", shown(&trouble.reason, self.mask)));
        }
        if let Some(trouble) = &self.status.config {
            text.push_str(&format!("  a new configuration was refused: {}\n", shown(&trouble.reason, self.mask)));
        }
        let troubled: Vec<_> = self.status.mailboxes.iter().filter(|(_, one)| one.error.is_some() && !one.complete()).collect();
        for (address, one) in troubled.iter().take(NAMED) {
            let words = shown(one.error.as_deref().unwrap_or_default(), self.mask);
            text.push_str(&format!("  {}: {words}\n", shown(address.as_str(), self.mask)));
        }
        if troubled.len() > NAMED {
            text.push_str(&format!("  and {} more mailboxes in trouble, named in the log\n", troubled.len() - NAMED));
        }
        text
    }

    /// For programs; one line.
    pub fn json(&self) -> serde_json::Value {
        let sum = self.status.sum();
        let mailboxes: serde_json::Map<_, _> = self
            .status
            .mailboxes
            .iter()
            .map(|(address, one)| {
                let figures = json!({
                    "state": state(one.phase),
                    "folders": one.figures.folders,
                    "stored": one.figures.messages,
                    "bytes": one.figures.bytes,
                    "changes": one.figures.changes,
                    "in_sink": one.counted.then_some(one.figures.catalogued),
                    "quarantined": one.figures.quarantined,
                    "error": one.error.as_deref().map(|error| shown(error, self.mask)),
                });
                (shown(address.as_str(), self.mask).into_owned(), figures)
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
            "stored": sum.figures.messages,
            "bytes": sum.figures.bytes,
            "changes": sum.figures.changes,
            "in_sink": sum.figures.catalogued,
            "quarantined": sum.figures.quarantined,
            "throttled": sum.figures.throttled,
            "retried": sum.figures.retried,
            "sink_error": self.status.sink.as_ref().map(|trouble| shown(&trouble.reason, self.mask)),
            "config_error": self.status.config.as_ref().map(|trouble| shown(&trouble.reason, self.mask)),
            "mailboxes": mailboxes,
        })
    }
}

/// A phase as programs read it.
pub fn state(phase: Phase) -> &'static str {
    match phase {
        Phase::Waiting => "waiting",
        Phase::Syncing => "syncing",
        Phase::Done => "done",
        Phase::Incomplete => "incomplete",
        Phase::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{event::Event, mail::Address};

    fn status() -> Status {
        let mut status = Status::default();
        let ann = Address::new("ann@example.com");
        let bob = Address::new("bob@example.com");
        for event in [
            Event::MailboxStarted { mailbox: ann.clone() },
            Event::FoldersListed { mailbox: ann.clone(), folders: 7, items: 1300 },
            Event::MessagesStored { mailbox: ann.clone(), messages: 1234, bytes: 5 << 20 },
            Event::CatalogCounted { mailbox: ann.clone(), messages: 2234, quarantined: 1 },
            Event::MailboxFinished { mailbox: ann, complete: true },
            Event::MailboxStarted { mailbox: bob.clone() },
            Event::RequestThrottled { mailbox: bob.clone(), reason: "ErrorServerBusy".into(), wait: Duration::from_secs(5) },
            Event::MailboxFailed {
                mailbox: bob,
                reason: "listing folders of bob@example.com failed: ErrorImpersonateUserDenied".into(),
                refused: false,
            },
        ] {
            status.fold(&event);
        }
        status
    }

    #[test]
    fn a_stranger_understands_it() {
        let status = status();
        let summary = Summary {
            status: &status,
            elapsed: Duration::from_millis(12_300),
            messages: "/srv/mail/data".into(),
            resume: "/srv/mail/state".into(),
            finished: true,
            outcome: Outcome::Failed,
            mask: false,
        };
        insta::assert_snapshot!(summary.text());
        insta::assert_snapshot!(Summary { mask: true, ..summary }.json());
    }
}
