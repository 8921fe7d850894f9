//! What `verify` prints: a table as mailboxes are done, each gap by name, and one line at the end that says it all.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
};

use exchange_sync_tui::text::count;
use serde_json::json;

use super::mask::shown;
use crate::{
    mail::Address,
    outcome::Outcome,
    pipeline::Trouble,
    verify::{Gap, MailboxReport, Sum},
    words::visible,
};

/// At most so many gaps of a mailbox are named for people; programs are told all.
const NAMED: usize = 20;

/// A report being written.
pub struct Report {
    json: bool,
    mask: bool,
    begun: bool,
    /// The last word on each mailbox.
    sums: BTreeMap<Address, Sum>,
    /// Mailboxes that could not be mended until a person acts.
    refused: BTreeSet<Address>,
}

impl Report {
    /// Nothing is told yet.
    pub fn new(json: bool, mask: bool) -> Self {
        Self { json, mask, begun: false, sums: BTreeMap::new(), refused: BTreeSet::new() }
    }

    /// Tells of a mailbox. Told again, it counts as it is told last. A closed pipe is not worth a failure.
    pub fn mailbox(&mut self, report: &MailboxReport, out: &mut dyn Write) {
        let mut sum = Sum::default();
        sum.add(report);
        self.sums.insert(report.mailbox.clone(), sum);
        let text = match self.json {
            true => serde_json::to_string(report).unwrap_or_default() + "\n",
            false => self.table(report),
        };
        let _ = out.write_all(shown(&text, self.mask).as_bytes());
        let _ = out.flush();
    }

    fn table(&mut self, report: &MailboxReport) -> String {
        let mut text = String::new();
        if !std::mem::replace(&mut self.begun, true) {
            text += &format!("{:>10} {:>10} {:>8} {:>10}  mailbox and folder\n", "Exchange", "catalog", "missing", "quarantine");
        }
        text += &format!("{:43}{}\n", "", visible(report.mailbox.as_str()));
        for folder in &report.folders {
            let mut notes = Vec::new();
            if folder.moved > 0 {
                notes.push(format!("{} moved here since", count(folder.moved)));
            }
            if folder.departed > 0 {
                notes.push(format!("{} left it since", count(folder.departed)));
            }
            let notes = if notes.is_empty() { String::new() } else { format!("  ({})", notes.join(", ")) };
            text += &format!(
                "{:>10} {:>10} {:>8} {:>10}  {}{notes}\n",
                count(folder.server),
                count(folder.catalog),
                count(folder.missing),
                count(folder.quarantined),
                visible(&folder.path.join("/")),
            );
        }
        for gap in report.gaps.iter().take(NAMED) {
            text += &format!("  {}\n", visible(&told(gap)));
        }
        let more = report.gaps.len().saturating_sub(NAMED) as u64;
        text += &match (more, report.unnamed) {
            (0, _) => String::new(),
            (more, 0) => format!("  and {} more, which --json names\n", count(more)),
            (more, unnamed) => format!("  and {} more, of which --json names {}\n", count(more + unnamed), count(more)),
        };
        if let Some(trouble) = &report.trouble {
            text += &format!("  not looked at whole: {}\n", visible(trouble));
        }
        text
    }

    /// Tells that what is missing is being fetched.
    pub fn repairing(&self, mailboxes: usize, out: &mut dyn Write) {
        if !self.json {
            let _ = writeln!(out, "fetching what is missing in {mailboxes} of {} mailboxes, then looking once more", self.sums.len());
        }
    }

    /// Tells what went wrong while it was fetched.
    pub fn not_mended(&mut self, mailbox: &Address, trouble: &Trouble, out: &mut dyn Write) {
        if trouble.refused() {
            self.refused.insert(mailbox.clone());
        }
        let trouble = trouble.to_string();
        let text = match self.json {
            true => json!({"mailbox": mailbox, "repair": trouble}).to_string(),
            false => format!("  {mailbox} was not mended: {}", visible(&trouble)),
        };
        let _ = writeln!(out, "{}", shown(&text, self.mask));
    }

    /// The last line, and what it amounts to.
    pub fn verdict(&self, out: &mut dyn Write) -> Outcome {
        let mut all = Sum::default();
        for (mailbox, sum) in &self.sums {
            all.join(sum);
            // Where nothing is missing after all, nobody needs to act.
            all.refused += usize::from(sum.refused == 0 && sum.has_gaps() && self.refused.contains(mailbox));
        }
        let outcome = match all {
            Sum { refused: 1.., .. } => Outcome::Refused,
            Sum { troubled: 1.., .. } => Outcome::Failed,
            sum if sum.has_gaps() => Outcome::Gaps,
            _ => Outcome::Done,
        };
        let text = match self.json {
            true => json!({"verdict": name(outcome), "sum": all}).to_string(),
            false => format!("verdict: {}", words(&all)),
        };
        let _ = writeln!(out, "{text}");
        let _ = out.flush();
        outcome
    }
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "complete",
        Outcome::Gaps => "gaps",
        Outcome::Failed => "incomplete look",
        Outcome::Refused => "refused",
    }
}

/// The verdict in one line.
pub fn words(sum: &Sum) -> String {
    let seen = format!(
        "{} messages in {} folders of {} mailboxes; in the sink {} of {} looked at, {} read back",
        count(sum.server),
        sum.folders,
        sum.mailboxes,
        count(sum.looked),
        count(sum.stored),
        count(sum.read)
    );
    let mut gaps = Vec::new();
    for (number, what) in [(sum.missing, "missing"), (sum.quarantined, "in quarantine"), (sum.lost, "lost or damaged in the sink")] {
        if number > 0 {
            gaps.push(format!("{} {what}", count(number)));
        }
    }
    match (sum.troubled, gaps.is_empty()) {
        (0, true) => format!("every message is there ({seen})"),
        (0, false) => format!("gaps: {} ({seen})", gaps.join(", ")),
        (troubled, true) => format!("{troubled} of {} mailboxes could not be looked at ({seen})", sum.mailboxes),
        (troubled, false) => {
            format!("gaps: {}, and {troubled} of {} mailboxes could not be looked at ({seen})", gaps.join(", "), sum.mailboxes)
        }
    }
}

fn told(gap: &Gap) -> String {
    match gap {
        Gap::Missing { folder, item_id, dated, reason } => {
            let dated = dated.map_or_else(String::new, |at| format!(" of {}", at.format("%Y-%m-%d %H:%M")));
            let reason = reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
            format!("missing: {}: item {item_id}{dated}{reason}", folder.join("/"))
        }
        Gap::Quarantined { folder, key, reason, .. } => format!("in quarantine: {}: {key}: {reason}", folder.join("/")),
        Gap::Lost { folder, object, reason, in_mailbox, folder_read, .. } => {
            let left = match (in_mailbox, folder_read) {
                (false, _) => "; Exchange has it no more",
                (true, false) => "; it is in a folder that is not read",
                (true, true) => "",
            };
            format!("lost: {}: {object}: {reason}{left}", folder.join("/"))
        }
    }
}

#[cfg(test)]
mod tests;
