//! Whether the process lives, and whether it works.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};

use super::{answer::Refusal, routes::Shared};
use crate::status::{self, MailboxState, Status};

/// The process lives and answers.
pub async fn alive() -> &'static str {
    "ok\n"
}

/// Whether it reads mailboxes. What a sink or a server takes badly does not make it unready: nothing is gained by sending it away.
pub async fn ready(State(shared): State<Arc<Shared>>) -> Result<&'static str, Refusal> {
    match unready(&shared.overview(), shared.has_begun()) {
        None => Ok("ok\n"),
        Some(words) => Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, words)),
    }
}

/// Why it is not ready, if so. Before its work has begun, a board without mailboxes says nothing.
fn unready(status: &Status, begun: bool) -> Option<&'static str> {
    if matches!(status.head.state, status::State::Stopping | status::State::Ended) {
        return Some("it is stopping");
    }
    if status.mailboxes.is_empty() {
        return (!begun).then_some("it is starting");
    }
    let listed = status.mailboxes.values().any(|mailbox| mailbox.folder_count > 0);
    // What was paused or refused before it was ever listed is no reason to wait for it.
    let settled = status
        .mailboxes
        .values()
        .all(|mailbox| mailbox.complete || matches!(mailbox.state, MailboxState::Stopped | MailboxState::Degraded | MailboxState::Paused));
    (!listed && !settled).then_some("no mailbox's folders were listed yet")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{Head, Mailbox};

    #[test]
    fn it_is_ready_once_it_reads_or_has_nothing_to_read() {
        use MailboxState::{Done, Idle, Listing, Queued, Stopped};
        let mailbox = |state, folder_count| Mailbox { state, folder_count, complete: state == Done, ..Mailbox::default() };
        let status = |state, mailboxes: &[Mailbox]| Status {
            head: Head { state, ..Head::default() },
            mailboxes: mailboxes.iter().cloned().enumerate().map(|(n, mailbox)| (n.to_string(), mailbox)).collect(),
            ..Status::default()
        };
        let running = status::State::Syncing;
        for (status, begun, ready) in [
            (status(status::State::Starting, &[]), false, false),
            (status(status::State::Starting, &[]), true, true),
            (status(running, &[mailbox(Queued, 0), mailbox(Listing, 0)]), true, false),
            (status(running, &[mailbox(Queued, 0), mailbox(Listing, 3)]), true, true),
            (status(running, &[mailbox(Idle, 3)]), true, true),
            (status(running, &[mailbox(Stopped, 0), mailbox(Listing, 0)]), true, false),
            (status(running, &[mailbox(Stopped, 0), mailbox(Done, 0)]), true, true),
            (status(status::State::Stopping, &[mailbox(Idle, 3)]), true, false),
            (status(status::State::Ended, &[mailbox(Idle, 3)]), true, false),
        ] {
            assert_eq!(unready(&status, begun).is_none(), ready, "{status:?} {begun}");
        }
    }
}
