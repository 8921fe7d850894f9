//! Events as lines for whoever watches: what a person may have to know, and not every batch.

use exchange_sync_tui::status::Level;

use crate::event::Event;

/// So many times in a row a request goes wrong before somebody may want to look.
const STUBBORN: u32 = 3;

/// The line of an event, where it has one. Of its mailbox's requests so many were made `again` in this round before.
pub fn line(event: &Event, again: u64) -> Option<(Level, String)> {
    let line = match event {
        Event::MailboxAdded { .. } => (Level::Debug, "is read from now on".to_owned()),
        Event::MailboxRemoved { .. } => (Level::Info, "is not read any more; what was copied of it stays".to_owned()),
        Event::MessageQuarantined { path, key, failure, .. } => {
            let (code, text) = (&failure.code, &failure.text);
            (Level::Warn, format!("{}: {} could not be read or stored, and is in quarantine: {code}: {text}", path.join("/"), key.0))
        }
        Event::RequestThrottled { reason, wait, .. } => {
            (Level::Warn, format!("the server asked for a wait of {} s: {reason}", wait.as_secs_f64().ceil()))
        }
        Event::RequestRetried { reason, times, .. } => match *times {
            STUBBORN => (Level::Warn, format!("went wrong {times} times in a row, and is tried on: {reason}")),
            // What refuses many requests one by one, as a folder with a spoiled page does, is told ever more rarely.
            _ if (again + 1).is_power_of_two() => (Level::Info, format!("trying again: {reason}")),
            _ => (Level::Debug, format!("trying again: {reason}")),
        },
        Event::FolderResynced { path, .. } => {
            (Level::Warn, format!("{} is listed from the start: its cursor is no longer accepted", path.join("/")))
        }
        Event::MailboxSwitched { known, found, .. } => {
            (Level::Info, format!("is read through another interface: {found} of {known} known messages have their new ids"))
        }
        Event::FolderFailed { path, reason, .. } => (Level::Warn, format!("{} could not be read: {reason}", path.join("/"))),
        Event::MailboxFailed { reason, refused: true, .. } => (Level::Error, format!("is refused: {reason}")),
        Event::MailboxFailed { reason, .. } => (Level::Warn, format!("could not be read: {reason}")),
        Event::MailboxHeld { reason, .. } => (Level::Info, format!("waits: {reason}")),
        // What was asked for is told as such.
        Event::MailboxPaused { .. } => (Level::Debug, "is paused".to_owned()),
        Event::MailboxResumed { .. } => (Level::Debug, "goes on".to_owned()),
        Event::MailboxVerified { verdict: None, .. } => (Level::Info, "is being verified".to_owned()),
        Event::MailboxVerified { verdict: Some(verdict), gaps, troubled, .. } => {
            (if *gaps > 0 || *troubled { Level::Warn } else { Level::Info }, format!("verified: {verdict}"))
        }
        Event::ActionTaken { action, answer: Ok(answer) } => (Level::Info, format!("{action}: {answer}")),
        Event::ActionTaken { action, answer: Err(why) } => (Level::Warn, format!("{action} failed: {why}")),
        Event::SinkBlocked { reason, .. } => (Level::Error, format!("nothing can be stored just now: {reason}")),
        Event::SinkRecovered { after } => (Level::Info, format!("messages can be stored again after {} s", after.as_secs_f64().ceil())),
        Event::ConfigChanged { added, removed, changed, .. } => {
            let (added, removed, changed) = (added.len(), removed.len(), changed.len());
            (Level::Info, format!("a new configuration is in force: {added} mailboxes added, {removed} removed, {changed} changed"))
        }
        Event::ConfigRefused { reason, .. } => (Level::Error, format!("a new configuration is refused: {reason}")),
        Event::ConfigRecovered => (Level::Info, "the configuration that is kept is the one in force again".to_owned()),
        Event::StopBegun => (Level::Info, "stopping: what is under way is stored".to_owned()),
        Event::MailboxFinished { .. }
        | Event::MailboxQueued { .. }
        | Event::MailboxStarted { .. }
        | Event::MailboxRests { .. }
        | Event::FoldersListed { .. }
        | Event::FolderDue { .. }
        | Event::FolderStarted { .. }
        | Event::FolderFinished { .. }
        | Event::PageListed { .. }
        | Event::PageDone { .. }
        | Event::MessagesStored { .. }
        | Event::ChangesRecorded { .. }
        | Event::CatalogCounted { .. }
        | Event::RequestAnswered { .. }
        | Event::TokenIssued { .. } => return None,
    };
    Some(line)
}
