//! What `quarantine` prints: a few lines for each message that could not be read or stored.

use std::io::Write;

use exchange_sync_tui::text::count;
use serde_json::json;

use super::mask::shown;
use crate::{catalog::SetAside, mail::Address, outcome::Outcome, pipeline::Trouble, words::visible};

/// A list being written.
pub struct List {
    json: bool,
    mask: bool,
    listed: u64,
    others: u64,
    tried: Option<(u64, u64)>,
    troubled: bool,
    refused: bool,
    unknown: bool,
}

impl List {
    /// Nothing is listed yet.
    pub fn new(json: bool, mask: bool) -> Self {
        Self { json, mask, listed: 0, others: 0, tried: None, troubled: false, refused: false, unknown: false }
    }

    /// Lists one message.
    pub fn message(&mut self, mailbox: &Address, one: &SetAside, out: &mut dyn Write) {
        self.listed += 1;
        let SetAside { key, listed, folder, path, failure, since, attempts } = one;
        let text = match self.json {
            true => json!({
                "mailbox": mailbox, "folder_path": path, "folder_id": folder, "key": key, "item_id": listed.id, "received": listed.received,
                "size": listed.size, "class": listed.class, "since": since, "attempts": attempts, "code": failure.code, "text": failure.text,
            })
            .to_string(),
            false => {
                let received = listed.received.map_or_else(|| "unknown".to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S").to_string());
                let folder = visible(&path.join("/")).into_owned();
                let reason = visible(&format!("{}: {}", failure.code, failure.text)).into_owned();
                format!(
                    "{key}\n  {mailbox}, {folder}, received {received}\n  {reason}\n  since {}, tried {}, item {}",
                    since.format("%Y-%m-%d %H:%M:%S"),
                    times(*attempts),
                    visible(&listed.id.0)
                )
            }
        };
        // A closed pipe is not worth a failure.
        let _ = writeln!(out, "{}", shown(&text, self.mask));
    }

    /// There is another one, which was not asked for.
    pub fn other(&mut self) {
        self.others += 1;
    }

    /// So many were tried again, and so many of them are stored now.
    pub fn tried(&mut self, tried: u64, stored: u64) {
        let (before, then) = self.tried.unwrap_or_default();
        self.tried = Some((before + tried, then + stored));
    }

    /// A mailbox's messages could not be tried again.
    pub fn refused(&mut self, mailbox: &Address, trouble: &Trouble, out: &mut dyn Write) {
        self.refused |= trouble.refused();
        self.trouble(mailbox, &trouble.to_string(), out);
    }

    /// What was asked for is in no mailbox's quarantine.
    pub fn unknown(&mut self, id: &str, out: &mut dyn Write) {
        self.unknown = true;
        let text = match self.json {
            true => json!({"id": id, "trouble": "not in quarantine"}).to_string(),
            false => format!("{}: nothing by this key or item id is in quarantine", visible(id)),
        };
        let _ = writeln!(out, "{}", shown(&text, self.mask));
    }

    /// A mailbox could not be looked at.
    pub fn trouble(&mut self, mailbox: &Address, trouble: &str, out: &mut dyn Write) {
        self.troubled = true;
        let text = match self.json {
            true => json!({"mailbox": mailbox, "trouble": trouble}).to_string(),
            false => format!("{mailbox}: {}", visible(trouble)),
        };
        let _ = writeln!(out, "{}", shown(&text, self.mask));
    }

    /// The last line, and what it amounts to.
    pub fn end(&self, out: &mut dyn Write) -> Outcome {
        if !self.json {
            let tried = match self.tried {
                Some((tried, stored)) => format!("{} tried again, {} of them stored now; ", count(tried), count(stored)),
                None => String::new(),
            };
            let others = if self.others > 0 { format!(", and {} others", count(self.others)) } else { String::new() };
            let _ = writeln!(out, "{tried}{} in quarantine{others}", count(self.listed));
        }
        let _ = out.flush();
        // What was not found may be where nobody could look.
        match (self.refused, self.troubled || self.unknown, self.listed + self.others) {
            (true, ..) => Outcome::Refused,
            (_, true, _) => Outcome::Failed,
            (.., 0) => Outcome::Done,
            _ => Outcome::Gaps,
        }
    }
}

/// How often; the ledger is told of some attempts only.
fn times(attempts: u64) -> String {
    match attempts {
        0 | 1 => "once or more".to_owned(),
        attempts => format!("{} times or more", count(attempts)),
    }
}
