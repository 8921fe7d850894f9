//! Events as log lines: what a person must know as warnings, what the service does as information, the rest for whoever looks closely.

use exchange_sync_tui::status::Level;

use crate::{event::Event, mail::Address};

/// Logs one event. `level` is how much it matters by what went before, where that is known.
pub fn log(event: &Event, level: Option<Level>) {
    match event {
        // Requests are logged where they are made, with their ids.
        Event::MailboxAdded { .. }
        | Event::CatalogCounted { .. }
        | Event::PageDone { .. }
        | Event::FolderDue { .. }
        | Event::FolderStarted { .. }
        | Event::FolderFinished { .. }
        | Event::MailboxQueued { .. }
        | Event::RequestAnswered { .. }
        | Event::TokenIssued { .. }
        // Whoever stops the program says so.
        | Event::StopBegun => {}
        Event::MailboxRemoved { mailbox } => tracing::info!(%mailbox, "the mailbox is not read any more; what was copied of it stays"),
        Event::MailboxStarted { mailbox } => tracing::debug!(%mailbox, "a round begins"),
        Event::FoldersListed { mailbox, folders } => {
            let items: u64 = folders.iter().filter_map(|folder| folder.items).sum();
            tracing::debug!(%mailbox, folders = folders.len(), items, "folders listed");
        }
        Event::PageListed { mailbox, changes, wanted, passed_over, known, .. } => {
            tracing::debug!(%mailbox, changes, wanted, passed_over, known, "changes listed");
        }
        Event::MessagesStored { mailbox, messages, bytes, .. } => tracing::info!(%mailbox, messages, bytes, "messages stored"),
        Event::ChangesRecorded { mailbox, changes, .. } => tracing::info!(%mailbox, changes, "changes recorded"),
        Event::MessageQuarantined { mailbox, path, key, failure } => {
            let (folder, code, text) = (path.join("/"), &failure.code, &failure.text);
            tracing::warn!(%mailbox, folder, key = key.0, code, text, "a message could not be read or stored, and is in quarantine");
        }
        Event::RequestThrottled { mailbox, reason, wait } => {
            let until = chrono::Utc::now() + chrono::TimeDelta::from_std(*wait).unwrap_or_default();
            let (seconds, until) = (wait.as_secs_f64().ceil(), until.format("%H:%M:%SZ"));
            tracing::warn!(%mailbox, reason, seconds, %until, "the mailbox rests, because the server asked for it; others go on");
        }
        Event::RequestRetried { mailbox, reason, times, wait } => {
            let seconds = wait.as_secs_f64().ceil();
            match level {
                Some(Level::Warn) => tracing::warn!(%mailbox, reason, times, seconds, "a request goes wrong again and again, and is tried on"),
                Some(Level::Info) => tracing::info!(%mailbox, reason, times, seconds, "trying again"),
                _ => tracing::debug!(%mailbox, reason, times, seconds, "trying again"),
            }
        }
        Event::FolderResynced { mailbox, path, .. } => {
            tracing::warn!(%mailbox, folder = path.join("/"), "the folder's cursor is no longer accepted; listing it from the start");
        }
        Event::MailboxSwitched { mailbox, known, found } => {
            tracing::info!(
                "mailbox {mailbox} is now read through another interface: {found} of {known} known messages have their new ids; the rest is looked for in its folders"
            );
        }
        Event::FolderFailed { mailbox, path, reason, .. } => {
            tracing::warn!(%mailbox, folder = path.join("/"), reason, "a folder could not be read");
        }
        Event::MailboxFailed { mailbox, reason, .. } => tracing::warn!(%mailbox, reason, "the mailbox could not be read"),
        Event::SinkBlocked { reason, until } => {
            let until = until.format("%H:%M:%SZ");
            tracing::warn!(reason, %until, "nothing can be stored just now; nothing is fetched meanwhile, and nothing is lost");
        }
        Event::SinkRecovered { after } => tracing::info!(seconds = after.as_secs_f64().ceil(), "messages can be stored again"),
        Event::ConfigChanged { added, removed, changed, everybody } => {
            let (added, removed, changed) = (named(added), named(removed), named(changed));
            tracing::info!(added, removed, changed, everybody, "a new configuration is in force");
        }
        Event::ConfigRefused { reason, .. } => tracing::warn!("a new configuration is refused, and the one in force stays so: {reason}"),
        Event::ConfigRecovered => tracing::info!("the configuration that is kept is the one in force again"),
        Event::MailboxRests { mailbox, wait, .. } => tracing::debug!(%mailbox, ?wait, "the mailbox rests until its next round"),
        Event::MailboxHeld { mailbox, reason, wait } => tracing::info!(%mailbox, reason, ?wait, "the mailbox is held by somebody else"),
        Event::MailboxPaused { mailbox } => tracing::debug!(%mailbox, "the mailbox is paused; what is under way is finished"),
        Event::MailboxResumed { mailbox } => tracing::debug!(%mailbox, "the mailbox goes on"),
        Event::MailboxVerified { mailbox, verdict: None, .. } => tracing::info!(%mailbox, "the mailbox is being verified"),
        Event::MailboxVerified { mailbox, gaps: 0, troubled: false, verdict: Some(verdict) } => {
            tracing::info!(%mailbox, verdict, "the mailbox was verified");
        }
        Event::MailboxVerified { mailbox, gaps, troubled, verdict: Some(verdict) } => {
            tracing::warn!(%mailbox, gaps, troubled, verdict, "the mailbox was verified");
        }
        Event::ActionTaken { action, answer: Ok(answer) } => tracing::info!(action, answer, "somebody asked for this"),
        Event::ActionTaken { action, answer: Err(why) } => tracing::warn!(action, why, "somebody asked for this, and it failed"),
        Event::MailboxFinished { mailbox, complete } => tracing::debug!(%mailbox, complete, "the round ended"),
    }
}

/// At most so many mailboxes are named in one line.
const NAMED: usize = 20;

/// Mailboxes in one line.
fn named(mailboxes: &[Address]) -> String {
    let names: Vec<&str> = mailboxes.iter().take(NAMED).map(Address::as_str).collect();
    match (mailboxes.len(), names.join(", ")) {
        (0, _) => "none".to_owned(),
        (all, names) if all > NAMED => format!("{names} and {} more", all - NAMED),
        (_, names) => names,
    }
}
